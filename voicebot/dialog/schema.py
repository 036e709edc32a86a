"""The shape of authors' files: what the loader accepts, and the JSON Schema that editors complete from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from voicebot.dialog.places import Finding, Placed, finding

_NAME = r"^[a-z][a-z0-9_]*$"
_LINE = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|m|秒|分钟)?$")


def _seconds(value: object) -> object:
    if isinstance(value, str) and (match := _SECONDS.match(value.strip())):
        return float(match[1]) * (60 if match[2] in ("m", "分钟") else 1)
    return value


def _many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=_NAME)]
LineId = Annotated[str, Field(pattern=_LINE)]
Lines = Annotated[list[LineId], BeforeValidator(_many, json_schema_input_type=LineId | list[LineId])]
Names = Annotated[list[Name], BeforeValidator(_many, json_schema_input_type=Name | list[Name])]
Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str | float), Field(gt=0, le=3600)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WordingModel(Model):
    text: str = Field(min_length=1)
    weight: int = Field(1, ge=1, le=1000, description="比重：听到这个说法的通话份额 / share of calls that hear it")


class LineModel(Model):
    text: str | list[WordingModel] = Field(
        description="说的话；{debtor.name} 是从案件填入的空 / what is said; {…} is filled in"
    )
    variants: dict[Literal["elderly", "cantonese", "sichuan", "gentle", "firm"], str] = Field(default_factory=dict)
    again: str | None = Field(None, description="再说一遍时的说法，更短更白 / wording when it is said again")
    discloses: list[Literal["ai", "recording", "identity", "debt", "mini_miranda", "rights"]] = Field(
        default_factory=list
    )
    asks: Literal["money"] | None = Field(None, description="要对方还钱，或问何时还、还多少 / asks for payment")
    note: str | None = None


class LinesFile(Model):
    """scripts_library/<language>/lines/*.yaml"""

    title: str | None = None
    lines: dict[Name, LineModel]


class SetModel(Model):
    """改变通话所知道的事 / what becomes known"""

    flag: Names = Field(default_factory=list, description="案件要知道的事 / something the case must know")
    party: Literal["unknown", "third_party"] | None = None
    money: Literal["closed"] | None = Field(
        None, description="这通电话不再谈还款 / no more talk of payment in this call"
    )
    manner: Literal["elderly", "slower"] | None = None
    clear: Names = Field(default_factory=list, description="忘掉这些槽位 / forget these slots")
    slots: dict[Name, str] = Field(default_factory=dict, description="槽位取自事实 / a slot takes a fact's value")


class HandoffModel(Model):
    because: Name
    skill: Name = "agent"
    urgent: bool = False
    otherwise: Name | None = Field(None, description="没人接时去的状态 / state when nobody takes the call")


def _route(value: object) -> object:
    return {"go": value} if isinstance(value, str) else value


class RouteModel(Model):
    """去哪里、说什么 / where to, and what to say on the way"""

    go: str | None = Field(
        None, description="状态名，或 resume（再问一遍）、stay（接着听） / a state, or resume, or stay"
    )
    say: Lines = Field(default_factory=list)
    set: SetModel | None = None
    outcome: Name | None = None
    repeat: Literal["same", "slower", "simpler"] | None = None
    call: Name | None = Field(None, description="转入子流程，做完回来 / a sub-flow, and back")
    handoff: Name | None = Field(None, description="转人工 / hand over to a human of this skill")
    because: Name | None = None
    urgent: bool = False
    otherwise: Name | None = None
    end: Name | None = Field(
        None, description="挂机及其结果；so_far 表示到目前为止的结果 / hang up with this disposition"
    )
    returns: Name | None = Field(None, description="子流程的结果 / outcome of this sub-flow")
    note: Name | None = Field(None, description="听到就记下，不论走不走这条路 / flag set whenever it is heard")
    at_most: int | None = Field(None, ge=1, le=9)
    then: Route | None = None


Route = Annotated[RouteModel, BeforeValidator(_route, json_schema_input_type=str | RouteModel)]


def _collect(value: object) -> object:
    if isinstance(value, Mapping) and isinstance(value.get("slot"), str):
        return {**{k: v for k, v in value.items() if k != "slot"}, "slots": {value["slot"]: None}}
    return value


class ListenModel(Model):
    silence: Seconds = 6.0
    expecting: (
        Literal[
            "nothing",
            "identity",
            "yes_no",
            "digits",
            "date",
            "amount",
            "date_and_amount",
            "time",
            "count",
            "reason",
            "open",
        ]
        | None
    ) = None
    phrases: list[str] = Field(default_factory=list, description="现在可能听到的词 / words likely now")


class CollectModel(Model):
    slots: dict[Name, LineId | None] = Field(
        description="要的槽位，和只缺它时的问法 / slots, and how to ask for one alone"
    )
    by: list[Literal["speech", "dtmf"]] = ["speech"]
    digits: int = Field(0, ge=0, le=20, description="数字共几位 / number of digits")
    partial: LineId | None = Field(None, description="数字只来了一部分时说 / said when some digits are still missing")
    at_most: int = Field(3, ge=1, le=5, description="最多再问几次 / how often to ask again")


class ChoiceModel(Model):
    when: str | None = None
    go: str


class CallModel(Model):
    part: Name
    on: dict[str, Route] = Field(default_factory=dict)


def _call(value: object) -> object:
    return {"part": value} if isinstance(value, str) else value


class PromiseModel(Model):
    amount: Name = "amount"
    date: Name = "date"


class CallbackModel(Model):
    at: Name = Field("callback_at", description="槽位名；soon 是没有说定时间，尽快 / a slot, or soon")
    number: Name | None = None


class PlanModel(Model):
    instalments: Name = "instalments"


class MessageModel(Model):
    template: Name
    facts: list[str] = Field(default_factory=list)


def _message(value: object) -> object:
    return {"template": value} if isinstance(value, str) else value


class StateModel(Model):
    """一个状态：先设，再说，再听或再走 / first set, then say, then listen or go on"""

    note: str | None = None
    set: SetModel | None = None
    outcome: Name | None = Field(None, description="到这里为止的结果 / what the call has come to")
    promise: PromiseModel | None = None
    callback: CallbackModel | None = None
    plan: PlanModel | None = None
    message: Annotated[
        MessageModel | None, BeforeValidator(_message, json_schema_input_type=str | MessageModel | None)
    ] = None
    say: Lines = Field(default_factory=list)
    ask: Lines = Field(default_factory=list)
    interruptible: bool = True
    listen: ListenModel | None = None
    collect: Annotated[
        CollectModel | None, BeforeValidator(_collect, json_schema_input_type=CollectModel | dict[str, Any] | None)
    ] = None
    confirm: Names = Field(default_factory=list, description="读回请对方确认的槽位 / slots read back for a yes")
    check: dict[Literal["right_party"], Name] | None = None
    choose: list[ChoiceModel] = Field(default_factory=list)
    call: Annotated[CallModel | None, BeforeValidator(_call, json_schema_input_type=str | CallModel | None)] = None
    handoff: HandoffModel | None = None
    end: Name | None = None
    returns: Name | None = None
    timers: dict[Name, Seconds] = Field(default_factory=dict)
    on: dict[str, Route] = Field(default_factory=dict)
    then: Route | None = None


class FlowFile(Model):
    """dialog_flows/*.yaml"""

    flow: Name | None = None
    part: Name | None = None
    title: str = Field(min_length=1)
    note: str | None = None
    language: str = "zh-CN"
    direction: Literal["outbound", "inbound", "voicemail"] | None = None
    policy: Literal["cn", "us", "uk_eu", "hk", "tw"] = "cn"
    facts: list[str] = Field(default_factory=list)
    include: Names = Field(default_factory=list, description="共用的应答：那份文件的 always / shared always routes")
    priority: Names | None = Field(None, description="一句话里有几个意思时谁先 / which intent leads")
    turns: int = Field(80, ge=5, le=200, description="最多几轮，之后道别 / after so many turns the call is closed")
    returns: Names = Field(default_factory=list)
    sealed: bool = Field(False, description="外面的 always 在这里不起作用 / outer always routes do not hold here")
    start: Name | None = None
    always: dict[str, Route] = Field(default_factory=dict)
    states: dict[Name, StateModel] = Field(default_factory=dict)
    switch_off: dict[str, str] = Field(
        default_factory=dict, description="关掉的检查和理由 / checks switched off, and why"
    )


def json_schema() -> dict[str, Any]:
    """For editors with a YAML language server."""
    schema = FlowFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "voicebot dialog flow"
    return schema


def lines_schema() -> dict[str, Any]:
    schema = LinesFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "voicebot scripts library"
    return schema


def findings_of(error: ValidationError, placed: Placed) -> list[Finding]:
    """What pydantic found, at the author's lines and in the author's words."""
    return [_finding(item, placed) for item in error.errors()]


def _finding(item: Any, placed: Placed) -> Finding:
    trail = tuple(step for step in item["loc"] if step != "[key]")
    place = placed.at(trail)
    what = ".".join(str(step) for step in trail) or "文件"
    name = str(trail[-1]) if trail else ""
    match item["type"]:
        case "extra_forbidden":
            return finding(
                "unknown-key",
                place,
                f"{what}：这里没有 {name} 这个键。",
                f"{what}: there is no key {name} here.",
                "检查拼写，或参照作者指南里这一层可用的键。",
                "Check its spelling, or see the keys of this level in the authors' guide.",
            )
        case "missing":
            return finding(
                "missing-key",
                place,
                f"{what}：缺少 {name}。",
                f"{what}: {name} is missing.",
                f"补上 {name}。",
                f"Add {name}.",
            )
        case _:
            return finding(
                "schema",
                place,
                f"{what}：值不对：{item['msg']}（给的是 {item['input']!r}）。",
                f"{what}: {item['msg']} (got {item['input']!r}).",
                "按提示改这个值。",
                "Change the value as the message says.",
            )
