"""What the human is told before and while they take the call. Pure: from facts and timeline to labels and values.

Until the caller is verified as the debtor, names and numbers are masked and debt facts are left out: the agent must not
learn from the brief, and then say, what the person on the line may not hear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from compliance_filters.masking import mask, mask_name, mask_number
from voicebot.call.board import TimelineEntry
from voicebot.call.complaints import REFERENCED
from voicebot.dialog.reference import reference_of
from voicebot.store.records import AgeBand, Case

_REASONS = {
    "asked_for_human": "来电人要求人工",
    "vulnerable": "来电人处境特殊，请耐心",
    "self_harm_risk": "有自伤风险，请立即关怀",
    "not_understood": "机器人没有听懂",
    "complaint": "投诉",
    "dispute": "对欠款有异议",
    "hardship": "还款困难",
    "engine_fault": "系统故障转人工",
    "guard": "机器人话术被拦截",
    "limit": "通话达到时限",
}

_MOODS = {
    "calm": "平静",
    "confused": "困惑",
    "annoyed": "不耐烦",
    "angry": "生气",
    "distressed": "难过、压力大",
    "afraid": "害怕",
}

_FLAGS = {
    "dispute": "有争议",
    "stop_contact": "要求停止联系",
    "deceased": "债务人已故",
    "wrong_number": "号码有误",
    "vulnerable": "特殊困难",
    "complaint": "有投诉",
    "lawyer": "已委托律师",
    "bankruptcy": "破产程序",
    "hardship": "还款困难",
    "attorney": "已委托律师",
    "third_party_optout": "他人要求停止联系",
    "data_request": "个人信息申请",
}

_DIGITS = re.compile(r"[\d零〇一二三四五六七八九幺]{4,}")
_LONGEST_VALUE = 200
_WORTH_SAYING = 5.0
"""Seconds of waiting from which an agent is told of it."""
_TURNS_SHOWN = 3


@dataclass(frozen=True)
class BriefFacts:
    """What is known of the call and of the case when a human is asked for."""

    because: str
    urgent: bool = False
    verified: bool = False
    """Whether the caller is verified as the debtor (right party)."""
    name: str | None = None
    number: str | None = None
    """The caller's number, E.164; None when withheld."""
    creditor: str | None = None
    amount_due: Decimal | None = None
    currency: str = "CNY"
    due_date: date | None = None
    language: str = "zh-CN"
    dialect: str | None = None
    elderly: bool = False
    flags: tuple[str, ...] = ()
    """Names of the flags in force on the case."""


def facts_of_case(
    case: Case | None, *, because: str, urgent: bool = False, verified: bool = False, number: str | None = None
) -> BriefFacts:
    """Facts of a call whose case is known, or of a caller nobody knows."""
    if case is None:
        return BriefFacts(because=because, urgent=urgent, number=number)
    return BriefFacts(
        because=because,
        urgent=urgent,
        verified=verified,
        name=case.debtor.name,
        number=number or case.first_valid_number(),
        creditor=case.debt.creditor,
        amount_due=case.debt.amount_due,
        currency=case.debt.currency,
        due_date=case.debt.due_date,
        language=case.language,
        dialect=case.dialect,
        elderly=case.debtor.age_band is AgeBand.ELDERLY,
        flags=tuple(flag.name for flag in case.flags),
    )


def build_brief(facts: BriefFacts, timeline: Sequence[TimelineEntry] = ()) -> dict[str, str]:
    """Label to value, the most pressing first. A label whose value is not known is left out."""
    brief: dict[str, str] = {}
    if facts.urgent:
        brief["紧急"] = "是"
    brief["事由"] = _REASONS.get(facts.because, facts.because)
    brief["身份"] = "已核实本人" if facts.verified else "未核实，请先核实身份，勿透露欠款信息"
    if facts.name:
        brief["姓名"] = facts.name if facts.verified else mask_name(facts.name)
    if facts.number:
        brief["号码"] = facts.number if facts.verified else mask_number(facts.number)
    if facts.verified:
        brief |= _debt(facts)
    if facts.elderly:
        brief["年龄"] = "老年人，请放慢语速"
    if facts.dialect or not facts.language.startswith("zh"):
        brief["语言"] = facts.dialect or facts.language
    if facts.flags:
        brief["标记"] = "、".join(_FLAGS.get(flag, flag) for flag in facts.flags)
    brief |= _said(timeline, facts.verified, (facts.name,) if facts.name else ())
    return {label: _shortened(value) for label, value in brief.items()}


