"""The human agent on a bridged call, as the guard hears them: it cannot stop them, it warns while they speak."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from compliance_filters.listener import AgentListener
from compliance_filters.verdict import CallState
from voicebot.call.ear import Attention, Ear, HeardTurn
from voicebot.call.gate import Guard
from voicebot.call.settings import TurnTaking
from voicebot.call.telling import of_verdict
from voicebot.call.timeline import Timeline
from voicebot.speech.protocols import Recogniser, Transcript, VoiceActivity


class AgentSide:
    """Hears one agent from the moment they are on the line until they leave it; make another for the next.

    Tells the timeline `agent.said` for each turn and `guard.agent_warning` once for each finding: with the words so
    far, where the recogniser gives them, else at the next pause. A sentence may begin in one turn and end in the next.
    """

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        voice_activity: VoiceActivity,
        settings: TurnTaking,
        guard: Guard,
        call_state: Callable[[], CallState],
        timeline: Timeline,
        language: str,
        sample_rate: int,
    ) -> None:
        self._call_state = call_state
        self._timeline = timeline
        self._listener = AgentListener(guard, call_state())
        self._one_by_one = asyncio.Lock()
        self.ear = Ear(
            recogniser=recogniser,
            voice_activity=voice_activity,
            settings=settings,
            attention=Attention(),
            timeline=timeline,
            language=language,
            sample_rate=sample_rate,
            on_turn=self._turn,
            on_partial=self._partial,
            speaker="agent",
        )
        """Takes the agent's audio, and works while it listens."""

    async def _partial(self, transcript: Transcript) -> None:
        await self._judge(transcript.text.strip(), final=False)

    async def _turn(self, heard: HeardTurn) -> None:
        text = heard.transcript.text.strip()
        self._timeline.add("agent.said", media_seconds=heard.began, text=text)
        await self._judge(text, final=True)

    async def _judge(self, text: str, *, final: bool) -> None:
        # Results are judged in the order in which they were heard: the listener joins each to the one before.
        async with self._one_by_one:
            self._listener.state_changed(self._call_state())
            before = self._listener.heard
            verdicts = await asyncio.to_thread(self._listener.feed, text, final)
        for verdict in verdicts:
            begins = min(len(before), *(finding.span[0] for finding in verdict.findings))
            told = of_verdict(verdict)
            self._timeline.add("guard.agent_warning", text=(before + text)[begins:], while_speaking=not final, **told)
