"""A flow broken on purpose in each way is caught: by the right rule, at the right line, with a conversation."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from voicebot.dialog import checks
from voicebot.dialog.checking import RULES, check_flow, rules
from voicebot.dialog.checks.intent_hygiene import check_intents
from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.checks.unused import check_unused
from voicebot.dialog.library import Library, Wording, line_files, read_library
from voicebot.dialog.loader import load_flow, shipped_flows
from voicebot.dialog.places import Finding, FlowError, Place, Severity

Written = Callable[[str, str], Path]
CHECKS = Path(checks.__path__[0])

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


READ_BACK = """\
  read_back:
    say: promise.read_back
    then: booked
  booked:
    promise: {amount: amount, date: date}
    then: bye
"""

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
    "slots-filled": (
        HEAD + GREET + TELL.replace("affirms: bye", "affirms: read_back") + READ_BACK + BYE,
        "  read_back:",
    ),
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


def test_a_stopping_word_that_shares_its_route_is_caught_too(written: Written, library: Library) -> None:
    text, _ = BROKEN["money-after-stop"]
    shared = text.replace(
        "denies: bye, cease_contact: again", '"denies, cease_contact": {say: common.goodbye, go: tell}'
    )
    assert wrong(found(written, library, shared), "money-after-stop")


# --- slots ------------------------------------------------------------------------------------------------------------
ASK = """\
  tell:
    outcome: reminded
    ask: promise.which_day
    collect: {slots: {date: promise.which_day, amount: promise.how_much}, at_most: 2}
    on: {filled: read_back, unfilled: bye, denies: WAY}
"""


def test_a_slot_is_sure_where_it_was_filled_or_read_back(written: Written, library: Library) -> None:
    text = HEAD + GREET + ASK.replace("WAY", "bye") + READ_BACK + BYE
    assert wrong(found(written, library, text), "slots-filled") == []
    confirmed = text.replace("filled: read_back, unfilled: bye", "filled: read_back, unfilled: read_back").replace(
        "    say: promise.read_back\n    then: booked",
        "    ask: promise.read_back\n    confirm: [date, amount]\n    on: {affirms: booked, denies: bye}",
    )
    assert wrong(found(written, library, confirmed), "slots-filled") == []


def test_a_slot_is_not_sure_where_one_way_goes_past_the_question(written: Written, library: Library) -> None:
    text = HEAD + GREET + ASK.replace("WAY", "read_back") + READ_BACK + BYE
    caught = wrong(found(written, library, text), "slots-filled")
    assert {item.place.line for item in caught} == {place_of(text, "  read_back:"), place_of(text, "  booked:")}
    assert any("← denies" in item.path for item in caught)
    assert {"amount", "date"} == {
        name for name in ("amount", "date") for i in caught if f"and {name} has" in i.message["en"]
    }


def test_a_slot_that_was_forgotten_or_only_compared_is_not_sure_later(written: Written, library: Library) -> None:
    text = HEAD + GREET + ASK.replace("WAY", "bye") + READ_BACK + BYE
    cleared = text.replace("  read_back:\n", "  read_back:\n    set: {clear: amount}\n")
    assert wrong(found(written, library, cleared), "slots-filled")
    compared = text.replace("filled: read_back, unfilled: bye", "filled: bye, unfilled: which") + (
        "  which:\n    choose:\n      - {when: slot.amount < debt.amount_due and slot.date > today, go: WHERE}\n"
        "      - {go: bye}\n"
    )
    assert wrong(found(written, library, compared.replace("WHERE", "read_back")), "slots-filled") == []
    later = (
        compared.replace("WHERE", "pause")
        + "  pause:\n    ask: reminder.when_can_you_pay\n    on: {affirms: read_back}\n"
    )
    assert wrong(found(written, library, later), "slots-filled")


# --- rules, pages and breakages keep together -------------------------------------------------------------------------
ELSEWHERE = {
    "guard": "test_words_that_the_guard_refuses_are_caught_at_their_state",
    "debt-tag": "test_an_account_fact_without_its_tag_is_caught_at_its_line",
    "switch-off": "test_a_rule_is_switched_off_by_name_and_with_a_reason_only",
    "intent-hygiene": "test_examples_that_mislead_are_caught_at_their_line",
    "unused": "test_what_nothing_uses_is_told_at_its_line",
}
"""Rules whose breakage is not in a flow's text alone, and the test that breaks them."""

PAGES = Path(__file__).resolve().parents[2] / "docs" / "flow-rules"


def test_every_rule_has_one_file_one_page_and_one_breakage() -> None:
    known = {rule for rule, _ in rules()}
    over_all = {check_unused.__module__, check_intents.__module__}
    names = known | {importlib.import_module(module).RULE for module in over_all} | {"switch-off"}
    assert len(known) == len(RULES)
    assert names == set(BROKEN) | set(ELSEWHERE)
    assert all(test in globals() for test in ELSEWHERE.values())
    assert names == {path.stem for path in PAGES.glob("*.md")} - {"index"}
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    for name in names:
        assert f"({name}.md)" in index, name
        page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {name}\n"), name
        assert "# ✗" in page, f"{name}: the page shows nothing broken"
        assert "# ✓" in page, f"{name}: the page does not show how to mend it"
    assert {path.stem for path in CHECKS.glob("*.py")} - {"__init__", "subject", "speech_time", "values"} == {
        *RULES,
        "unused",
        "intent_hygiene",
    }


