"""A flow broken on purpose in each way is caught: by the right rule, at the right line, with a conversation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voicebot.dialog.checking import check_flow, rules
from voicebot.dialog.library import Library
from voicebot.dialog.loader import load_flow, shipped_flows
from voicebot.dialog.places import Finding, FlowError

Written = Callable[[str, str], Path]

HEAD = """\
flow: broken
title: 坏的
facts:
  [debtor.name, debtor.id_last_four, debt.creditor, debt.amount_due, debt.due_date, firm.name, firm.callback_number]
include: everyone
start: greet
states:
"""

GREET = """\
  greet:
    say: opening.outbound
    interruptible: false
    call:
      part: identity
      on: {verified: tell, unresolved: bye}
"""

BYE = """\
  bye:
    say: common.goodbye
    end: id_unresolved
"""

TELL = """\
  tell:
    outcome: reminded
    say: reminder.first_overdue
    ask: reminder.when_can_you_pay
    on: {affirms: bye, denies: bye}
"""


def found(written: Written, library: Library, text: str) -> list[Finding]:
    return list(check_flow(written("broken", text), library))


def place_of(text: str, mark: str) -> int:
    """Line number of the first line that holds a mark."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if mark in line)


def wrong(findings: list[Finding], rule: str) -> list[Finding]:
    return [item for item in findings if item.rule == rule]


def test_an_unbroken_flow_has_no_finding_but_of_words(written: Written, library: Library) -> None:
    findings = found(written, library, HEAD + GREET + TELL + BYE)
    assert [item for item in findings if item.rule != "guard"] == []


BROKEN = {
    "debt-before-right-party": (
        HEAD + "  greet:\n    say: opening.outbound\n    then: tell\n" + TELL + BYE,
        "  tell:",
    ),
    "disclosures-first": (HEAD + GREET.replace("opening.outbound", "common.goodbye") + TELL + BYE, "  greet:"),
    "opening-time": (HEAD + GREET.replace("opening.outbound", "rights.complaint") + TELL + BYE, "  greet:"),
    "third-party-asked": (
        HEAD
        + GREET.replace("tell", "outsider")
        + "  outsider:\n    set: {party: third_party}\n    ask: inbound.your_number\n"
        + "    collect: {slot: callback_number, by: [speech, dtmf], digits: 11}\n    on: {filled: bye, unfilled: bye}\n"
        + BYE,
        "  outsider:",
    ),
    "money-after-stop": (
        HEAD + GREET + TELL.replace("denies: bye", "denies: bye, cease_contact: again") + "  again:\n"
        "    set: {money: closed}\n    ask: promise.which_day\n    on: {affirms: bye}\n" + BYE,
        "  again:",
    ),
    "unanswered": (HEAD.replace("include: everyone\n", "") + GREET + TELL + BYE, "  tell:"),
    "loops": (
        HEAD + GREET + TELL.replace("affirms: bye", "affirms: {say: common.goodbye, go: tell}") + BYE,
        "    on: {affirms",
    ),
    "endings": (
        HEAD + "  greet:\n    say: opening.outbound\n    then: last\n  last:\n    end: so_far\n" + BYE,
        "flow: broken",
    ),
    "unreachable": (HEAD + GREET + TELL + BYE + "  island:\n    end: bye\n", "  island:"),
    "uninterruptible-short": (
        HEAD
        + GREET
        + TELL.replace("    ask:", "    interruptible: false\n    ask:").replace(
            "reminder.first_overdue", "[reminder.first_overdue, account.amount, account.channels]"
        )
        + BYE,
        "  tell:",
    ),
    "line-facts": (HEAD.replace("debt.creditor, ", "") + GREET + TELL + BYE, "  tell:"),
    "mini-miranda": (HEAD.replace("include", "policy: us\ninclude") + GREET + TELL + BYE, "  tell:"),
    "handoff-otherwise": (
        HEAD.replace("include: everyone\n", "")
        + GREET
        + "  tell:\n    outcome: reminded\n    handoff: {because: x}\n"
        + BYE,
        "  tell:",
    ),
}


@pytest.mark.parametrize("rule", [rule for rule in BROKEN if rule != "mini-miranda"])
def test_each_breakage_is_caught_at_its_line(rule: str, written: Written, library: Library) -> None:
    text, mark = BROKEN[rule]
    caught = wrong(found(written, library, text), rule)
    assert caught, f"{rule} was not caught"
    lines = {item.place.line for item in caught if item.place.file.endswith("broken.yaml")}
    assert place_of(text, mark) in lines
    assert all(item.message["zh"] and item.message["en"] and item.remedy["zh"] and item.remedy["en"] for item in caught)


def test_a_broken_proof_shows_the_conversation(written: Written, library: Library) -> None:
    text, _ = BROKEN["debt-before-right-party"]
    proof = wrong(found(written, library, text), "debt-before-right-party")[0]
    assert proof.path[0].startswith("→ 您好")
    assert any("应还" in step for step in proof.path)


