"""The dialog's core: a pure function of flow, state and event."""

from __future__ import annotations

from datetime import datetime

from voicebot.dialog.events import Decision, Event
from voicebot.dialog.facts import Facts
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.dialog.profile import Profile
from voicebot.dialog.state import DialogState


class Machine:
    """One conversation's rules: a flow, the words to say it with, and the case. Holds no state of the conversation, so
    one machine may step any number of states; `step` with equal arguments gives equal results."""

    def __init__(self, flow: Flow, library: Library, facts: Facts, *, profile: Profile | None = None) -> None:
        """Raises FlowError when the flow needs a fact that the case lacks, naming the fact.

        Without a profile, one is made from the facts: elderly from 60 years on."""
        raise NotImplementedError

    def start(self, now: datetime) -> tuple[DialogState, Decision]:
        """The state in which the call was just answered, and what to say first. `now` is aware, in the debtor's zone."""
        raise NotImplementedError

    def step(self, state: DialogState, event: Event) -> tuple[DialogState, Decision]:
        """What an event makes of a state. Never raises for anything a caller does; an event after the end decides nothing.

        The actions are to be done in order. Each decision ends with exactly one of Listen, RequestHandoff or End, or has
        no actions at all (nothing changes: go on waiting as before). `state.over` says that the conversation is done; when
        a human took over or the caller is gone it is over without an End, and `state.disposition` says how."""
        raise NotImplementedError
