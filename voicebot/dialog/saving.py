"""A chat kept as a conversation test: in a new file, or as one more test of a file that is there.

What an author wrote stays as it was, byte for byte: a test is put behind the last one, and the file is then read again
to see that it says what it said, and one test more. Where that is not so, nothing is written.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from textwrap import indent
from typing import Any

from ruamel.yaml import YAML

from voicebot.dialog.author_tests import merge_case, read_tests
from voicebot.dialog.conversation import Conversation, Exchange
from voicebot.dialog.events import Heard, Pressed, SilenceElapsed
from voicebot.dialog.facts import FactError, Facts
from voicebot.dialog.places import FlowError, Placed, parse_yaml, read_yaml


class NotSaved(Exception):
    """A chat that cannot be kept in the file that was named: why not, and what to do instead, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        super().__init__(en)

    def text(self, locale: str) -> str:
        return self.zh if locale == "zh" else str(self)


def save_as_test(talk: Conversation, began: datetime, case: Mapping[str, Any], path: Path) -> None:
    """Keeps a conversation, with what came of it as what is expected. Raises NotSaved; the file is then as before."""
    clock = began.isoformat(timespec="seconds")
    try:
        text = _added(talk, clock, case, path) if path.exists() else _new(talk, clock, case, path)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        what = error.strerror or error
        raise NotSaved(f"{path} 写不了：{what}", f"{path} cannot be written: {what}") from error


def _new(talk: Conversation, clock: str, case: Mapping[str, Any], path: Path) -> str:
    tests = [_test(talk, path.name.split(".")[0])]
    return _yaml({"flow": talk.state.flow, "clock": clock, "case": dict(case), "tests": tests})


def _added(talk: Conversation, clock: str, case: Mapping[str, Any], path: Path) -> str:
    """The text of a file of tests with this one behind its last."""
    try:
        tests = read_tests(path)
        placed = read_yaml(path)
    except FlowError as error:
        raise NotSaved(
            "\n".join((f"{path} 不能用，没有动它；换个文件名：", *(item.text("zh") for item in error.findings))),
            f"{path} is not usable and was left alone; give another name:\n{error}",
        ) from error
    content = placed.content
    assert isinstance(content, dict)
    if content["flow"] != talk.state.flow:
        raise NotSaved(
            f"{path} 是流程 {content['flow']} 的测试，没有动它；换个文件名",
            f"{path} holds tests of the flow {content['flow']} and was left alone; give another name",
        )
    taken = {test["name"] for test in content["tests"]} | {test.name for test in tests}
    test = _test(talk, _free(path.name.split(".")[0], taken))
    own: dict[str, Any] = {"name": test.pop("name")}
    if content["clock"] != clock:
        own["clock"] = clock
    if more := _beyond(content.get("case", {}), case, path):
        own["case"] = more
    return _behind_the_last(placed, {**own, **test}, path)


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _beyond(general: Mapping[str, Any], case: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What a test must say of its case where the file's case is another one."""
    try:
        if Facts.of(general) == Facts.of(case):
            return {}
        merged = merge_case(general, case)
        if Facts.of(merged) == Facts.of(case):
            return dict(case)
    except FactError:
        pass
    raise NotSaved(
        f"{path} 里的案件有这次没有的事实，没有动它；换个文件名",
        f"{path} has a case with facts that this chat was without, and was left alone; give another name",
    )


def _behind_the_last(placed: Placed, test: Mapping[str, Any], path: Path) -> str:
    content = placed.content
    assert isinstance(content, dict)
    column = placed.at(("tests", 0)).column - 1
    lines = placed.text.rstrip("\n").split("\n")
    # The place of an item is that of its first key; its dash stands before it.
    dash = lines[placed.at(("tests", 0)).line - 1][:column].rfind("-")
    text = "\n".join(lines) + "\n" + indent(_yaml([test], offset=0), " " * max(dash, 0))
    try:
        whole = parse_yaml(text, str(path)).content
    except FlowError:
        whole = None
    wanted = parse_yaml(_yaml([test], offset=0), str(path)).content
    assert isinstance(wanted, list)
    if whole != {**content, "tests": [*content["tests"], *wanted]}:
        raise NotSaved(
            f"{path} 的 tests 不在文件末尾逐条列出，没有动它；换个文件名",
            f"{path} does not end with its tests, one below the other, and was left alone; give another name",
        )
    return text


def _test(talk: Conversation, name: str) -> dict[str, Any]:
    """The conversation so far, with what came as what is expected."""
    test: dict[str, Any] = {"name": name}
    if talk.exchanges[0].state.elderly:
        test["elderly"] = True
    test["turns"] = [_step(exchange) for exchange in talk.exchanges[1:] if exchange.event is not None]
    if talk.state.disposition:
        test["expect"] = {"disposition": talk.state.disposition}
    return test


def _step(exchange: Exchange) -> dict[str, Any]:
    step: dict[str, Any] = {}
    match exchange.event:
        case Heard(interrupted_line=over):
            step["caller"] = exchange.words
            if over:
                step["over"] = over
        case Pressed(digits=digits):
            step["presses"] = digits
        case SilenceElapsed():
            step["silent"] = True
        case event:
            outcome = getattr(event, "outcome", None)
            if outcome is not None:
                step["agent"] = outcome.value
            else:
                step["hangs_up"] = True
    step["bot"] = [say.line for say in exchange.said]
    if not exchange.state.over:
        step["state"] = exchange.state.where.split("/")[-1]
    return step


def _yaml(content: object, offset: int = 2) -> str:
    writer = YAML()
    writer.width = 120
    writer.indent(mapping=2, sequence=offset + 2, offset=offset)
    stream = io.StringIO()
    writer.dump(content, stream)
    return stream.getvalue()