def with_queue(brief: Mapping[str, str], waited_seconds: float, behind: int) -> dict[str, str]:
    """The brief with how long the caller waited and how many still wait; as it is where nobody did."""
    if waited_seconds < _WORTH_SAYING and not behind:
        return dict(brief)
    minutes, seconds = divmod(round(waited_seconds), 60)
    waited = f"{minutes}分{seconds}秒" if minutes else f"{seconds}秒"
    queue = f"等了{waited}" + (f"，还有{behind}位在等" if behind else "")
    told = dict[str, str]()
    for label, value in brief.items():
        told[label] = value
        if label == "事由":
            told["排队"] = queue
    return told if "排队" in told else told | {"排队": queue}


def spoken_brief(brief: Mapping[str, str], limit: int = 600) -> str:
    """The brief in one line for a SIP header: `label:value; …`, percent-encoded UTF-8, at most `limit` characters.

    Whole entries are left out from the end where they do not fit; a SIP request over UDP should stay under one datagram
    (RFC 3261 section 18.1.1).
    """
    encoded = ""
    for label, value in brief.items():
        piece = quote(f"{label}:{value}", safe=" :")
        longer = f"{encoded}; {piece}" if encoded else piece
        if len(longer) > limit:
            break
        encoded = longer
    return encoded


def _debt(facts: BriefFacts) -> dict[str, str]:
    debt: dict[str, str] = {}
    if facts.creditor:
        debt["债权方"] = facts.creditor
    if facts.amount_due is not None:
        debt["欠款"] = money(facts.amount_due, facts.currency)
    if facts.due_date is not None:
        debt["到期日"] = facts.due_date.isoformat()
    return debt


def money(amount: Decimal, currency: str = "CNY") -> str:
    """An amount as a person reads it: 2000元, 12.50 USD."""
    text = f"{amount:.2f}".removesuffix(".00")
    return f"{text}元" if currency == "CNY" else f"{text} {currency}"


def _said(timeline: Sequence[TimelineEntry], verified: bool, names: tuple[str, ...]) -> dict[str, str]:
    """What was agreed, how the caller sounds, and their last words."""
    said: dict[str, str] = {}
    taken = [_FLAGS.get(flag, flag) for flag in _flags(timeline) if flag in REFERENCED]
    if taken:
        said["受理编号"] = f"{reference_of(timeline[0].call_id)}（{'、'.join(taken)}）"
    if verified and (promise := _last(timeline, "promise")):
        said["承诺"] = f"{promise.get('on', '')} 还 {promise.get('amount', '')}".strip()
    if callback := _last(timeline, "callback"):
        said["回电"] = str(callback.get("at", ""))
    if verified and (plan := _last(timeline, "plan")):
        count = plan.get("instalments")
        said["分期申请"] = f"{count} 期" if count else "期数未定"
    turns = [entry.data for entry in timeline if entry.kind == "turn.heard" and entry.data.get("text")]
    if turns:
        mood = str(turns[-1].get("mood") or "calm")
        said["情绪"] = _MOODS.get(mood, mood)
        words = [str(turn["text"]) for turn in turns[-_TURNS_SHOWN:]]
        said["来电人说"] = " / ".join(words if verified else [mask_digits(mask(text, names=names)) for text in words])
    return said


def mask_digits(text: str) -> str:
    """Runs of four digits and more as stars: the last four of an identity document are a secret of their own here."""
    return _DIGITS.sub(lambda found: "*" * len(found[0]), text)


def _flags(timeline: Sequence[TimelineEntry]) -> list[str]:
    """Flags that this call has set, each once, in order."""
    return list(dict.fromkeys(str(entry.data.get("flag")) for entry in timeline if entry.kind == "flag"))


def _last(timeline: Sequence[TimelineEntry], kind: str) -> Mapping[str, Any] | None:
    return next((entry.data for entry in reversed(timeline) if entry.kind == kind), None)


def _shortened(value: str) -> str:
    flat = " ".join(value.split())
    return flat if len(flat) <= _LONGEST_VALUE else flat[: _LONGEST_VALUE - 1] + "…"
