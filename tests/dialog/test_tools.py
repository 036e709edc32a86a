"""The author's tools: chat with undo and save, drawings, differences, replay of calls, versions with hot reload."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from compliance_filters.verdict import Action, CallState, Finding, Verdict
from voicebot.cli.flow import app
from voicebot.dialog.author_tests import read_tests
from voicebot.dialog.chatting import Chat
from voicebot.dialog.comparing import differences
from voicebot.dialog.drawing import WRONG, Colours, mermaid, svg
from voicebot.dialog.examples import EXAMPLE_CASE
from voicebot.dialog.facts import Facts
from voicebot.dialog.library import CONTENT, Library, load_library
from voicebot.dialog.loader import FLOWS, load_flow, shipped_flows
from voicebot.dialog.machine import Machine
from voicebot.dialog.places import read_yaml
from voicebot.dialog.profile import Profile
from voicebot.dialog.replaying import TimelineError, read_timeline, replayed
from voicebot.dialog.schema import json_schema, lines_schema
from voicebot.dialog.trying import Bench
from voicebot.understanding.meaning import Answer, Context, IntentScore, Meaning

NOW = datetime.fromisoformat("2026-03-10T15:00:00+08:00")


def understand(words: str, _: Context) -> Meaning:
    """Stands in for the understander: three phrases are enough to look at the tools."""
    known = {"是我": Meaning(words, words, (IntentScore("confirm_identity", 0.9),), Answer.YES)}
    known["转人工"] = Meaning(words, words, (IntentScore("ask_human", 0.9),))
    return known.get(words, Meaning(words, words))


def guard(text: str, _: CallState) -> Verdict:
    if "密码" in text:
        return Verdict(Action.REPLACE, (Finding("payment_diversion", Action.REPLACE, ("X",), (0, 1), "why"),), "hash")
    return Verdict(Action.ALLOW, (), "hash")


@pytest.fixture
def chat(library: Library, facts: Facts) -> Chat:
    talk = Chat(Machine(load_flow("reminder_first", library), library, facts), NOW, understand, guard, EXAMPLE_CASE)
    talk.begin()
    return talk


# --- chat -------------------------------------------------------------------------------------------------------------
def test_chat_shows_intents_lines_state_and_why(chat: Chat) -> None:
    told = "\n".join(chat.hear("是我"))
    assert "confirm_identity 0.90" in told
    assert "机器 > 谢谢您" in told
    assert "identity.last_four" in told
    assert "parts/identity.yaml:" in chat.hear("/why")[0]


def test_chat_takes_a_turn_back_and_says_something_else(chat: Chat) -> None:
    chat.hear("是我")
    chat.hear("/key 3866")
    assert "right_party = True" in chat.hear("/slots")
    chat.hear("/undo")
    assert "right_party = False" in chat.hear("/slots")
    chat.hear("/undo")
    assert "转" in "\n".join(chat.hear("转人工"))
    assert "callback.nobody_free" not in "\n".join(chat.hear("/agent accepted"))


def test_a_saved_chat_is_a_test_that_passes(chat: Chat, tmp_path: Path) -> None:
    chat.hear("是我")
    chat.hear("/key 3866")
    chat.hear("/silence")
    chat.hear("/hangup")
    chat.hear(f"/save {tmp_path / 'saved'}")
    result = Bench(understand).run(read_tests(tmp_path / "saved.test.yaml"))
    assert [failure.text() for failure in result.failures] == []
    assert result.passed == 1


def test_a_second_chat_is_saved_behind_the_tests_that_are_there(chat: Chat, tmp_path: Path) -> None:
    path = tmp_path / "reminder_first.test.yaml"
    chat.hear(f"/save {path}")
    first = (
        path.read_text(encoding="utf-8").replace("tests:", "# 下面每条都是真人说过的\ntests:  # 按先后").rstrip()
        + "  # 完\n"
    )
    path.write_text(first, encoding="utf-8")
    chat.hear("是我")
    chat.hear("/hangup")
    assert str(path) in chat.hear(f"/save {path}")[0]
    text = path.read_text(encoding="utf-8")
    assert text.startswith(first)
    assert [test.name for test in read_tests(path)] == ["reminder_first", "reminder_first 2"]
    result = Bench(understand).run(read_tests(path))
    assert (result.passed, [failure.text() for failure in result.failures]) == (2, [])


def test_a_chat_goes_into_the_tests_beside_a_flow_with_its_own_clock_and_case(library: Library, tmp_path: Path) -> None:
    written = (FLOWS / "reminder_first.words.test.yaml").read_text(encoding="utf-8")
    path = tmp_path / "words.test.yaml"
    path.write_text(written, encoding="utf-8")
    case = {**EXAMPLE_CASE, "x": {"branch": "城东"}}
    later = datetime.fromisoformat("2026-03-12T10:00:00+08:00")
    machine = Machine(load_flow("reminder_first", library), library, Facts.of(case), profile=Profile(elderly=True))
    talk = Chat(machine, later, understand, guard, case)
    talk.begin()
    talk.hear("/silence")
    assert str(path) in talk.hear(f"/save {path}")[0]
    assert path.read_text(encoding="utf-8").startswith(written)
    added = read_tests(path)[-1]
    assert (added.clock, added.elderly, Facts.of(added.case)) == (later, True, Facts.of(case))
    assert Bench(understand).run([added]).passed == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("flow: reminder_first", "flow: reminder_later", "reminder_later"),
        ("tests:", "tests: [", "不是合法的 YAML"),
        ("firm:", "call: {withheld: true}\n  firm:", "没有的事实"),
        ("tests:", "case_: 1\ntests:", "case_"),
    ],
)
def test_a_file_that_a_chat_does_not_fit_is_left_alone(
    chat: Chat, tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "saved.test.yaml"
    chat.hear(f"/save {path}")
    text = path.read_text(encoding="utf-8").replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    assert told in "\n".join(chat.hear(f"/save {path}"))
    assert path.read_text(encoding="utf-8") == text


def test_tests_that_do_not_end_their_file_are_left_alone(chat: Chat, tmp_path: Path) -> None:
    path = tmp_path / "saved.test.yaml"
    chat.hear(f"/save {path}")
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join([*lines[1:], lines[0]]) + "\n"
    path.write_text(text, encoding="utf-8")
    assert "没有动它" in chat.hear(f"/save {path}")[0]
    assert path.read_text(encoding="utf-8") == text
    assert "写不了" in chat.hear(f"/save {tmp_path / 'none' / 'saved'}")[0]


def test_chat_answers_what_it_does_not_know(chat: Chat) -> None:
    assert "/nonsense" in chat.hear("/nonsense")[0]
    assert "accepted" in chat.hear("/agent perhaps")[0]
    chat.hear("/hangup")
    assert "/undo" in chat.hear("喂")[0]
    chat.hear("/quit")
    assert chat.done


# --- drawings ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", shipped_flows(), ids=lambda path: path.stem)
def test_every_flow_can_be_drawn(path: Path) -> None:
    flow = load_flow(path, load_library("en-US" if path.stem.endswith("_us") else "zh-CN"))
    drawing = ET.fromstring(svg(flow, Colours()))
    texts = {element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert set(flow.main.states) <= texts
    text = mermaid(flow, Colours())
    assert text.startswith("flowchart TD")
    assert all(f"{flow.name}_{name}" in text for name in flow.main.states)


def test_states_are_coloured_by_findings(library: Library) -> None:
    flow = load_flow("reminder_first", library)
    place = flow.main.states["tell"].place
    assert WRONG in mermaid(flow, Colours(wrong=frozenset({place})))
    assert WRONG not in mermaid(flow, Colours())


# --- differences ------------------------------------------------------------------------------------------------------
def test_differences_are_told_in_an_authors_terms(library: Library, tmp_path: Path) -> None:
    text = (FLOWS / "reminder_first.yaml").read_text(encoding="utf-8")
    changed = tmp_path / "reminder_first.yaml"
    changed.write_text(text.replace("reminder.first_overdue", "reminder.later_overdue"), encoding="utf-8")
    old, new = load_flow("reminder_first", library), load_flow(changed, library)
    assert old.hash != new.hash
    rows = differences(old, library, new, library)
    assert any(row.kind == "state" and row.name == "tell" for row in rows)
    assert any(row.kind == "line" and row.name == "reminder.later_overdue" and not row.before for row in rows)
    assert differences(old, library, old, library) == []


# --- replay -----------------------------------------------------------------------------------------------------------
def _timeline(path: Path) -> Path:
    at = NOW.isoformat()
    entries = [
        {"kind": "call.answered", "at": at, "data": {}},
        {"kind": "dialog.decision", "at": at, "data": {"state": "greet/identity.are_you"}},
        {"kind": "line.said", "at": at, "data": {"line": "opening.outbound"}},
        {"kind": "line.said", "at": at, "data": {"line": "identity.are_you"}},
        {"kind": "turn.heard", "at": at, "data": {"text": "是我"}},
        {"kind": "dialog.decision", "at": at, "data": {"state": "greet/identity.last_four"}},
        {"kind": "line.said", "at": at, "data": {"line": "identity.ask_last_four"}},
        {"kind": "dtmf.entered", "at": at, "data": {"digits": "3866"}},
        {"kind": "dialog.decision", "at": at, "data": {"state": "tell"}},
        {"kind": "line.said", "at": at, "data": {"line": "reminder.first_overdue"}},
        {"kind": "line.said", "at": at, "data": {"line": "reminder.when_can_you_pay"}},
        {"kind": "silence", "at": at, "data": {}},
        {"kind": "line.said", "at": at, "data": {"line": "common.are_you_there"}},
    ]
    path.write_text("\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries), encoding="utf-8")
    return path


def test_a_call_replayed_through_its_own_flow_is_the_same(library: Library, facts: Facts, tmp_path: Path) -> None:
    entries = read_timeline(_timeline(tmp_path / "call.jsonl"))
    flow = load_flow("reminder_first", library)
    assert [change.as_dict() for change in replayed(entries, flow, library, facts, understand, guard)] == []


def test_a_changed_flow_shows_where_the_call_would_differ(library: Library, facts: Facts, tmp_path: Path) -> None:
    entries = read_timeline(_timeline(tmp_path / "call.jsonl"))
    text = (FLOWS / "reminder_first.yaml").read_text(encoding="utf-8")
    changed = tmp_path / "reminder_first.yaml"
    changed.write_text(text.replace("opening.outbound", "common.scam"), encoding="utf-8")
    changes = replayed(entries, load_flow(changed, library), library, facts, understand, guard)
    assert {change.what for change in changes} == {"lines", "guard"}


def test_a_broken_timeline_names_its_line(tmp_path: Path) -> None:
    path = _timeline(tmp_path / "call.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + "\n{broken\n", encoding="utf-8")
    with pytest.raises(TimelineError, match=r"call\.jsonl:14"):
        read_timeline(path)


# --- schema and command line ------------------------------------------------------------------------------------------
def test_the_published_schema_accepts_every_shipped_file_and_refuses_a_misspelt_key() -> None:
    flows, lines = Draft202012Validator(json_schema()), Draft202012Validator(lines_schema())
    for path in [*shipped_flows(), *(FLOWS / "parts").glob("*.yaml")]:
        assert not list(flows.iter_errors(read_yaml(path).content)), path
    for path in (CONTENT / "scripts_library").glob("*/lines/*.yaml"):
        assert not list(lines.iter_errors(read_yaml(path).content)), path
    assert list(flows.iter_errors({"flow": "x", "title": "x", "sates": {}}))


def test_check_on_the_command_line_is_for_people_and_for_programs(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("flow: broken\ntitle: 坏的\nstart: a\nstates:\n  a: {say: x.y, end: bye}\n", encoding="utf-8")
    runner = CliRunner()
    told = runner.invoke(app, ["check", str(broken), "--locale", "zh"])
    assert told.exit_code == 1
    assert "没有名为 x.y 的话术" in told.stdout
    found = json.loads(runner.invoke(app, ["check", str(broken), "--json"]).stdout)["findings"][0]
    assert (found["rule"], found["line"], found["severity"]) == ("unknown-line", 5, "error")
    sarif = json.loads(runner.invoke(app, ["check", str(broken), "--format", "sarif"]).stdout)
    assert sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 5
    github = runner.invoke(app, ["check", str(broken), "--format", "github", "--locale", "en"]).stdout
    assert github.startswith("::error file=")
    assert runner.invoke(app, ["check", "no_such_flow"]).exit_code == 2


def test_tests_on_the_command_line_print_the_contract() -> None:
    made = CliRunner().invoke(app, ["test", str(FLOWS / "voicemail_message.test.yaml"), "--json"])
    result = json.loads(made.stdout)
    assert made.exit_code == 0
    assert result["failed"] == 0
    assert result["coverage"] == {"states": 1.0, "routes": 1.0, "lines": 1.0}


def test_graph_and_schema_and_list_on_the_command_line(tmp_path: Path) -> None:
    runner = CliRunner()
    out = tmp_path / "flow.svg"
    assert runner.invoke(app, ["graph", "voicemail_message", "--out", str(out)]).exit_code == 0
    assert out.read_text(encoding="utf-8").startswith("<svg")
    assert "flowchart" in runner.invoke(app, ["graph", "voicemail_message"]).stdout
    assert "properties" in json.loads(runner.invoke(app, ["schema", "flow"]).stdout)
    assert "reminder_first" in runner.invoke(app, ["list"]).stdout
