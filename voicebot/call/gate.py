"""The phrase guard in the pipeline: the only way from the dialog to the synthesiser."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from pipecat.frames.frames import AggregatedTextFrame, Frame, LLMTextFrame, TextFrame, TTSSpeakFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from compliance_filters.verdict import Action, CallState, Finding, Verdict
from voicebot.call.frames import GuardedLineFrame, LineFrame
from voicebot.call.telling import of_verdict
from voicebot.call.timeline import Timeline

log = logging.getLogger(__name__)

_UNGUARDED = (TextFrame, LLMTextFrame, AggregatedTextFrame, TTSSpeakFrame)


class Guard(Protocol):
    """What the gate needs of `compliance_filters`."""

    def check(self, text: str, state: CallState, *, complete: bool = True) -> Verdict:
        """`complete` is False for words of a sentence that is still being spoken."""
        ...

    def replacement(self, verdict: Verdict, language: str) -> str | None:
        """Approved wording to say instead, None where the pack has none."""
        ...


class GuardGate(FrameProcessor):
    """Lets a line pass in the words the guard allows, or does not let it pass at all.

    A guard that fails stops the line: what cannot be checked is not spoken. `on_stopped(frame, verdict, spoken)` is
    told of every line that did not pass as written; `spoken` says whether approved wording is said in its place.
    """

    def __init__(
        self,
        *,
        guard: Guard,
        state: Callable[[], CallState],
        timeline: Timeline,
        on_stopped: Callable[[LineFrame, Verdict, bool], None],
    ) -> None:
        super().__init__(name="GuardGate")
        self._guard = guard
        self._state = state
        self._timeline = timeline
        self._on_stopped = on_stopped

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LineFrame):
            await self._judge(frame)
        elif isinstance(frame, _UNGUARDED) and direction is FrameDirection.DOWNSTREAM:
            log.error("words reached the guard outside a line and were dropped", extra={"text": frame.text})
            self._timeline.add("guard.bypass_refused", text=frame.text)
        else:
            await self.push_frame(frame, direction)

    def _check(self, text: str, state: CallState) -> Verdict:
        try:
            return self._guard.check(text, state)
        except Exception as error:
            log.exception("the phrase guard failed; the line is not spoken")
            finding = Finding("guard_failed", Action.HAND_OFF, (), (0, len(text)), f"the guard failed: {error}")
            return Verdict(Action.HAND_OFF, (finding,), "")

    async def _judge(self, frame: LineFrame) -> None:
        say = frame.say
        assert say is not None
        state = self._state()
        verdict = self._check(say.text, state)
        self._timeline.add("guard.verdict", line=say.line, **of_verdict(verdict))
        if verdict.allowed:
            await self.push_frame(GuardedLineFrame(say=say, number=frame.number, text=say.text, verdict=verdict))
            return
        approved = None
        if verdict.action in (Action.SOFTEN, Action.REPLACE):
            approved = await self._approved_wording(frame, verdict, state)
        self._on_stopped(frame, verdict, approved is not None)
        if approved is not None:
            await self.push_frame(approved)

    async def _approved_wording(self, frame: LineFrame, verdict: Verdict, state: CallState) -> GuardedLineFrame | None:
        assert frame.say is not None
        text = self._guard.replacement(verdict, frame.say.language)
        if text is None:
            return None
        # Approved wording is judged like any other: a pack must not be able to talk past its own rules.
        second = self._check(text, state)
        if not second.allowed:
            return None
        self._timeline.add("guard.replaced", line=frame.say.line, text=text)
        return GuardedLineFrame(say=frame.say, number=frame.number, text=text, verdict=second)
