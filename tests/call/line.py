"""Stand-ins behind the engine's own protocols, so that a whole call can be held without a carrier or a model.

The far end is scripted: it says a phrase when the bot has been silent for a moment. Its "audio" carries the words: each
phrase is a stretch of loud samples, and the recogniser that belongs to it knows which stretch it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from compliance_filters.disclosures import Disclosure
from compliance_filters.guard import PhraseGuard
from compliance_filters.pack import load_pack
from compliance_filters.verdict import CallState
from recordings.container import Side
from telephony.carrier import Cause, Direction
from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaEvent
from voicebot.call.board import TimelineEntry
from voicebot.call.clock import Clock
from voicebot.call.desk import AgentConnected, AgentMissing, HandoffRequest
from voicebot.call.gate import Guard
from voicebot.call.guard_state import changed
from voicebot.call.interpreter import CaseContext
from voicebot.call.session import CallResult, CallSession, CallSubject, CallTools
from voicebot.call.settings import CallSettings
from voicebot.dialog.events import (
    ChooseCase,
    Decision,
    Event,
    HandoffOutcome,
    Listen,
    RecordCallback,
    RecordPlan,
    RecordPromise,
    SendMessage,
    SetFlag,
)
from voicebot.dialog.facts import Facts
from voicebot.dialog.library import load_library
from voicebot.dialog.loader import load_flow
from voicebot.dialog.machine import Machine
from voicebot.dialog.state import DialogState
from voicebot.speech.protocols import SpeechRequest, Transcript
from voicebot.understanding import Understander

RATE = 8000
FRAME = 160
SILENCE = bytes(FRAME * 2)
CHARACTER_SECONDS = 0.02
"""The stand-in voice speaks fast: tests wait in real time."""


@dataclass(frozen=True)
class Phrase:
    """Something the far end says."""

    text: str
    seconds: float = 0.4
    keys: str = ""
    """Pressed after it is said."""
    after_line: str | None = None
    """Waits until the bot has begun this line; None waits until the bot is silent."""
    confidence: float = 0.9


def loud(number: int, seconds: float) -> bytes:
    """Samples whose level tells the recogniser which phrase they are."""
    level = 2000 + 100 * number
    return np.full(int(RATE * seconds), level, dtype="<i2").tobytes()


class ScriptedLine:
    """Carrier leg and media port in one: plays the far end's script against what the bot says."""

    sample_rate = RATE
    direction = Direction.INBOUND
    from_number: str | None = "+8613800000001"
    to_number = "4000000000"
    headers: Mapping[str, str] = {}

    def __init__(self, script: Sequence[Phrase], *, hangs_up_after: float | None = None) -> None:
        self.id = "line-1"
        self.script = list(script)
        self.current_line: str | None = None
        self.sent = bytearray()
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._over = asyncio.Event()
        self._quiet_until = 0.0
        self._playing_until = 0.0
        self._task: asyncio.Task[None] | None = None
        self._hangs_up_after = hangs_up_after
        self.clears = 0

    @property
    def media(self) -> ScriptedLine:
        return self

    # --- port ---------------------------------------------------------------------------------------------------------
    async def receive(self) -> MediaEvent:
        if self._task is None:
            self._task = asyncio.create_task(self._play())
        if self._over.is_set() and self._events.empty():
            return MediaEnded()
        return await self._events.get()

    def send(self, pcm: bytes) -> None:
        self.sent += pcm
        now = asyncio.get_running_loop().time()
        self._playing_until = max(self._playing_until, now) + len(pcm) / 2 / RATE

    def clear(self) -> None:
        self.clears += 1
        self._playing_until = asyncio.get_running_loop().time()

    def mark(self, name: str) -> None:
        delay = max(0.0, self._playing_until - asyncio.get_running_loop().time())
        asyncio.get_running_loop().call_later(delay, self._events.put_nowait, MarkReached(name, True))

    async def send_dtmf(self, digits: str) -> None:
        raise AssertionError("the bot presses no keys here")

    # --- leg ----------------------------------------------------------------------------------------------------------
    async def answer(self) -> None: ...

    async def reject(self, cause: Cause = Cause.BUSY) -> None:
        self._over.set()

    async def hang_up(self) -> None:
        self._over.set()
        self._events.put_nowait(MediaEnded())
        if self._task is not None:
            self._task.cancel()

    async def transfer(self, target: str, timeout_seconds: float = 20.0) -> None:
        raise AssertionError("no transfer here")

    async def ended(self) -> Cause:
        await self._over.wait()
        return Cause.NORMAL

    # --- the far end --------------------------------------------------------------------------------------------------
    async def _play(self) -> None:
        """Sends 20 ms every 20 ms: silence, or the next phrase once the bot has been quiet for 300 ms."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        frame = 0
        pending = b""
        keys = ""
        number = 0
        while not self._over.is_set():
            due = began + frame * 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))
            now = loop.time()
            if self._hangs_up_after is not None and now - began >= self._hangs_up_after:
                self._events.put_nowait(MediaEnded())
                self._over.set()
                return
            if not pending and keys:
                for key in keys:
                    self._events.put_nowait(DtmfReceived(key))
                keys = ""
            elif not pending and number < len(self.script) and self._may_speak(self.script[number], now):
                phrase = self.script[number]
                pending, keys = loud(number, phrase.seconds), phrase.keys
                if not phrase.text:
                    pending = b""
                number += 1
                self._quiet_until = now + phrase.seconds + 1.6
            piece, pending = pending[: FRAME * 2], pending[FRAME * 2 :]
            self._events.put_nowait(AudioReceived(piece.ljust(FRAME * 2, b"\0"), frame * 0.02))
            frame += 1

    def _may_speak(self, phrase: Phrase, now: float) -> bool:
        if phrase.after_line is not None:
            return self.current_line == phrase.after_line
        return now > self._quiet_until and now > self._playing_until + 0.3 and bool(self.sent)


class HurriedMachine(Machine):
    """The real machine, with a caller whose silences are short: tests wait in real time."""

    def start(self, now: datetime) -> tuple[DialogState, Decision]:
        state, decision = super().start(now)
        return state, _hurried(decision)

    def step(self, state: DialogState, event: Event) -> tuple[DialogState, Decision]:
        state, decision = super().step(state, event)
        return state, _hurried(decision)


def _hurried(decision: Decision) -> Decision:
    return replace(
        decision,
        actions=tuple(
            replace(action, silence_seconds=action.silence_seconds / 4) if isinstance(action, Listen) else action
            for action in decision.actions
        ),
    )


class LoudnessActivity:
    """Voice activity by level: the far end's phrases are loud, everything else is silent."""

    frame_samples = 256

    async def speech_probability(self, pcm: bytes) -> float:
        return 1.0 if np.abs(np.frombuffer(pcm, dtype="<i2")).mean() > 500 else 0.0


