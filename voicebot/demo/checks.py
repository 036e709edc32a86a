"""What must have come true in each call of the demo. Pure: from what was stored and what each side heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from rapidfuzz import fuzz

from recordings.verify import Verification
from voicebot.call.board import TimelineEntry
from voicebot.demo import cast
from voicebot.demo.person import sound
from voicebot.demo.terminal import Check
from voicebot.store.agent_records import Handoff
from voicebot.store.records import Call, Promise

DEBT_WORDS = ("欠款", "还款", "逾期", "账单", "应还", "催收", "信用卡", "贷款", "到期")
"""None of these may reach anybody but the verified debtor."""


@dataclass(frozen=True)
class Record:
    """Everything that one call left."""

    call: Call
    entries: Sequence[TimelineEntry]
    heard: Sequence[str]
    """What the far telephone heard, by its own recogniser."""
    agent_heard: Sequence[str]
    agent_brief: str
    promises: Sequence[Promise]
    handoffs: Sequence[Handoff]
    evidence: Verification | None
    loudness: tuple[float, float]
    """Level of the caller's and of the engine's channel, dB full scale."""

    def of(self, kind: str) -> list[TimelineEntry]:
        return [entry for entry in self.entries if entry.kind == kind]

    def spoken(self) -> str:
        """What the bot said, as far as it was played."""
        return "".join(entry.data["text"] for entry in self.of("line.heard"))


def response_times(entries: Sequence[TimelineEntry]) -> list[float]:
    """Seconds from the caller's last sound to the bot's first, once a turn."""
    return [e.data["response_seconds"] for e in entries if e.kind == "line.started" and "response_seconds" in e.data]


def latency_text(entries: Sequence[TimelineEntry]) -> str:
    times = response_times(entries)
    return f"{median(times) * 1000:.0f} / {max(times) * 1000:.0f} ms" if times else "-"


def was_heard(wanted: str, heard: Sequence[str]) -> bool:
    """Roughly, and by sound: a telephone's recogniser makes its own mistakes."""
    return fuzz.partial_ratio(sound(wanted), sound("".join(heard))) >= 65


def of_every_call(record: Record) -> list[Check]:
    """What holds for any call."""
    said = record.spoken()
    opening = next((e for e in record.of("line.heard")), None)
    disclosed = {e.data["id"]: e.data["status"] for e in record.of("disclosure")}
    last = record.of("line.heard")[-1] if record.of("line.heard") else None
    verdicts = record.of("guard.verdict")
    caller, engine = record.loudness
    return [
        Check("先说明是人工智能并在录音", disclosed.get("ai") == "made" == disclosed.get("recording"), str(disclosed)),
        Check("对方听到了开场", was_heard("人工智能语音助手", record.heard[:3]), "".join(record.heard[:1])),
        Check("每句话都过了护栏", bool(verdicts) and len(verdicts) >= len(record.of("line.started"))),
        Check("最后一句说完才挂", last is not None and last.data["complete"]),
        Check("录音两个声道都有声音", caller > -60 and engine > -60, f"{caller:.0f} / {engine:.0f} dBFS"),
        Check(
            "证据可验证",
            record.evidence is not None and record.evidence.valid,
            "" if record.evidence is None else str(record.evidence.reason or ""),
        ),
        Check("开口就是机器人自己的话", opening is not None and bool(said)),
    ]


def of_promise(record: Record) -> list[Check]:
    promised = [(p.amount, p.due_on) for p in record.promises]
    told = _first_at(record.entries, "line.said", lambda data: any(word in data["text"] for word in DEBT_WORDS))
    verified = _first_at(record.entries, "call.state", lambda data: data["changes"].get("identity_verified") == "True")
    return [
        Check("按了两位、说了两位，身份核实", bool(record.of("dtmf.pressed")) and verified is not None),
        Check("核实之后才说欠款", told is not None and verified is not None and verified < told),
        Check(
            "承诺已登记",
            promised == [(cast.PROMISED_AMOUNT, cast.PROMISED_ON)],
            ", ".join(f"{amount} {day}" for amount, day in promised) or "没有",
        ),
        Check("承诺读回并确认", any("二十" in text and "两千" in text for text in _texts(record))),
        Check("结果是承诺还款", record.call.disposition in {"ptp", "partial"}, str(record.call.disposition)),
    ]


def of_relative(record: Record) -> list[Check]:
    said = record.spoken() + "".join(record.heard)
    leaked = [word for word in (*DEBT_WORDS, "五千六") if word in said]
    return [
        Check("没有透露任何欠款信息", not leaked, "、".join(leaked)),
        Check("只请转告回拨", any("转告" in text or "回拨" in text for text in _texts(record))),
        Check("结果是第三人接听", record.call.disposition == "third_party", str(record.call.disposition)),
        Check("没有登记承诺", not record.promises),
    ]


def of_caller(record: Record) -> list[Check]:
    accepted = [h for h in record.handoffs if h.answered_at is not None]
    bridge = record.of("bridge.ended")
    return [
        Check("要人工就转人工", bool(record.of("handoff.requested"))),
        Check("人工接起", bool(accepted), accepted[0].agent_id or "" if accepted else ""),
        Check("人工收到了简报", bool(record.agent_brief), record.agent_brief[:40]),
        Check("客户听到人工", was_heard(cast.AGENT_GREETING, record.heard), "".join(record.heard[-2:])),
        Check("人工听到客户", was_heard("失业了想申请分期还款", record.agent_heard), "".join(record.agent_heard)),
        Check("通话经引擎桥接", bool(bridge) and bridge[0].data["seconds"] > 3),
        Check("未核实身份不说欠款", not any(word in record.spoken() for word in ("八千八", "应还"))),
    ]


def _texts(record: Record) -> list[str]:
    return [entry.data["text"] for entry in record.of("line.said")]


def _first_at(entries: Sequence[TimelineEntry], kind: str, fits: Any) -> int | None:
    return next((entry.sequence for entry in entries if entry.kind == kind and fits(entry.data)), None)


def promise_text(promises: Sequence[Promise]) -> str:
    return "、".join(f"{p.due_on} {Decimal(p.amount):f} 元" for p in promises) or "-"


def verdict_text(entries: Sequence[TimelineEntry]) -> str:
    verdicts = [entry for entry in entries if entry.kind == "guard.verdict"]
    stopped = [entry for entry in verdicts if entry.data["action"] != "allow"]
    return f"{len(verdicts)} 句放行" if not stopped else f"{len(verdicts)} 句，{len(stopped)} 句被拦"
