"""The engine's metrics, all in one place. Most are counted from the timeline, so that no room has to know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from voicebot.call.board import TimelineEntry

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_LATENESS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1.0)
_CALL_SECONDS = (5, 15, 30, 60, 120, 180, 300, 600, 1800, 3600)


class EngineMetrics:
    """Prometheus metrics of one worker. Labels hold no personal data and few values."""

    content_type = CONTENT_TYPE

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._calls_live = Gauge("voicebot_calls_live", "Calls that ring or talk now.", registry=self.registry)
        self._started = self._counter("voicebot_calls_started", "Calls begun.", "direction")
        self._ended = self._counter("voicebot_calls_ended", "Calls ended, by how.", "disposition", "cause")
        self._duration = Histogram(
            "voicebot_call_seconds", "Length of answered calls.", buckets=_CALL_SECONDS, registry=self.registry
        )
        self._latency = Histogram(
            "voicebot_response_seconds",
            "From the caller's last sound: by stage (recognition; total until the bot's first sound).",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._turns = self._counter("voicebot_turns", "Turns of callers.", "understood")
        self._barge_ins = self._counter("voicebot_barge_ins", "Lines that a caller interrupted.")
        self._verdicts = self._counter("voicebot_guard_verdicts", "Verdicts of the phrase guard.", "action", "category")
        self._handoffs = self._counter("voicebot_handoff_steps", "Steps of handoffs to humans.", "step")
        self._promises = self._counter("voicebot_promises", "Promises to pay, read back and confirmed.")
        self._failures = self._counter("voicebot_failures", "Things that went wrong in calls, by kind.", "kind")
        self._limits = self._counter("voicebot_limits_reached", "Hard limits that calls ran into.", "limit")
        self._lateness = Histogram(
            "voicebot_frame_lateness_seconds",
            "How late audio frames left the engine.",
            buckets=_LATENESS,
            registry=self.registry,
        )
        self._recogniser_queue = Gauge(
            "voicebot_recogniser_queue", "Utterances that wait for a recognition thread.", registry=self.registry
        )
        self._halted = Gauge(
            "voicebot_dialling_halted",
            "1 while the emergency stop is on, or nobody can tell.",
            registry=self.registry,
        )
        self._complaints = self._gauge("voicebot_complaints_open", "Complaints that wait for an answer.", "tier")
        self._overdue = self._gauge("voicebot_complaints_overdue", "Of these, past the day they were owed.", "tier")
        self._queue = Gauge("voicebot_queue_waiting", "Callers who wait for a human here.", registry=self.registry)
        self._draining = Gauge("voicebot_draining", "1 while no new calls are taken.", registry=self.registry)

    def observe(self, entry: TimelineEntry) -> None:
        """Counts what happened in a call: a sink of every timeline. Never raises on data it does not know."""
        data = entry.data
        match entry.kind:
            case "call.ringing" | "call.incoming" | "call.dialling":
                self._started.labels(_word(data.get("direction"))).inc()
            case "call.ended":
                self._ended.labels(_word(data.get("disposition")), _word(data.get("cause"))).inc()
                self._duration.observe(max(0.0, entry.media_seconds))
            case "turn.heard":
                understood = bool(data.get("intents") or data.get("answer") or data.get("slots"))
                self._turns.labels("yes" if understood else "no").inc()
                self._seconds("recognition", data.get("recognition_seconds"))
            case "line.started":
                self._seconds("total", data.get("response_seconds"))
            case "barge_in":
                self._barge_ins.inc()
            case "guard.verdict":
                self._verdicts.labels(_word(data.get("action")), _word(data.get("category"))).inc()
            case "promise":
                self._promises.inc()
            case kind if kind.startswith("limit"):
                self._limits.labels(_word(data.get("limit") or kind)).inc()
            case kind if kind.endswith(".failed"):
                self._failures.labels(kind).inc()

    def halted(self, yes: bool) -> None:
        """Whether nobody may be dialled."""
        self._halted.set(float(yes))

    def handoff(self, step: str) -> None:
        """A step of the desk: ringing, accepted, declined, ..."""
        self._handoffs.labels(step).inc()

    def frame_late(self, seconds: float) -> None:
        """How late one frame of audio was sent, seconds."""
        self._lateness.observe(seconds)

    def watch_live_calls(self, count: Callable[[], float]) -> None:
        self._calls_live.set_function(count)

    def watch_recogniser_queue(self, length: Callable[[], float]) -> None:
        self._recogniser_queue.set_function(length)

    def watch_draining(self, draining: Callable[[], bool]) -> None:
        self._draining.set_function(lambda: float(draining()))

    def exposition(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)

    def complaints(self, tier: str, open_ones: int, overdue: int) -> None:
        """How much lies with one tier, and how much of it too long."""
        self._complaints.labels(tier).set(open_ones)
        self._overdue.labels(tier).set(overdue)

    def watch_queue(self, length: Callable[[], float]) -> None:
        self._queue.set_function(length)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _seconds(self, stage: str, value: Any) -> None:
        if isinstance(value, int | float):
            self._latency.labels(stage).observe(value)


def _word(value: Any) -> str:
    """A label: short, and never something a caller said."""
    text = str(value) if value else "none"
    return text if len(text) <= 40 and all(c.isascii() and (c.isalnum() or c in "_.-") for c in text) else "other"
