"""Conversation tests as authors write them: YAML beside the flow, read with the place of every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from voicebot.dialog.facts import FactKind
from voicebot.dialog.library import shown
from voicebot.dialog.places import Finding, FlowError, Place, Placed, finding, read_yaml
from voicebot.dialog.schema import Model, findings_of
from voicebot.dialog.wording import SLOTS
from voicebot.understanding.intents.catalogue import INTENTS
from voicebot.understanding.meaning import Answer, IntentScore, Meaning, Mood, Sentiment, Slot


def _many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_many, json_schema_input_type=str | list[str])]


class ExpectModel(Model):
    """What must be true; keys left out are not looked at."""

    bot: Texts | None = Field(None, description="这一步说的每一句，按顺序：话术名，或话里的一段 / lines said, in order")
    state: str | None = Field(None, description="状态名；在子流程里写 子流程.状态 / state, or part.state")
    slots: dict[str, Any] | None = None
    promise: dict[Literal["amount", "date", "partial"], Any] | None = None
    callback: str | None = None
    handoff: str | None = Field(None, description="转人工的缘由 / why a human is asked for")
    flags: list[str] | None = None
    right_party: bool | None = None
    disposition: str | None = None


class StepModel(ExpectModel):
    """对方做的一件事，和随后该发生的 / one thing the caller does, and what must follow"""

    caller: str | None = None
    means: list[str] | None = Field(None, description="直接给出意思，不经过理解 / the meaning, given")
    told: dict[str, Any] = Field(default_factory=dict, description="直接给出的槽位 / slots, given")
    unsure: bool = Field(False, description="识别没有把握 / the recogniser was unsure")
    over: str | None = Field(None, description="打断了哪一句 / the line it interrupts")
    presses: str | None = None
    silent: bool = False
    hangs_up: bool = False
    agent: Literal["accepted", "declined", "no_answer", "nobody_free", "caller_gone"] | None = None
    timer: str | None = None


class CaseModel(Model):
    name: str
    case: dict[str, Any] = Field(default_factory=dict)
    elderly: bool = False
    register_: Literal["gentle", "neutral", "firm"] = Field("neutral", alias="register")
    dialect: Literal["cantonese", "sichuan"] | None = None
    clock: datetime | None = None
    table: list[dict[str, str]] = Field(
        default_factory=list, description="每一行一个测试，<列名> 换成值 / one test a row"
    )
    turns: list[StepModel]
    each: list[StepModel] = Field(
        default_factory=list, description="turns 之后的每一种下文，各是一个测试 / one test each"
    )
    expect: ExpectModel = ExpectModel()
    never: list[str] = Field(default_factory=list, description="整通电话里不许说的 / must never be said")


class TestsFile(Model):
    """dialog_flows/*.test.yaml"""

    __test__ = False

    flow: str
    clock: datetime
    case: dict[str, Any] = Field(default_factory=dict)
    tests: list[CaseModel] = Field(min_length=1)


@dataclass(frozen=True)
class AuthorTest:
    """One conversation with what is expected of it."""

    name: str
    flow: str
    place: Place
    clock: datetime
    case: Mapping[str, Any]
    elderly: bool
    register: str
    dialect: str | None
    steps: tuple[tuple[StepModel, Place], ...]
    expect: ExpectModel
    never: tuple[str, ...]
    file: Path


def read_tests(path: Path) -> list[AuthorTest]:
    """The tests of a file, tables and alternatives spread out. Raises FlowError with every finding."""
    placed = read_yaml(path, shown(path))
    try:
        model = TestsFile.model_validate(placed.content)
    except ValidationError as error:
        raise FlowError(tuple(findings_of(error, placed))) from error
    found: list[Finding] = []
    tests: list[AuthorTest] = []
    for index, case in enumerate(model.tests):
        trail: tuple[str | int, ...] = ("tests", index)
        for row in case.table or [{}]:
            tests.extend(_spread(path, model, case, row, placed, trail))
    for test in tests:
        for step, place in test.steps:
            found.extend(_wrong_meaning(step, place))
    if found:
        raise FlowError(tuple(found))
    return tests


def _spread(
    path: Path,
    model: TestsFile,
    case: CaseModel,
    row: Mapping[str, str],
    placed: Placed,
    trail: tuple[str | int, ...],
) -> Iterator[AuthorTest]:
    turns = [(_filled(step, row), placed.at((*trail, "turns", number))) for number, step in enumerate(case.turns)]
    suffix = f" [{', '.join(row.values())}]" if row else ""
    base = merge_case(model.case, case.case)
    ways: list[tuple[str, list[tuple[StepModel, Place]]]] = [("", [])]
    if case.each:
        ways = [
            (
                f" · {step.caller or step.presses or _name(step)}",
                [(_filled(step, row), placed.at((*trail, "each", number)))],
            )
            for number, step in enumerate(case.each)
        ]
    for name, more in ways:
        yield AuthorTest(
            name=f"{case.name}{suffix}{name}",
            flow=model.flow,
            place=more[0][1] if more else placed.at(trail),
            clock=case.clock or model.clock,
            case=base,
            elderly=case.elderly,
            register=case.register_,
            dialect=case.dialect,
            steps=(*turns, *more),
            expect=_filled(case.expect, row),
            never=tuple(case.never),
            file=path,
        )


def _name(step: StepModel) -> str:
    if step.silent:
        return "不出声"
    return "挂机" if step.hangs_up else str(step.agent or step.timer)


def merge_case(general: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A file's case with what one of its tests says of its own."""
    merged = deepcopy(dict(general))
    _merge(merged, own)
    return merged


def _merge(base: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


_M = TypeVar("_M", bound=Model)


def _filled(model: _M, row: Mapping[str, str]) -> _M:
    """The model with <column> replaced by the row's value."""
    if not row:
        return model
    return type(model).model_validate(_replaced(model.model_dump(exclude_unset=True), row))


def _replaced(value: Any, row: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for column, text in row.items():
            value = value.replace(f"<{column}>", text)
        return value
    if isinstance(value, dict):
        return {key: _replaced(item, row) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, row) for item in value]
    return value


# --- meanings ---------------------------------------------------------------------------------------------------------
_ANSWERS = {"affirms": Answer.YES, "denies": Answer.NO, "unsure": Answer.UNSURE}


def _wrong_meaning(step: StepModel, place: Place) -> Iterator[Finding]:
    for word in step.means or ():
        if word not in INTENTS and word not in _ANSWERS and word not in ("distressed", "correction"):
            mood = word.removeprefix("mood ")
            if mood not in {item.value for item in Mood}:
                yield finding(
                    "unknown-intent",
                    place,
                    f"没有名为 {word} 的意思。",
                    f"there is no meaning named {word}.",
                    "写意图名、affirms、denies、unsure、correction、distressed 或 mood 情绪。",
                    "Write an intent, affirms, denies, unsure, correction, distressed, or mood and its name.",
                )
    for slot in step.told:
        if slot not in SLOTS:
            yield finding(
                "unknown-slot",
                place,
                f"没有名为 {slot} 的槽位。",
                f"there is no slot named {slot}.",
                f"可用：{'、'.join(SLOTS)}。",
                f"Slots are: {', '.join(SLOTS)}.",
            )


def meaning_of(step: StepModel, now: datetime) -> Meaning | None:
    """The meaning that a step gives, None when its words are to be understood."""
    if step.means is None and not step.told:
        return None
    words = step.caller or ""
    means = step.means or []
    moods = [word.removeprefix("mood ") for word in means if word.startswith("mood ")]
    return Meaning(
        raw=words,
        text=words,
        intents=tuple(IntentScore(word, 0.9, "given") for word in means if word in INTENTS),
        answer=next((_ANSWERS[word] for word in means if word in _ANSWERS), None),
        slots={name: _slot(name, value, words, now) for name, value in step.told.items()},
        sentiment=Sentiment(
            mood=Mood(moods[0]) if moods else Mood.CALM,
            intensity=0.8 if moods else 0.0,
            distress=0.9 if "distressed" in means else 0.0,
        ),
        correction="correction" in means,
    )


def _slot(name: str, value: Any, words: str, now: datetime) -> Slot:
    if value in (None, "?"):
        return Slot(name, None, words, needs_clarification=True)
    match SLOTS[name]:
        case FactKind.MONEY:
            return Slot(name, Decimal(str(value)), words)
        case FactKind.DATE:
            return Slot(name, value if isinstance(value, date) else date.fromisoformat(str(value)), words)
        case FactKind.TIME:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            return Slot(name, moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo), words)
        case FactKind.COUNT:
            return Slot(name, int(value), words)
        case _:
            return Slot(name, str(value), words)
