"""What the demo shows: both sides as they speak, then a table of what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voicebot.call.board import TimelineEntry


@dataclass(frozen=True)
class Check:
    """One thing that must have come true."""

    what: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True)
class CallReport:
    """A call of the demo after its end."""

    title: str
    disposition: str
    promise: str
    verdicts: str
    latency: str
    files: str
    checks: Sequence[Check]


class LiveTerminal:
    """Follows the timelines of all calls and writes them as a conversation."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: dict[tuple[str, int], str] = {}
        self._state: dict[str, str] = {}

    def say(self, text: str, style: str = "dim") -> None:
        self._console.print(text, style=style, markup=False, highlight=False)

    def title(self, text: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{escape(text)}", align="left")

    def __call__(self, entry: TimelineEntry) -> None:
        """A timeline sink: must not raise, must not block for long."""
        show = _SHOWN.get(entry.kind)
        if show is not None:
            show(self, entry, entry.data)

    def _row(self, entry: TimelineEntry, who: str, style: str, text: str, note: str = "") -> None:
        minutes, seconds = divmod(max(0.0, entry.media_seconds), 60)
        row = f"[dim]{int(minutes):02d}:{seconds:04.1f}[/] [{style}]{who}[/] {escape(text)}"
        self._console.print(row + (f"  [dim]{escape(note)}[/]" if note else ""), highlight=False, soft_wrap=True)

    def line_said(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._lines[entry.call_id, data["number"]] = data["text"]

    def line_started(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        text = self._lines.get((entry.call_id, data["number"]), data["line"])
        seconds = data.get("response_seconds")
        self._row(entry, "机器人", "cyan", text, f"{seconds * 1000:.0f} ms" if seconds is not None else "")

    def line_heard(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        if not data["complete"] and data["text"]:
            self._row(entry, "······", "yellow", f"被打断，听到了：{data['text']}")

    def turn_heard(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        intents = " ".join(f"{i['id']} {i['confidence']:.2f}" for i in data["intents"][:3])
        answer = f"[{data['answer']}]" if data["answer"] else ""
        slots = " ".join(f"{name}={slot['value']}" for name, slot in data["slots"].items())
        note = " ".join(part for part in (answer, intents, slots, data["mood"]) if part)
        self._row(entry, "对方  ", "green", data["text"] or "（没有听清）", note)

    def keys(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "对方  ", "green", f"按键 {data['digits']}")

    def caller_said(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "对方  ", "green", data["text"])

    def agent_said(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "人工  ", "magenta", data["text"])

    def decided(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        state = data["state"]
        if self._state.get(entry.call_id) != state:
            self._state[entry.call_id] = state
            self._row(entry, "状态  ", "dim", f"→ {state}")

    def verdict(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        if data["action"] != "allow":
            self._row(entry, "护栏  ", "red", f"{data['action']} {data['category']}", "；".join(data["why"]))

    def promise(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "登记  ", "bold blue", f"承诺还款 {data['amount']}，{data['on']}")

    def callback(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "登记  ", "bold blue", f"约定回电 {data['at']}")

    def handoff(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "转接  ", "bold blue", f"要人工：{data['because']}")

    def bridged(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "转接  ", "bold blue", f"已接通人工：{data['agent']}")

    def ended(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "结束  ", "bold", data["disposition"])

    def not_answered(self, entry: TimelineEntry, data: Mapping[str, Any]) -> None:
        self._row(entry, "未接通", "red", f"{data['cause']} {data.get('status') or ''}")

    def summary(self, reports: Sequence[CallReport]) -> None:
        self._console.print()
        table = Table(title="三通电话的结果", show_lines=True)
        for heading in ("通话", "结果", "承诺", "护栏", "响应 中位/最长", "文件"):
            table.add_column(heading, overflow="fold")
        for report in reports:
            table.add_row(
                report.title, report.disposition, report.promise, report.verdicts, report.latency, report.files
            )
        self._console.print(table)
        for report in reports:
            for check in report.checks:
                mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
                detail = f"  [dim]{escape(check.detail)}[/]" if check.detail else ""
                self._console.print(f"{mark} {escape(report.title[:2])}{escape(check.what)}{detail}", highlight=False)


_SHOWN = {
    "line.said": LiveTerminal.line_said,
    "line.started": LiveTerminal.line_started,
    "line.heard": LiveTerminal.line_heard,
    "turn.heard": LiveTerminal.turn_heard,
    "dtmf.pressed": LiveTerminal.keys,
    "caller.said": LiveTerminal.caller_said,
    "agent.said": LiveTerminal.agent_said,
    "dialog.decision": LiveTerminal.decided,
    "guard.verdict": LiveTerminal.verdict,
    "guard.agent_warning": LiveTerminal.verdict,
    "promise": LiveTerminal.promise,
    "callback": LiveTerminal.callback,
    "handoff.requested": LiveTerminal.handoff,
    "bridge.started": LiveTerminal.bridged,
    "call.ended": LiveTerminal.ended,
    "call.not_answered": LiveTerminal.not_answered,
}
