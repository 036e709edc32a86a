"""On a bridged call the guard hears the agent: with the words so far, across turns, once for each finding."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from compliance_filters.guard import PhraseGuard
from compliance_filters.verdict import CallState, Party, Verdict
from tests.call.line import RATE, LoudnessActivity, OneDesk, Phrase, ScriptedLine, ScriptedRecogniser, loud
from voicebot.call.agent_side import AgentSide
from voicebot.call.board import TimelineEntry
from voicebot.call.settings import TurnTaking
from voicebot.call.timeline import Timeline

Hold = Callable[..., Awaitable[Any]]

DEBTOR = CallState(party=Party.DEBTOR, identity_verified=True)
SPLIT = [Phrase("请您把短信验"), Phrase("证码告诉我", 1.2)]
PIECE_SECONDS = 0.1


async def words_so_far_judged() -> None:
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "partial agent"))


class Bridge:
    """Agents on one call, one after the other; their audio comes piece by piece, each heard before the next."""

    def __init__(self, guard: PhraseGuard, script: Sequence[Phrase], *, gives_partials: bool) -> None:
        self.script = script
        self.entries: list[TimelineEntry] = []
        self._guard = guard
        self._recogniser = ScriptedRecogniser(script, gives_partials=gives_partials)
        self._timeline = Timeline("call-1", lambda: self._at, lambda: datetime.now(UTC), self.entries.append)
        self._at = 0.0

    async def agent_says(self, *numbers: int) -> None:
        """One agent comes, says these phrases of the script with silence between, and leaves."""
        side = AgentSide(
            recogniser=self._recogniser,
            voice_activity=LoudnessActivity(),
            settings=TurnTaking(),
            guard=self._guard,
            call_state=lambda: DEBTOR,
            timeline=self._timeline,
            language="zh-CN",
            sample_rate=RATE,
        )
        said = len(self.of("agent.said"))
        listening = asyncio.create_task(side.ear.listen())
        try:
            for number in numbers:
                pcm = loud(number, self.script[number].seconds) + bytes(RATE * 2 * 3)
                step = int(RATE * PIECE_SECONDS) * 2
                for start in range(0, len(pcm), step):
                    side.ear.take(pcm[start : start + step], self._at)
                    self._at += PIECE_SECONDS
                    await side.ear.taken_in()
                    await words_so_far_judged()
                said += 1
                await asyncio.wait_for(side.ear.caught_up(), 60)
                assert len(self.of("agent.said")) == said
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def of(self, kind: str) -> list[TimelineEntry]:
        return [entry for entry in self.entries if entry.kind == kind]

    @property
    def warnings(self) -> list[tuple[str, bool]]:
        return [(e.data["category"], e.data["while_speaking"]) for e in self.of("guard.agent_warning")]


async def test_a_sentence_split_over_two_turns_is_warned_of_while_it_is_spoken(guard: PhraseGuard) -> None:
    bridge = Bridge(guard, SPLIT, gives_partials=True)
    await bridge.agent_says(0, 1)
    assert bridge.warnings == [("payment_diversion", True)]
    warning, (first, second) = bridge.of("guard.agent_warning")[0], bridge.of("agent.said")
    assert first.sequence < warning.sequence < second.sequence
    assert "短信验证码" in warning.data["text"], "the officer reads the words on both sides of the border"
    assert warning.data["rules"]


async def test_without_partials_the_words_come_at_the_pause(guard: PhraseGuard) -> None:
    bridge = Bridge(guard, SPLIT, gives_partials=False)
    await bridge.agent_says(0, 1)
    assert [category for category, _ in bridge.warnings] == ["payment_diversion"]


async def test_what_one_agent_said_is_not_joined_to_the_words_of_the_next(guard: PhraseGuard) -> None:
    alone = Bridge(guard, SPLIT[1:], gives_partials=True)
    await alone.agent_says(0)
    bridge = Bridge(guard, SPLIT, gives_partials=True)
    await bridge.agent_says(0)
    await bridge.agent_says(1)
    assert bridge.warnings == alone.warnings
    assert all(entry.data["text"] == SPLIT[1].text for entry in bridge.of("guard.agent_warning"))


async def test_lawful_talk_raises_nothing_and_a_second_offence_is_a_second_warning(guard: PhraseGuard) -> None:
    script = [Phrase("您好，您慢慢说，不着急"), Phrase("你这个人渣", 1.0), Phrase("你就是个人渣", 1.0)]
    bridge = Bridge(guard, script, gives_partials=True)
    await bridge.agent_says(0)
    assert bridge.warnings == []
    await bridge.agent_says(1, 2)
    assert [category for category, _ in bridge.warnings] == ["insult", "insult"]


class SoonSpeaking(ScriptedLine):
    """An agent who speaks as soon as they are on the line, and takes a breath between phrases."""

    def __init__(self, script: Sequence[Phrase], first: int) -> None:
        """`first`: place of the first phrase in the recogniser's script."""
        super().__init__([Phrase("", 0)] * first + list(script))

    def _may_speak(self, phrase: Phrase, now: float) -> bool:
        return not phrase.text or now > self._quiet_until


class LastWords:
    """The real guard; the agent hangs up when it has judged their last turn."""

    def __init__(self, guard: PhraseGuard, agent: ScriptedLine) -> None:
        self._guard, self._agent = guard, agent
        self._loop = asyncio.get_running_loop()

    def check(self, text: str, state: CallState, *, complete: bool = True) -> Verdict:
        if complete and text == SPLIT[-1].text:
            asyncio.run_coroutine_threadsafe(self._agent.hang_up(), self._loop)
        return self._guard.check(text, state, complete=complete)

    def replacement(self, verdict: Verdict, language: str) -> str | None:
        return self._guard.replacement(verdict, language)


async def test_the_live_bridge_warns_before_the_agent_has_finished(hold: Hold, guard: PhraseGuard) -> None:
    caller = [Phrase("我要转人工")]
    agent = SoonSpeaking(SPLIT, first=len(caller))
    call = await asyncio.wait_for(
        hold(
            "inbound_callback",
            caller,
            desk=OneDesk(agent, takes=0.3),
            recogniser=ScriptedRecogniser([*caller, *SPLIT], gives_partials=True),
            guard_with=LastWords(guard, agent),
            party=Party.DEBTOR,
            identity_verified=True,
        ),
        120,
    )
    (warning,) = call.of("guard.agent_warning")
    assert warning.data["category"] == "payment_diversion"
    assert [entry.data["text"] for entry in call.of("agent.said")] == [phrase.text for phrase in SPLIT]
    assert call.of("bridge.ended")
