"""What the engine is made of: protocols for what it is given, and the one value that holds them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from compliance_filters.complaint_rules import ComplaintRules
from compliance_filters.disclosures import Disclosure
from recordings.cipher import KeyRing
from telephony.carrier import Carrier
from voicebot.call.board import CallBoard, TimelineEntry
from voicebot.call.case_facts import Firm
from voicebot.call.clock import Clock
from voicebot.call.desk import Desk
from voicebot.call.gate import Guard
from voicebot.call.hours import OpeningHours
from voicebot.call.interpreter import Understands
from voicebot.call.outcomes import OutcomeStore
from voicebot.call.session import CallResult
from voicebot.call.settings import CallSettings
from voicebot.call.timeline import TimelineSink
from voicebot.dialog.events import RequestHandoff
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library
from voicebot.speech.protocols import Recogniser, Synthesiser, VoiceActivity
from voicebot.store.desk_protocols import Complaints
from voicebot.store.protocols import Attempts, Calls, NewsDesk, Permit
from voicebot.store.records import Call, Case


class EngineStore(OutcomeStore, Protocol):
    @property
    def attempts(self) -> Attempts: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def news(self) -> NewsDesk: ...
    @property
    def complaints(self) -> Complaints: ...


class Speech(Protocol):
    """The shared engines of the process, by language."""

    async def recogniser(self, language: str) -> Recogniser: ...
    async def synthesiser(self, language: str) -> Synthesiser: ...
    def open_voice_activity(self) -> VoiceActivity: ...


class FlowShelf(Protocol):
    """Published flows. A call keeps the version it was given; `get` is called in the middle of other calls and never
    waits."""

    def get(self, name: str) -> tuple[Flow, Library]:
        """Raises KeyError for a flow that is not there."""
        ...


@dataclass(frozen=True)
class GuardOnDuty:
    """The guard of one rule pack and the statements the pack requires."""

    guard: Guard
    disclosures: Sequence[Disclosure]
    pack_hash: str
    complaints: ComplaintRules
    """Who answers what callers complain of, and by when."""
    voice_emotion: bool = True
    """Whether the pack allows mood to be read from the voice."""


CanText = Callable[[Case, str | None, datetime], Awaitable[bool]]
"""Whether the debtor of a case could be sent a message after a call over a number (None: withheld) at that time."""


@dataclass(frozen=True)
class EngineParts:
    """Everything the engine needs; the composition root makes it."""

    worker_id: str
    store: EngineStore
    carriers: Mapping[str, Carrier]
    """By name."""
    dialler: str | None
    """Name of the one that dials; None where there is none."""
    board: CallBoard
    flows: FlowShelf
    understander: Understands
    guard_for: Callable[[str], GuardOnDuty]
    """By jurisdiction. Raises when there is no such pack: then no call is made under it."""
    speech: Speech
    desk: Desk
    evidence_root: Path
    spool: Path | None
    keys: KeyRing | None
    settings: CallSettings
    firm: Firm
    jurisdiction: str
    clock: Clock
    time_zone: str
    build_brief: Callable[[Case | None, RequestHandoff, Sequence[TimelineEntry], bool, str | None], Mapping[str, str]]
    permit: Permit | None
    """The contact policy; None permits nothing but what a person places by hand is not its business."""
    inbound_flow: str
    """Flow for a caller whose number belongs to a case."""
    unknown_caller_flow: str
    shared_number_flow: str
    """Flow for a caller whose number belongs to cases of several debtors."""
    opening: OpeningHours
    """When people take calls."""
    can_text: CanText | None = None
    """Whether messages may go out; None where nothing sends them."""
    region: str = "CN"
    """Region by which a national number is read (ISO 3166)."""
    sinks: Sequence[TimelineSink] = ()
    versions: Mapping[str, str] | None = None
    on_finished: Callable[[Call, CallResult | None], Awaitable[None]] | None = None
