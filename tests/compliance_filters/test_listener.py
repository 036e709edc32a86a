"""On the agent's side the guard warns once, while the sentence is being spoken, across the borders of results."""

from __future__ import annotations

from decimal import Decimal

import pytest

from compliance_filters.guard import load_guard
from compliance_filters.listener import AgentListener
from compliance_filters.verdict import CallState, Party

STATE = CallState(party=Party.DEBTOR, identity_verified=True, ledger_amount=Decimal("1286.40"))


@pytest.fixture
def listener() -> AgentListener:
    return AgentListener(load_guard("cn"), STATE)


def test_a_warning_comes_with_the_partial_result_and_only_once(listener: AgentListener) -> None:
    alarms = [
        v for part in ("你再", "你再不还", "你再不还就", "你再不还就起诉你") for v in listener.feed(part, final=False)
    ]
    alarms += listener.feed("你再不还就起诉你", final=True)
    assert [v.category for v in alarms] == ["misleading_legal"]


def test_a_finding_across_the_border_of_two_results_is_seen(listener: AgentListener) -> None:
    assert listener.feed("请您把短信验", final=False) == []
    listener.feed("请您把短信验", final=True)
    alarms = listener.feed("证码告诉我", final=True)
    assert "payment_diversion" in {v.category for v in alarms}


def test_a_human_may_say_that_he_is_one(listener: AgentListener) -> None:
    assert listener.feed("您好我是人工客服小王", final=True) == []


def test_a_second_offence_of_the_same_kind_is_a_second_alarm(listener: AgentListener) -> None:
    assert listener.feed("你这个人渣", final=True)
    for _ in range(6):
        listener.feed("您的账单可以在手机银行里查看和还款", final=True)
    assert [v.category for v in listener.feed("你就是个人渣", final=True)] == ["insult"]


def test_a_second_offence_right_after_the_first_is_a_second_alarm(listener: AgentListener) -> None:
    assert [v.category for v in listener.feed("你这个人渣", final=True)] == ["insult"]
    assert [v.category for v in listener.feed("你就是个人渣", final=True)] == ["insult"]


def test_a_span_points_into_what_was_heard_before_and_the_new_words(listener: AgentListener) -> None:
    listener.feed("您好请问您什么时候方便", final=True)
    before = listener.heard
    (verdict,) = listener.feed("你这个人渣", final=True)
    start, end = verdict.findings[0].span
    assert "人渣" in (before + "你这个人渣")[start:end]


def test_honest_talk_raises_nothing(listener: AgentListener) -> None:
    said = "您好请问您什么时候方便还款可以申请分期"
    assert [v for end in range(2, len(said)) for v in listener.feed(said[:end], final=False)] == []
