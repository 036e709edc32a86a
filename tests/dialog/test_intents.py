"""Whatever a caller means, in whatever state they say it: what must be done is done, what must not be said is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from voicebot.dialog.conversation import Conversation, Exchange
from voicebot.dialog.events import RequestHandoff, Say
from voicebot.dialog.library import Library
from voicebot.dialog.state import Phase
from voicebot.understanding.intents.catalogue import INTENTS
from voicebot.understanding.meaning import Answer, IntentScore, Meaning

Talk = Callable[..., Conversation]

OUTCOMES = {
    "deny_identity_wrong_number": "wrong_number",
    "third_party_answers": "third_party",
    "third_party_refuses": "third_party_optout",
    "deceased": "deceased",
    "debtor_unavailable": "debtor_unavailable",
    "minor_answers": "minor",
    "busy_call_later": "callback_unspec",
    "dispute_debt": "dispute_debt",
    "hardship_unemployment": "hardship_income",
    "hardship_illness": "hardship_illness",
    "hardship_disaster_family": "hardship_event",
    "self_harm_risk": "self_harm",
    "crying_distress": "distress",
    "language_switch": "lang",
    "ask_human": "human_req",
    "complaint_regulator": "complaint",
    "cease_contact": "cease",
    "attorney_represented": "attorney",
    "abusive_anger": "anger",
    "voicemail_assistant": "voicemail",
}
"""What the call has come to as soon as this was said, wherever."""

CLOSING = {
    "deceased", "debtor_unavailable", "minor_answers", "dispute_debt", "dispute_amount", "hardship_unemployment",
    "hardship_illness", "hardship_disaster_family", "self_harm_risk", "crying_distress", "complaint_regulator",
    "cease_contact", "attorney_represented",
}  # fmt: skip
"""After these money is not asked for again in the call."""

AT_ONCE = {
    "deny_identity_wrong_number",
    "third_party_refuses",
    "deceased",
    "minor_answers",
    "voicemail_assistant",
    "end_call",
}
"""These end the call in the same turn."""

HANDED_OVER = {"self_harm_risk": "self_harm_risk", "ask_human": "asked_for_human", "language_switch": "language"}

SAID = {
    "ask_if_robot": "common.i_am_a_robot",
    "ask_who_are_you": "common.who_we_are",
    "suspect_scam": "common.scam",
    "legal_question": "rights.legal",
    "data_rights": "rights.your_data",
    "recording_objection": "rights.recording",
    "complaint_regulator": "rights.complaint",
    "cease_contact": "rights.stop_contact",
    "self_harm_risk": "care.crisis",
    "deceased": "someone_else.deceased",
    "silence": "common.are_you_there",
}
"""The words that must be among the answer."""

ACCOUNT = {
    "already_paid": "account.paid",
    "instalment_request": "account.plan",
    "waiver_request": "account.waiver",
    "payment_channel": "account.channels",
    "ask_amount_details": "account.amount",
    "request_documents": "account.documents",
    "credit_question": "account.credit",
    "dispute_amount": "rights.dispute_amount",
    "refuse_to_pay": "account.refusal",
}
"""What the verified debtor is told; anybody else is asked to verify first."""


def meaning(*intents: str, answer: Answer | None = None) -> Meaning:
    return Meaning("…", "…", tuple(IntentScore(name, 0.9) for name in intents), answer)


def reach(talk: Talk, flow: str, where: str) -> Conversation:
    """A conversation that stands where the intent is to be spoken."""
    held = talk(flow)
    if where != "unverified":
        if not held.state.where.endswith("are_you"):
            held.says("…", meaning("ask_amount_details"))
        if held.state.where.endswith("are_you"):
            held.says("是我", meaning(answer=Answer.YES))
        held.presses("3866")
        assert held.state.right_party, held.state.where
    if where == "asked":
        held.says("…", meaning("promise_to_pay"))
        assert held.state.where.endswith("promise.collect")
    return held


def to_the_end(held: Conversation) -> Iterator[Exchange]:
    """The rest of the call with a caller who says nothing more and whom nobody takes over."""
    from voicebot.dialog.events import HandoffOutcome

    for _ in range(40):
        if held.state.over:
            return
        waits = held.state.phase is Phase.HANDING_OFF
        yield held.agent(HandoffOutcome.NO_ANSWER) if waits else held.stays_silent()
    raise AssertionError(f"the call does not end: {held.state.where}")


@pytest.mark.parametrize("where", ["unverified", "verified", "asked"])
@pytest.mark.parametrize("flow", ["reminder_first", "reminder_later", "inbound_callback"])
def test_every_intent_is_met_in_every_position(flow: str, where: str, talk: Talk, library: Library) -> None:
    for intent in INTENTS:
        held = reach(talk, flow, where)
        said = held.says("…", meaning(intent))
        name = f"{intent}: {[say.line for say in said.said]}"
        lines = [say.line for say in said.said]
        assert lines, f"{name}: no answer"
        if intent in OUTCOMES:
            assert said.state.outcome == OUTCOMES[intent], name
        if intent in SAID:
            assert SAID[intent] in lines, name
        if intent in ACCOUNT and where != "unverified":
            assert ACCOUNT[intent] in lines, name
        if intent in HANDED_OVER:
            asked = [action.because for action in said.decision.actions if isinstance(action, RequestHandoff)]
            assert asked == [HANDED_OVER[intent]], name
        assert said.state.over or intent not in AT_ONCE, name
        assert said.state.money_closed or intent not in CLOSING, name
        verified = where != "unverified"
        rest = [said, *to_the_end(held)]
        for exchange in rest:
            for say in exchange.said:
                assert verified or "debt" not in say.discloses, f"{name}: then {say.line}"
                assert not (intent in CLOSING and library[say.line].asks_money), f"{name}: then {say.line}"
        assert held.state.disposition, name
        if intent == "self_harm_risk":
            spoken = [say for exchange in rest for say in exchange.said if isinstance(say, Say)]
            assert not any("debt" in say.discloses for say in spoken)
            assert "幺二三五六" in rest[0].said[0].text


@pytest.mark.parametrize("where", ["verified", "asked"])
def test_whoever_did_not_catch_it_hears_all_of_it_again(where: str, talk: Talk) -> None:
    held = reach(talk, "reminder_first", where)
    before = [say.line for say in held.last.said]
    again = held.says("你慢点说", meaning("asks_repeat_slower"))
    assert [say.line for say in again.said] == ["common.slower", *before]
    assert all(say.rate < 1 for say in again.said[1:])
    once_more = held.says("再慢点", meaning("asks_repeat_slower"))
    assert [say.line for say in once_more.said] == ["common.slower", *before]


def doubtful(intent: str, confidence: float) -> Meaning:
    return Meaning("…", "…", (IntentScore(intent, confidence),))


@pytest.mark.parametrize("intent", ["deny_identity_wrong_number", "third_party_answers", "third_party_refuses"])
def test_a_doubt_that_it_is_somebody_else_counts_until_the_debtor_is_verified(intent: str, talk: Talk) -> None:
    stranger = reach(talk, "reminder_first", "unverified").says("…", doubtful(intent, 0.25))
    assert stranger.state.outcome == OUTCOMES[intent]
    debtor = reach(talk, "reminder_first", "verified").says("…", doubtful(intent, 0.45))
    assert debtor.state.right_party
    assert debtor.state.outcome != OUTCOMES[intent]
    another = reach(talk, "reminder_first", "verified").says("…", doubtful(intent, 0.55))
    assert another.state.outcome == OUTCOMES[intent]


@pytest.mark.parametrize("intent", ["self_harm_risk", "deceased", "minor_answers", "cease_contact", "ask_human"])
def test_a_doubt_is_enough_for_what_must_not_be_missed_from_the_debtor_too(intent: str, talk: Talk) -> None:
    debtor = reach(talk, "reminder_first", "verified").says("…", doubtful(intent, 0.25))
    assert debtor.state.outcome == OUTCOMES[intent]
