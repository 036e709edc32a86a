"""A name that means nothing is told at the very word: its line and its column, wherever in a file a name may stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voicebot.dialog.library import Library
from voicebot.dialog.loader import load
from voicebot.dialog.places import parse_yaml

Written = Callable[[str, str], Path]

WHOLE = """\
flow: marked
title: 记号
facts: [debtor.name]
include: everyone
start: greet
always:
  complaint_regulator: {say: common.goodbye, go: bye}
states:
  greet:
    say: [opening.outbound, common.slower]
    call:
      part: identity
      on: {verified: tell, unresolved: bye}
  tell:
    set: {slots: {amount: debt.amount_due}, clear: [date]}
    outcome: reminded
    say: common.goodbye
    ask: "common.slower"
    collect: {slots: {date: promise.which_day, amount: promise.how_much}}
    on:
      affirms, confirm_identity: bye
      busy_call_later + hardship_illness: {say: common.goodbye, go: bye}
      denies: {note: bye, go: bye}
      unsure: {handoff: agent, because: bye, otherwise: bye}
      silence: {say: common.are_you_there, go: stay, at_most: 2, then: {say: common.goodbye, go: bye}}
      else: {say: common.sorry_again, then: bye}
  read:
    ask: promise.read_back
    confirm: [date]
    on: {affirms: proven, denies: bye}
  proven:
    check: {right_party: id_last_four}
    on: {passed: fork, failed: bye}
  fork:
    choose:
      - {when: right_party, go: bye}
      - {go: human}
  human:
    handoff: {because: bye, otherwise: bye}
  bye:
    say: common.goodbye
    end: served
"""


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ("say: [opening.outbound, common.slower]", "say: [opening.outbound, «common.slowr»]", "unknown-line"),
        ("say: [opening.outbound, common.slower]", "say:\n      - common.slower\n      - «x.y»", "unknown-line"),
        ('ask: "common.slower"', 'ask: "«common.slowr»"', "unknown-line"),
        ("{date: promise.which_day,", "{date: «promise.wich_day»,", "unknown-line"),
        ("{say: common.goodbye, go: bye}\nstates", "{say: «common.godbye», go: bye}\nstates", "unknown-line"),
        ("then: {say: common.goodbye,", "then: {say: «common.godbye»,", "unknown-line"),
        ("else: {say: common.sorry_again,", "else: {say: «common.sory»,", "unknown-line"),
        ("facts: [debtor.name]", "facts: [debtor.name, «debtor.nmae»]", "unknown-fact"),
        ("{amount: debt.amount_due}", "{amount: «debt.amuont»}", "unknown-fact"),
        ("{amount: debt.amount_due}", "{«amuont»: debt.amount_due}", "unknown-slot"),
        ("clear: [date]", "clear: [«dat»]", "unknown-slot"),
        ("confirm: [date]", "confirm: [date, «dat»]", "unknown-slot"),
        ("{date: promise.which_day, amount:", "{date: promise.which_day, «amuont»:", "unknown-slot"),
        ("right_party: id_last_four", "right_party: «id_last_for»", "unknown-slot"),
        ("include: everyone", "include: [everyone, «evryone»]", "unknown-part"),
        ("part: identity", "part: «identiy»", "unknown-part"),
        ("affirms, confirm_identity: bye", "affirms, «confirm_identiy»: bye", "unknown-intent"),
        ("busy_call_later + hardship_illness:", "busy_call_later + «hardship_ilness»:", "unknown-intent"),
        ("start: greet", "start: greet\npriority: [deceased, «decesed»]", "unknown-intent"),
        ("start: greet", "start: «gret»", "unknown-state"),
        ("affirms, confirm_identity: bye", "affirms, confirm_identity: «by»", "unknown-state"),
        ("denies: {note: bye, go: bye}", "denies: {note: by, go: «by»}", "unknown-state"),
        (
            "because: bye, otherwise: bye}\n      silence",
            "because: by, otherwise: «by»}\n      silence",
            "unknown-state",
        ),
        ("handoff: {because: bye, otherwise: bye}", "handoff: {because: by, otherwise: «by»}", "unknown-state"),
        ("say: common.sorry_again, then: bye", "say: common.sorry_again, then: «by»", "unknown-state"),
        ("- {when: right_party, go: bye}", "- {when: right_party, go: «by»}", "unknown-state"),
        ("outcome: reminded", "outcome: «remindd»", "unknown-disposition"),
        ("end: served", "end: «servd»", "unknown-disposition"),
        ("denies: {note: bye, go: bye}", "denies: {note: bye, end: «by»}", "unknown-disposition"),
        ("denies: {note: bye, go: bye}", "denies: {note: bye, returns: «by»}", "unknown-outcome"),
        ("denies: {note: bye, go: bye}", "denies: {note: bye, call: «identiy»}", "unknown-part"),
    ],
)
def test_an_unknown_name_is_told_at_the_very_word(
    was: str, now: str, rule: str, written: Written, library: Library
) -> None:
    assert WHOLE.count(was) == 1
    marked = WHOLE.replace(was, now)
    before = marked[: marked.index("«")]
    expected = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    loaded = load(written("marked", marked.replace("«", "").replace("»", "")), library)
    told = [(item.place.line, item.place.column) for item in loaded.findings if item.rule == rule]
    assert told == [expected]


def test_the_flow_that_is_broken_above_is_whole(written: Written, library: Library) -> None:
    assert load(written("marked", WHOLE), library).findings == []


def test_each_of_two_routes_with_the_same_unknown_line_is_told_at_its_own_word(
    written: Written, library: Library
) -> None:
    text = WHOLE.replace("common.sorry_again", "x.y").replace("common.are_you_there", "x.y")
    loaded = load(written("marked", text), library)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "x.y" in line]
    assert [item.place.line for item in loaded.findings] == lines


def test_a_word_that_is_nowhere_is_told_where_it_would_stand() -> None:
    placed = parse_yaml("a:\n  b: >\n    folded\n    words\n", "some.yaml")
    assert str(placed.word("words", ("a", "b"), ("a",))) == "some.yaml:2:3"
    assert str(placed.word("words", ("a", "b", "missing"))) == "some.yaml:2:3"
