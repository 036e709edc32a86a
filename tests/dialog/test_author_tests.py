"""Conversation tests as authors write them: the shipped ones pass and meet everything; a failure says where and shows
the conversation; tables and alternatives spread out; mistakes are found with their lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compliance_filters.guard import load_guard
from voicebot.dialog.author_tests import read_tests
from voicebot.dialog.loader import FLOWS
from voicebot.dialog.places import FlowError
from voicebot.dialog.trying import Bench
from voicebot.understanding.engine import load_understander

Written = Callable[[str, str], Path]

TEXT = """\
flow: reminder_first
clock: 2026-03-10T15:00:00+08:00
case:
  debtor: {name: 王小样, id_last_four: '3866'}
  debt: {creditor: 安信银行, amount_due: 2380, due_date: 2026-03-01}
  promise: {changes: 0}
  firm: {callback_number: '4000000000'}
tests:
"""


def test_the_shipped_tests_pass_meet_every_state_route_and_line_and_say_what_the_guard_allows() -> None:
    tests = [test for path in sorted(FLOWS.glob("*.test.yaml")) for test in read_tests(path)]
    bench = Bench(load_understander().understand, lambda text, state: load_guard(state.jurisdiction).check(text, state))
    result = bench.run(tests)
    assert [failure.text() for failure in result.failures] == []
    assert [f"{place}: {kind} {name}" for kind, name, place in result.coverage.never()] == []


def test_a_table_makes_a_test_of_each_row(written: Written) -> None:
    path = written(
        "table.test",
        TEXT
        + "  - name: 金额\n    table: [{n: '2000', d: partial}, {n: '2380', d: ptp}]\n    turns:\n"
        + "      - {caller: 是我, means: [affirms]}\n      - {presses: '3866'}\n"
        + "      - {caller: 下周五还<n>, means: [promise_to_pay], told: {date: 2026-03-20, amount: '<n>'}}\n"
        + "      - {caller: 对, means: [affirms]}\n    expect: {disposition: <d>, promise: {amount: '<n>'}}\n",
    )
    tests = read_tests(path)
    assert [test.name for test in tests] == ["金额 [2000, partial]", "金额 [2380, ptp]"]
    assert not Bench().run(tests).failures


def test_a_failure_names_the_step_and_shows_the_conversation(written: Written) -> None:
    path = written(
        "wrong.test",
        TEXT
        + "  - name: 错的期待\n    turns:\n      - {caller: 是我, means: [affirms]}\n"
        + "      - {presses: '3866', state: nowhere}\n",
    )
    failure = Bench().run(read_tests(path)).failures[0]
    assert failure.place.line == 12
    assert failure.expected == "state: nowhere"
    assert failure.got == "tell"
    assert failure.transcript[0].startswith("机器：您好")


@pytest.mark.parametrize(
    ("step", "expect", "what"),
    [
        ("{caller: 是我, means: [affirms], bot: [common.goodbye]}", "{}", "bot"),
        ("{caller: 是我, means: [affirms]}", "{disposition: ptp}", "disposition"),
        ("{caller: 是我, means: [affirms]}", "{promise: {amount: 1}}", "promise"),
        ("{caller: 是我, means: [affirms]}", "{handoff: complaint}", "handoff"),
        ("{caller: 是我, means: [affirms]}", "{flags: [dispute]}", "flags"),
        ("{caller: 是我, means: [affirms]}", "{callback: 2026-03-11T15:00:00}", "callback"),
        ("{caller: 是我, means: [affirms]}", "{right_party: true}", "right_party"),
        ("{caller: 是我, means: [affirms]}", "{slots: {date: 2026-03-11}}", "slots"),
    ],
)
def test_every_expectation_can_fail(step: str, expect: str, what: str, written: Written) -> None:
    path = written("fails.test", TEXT + f"  - name: 会失败\n    turns:\n      - {step}\n    expect: {expect}\n")
    failures = Bench().run(read_tests(path)).failures
    assert len(failures) == 1
    assert failures[0].expected.startswith(what)


def test_what_must_never_be_said_is_looked_for_in_the_whole_call(written: Written) -> None:
    path = written("never.test", TEXT + "  - name: 从不\n    turns: []\n    never: [人工智能]\n")
    assert Bench().run(read_tests(path)).failures[0].expected.endswith("人工智能")


@pytest.mark.parametrize(
    ("step", "rule"),
    [
        ("{caller: 是我, means: [afirms]}", "unknown-intent"),
        ("{caller: 是我, told: {day: 1}}", "unknown-slot"),
        ("{callr: 是我}", "unknown-key"),
    ],
)
def test_mistakes_in_tests_are_found_with_their_lines(step: str, rule: str, written: Written) -> None:
    path = written("mistake.test", TEXT + f"  - name: 写错\n    turns:\n      - {step}\n")
    with pytest.raises(FlowError) as caught:
        read_tests(path)
    assert caught.value.findings[0].rule == rule
    assert caught.value.findings[0].place.line == 11


def test_a_case_that_lacks_a_fact_fails_the_test_by_name(written: Written) -> None:
    path = written("lacks.test", TEXT.replace(", id_last_four: '3866'", "") + "  - name: 缺\n    turns: []\n")
    assert "debtor.id_last_four" in Bench().run(read_tests(path)).failures[0].got
