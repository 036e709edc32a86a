"""Required statements on one call: counted by what was played, recovered or the call ended when one was missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from compliance_filters.disclosures import Disclosure, DisclosureChange, DisclosureStatus, DisclosureTracker, Missed
from voicebot.call.floor import LineOutcome
from voicebot.call.timeline import Timeline
from voicebot.dialog.events import Say

_WAITING_SECONDS = 20.0
"""Audio of lines that may be waiting already when a statement is missed, and are heard before it is said again."""


class Disclosing:
    """Tells the tracker what was heard, the timeline what that made or missed, and the call what to say now.

    A missed statement is said once more, in the pack's wording or, without one, in the words of the line that was cut;
    when that is not heard in time either, or when there are no words for it, the call ends.
    """

    def __init__(self, required: Iterable[Disclosure], timeline: Timeline, language: str) -> None:
        self._tracker = DisclosureTracker(required)
        self._timeline = timeline
        self._language = language
        self._cut: dict[str, Say] = {}
        self._recover_by: dict[str, tuple[Disclosure, float]] = {}
        self._given_up = False

    def right_party(self) -> None:
        """The debtor was verified: what is owed to the right party counts from now."""
        self._tracker.right_party()

    def heard(self, outcome: LineOutcome) -> list[Say]:
        """A line was heard, as far as it was. Returns the statements that must be said before anything else."""
        if not outcome.complete:
            self._cut.update(dict.fromkeys(outcome.say.discloses, outcome.say))
        changes = self._tracker.heard(outcome.played_seconds, sorted(outcome.say.discloses), outcome.complete)
        says = [say for change in changes if (say := self._follow(change)) is not None]
        for disclosure, by in list(self._recover_by.values()):
            if self._tracker.played_seconds > by:
                self._give_up(disclosure)
        return list({say.text: say for say in says}.values())

    @property
    def must_end(self) -> bool:
        """A statement was missed whose rule ends the call, or that could not be recovered."""
        return self._given_up or self._tracker.must_end()

    def _follow(self, change: DisclosureChange) -> Say | None:
        disclosure = change.disclosure
        self._tell(disclosure, change.status.value)
        if change.status is not DisclosureStatus.MISSED:
            self._recover_by.pop(disclosure.id, None)
            return None
        if disclosure.if_missed is Missed.END:
            return None
        say = self._recovery(disclosure)
        if say is None:
            self._give_up(disclosure)
        else:
            by = self._tracker.played_seconds + disclosure.within_played_seconds + _WAITING_SECONDS
            self._recover_by[disclosure.id] = (disclosure, by)
        return say

    def _recovery(self, disclosure: Disclosure) -> Say | None:
        cut = self._cut.get(disclosure.id)
        tags = (self._language, self._language.split("-", maxsplit=1)[0])
        wording = next((disclosure.wording[tag] for tag in tags if tag in disclosure.wording), None)
        if wording is not None:
            return Say(
                line=f"disclosure.{disclosure.id}",
                text=wording,
                language=self._language,
                interruptible=False,
                discloses=frozenset({disclosure.id}),
            )
        return None if cut is None else replace(cut, interruptible=False)

    def _give_up(self, disclosure: Disclosure) -> None:
        self._recover_by.pop(disclosure.id, None)
        self._given_up = True
        self._tell(disclosure, "not_recovered")

    def _tell(self, disclosure: Disclosure, status: str) -> None:
        self._timeline.add(
            "disclosure",
            id=disclosure.id,
            status=status,
            played_seconds=round(self._tracker.played_seconds, 2),
            rules=list(disclosure.rules),
        )
