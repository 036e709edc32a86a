"""A whole call: who has the floor, what was heard, what is kept, and that nothing goes round the guard.

Real pipeline, transport, machine and understanding; the far end, its ears and the voice are scripted (see line.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from compliance_filters.verdict import Action, CallState, Finding, Verdict
from recordings.container import Side
from tests.call.line import OneDesk, Phrase, ScriptedLine, ScriptedRecogniser
from voicebot.call.settings import CallLimits, CallSettings, TurnTaking
from voicebot.dialog.events import RecordPromise, SetFlag

Hold = Callable[..., Awaitable[Any]]

QUICK = CallSettings(turns=TurnTaking(digit_gap_seconds=0.6))


class StrictGuard:
    """Stops every line whose words contain one of these, as the action says."""

    def __init__(self, words: str, action: Action, instead: str | None = None) -> None:
        self.words, self.action, self.instead = words, action, instead
        self.states: list[CallState] = []

    def check(self, text: str, state: CallState, *, complete: bool = True) -> Verdict:
        self.states.append(state)
        if self.words in text:
            return Verdict(self.action, (Finding("threat", self.action, ("CN-SPEECH-01",), (0, 1), "stop"),), "hash")
        return Verdict(Action.ALLOW, (), "hash")

    def replacement(self, verdict: Verdict, language: str) -> str | None:
        return self.instead


class AllowingGuard(StrictGuard):
    def __init__(self) -> None:
        super().__init__("\0", Action.END)


class BrokenGuard(StrictGuard):
    def __init__(self) -> None:
        super().__init__("", Action.END)

    def check(self, text: str, state: CallState, *, complete: bool = True) -> Verdict:
        raise RuntimeError("the pack is gone")


async def test_a_debtor_is_identified_told_and_held_to_a_confirmed_promise(hold: Hold) -> None:
    script = [Phrase("对，我是"), Phrase("三八"), Phrase("", 0, keys="66"), Phrase("下周五还两千"), Phrase("对")]
    call = await hold("reminder_first", script, settings=QUICK)
    promises = [action for action in call.outcomes if isinstance(action, RecordPromise)]
    assert [(str(promise.amount), promise.on.isoformat()) for promise in promises] == [("2000", "2026-03-20")]
    assert call.result.disposition == "partial", "two thousand of two thousand three hundred and eighty"
    # The debt was told after the identity, never before it.
    told = next(index for index, text in enumerate(call.spoken) if "两千三百八十" in text)
    asked = next(index for index, text in enumerate(call.spoken) if "后四位" in text)
    assert asked < told
    # The call ended only when the last line had been heard.
    assert call.of("line.heard")[-1].data["complete"]
    assert call.entries[-1].kind == "call.ended"


async def test_disclosures_count_when_they_were_heard(hold: Hold) -> None:
    call = await hold("reminder_first", [Phrase("你打错了")])
    made = {entry.data["id"]: entry.data["status"] for entry in call.of("disclosure")}
    assert made["ai"] == "made"
    assert made["recording"] == "made"


async def test_breaking_in_stops_the_bot_and_keeps_what_was_heard_and_unsaid(hold: Hold) -> None:
    script = [Phrase("对，我是"), Phrase("等一下我听不清楚你说的是什么", 0.8, after_line="identity.ask_last_four")]
    call = await hold("reminder_first", script, guard_with=AllowingGuard())
    cut = next(entry for entry in call.of("line.heard") if entry.data["line"] == "identity.ask_last_four")
    assert not cut.data["complete"]
    assert len(cut.data["text"]) > 0
    assert cut.data["unsaid_text"]
    assert cut.data["text"] + cut.data["unsaid_text"] in call.spoken
    assert call.far_end.clears >= 1
    heard = next(entry for entry in call.of("turn.heard") if entry.data["text"].startswith("等一下"))
    assert heard.data["interrupted_line"] == "identity.ask_last_four"


async def test_a_line_that_must_be_heard_is_not_cut_and_the_words_over_it_are_kept(hold: Hold) -> None:
    script = [Phrase("你打错了我不认识他", 0.5, after_line="opening.outbound")]
    call = await hold("reminder_first", script, guard_with=AllowingGuard())
    opening = next(entry for entry in call.of("line.heard") if entry.data["line"] == "opening.outbound")
    assert opening.data["complete"]
    assert "你打错了我不认识他" in call.turns()
    assert call.result.disposition == "wrong_number"


async def test_a_sign_of_listening_does_not_stop_the_bot(hold: Hold) -> None:
    script = [Phrase("对，我是"), Phrase("嗯", 0.15, after_line="identity.ask_last_four"), Phrase("我不方便说")]
    call = await hold("reminder_first", script, guard_with=AllowingGuard())
    asked = next(entry for entry in call.of("line.heard") if entry.data["line"] == "identity.ask_last_four")
    assert asked.data["complete"]


@pytest.mark.parametrize("answer", ["对", "嗯", "是的"])
async def test_a_bare_answer_to_a_question_is_an_answer(hold: Hold, answer: str) -> None:
    call = await hold("reminder_first", [Phrase(answer, 0.2), Phrase("转人工")], guard_with=AllowingGuard())
    assert answer in call.turns()
    assert any(entry.data["state"].endswith("last_four") for entry in call.of("dialog.decision"))


async def test_silence_is_asked_about_and_then_the_call_ends_by_itself(hold: Hold) -> None:
    call = await asyncio.wait_for(hold("reminder_first", [], guard_with=AllowingGuard()), 60)
    assert len(call.of("silence")) >= 2
    assert call.result.disposition in {"silence", "id_unresolved", "no_answer"}
    assert call.of("line.heard")[-1].data["complete"]


async def test_a_caller_who_hangs_up_in_the_middle_ends_the_call_at_once(hold: Hold) -> None:
    far_end = ScriptedLine([], hangs_up_after=0.3)
    call = await asyncio.wait_for(hold("reminder_first", [], far_end=far_end, guard_with=AllowingGuard()), 30)
    assert call.of("caller.gone")
    cut = call.of("line.heard")[0]
    assert not cut.data["complete"]
    assert call.result.disposition


async def test_a_stopped_line_is_never_synthesised_and_approved_wording_is_said_instead(hold: Hold) -> None:
    guard = StrictGuard("后四位", Action.REPLACE, "请您稍等。")
    call = await hold("reminder_first", [Phrase("对，我是"), Phrase("好的再见")], guard_with=guard)
    assert not any("后四位" in text for text in call.spoken)
    assert "请您稍等。" in call.spoken
    assert any(entry.data["action"] == "replace" for entry in call.of("guard.verdict"))


async def test_approved_wording_is_judged_like_any_other(hold: Hold) -> None:
    guard = StrictGuard("后四位", Action.REPLACE, "请说后四位。")
    call = await hold("reminder_first", [Phrase("对，我是"), Phrase("好的再见")], guard_with=guard)
    assert not any("后四位" in text for text in call.spoken)


async def test_a_line_that_must_be_handed_off_brings_a_human(hold: Hold) -> None:
    agent = ScriptedLine([], hangs_up_after=0.5)
    guard = StrictGuard("后四位", Action.HAND_OFF)
    desk = OneDesk(agent)
    call = await hold("reminder_first", [Phrase("对，我是")], guard_with=guard, desk=desk)
    assert [request.because for request in desk.requests] == ["guard"]
    assert not any("后四位" in text for text in call.spoken)


async def test_a_guard_that_fails_lets_nothing_through(hold: Hold) -> None:
    desk = OneDesk()
    call = await asyncio.wait_for(hold("reminder_first", [], guard_with=BrokenGuard(), desk=desk), 30)
    assert call.spoken == []


async def test_the_guard_knows_who_is_on_the_line_before_each_line(hold: Hold) -> None:
    guard = AllowingGuard()
    script = [Phrase("对，我是"), Phrase("三八六六"), Phrase("别再打电话给我了")]
    await hold("reminder_first", script, guard_with=guard)
    assert not guard.states[0].identity_verified
    assert any(state.identity_verified for state in guard.states)


async def test_a_recogniser_that_fails_makes_the_bot_ask_again_rather_than_fall_silent(hold: Hold) -> None:
    script = [Phrase("对，我是", confidence=0.1), Phrase("没有这个人")]
    recogniser = ScriptedRecogniser(script)
    recogniser.fails = True
    call = await asyncio.wait_for(hold("reminder_first", script, recogniser=recogniser, guard_with=AllowingGuard()), 60)
    failed = call.of("recognition.failed")[0]
    after = [entry for entry in call.of("line.said") if entry.sequence > failed.sequence]
    assert after, "the bot fell silent"


async def test_words_the_recogniser_is_unsure_of_are_not_acted_on(hold: Hold) -> None:
    call = await hold(
        "reminder_first",
        [Phrase("对，我是", confidence=0.1), Phrase("你打错了")],
        guard_with=AllowingGuard(),
    )
    assert any("没有听清" in text for text in call.spoken)
    assert not any("后四位" in text for text in call.spoken)


async def test_a_caller_who_asks_for_a_human_is_bridged_and_both_hear_each_other(hold: Hold) -> None:
    script = [Phrase("我要转人工"), Phrase("你好我有困难", 0.6), Phrase("谢谢", 0.4)]
    agent = ScriptedLine([Phrase("您好这里是人工", 0.6)], hangs_up_after=4.0)
    agent.sent += b"\0\0"
    desk = OneDesk(agent, takes=0.3)
    call = await hold("inbound_callback", script, desk=desk, guard_with=AllowingGuard())
    assert desk.requests[0].because == "asked_for_human"
    assert desk.requests[0].brief["身份"] == "False"
    assert len(agent.sent) > 8000, "the agent heard nothing of the caller"
    seconds, outcome = desk.finished_with[0]
    assert outcome == "talked"
    assert seconds > 1
    # Recording goes on through the bridge, on both channels.
    bridged = next(entry.media_seconds for entry in call.of("bridge.started"))
    sides = {side for side, _, at in call.audio if at > bridged}
    assert sides == {Side.CALLER, Side.ENGINE}
    assert call.result.disposition == "human_req"


async def test_a_caller_who_hangs_up_while_an_agent_rings_stops_the_ringing(hold: Hold) -> None:
    desk = OneDesk(ScriptedLine([]), takes=30.0)
    script = [Phrase("转人工")]
    far_end = ScriptedLine(script, hangs_up_after=4.5)
    call = await asyncio.wait_for(
        hold("inbound_callback", script, far_end=far_end, desk=desk, guard_with=AllowingGuard()), 20
    )
    assert desk.cancelled
    assert call.of("caller.gone")


async def test_when_no_agent_is_free_the_caller_is_offered_a_callback(hold: Hold) -> None:
    script = [Phrase("转人工"), Phrase("明天上午十点"), Phrase("对")]
    call = await hold("inbound_callback", script, desk=OneDesk(), guard_with=AllowingGuard())
    assert call.of("handoff.ended")[0].data["outcome"] == "nobody_free"
    assert call.of("callback")


async def test_a_third_party_learns_nothing(hold: Hold) -> None:
    script = [Phrase("他不在，我是他爱人，有什么事跟我说"), Phrase("行，我转告他")]
    call = await hold("reminder_first", script)
    said = "".join(call.spoken)
    assert all(word not in said for word in ("欠", "还款", "逾期", "账单", "两千", "安信银行的一笔", "债"))
    assert call.result.disposition == "third_party"
    assert any(isinstance(action, SetFlag) for action in call.outcomes)


async def test_a_caller_who_sends_no_audio_is_not_talked_to_for_ever(hold: Hold) -> None:
    class Mute(ScriptedLine):
        async def _play(self) -> None:
            await asyncio.Event().wait()

    settings = CallSettings(limits=CallLimits(no_media_seconds=1.5))
    call = await asyncio.wait_for(
        hold("reminder_first", [], far_end=Mute([]), settings=settings, guard_with=AllowingGuard()), 15
    )
    assert call.result.disposition == "no_media"


async def test_the_longest_call_ends_with_a_goodbye(hold: Hold) -> None:
    settings = CallSettings(limits=CallLimits(longest_call_seconds=11.0, goodbye_seconds=8.0))
    script = [Phrase("什么事你先说", 0.6)] * 12
    call = await asyncio.wait_for(hold("reminder_first", script, settings=settings, guard_with=AllowingGuard()), 60)
    assert call.result.media_seconds < 21
    assert call.of("line.heard")[-1].data["complete"]
