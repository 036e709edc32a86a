"""The machine: same flow, state and event, same decision. What it promises to phone calls, chats and tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from compliance_filters.verdict import Party
from voicebot.dialog.conversation import Conversation
from voicebot.dialog.events import (
    CallerGone,
    End,
    GuardStopped,
    HandoffOutcome,
    Heard,
    LimitReached,
    LineHeard,
    Listen,
    Pressed,
    RecordCallback,
    RecordPromise,
    RequestHandoff,
    Say,
    SetCallState,
    SetFlag,
)
from voicebot.dialog.facts import Facts
from voicebot.dialog.library import Library
from voicebot.dialog.loader import load_flow
from voicebot.dialog.machine import Machine
from voicebot.dialog.places import FlowError
from voicebot.dialog.profile import Profile
from voicebot.dialog.state import DialogState
from voicebot.understanding.meaning import Answer, Expecting, IntentScore, Meaning, Sentiment, Slot, SlotValue

Talk = Callable[..., Conversation]


def means(*intents: str, answer: Answer | None = None, distress: float = 0.0, **slots: SlotValue) -> Meaning:
    words = "+".join(intents) or "…"
    return Meaning(
        raw=words,
        text=words,
        intents=tuple(IntentScore(intent, 0.9) for intent in intents),
        answer=answer,
        slots={name: Slot(name, value, words) for name, value in slots.items()},
        sentiment=Sentiment(distress=distress),
    )


YES = means(answer=Answer.YES)
NO = means(answer=Answer.NO)


def verified(talk: Talk, flow: str = "reminder_first") -> Conversation:
    conversation = talk(flow)
    conversation.says("是我", means("confirm_identity", answer=Answer.YES))
    conversation.presses("3866")
    assert conversation.state.right_party
    return conversation


def lines(conversation: Conversation) -> list[str]:
    return [say.line for say in conversation.last.said]


# --- opening and identity ---------------------------------------------------------------------------------------------
def test_the_opening_discloses_before_it_asks(talk: Talk) -> None:
    first = talk().exchanges[0].said
    assert [say.line for say in first] == ["opening.outbound", "identity.are_you"]
    assert {"ai", "recording", "identity"} <= first[0].discloses
    assert not first[0].interruptible
    assert first[1].interruptible
    assert first[1].expecting is Expecting.IDENTITY


def test_every_decision_ends_by_waiting_or_ending(talk: Talk) -> None:
    conversation = talk()
    conversation.says("是我", YES)
    conversation.presses("38")
    conversation.stays_silent()
    for exchange in conversation.exchanges:
        closing = [a for a in exchange.decision.actions if isinstance(a, Listen | End | RequestHandoff)]
        assert len(closing) == 1
        assert exchange.decision.actions[-1] is closing[0]


def test_digits_said_and_digits_pressed_make_one_entry(talk: Talk) -> None:
    conversation = talk()
    conversation.says("是我", YES)
    exchange = conversation.says("三八", means(digits="38"))
    listen = exchange.decision.actions[-1]
    assert isinstance(listen, Listen)
    assert listen.digits == 2
    assert conversation.presses("66").state.right_party


def test_pieces_of_an_entry_count_in_the_order_they_were_given(talk: Talk) -> None:
    conversation = talk()
    conversation.says("是我", YES)
    later = conversation.now + timedelta(seconds=9)
    conversation.feed(Pressed("66", later))
    exchange = conversation.feed(Heard(means(digits="38"), later - timedelta(seconds=2)))
    assert exchange.state.right_party


def test_verification_tells_the_guard_and_only_then_the_debt_is_named(talk: Talk) -> None:
    conversation = verified(talk)
    changes = [a.changes for a in conversation.last.decision.actions if isinstance(a, SetCallState)]
    assert {"party": Party.DEBTOR, "identity_verified": True, "ledger_amount": Decimal("2380")} in changes
    assert "两千三百八十元" in conversation.last.said[0].text
    for exchange in conversation.exchanges[:-1]:
        assert not any("debt" in say.discloses for say in exchange.said)


def test_three_wrong_entries_end_the_call_without_a_word_of_the_debt(talk: Talk) -> None:
    conversation = talk()
    conversation.says("是我", YES)
    for _ in range(3):
        assert not conversation.state.over
        conversation.presses("0000")
    assert conversation.state.disposition == "id_unresolved"
    assert not any("debt" in say.discloses for exchange in conversation.exchanges for say in exchange.said)


def test_too_many_digits_are_asked_again(talk: Talk) -> None:
    conversation = talk()
    conversation.says("是我", YES)
    conversation.presses("38661")
    assert not conversation.state.right_party
    assert not conversation.state.digits
    assert conversation.presses("3866").state.right_party


# --- promise ----------------------------------------------------------------------------------------------------------
FRIDAY, THURSDAY = date(2026, 3, 20), date(2026, 3, 19)


def test_a_promise_is_read_back_and_recorded_only_after_yes(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("下周五还两千", means("promise_to_pay", date=FRIDAY, amount=Decimal(2000)))
    assert "三月二十日，星期五" in conversation.last.said[-1].text
    assert "两千元" in conversation.last.said[-1].text
    assert "三百八十元" in conversation.last.said[-1].text
    assert not _promises(conversation)
    conversation.says("对", YES)
    assert _promises(conversation) == [RecordPromise(Decimal(2000), FRIDAY, partial=True, words="promise_to_pay")]
    assert conversation.state.disposition == "partial"


def test_what_the_caller_offers_is_a_true_amount_for_the_guard(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("下周五还两千", means("promise_to_pay", date=FRIDAY, amount=Decimal(2000)))
    assert set(conversation.last.call_state.stated_amounts) == {Decimal(2000), Decimal(380)}


def test_a_slot_can_be_corrected_in_the_read_back(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("下周五还清", means("promise_to_pay", date=FRIDAY, amount=Decimal(2380)))
    conversation.says("不是周五，是周四", means(answer=Answer.NO, date=THURSDAY))
    assert "三月十九日，星期四" in conversation.last.said[-1].text
    conversation.says("对", YES)
    assert _promises(conversation)[0].on == THURSDAY
    assert conversation.state.disposition == "ptp"


def test_a_weekday_that_corrects_a_date_stays_in_its_week(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("下周五还清", means("promise_to_pay", date=FRIDAY, amount=Decimal(2380)))
    this_week = Slot("date", date(2026, 3, 12), "周四")
    words = "不是周五，是周四"
    conversation.says(words, Meaning(words, words, answer=Answer.NO, slots={"date": this_week}, correction=True))
    assert conversation.state.slots["date"].value == THURSDAY


def test_a_correction_that_begins_like_a_denial_is_a_correction(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("下周五还清", means("promise_to_pay", date=FRIDAY, amount=Decimal(2380)))
    meaning = means("deny_identity_wrong_number", answer=Answer.NO, date=THURSDAY)
    conversation.says("不是周五，是周四", meaning)
    assert conversation.state.where.endswith("promise.confirm")
    conversation.says("你打错了", means("deny_identity_wrong_number"))
    assert conversation.state.disposition == "wrong_number"


def test_a_slot_that_is_missing_is_asked_for_alone(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("我周五还", means("promise_to_pay", date=FRIDAY))
    assert lines(conversation) == ["promise.how_much"]
    conversation.says("两千", means(amount=Decimal(2000)))
    assert lines(conversation) == ["promise.read_back_part"]


def test_vague_words_are_never_booked(talk: Talk) -> None:
    conversation = verified(talk)
    for _ in range(6):
        if conversation.state.over:
            break
        conversation.says("过两天就还", means("vague_promise"))
    assert not _promises(conversation)
    assert conversation.state.disposition in ("ptp_vague", "human_req", "noise")


def test_an_unsure_recogniser_books_nothing(talk: Talk) -> None:
    conversation = verified(talk)
    meaning = means("promise_to_pay", date=FRIDAY, amount=Decimal(2000))
    conversation.says("下周五还两千", meaning, confident=False)
    assert conversation.state.where == "tell"
    assert not conversation.state.slots


def test_a_day_gone_by_and_too_large_an_amount_are_not_accepted_in_silence(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("昨天还", means("promise_to_pay", date=date(2026, 3, 9), amount=Decimal(2000)))
    assert "promise.day_is_past" in lines(conversation)
    conversation = verified(talk)
    conversation.says("还三千", means("promise_to_pay", date=FRIDAY, amount=Decimal(3000)))
    assert lines(conversation)[0] == "promise.more_than_due"
    assert "两千三百八十元" in conversation.last.said[-1].text


def _promises(conversation: Conversation) -> list[RecordPromise]:
    return [a for e in conversation.exchanges for a in e.decision.actions if isinstance(a, RecordPromise)]


# --- several meanings in one turn -------------------------------------------------------------------------------------
def test_the_robot_question_is_answered_truthfully_in_the_same_turn(talk: Talk) -> None:
    conversation = verified(talk)
    meaning = means("promise_to_pay", "ask_if_robot", date=FRIDAY, amount=Decimal(2000))
    conversation.says("下周五还两千，你是机器人吗", meaning)
    assert lines(conversation) == ["common.i_am_a_robot", "promise.read_back_part"]


@pytest.mark.parametrize(
    ("intents", "first_line"),
    [
        (("third_party_answers", "deceased"), "someone_else.deceased"),
        (("confirm_identity", "dispute_debt"), "rights.dispute_neutral"),
        (("refuse_to_pay", "ask_human", "complaint_regulator"), "rights.complaint"),
        (("promise_to_pay", "self_harm_risk"), "care.crisis"),
        (("busy_call_later", "hardship_disaster_family"), "care.family_first"),
    ],
)
def test_the_more_pressing_meaning_leads(talk: Talk, intents: tuple[str, ...], first_line: str) -> None:
    conversation = talk()
    conversation.says("…", means(*intents))
    assert lines(conversation)[0] == first_line


def test_what_does_not_lead_is_noted(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("我没钱了，转人工", means("ask_human", "hardship_unemployment"))
    assert "vulnerable" in conversation.state.flags
    assert any(isinstance(a, RequestHandoff) for a in conversation.last.decision.actions)


def test_stop_contact_and_a_promise_in_one_breath(talk: Talk) -> None:
    conversation = verified(talk)
    meaning = means("promise_to_pay", "cease_contact", date=date(2026, 3, 11), amount=Decimal(2000))
    conversation.says("我还，明天还两千，别再打给我妈了", meaning)
    assert lines(conversation) == ["rights.stop_contact", "rights.also_promise"]
    conversation.says("对", YES)
    assert _promises(conversation)[0].amount == Decimal(2000)
    assert conversation.state.disposition == "cease"
    assert "stop_contact" in conversation.state.flags


def test_distress_without_words_for_it_counts(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("（哭）", means(distress=0.9))
    assert lines(conversation) == ["care.distress"]
    assert conversation.state.money_closed


def test_self_harm_is_acted_upon_even_when_the_recogniser_was_unsure(talk: Talk) -> None:
    conversation = talk()
    conversation.says("…", means("self_harm_risk"), confident=False)
    assert lines(conversation) == ["care.crisis"]


# --- the rest of a call -----------------------------------------------------------------------------------------------
def test_health_is_flagged_without_what_was_said_of_it(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("我在化疗", means("hardship_illness"))
    notes = {a.flag: a.note for a in conversation.last.decision.actions if isinstance(a, SetFlag)}
    assert notes["hardship_illness"] == ""
    assert notes["vulnerable"] == ""


def test_nobody_free_becomes_a_callback(talk: Talk) -> None:
    conversation = talk("inbound_callback")
    conversation.says("转人工", means("ask_human"))
    assert conversation.awaits_human
    conversation.agent(HandoffOutcome.NO_ANSWER)
    at = datetime.fromisoformat("2026-03-11T15:00:00+08:00")
    conversation.says("明天下午三点", means("callback_time_given", callback_at=at))
    assert "明天下午三点" in conversation.last.said[-1].text
    conversation.says("好", YES)
    assert [a for a in conversation.last.decision.actions if isinstance(a, RecordCallback)] == [RecordCallback(at)]


def test_a_human_who_takes_over_ends_the_dialog_without_hanging_up(talk: Talk) -> None:
    conversation = talk()
    conversation.says("转人工", means("ask_human"))
    exchange = conversation.agent(HandoffOutcome.ACCEPTED)
    assert exchange.state.over
    assert exchange.state.disposition == "human_req"
    assert not exchange.decision.actions


def test_a_digression_comes_back_to_the_open_question(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("怎么还", means("payment_channel"))
    assert lines(conversation) == ["account.channels", "reminder.when_can_you_pay"]
    assert conversation.state.where == "tell"


def test_repeating_is_slower_and_reworded_and_goes_to_a_human_in_the_end(talk: Talk) -> None:
    conversation = talk()
    conversation.says("再说一遍", means("asks_repeat_slower"))
    assert all(say.rate == 0.75 for say in conversation.last.said[1:])
    for _ in range(3):
        conversation.says("再说一遍", means("asks_repeat_slower"))
    assert conversation.awaits_human


def test_an_elderly_caller_hears_shorter_lines_and_has_more_time(talk: Talk) -> None:
    conversation = talk(profile=Profile(elderly=True))
    said = conversation.exchanges[0].said
    assert all(say.rate == 0.8 for say in said)
    listen = conversation.last.decision.actions[-1]
    assert isinstance(listen, Listen)
    assert listen.silence_seconds >= 10


def test_silence_is_asked_about_twice_and_then_the_call_ends(talk: Talk) -> None:
    conversation = talk()
    for _ in range(3):
        conversation.stays_silent()
    assert conversation.state.disposition == "id_unresolved" or conversation.state.disposition == "silence"
    assert conversation.state.over


def test_a_caller_who_hangs_up_leaves_what_the_call_had_come_to(talk: Talk) -> None:
    conversation = verified(talk)
    assert conversation.hangs_up().state.disposition == "reminded"


def test_a_hard_limit_says_goodbye_at_once(talk: Talk, now: datetime) -> None:
    exchange = verified(talk).feed(LimitReached("longest call", now))
    assert isinstance(exchange.decision.actions[-1], End)
    assert exchange.said[0].line == "common.time_is_up"


def test_the_guard_can_end_the_call_or_ask_for_a_human(talk: Talk, now: datetime) -> None:
    ended = talk().feed(GuardStopped("x.y", "end", "threat", now))
    assert ended.state.disposition == "id_unresolved"
    handed = talk().feed(GuardStopped("x.y", "hand_off", "threat", now))
    assert isinstance(handed.decision.actions[-1], RequestHandoff)
    assert not talk().feed(GuardStopped("x.y", "soften", "threat", now)).decision.actions


def test_a_disclosure_counts_when_it_was_heard_to_its_end(talk: Talk, now: datetime) -> None:
    conversation = talk()
    cut = conversation.feed(LineHeard("opening.outbound", 1.0, False, "您好", "我是…", now))
    assert cut.state.unsaid == "我是…"
    conversation = talk()
    heard = conversation.feed(LineHeard("opening.outbound", 6.0, True, "…", "", now))
    assert {"ai", "recording", "identity"} <= set(heard.state.disclosed)


def test_after_the_end_nothing_is_decided(talk: Talk, now: datetime) -> None:
    conversation = talk()
    conversation.hangs_up()
    exchange = conversation.feed(CallerGone(now))
    assert not exchange.decision.actions
    assert exchange.state == conversation.exchanges[-2].state


def test_a_state_survives_json(talk: Talk) -> None:
    conversation = verified(talk)
    conversation.says("下周五还两千", means("promise_to_pay", date=FRIDAY, amount=Decimal(2000)))
    for exchange in conversation.exchanges:
        assert DialogState.from_json(exchange.state.to_json()) == exchange.state


def test_json_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="not a dialog state"):
        DialogState.from_json("{}")


def test_stepping_is_pure(library: Library, facts: Facts, now: datetime) -> None:
    machine = Machine(load_flow("reminder_first", library), library, facts)
    state, first = machine.start(now)
    event = Heard(means("confirm_identity", answer=Answer.YES), now)
    assert machine.step(state, event) == machine.step(state, event)
    assert machine.start(now) == (state, first)


def test_a_case_without_a_needed_fact_is_refused_by_name(library: Library, now: datetime) -> None:
    with pytest.raises(FlowError, match=r"debtor\.id_last_four"):
        Machine(load_flow("reminder_first", library), library, Facts.of({"debtor": {"name": "王小样"}}))


def test_why_names_the_route_and_its_place(talk: Talk) -> None:
    exchange = talk().says("是我", YES)
    assert "parts/identity.yaml:" in exchange.decision.why
    assert isinstance(exchange.decision.actions[0], Say)


def test_a_third_party_is_told_nothing_and_asked_nothing(talk: Talk) -> None:
    conversation = talk()
    conversation.says("我是他爱人", means("third_party_answers"))
    conversation.says("他欠钱了吗", means("ask_amount_details"))
    conversation.says("到底什么事", means())
    for exchange in conversation.exchanges:
        for say in exchange.said:
            assert not {"debt"} & say.discloses
            assert not any(word in say.text for word in ("欠", "还款", "账单", "逾期", "催"))
    assert conversation.last.call_state.party is Party.THIRD_PARTY