def test_the_mini_miranda_is_asked_for_under_the_us_pack(written: Written, library: Library) -> None:
    from voicebot.dialog.checking import check_loaded
    from voicebot.dialog.loader import load

    text, _ = BROKEN["mini-miranda"]
    loaded = load(written("broken", text), library)
    caught = check_loaded(loaded, library, only=("mini-miranda",))
    assert place_of(text, "  tell:") in {item.place.line for item in caught}


def test_a_rule_is_switched_off_by_name_and_with_a_reason_only(written: Written, library: Library) -> None:
    text, _ = BROKEN["unreachable"]
    off = text.replace("start: greet", "start: greet\nswitch_off: {unreachable: 这个状态留给下一版的分期功能}")
    assert not wrong(found(written, library, off), "unreachable")
    bare = text.replace("start: greet", "start: greet\nswitch_off: {unreachable: 嗯}")
    assert wrong(found(written, library, bare), "switch-off")
    unknown = text.replace("start: greet", "start: greet\nswitch_off: {no-such-rule: 这里写了一个很长的理由}")
    assert wrong(found(written, library, unknown), "switch-off")


def test_every_rule_has_its_page() -> None:
    pages = {path.stem for path in (Path(__file__).resolve().parents[2] / "docs" / "flow-rules").glob("*.md")}
    assert {rule for rule, _ in rules()} <= pages


@pytest.mark.parametrize("path", shipped_flows(), ids=lambda path: path.stem)
def test_shipped_flows_are_proven(path: Path) -> None:
    """Every proof but the guard's, which is judged with the guard's own tests."""
    from voicebot.dialog.checking import check_loaded
    from voicebot.dialog.library import load_library
    from voicebot.dialog.loader import language_of, load

    library = load_library(language_of(path))
    loaded = load(path, library)
    only = tuple(rule for rule, _ in rules() if rule != "guard")
    assert loaded.findings == []
    assert [item.text("en") for item in check_loaded(loaded, library, only=only)] == []


# --- what stands in the way of any machine ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("broken", "rule", "mark"),
    [
        (("verified: tell", "verified: tel"), "unknown-state", "verified: tel,"),
        (("part: identity", "part: identiy"), "unknown-part", "  greet:"),
        (("opening.outbound", "opening.outbond"), "unknown-line", "  greet:"),
        (("affirms: bye", "afirms: bye"), "unknown-intent", "afirms"),
        (("end: id_unresolved", "end: id_unresolvd"), "unknown-disposition", "  bye:"),
        (("debtor.name,", "debtor.nmae,"), "unknown-fact", "flow: broken"),
        (("    on: {affirms", "    onn: {affirms"), "unknown-key", "onn:"),
        (("unresolved: bye}", "unresolvd: bye}"), "unanswered-outcome", "  greet:"),
        (("    end: id_unresolved", "    end: id_unresolved\n    then: tell"), "one-way-on", "  bye:"),
        (("denies: bye", "denies: {at_most: 2, go: bye}"), "at-most-then", "denies"),
        (
            (
                "    ask: reminder.when_can_you_pay\n    on: {affirms: bye, denies: bye}",
                "    choose: [{when: slot.x > 1, go: bye}]",
            ),
            "condition",
            "choose",
        ),
        (
            (
                "    ask: reminder.when_can_you_pay\n    on: {affirms: bye, denies: bye}",
                "    choose: [{when: right_party, go: bye}]",
            ),
            "no-otherwise",
            "choose",
        ),
        (
            ("    ask: reminder.when_can_you_pay\n    on: {affirms: bye, denies: bye}", "    then: tell"),
            "silent-circle",
            "  tell:",
        ),
        (("start: greet\n", ""), "missing-key", "flow: broken"),
        (("title: 坏的", "title: [坏的"), "yaml", None),
        (("flow: broken", "flow: other"), "file-name", "flow: other"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else None,
)
def test_spelling_and_shape_are_caught_at_their_line(
    broken: tuple[str, str], rule: str, mark: str | None, written: Written, library: Library
) -> None:
    text = (HEAD + GREET + TELL + BYE).replace(*broken)
    with pytest.raises(FlowError) as caught:
        load_flow(written("broken", text), library)
    findings = [item for item in caught.value.findings if item.rule == rule]
    assert findings, [item.text("en") for item in caught.value.findings]
    assert findings[0].place.column >= 1
    if mark is not None:
        assert place_of(text, mark) in {item.place.line for item in findings}


def test_all_findings_come_at_once(written: Written, library: Library) -> None:
    text = (HEAD + GREET + TELL + BYE).replace("verified: tell", "verified: tel").replace("affirms: bye", "affirms: by")
    with pytest.raises(FlowError) as caught:
        load_flow(written("broken", text), library)
    assert len(caught.value.findings) == 2


def test_a_flow_that_does_not_exist_names_the_nearest(library: Library) -> None:
    with pytest.raises(FlowError, match="reminder_first"):
        load_flow("reminder_frist", library)