class ScriptedRecogniser:
    """Knows from the level of a phrase which words it stands for."""

    name = "scripted"
    languages: Sequence[str] = ("zh-CN",)
    ask_again_below = 0.5
    waiting = 0

    def __init__(self, script: Sequence[Phrase], *, gives_partials: bool = False) -> None:
        self.script = script
        self.gives_partials = gives_partials
        self.fails = False

    def stream(self, *, sample_rate: int, language: str, phrases: Sequence[str] = ()) -> ScriptedStream:
        assert sample_rate == RATE
        return ScriptedStream(self)

    async def close(self) -> None: ...


class ScriptedStream:
    def __init__(self, recogniser: ScriptedRecogniser) -> None:
        self._recogniser = recogniser
        self._audio = bytearray()

    def accept(self, pcm: bytes) -> None:
        self._audio += pcm

    async def partial(self) -> Transcript | None:
        """The words of a phrase come evenly over its length."""
        if not self._recogniser.gives_partials:
            return None
        whole = await self.finish()
        phrase = next((phrase for phrase in self._recogniser.script if phrase.text == whole.text), None)
        if phrase is None:
            return None
        loud_samples = (np.frombuffer(bytes(self._audio), dtype="<i2") > 500).sum()
        share = min(1.0, float(loud_samples) / RATE / phrase.seconds)
        return replace(whole, text=whole.text[: int(len(whole.text) * share)], final=False)

    async def finish(self) -> Transcript:
        if self._recogniser.fails:
            raise RuntimeError("the recogniser has failed")
        samples = np.frombuffer(bytes(self._audio), dtype="<i2")
        spoken = samples[samples > 500]
        seconds = len(samples) / RATE
        if not len(spoken):
            return Transcript("", 0.0, True, seconds, 0.0, "scripted")
        phrase = self._recogniser.script[round((float(np.median(spoken)) - 2000) / 100)]
        return Transcript(phrase.text, phrase.confidence, True, seconds, 0.001, "scripted")


class ToneVoice:
    """A voice that hums for as long as the words would take; keeps what it was asked to say."""

    name = "tone"
    languages: Sequence[str] = ("zh-CN",)
    sample_rate = RATE
    licence_note: str | None = None

    def __init__(self) -> None:
        self.spoken: list[str] = []

    async def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        self.spoken.append(request.text)
        samples = int(len(request.text) * CHARACTER_SECONDS * RATE)
        tone = (300 * np.sin(np.arange(samples) * 2 * np.pi * 440 / RATE)).astype("<i2").tobytes()
        for start in range(0, len(tone), 3200):
            yield tone[start : start + 3200]
            await asyncio.sleep(0)

    async def close(self) -> None: ...


@dataclass
class KeptOutcomes:
    kept: list[RecordPromise | RecordCallback | RecordPlan | SetFlag | SendMessage | ChooseCase] = field(
        default_factory=list
    )
    right_party: bool = False

    async def keep(
        self, action: RecordPromise | RecordCallback | RecordPlan | SetFlag | SendMessage | ChooseCase
    ) -> None:
        self.kept.append(action)

    async def verified(self) -> None:
        self.right_party = True