def test_words_that_the_guard_refuses_are_caught_at_their_state(written: Written, library: Library) -> None:
    threat = replace(
        library["reminder.first_overdue"], wordings=(Wording("再不还钱我们就上门抓你全家。"),), variants={}
    )
    bad = replace(library, lines={**library.lines, threat.id: threat}, hash="bad")
    text = HEAD + GREET + TELL + BYE
    caught = wrong(list(check_flow(written("broken", text), bad)), "guard")
    assert place_of(text, "  tell:") in {item.place.line for item in caught}
    assert all("抓你全家" in item.message["zh"] and item.path for item in caught)


def test_words_that_the_machine_says_by_itself_are_judged_too(written: Written, library: Library) -> None:
    threat = replace(library["common.time_is_up"], wordings=(Wording("再不还钱我们就上门抓你全家。"),), variants={})
    bad = replace(library, lines={**library.lines, threat.id: threat}, hash="bad machine words")
    caught = wrong(list(check_flow(written("broken", HEAD + GREET + TELL + BYE), bad)), "guard")
    assert threat.place in {item.place for item in caught}


def test_an_account_fact_without_its_tag_is_caught_at_its_line(
    written: Written, library: Library, tmp_path: Path
) -> None:
    file = tmp_path / "extra.yaml"
    file.write_text(
        "lines:\n  fine:\n    text: 您好。\n  untagged:\n    text: 您应还{debt.amount_due}。\n"
        "  rest:\n    text: 还剩{promise.remaining}。\n  identity:\n    text: 尾号是{debtor.id_last_four}。\n",
        encoding="utf-8",
    )
    extended = read_library([*line_files("zh-CN"), file], "zh-CN")
    caught = wrong(list(check_flow(written("broken", HEAD + GREET + TELL + BYE), extended)), "debt-tag")
    assert [(Path(item.place.file).name, item.place.line) for item in caught] == [
        ("extra.yaml", 4),
        ("extra.yaml", 6),
        ("extra.yaml", 8),
    ]


def test_examples_that_mislead_are_caught_at_their_line(tmp_path: Path) -> None:
    few, enough = (
        "intent: few\nexamples:\n- 我要找人工客服\n",
        ["我要找人工客服", *(f"第{n}个完全不同的说法" for n in "一二三四五六七")],
    )
    (tmp_path / "few.yaml").write_text(few + "- 麻烦您帮我转接一下人工坐席吧谢谢您了真的很急请尽快\n", encoding="utf-8")
    close = "麻烦您帮我转接一下人工坐席吧谢谢您了真的很急请尽快呀"
    body = "".join(f"- {text}\n" for text in [*enough, close])
    (tmp_path / "same.yaml").write_text(f"intent: same\nexamples:\n{body}", encoding="utf-8")
    caught = [(Path(i.place.file).name, i.place.line, i.severity, i.rule) for i in check_intents(tmp_path)]
    assert caught == [
        ("few.yaml", 2, Severity.WARNING, "intent-hygiene"),
        ("same.yaml", 3, Severity.ERROR, "intent-hygiene"),
        ("same.yaml", 11, Severity.WARNING, "intent-hygiene"),
    ]


def test_what_nothing_uses_is_told_at_its_line(written: Written, library: Library) -> None:
    text = HEAD + GREET + TELL + BYE + "  island:\n    end: bye\n"
    flow = load_flow(written("broken", text), library)
    spare = replace(library["common.goodbye"], id="common.spare", place=Place("common.yaml", 7, 3))
    words = replace(library, lines={**library.lines, spare.id: spare})
    told = list(check_unused([Subject(flow, library)], [words]))
    assert {item.rule for item in told} == {"unused"}
    assert {item.severity for item in told} == {Severity.WARNING}
    assert Place("common.yaml", 7, 3) in {item.place for item in told}
    assert place_of(text, "  island:") in {item.place.line for item in told if item.place.file.endswith("broken.yaml")}
    deaf = load_flow("voicemail_message", library)
    unanswered = [i for i in check_unused([Subject(deaf, library)], [words]) if "cease_contact" in i.message["en"]]
    assert [item.place for item in unanswered] == [deaf.main.place]


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
        (("part: identity", "part: identiy"), "unknown-part", "identiy"),
        (("opening.outbound", "opening.outbond"), "unknown-line", "opening.outbond"),
        (("affirms: bye", "afirms: bye"), "unknown-intent", "afirms"),
        (("end: id_unresolved", "end: id_unresolvd"), "unknown-disposition", "id_unresolvd"),
        (("debtor.name,", "debtor.nmae,"), "unknown-fact", "debtor.nmae"),
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