@dataclass
class KeptAudio:
    pieces: list[tuple[Side, int, float]] = field(default_factory=list)

    def write_audio(self, side: Side, pcm: bytes, media_seconds: float) -> None:
        self.pieces.append((side, len(pcm), media_seconds))


class OneDesk:
    """A desk with one agent, or with nobody."""

    def __init__(self, agent: ScriptedLine | None = None, *, takes: float = 0.0) -> None:
        self.agent = agent
        self.takes = takes
        self.requests: list[HandoffRequest] = []
        self.finished_with: list[tuple[float, str]] = []
        self.left_with: list[HandoffOutcome] = []
        self.cancelled = False

    async def connect(self, request: HandoffRequest) -> AgentConnected | AgentMissing:
        self.requests.append(request)
        try:
            await asyncio.sleep(self.takes)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.agent is None:
            return AgentMissing("h1", HandoffOutcome.NOBODY_FREE)
        return AgentConnected("h1", "a1", "示例坐席", self.agent)

    def ahead(self, call_id: str) -> int | None:
        return None

    async def leave(self, call_id: str, outcome: HandoffOutcome) -> None:
        self.left_with.append(outcome)

    async def finished(self, handoff_id: str, talk_seconds: float, outcome: str) -> None:
        self.finished_with.append((talk_seconds, outcome))


CASE = {
    "debtor.name": "王小样",
    "debtor.honorific": "女士",
    "debtor.id_last_four": "3866",
    "debt.creditor": "安信银行",
    "debt.product": "信用卡",
    "debt.amount_due": "2380",
    "debt.due_date": "2026-03-01",
    "debt.days_overdue": "9",
    "firm.name": "安信银行",
    "firm.callback_number": "4000000000",
    "firm.complaint_number": "4000000001",
    "firm.app": "安信银行APP",
    "firm.hours": "早上九点到晚上六点",
}

TUESDAY = datetime(2026, 3, 10, 15, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@dataclass
class HeldCall:
    """A call after its end, with everything it left."""

    result: CallResult
    entries: list[TimelineEntry]
    spoken: list[str]
    outcomes: Sequence[object]
    far_end: ScriptedLine
    audio: Sequence[tuple[Side, int, float]]

    def of(self, kind: str) -> list[TimelineEntry]:
        return [entry for entry in self.entries if entry.kind == kind]

    def turns(self) -> list[str]:
        return [entry.data["text"] for entry in self.of("turn.heard")]


async def hold_call(
    understander: Understander,
    guard: PhraseGuard,
    flow_name: str,
    script: Sequence[Phrase],
    *,
    case: Mapping[str, str] | None = None,
    desk: OneDesk | None = None,
    settings: CallSettings | None = None,
    far_end: ScriptedLine | None = None,
    guard_with: Guard | None = None,
    recogniser: ScriptedRecogniser | None = None,
    disclosures: Sequence[Disclosure] | None = None,
    machine: type[Machine] | None = None,
    **state: object,
) -> HeldCall:
    """Holds a call of a flow against a script of phrases; returns what it left."""
    facts = Facts.of(CASE if case is None else case)
    library = load_library("zh-CN")
    flow = load_flow(flow_name, library)
    clock = Clock(TUESDAY)
    leg = far_end or ScriptedLine(script)
    voice = ToneVoice()
    outcomes, audio = KeptOutcomes(), KeptAudio()
    entries: list[TimelineEntry] = []

    def follow(entry: TimelineEntry) -> None:
        entries.append(entry)
        if entry.kind == "line.started":
            leg.current_line = entry.data["line"]

    tools = CallTools(
        recogniser=recogniser or ScriptedRecogniser(script),
        synthesiser=voice,
        open_voice_activity=LoudnessActivity,
        understander=understander,
        guard=guard_with or guard,
        disclosures=load_pack("cn").disclosures if disclosures is None else disclosures,
        desk=desk or OneDesk(),
        outcomes=outcomes,
        evidence=audio,
        settings=settings or CallSettings(),
        now=lambda: clock.now("Asia/Shanghai"),
        build_brief=lambda request, timeline, verified: {"事由": request.because, "身份": str(verified)},
    )
    amount = facts.get("debt.amount_due")
    assert isinstance(amount, Decimal)
    subject = CallSubject(
        call_id="call-1",
        case_id="case-1",
        machine=(machine or HurriedMachine)(flow, library, facts),
        case=CaseContext(amount_due=amount, language="zh-CN"),
        call_state=changed(CallState(ledger_amount=amount), state),
        language="zh-CN",
    )
    result = await CallSession(leg, subject, tools, [follow]).run()
    return HeldCall(result, entries, voice.spoken, outcomes.kept, leg, audio.pieces)
