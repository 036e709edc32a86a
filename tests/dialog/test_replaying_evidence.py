"""`voicebot flow replay` over a folder of evidence: the facts are those of each call's own day, and a call that cannot
be replayed is told of and stands in nobody's way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recordings import CallEvidence, CallSummary, KeyRing
from recordings.writer import WriterThread
from voicebot.call.case_facts import Firm, facts_of, profile_of
from voicebot.call.promise_facts import standing_of
from voicebot.cli.flow import app
from voicebot.dialog.conversation import Conversation, Exchange
from voicebot.dialog.library import Library
from voicebot.dialog.loader import load_flow
from voicebot.dialog.machine import Machine
from voicebot.settings import load_settings
from voicebot.store import Store
from voicebot.store.records import Case, Debt, Debtor, Promise
from voicebot.understanding.meaning import Answer, IntentScore, Meaning, Slot

HELD = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
CASE = Case(Debtor("王小样", id_last_four="3866"), Debt("示例银行", Decimal(2350), date(2026, 11, 1)), id="case-1")
PROMISE = Promise("case-1", Decimal(1000), date(2026, 11, 25), recorded_at=HELD - timedelta(days=7))
LATER = Promise("case-1", Decimal(300), date(2026, 12, 5), recorded_at=HELD + timedelta(minutes=2))


class Office:
    """A machine with a store, keys and recordings, and no engine running."""

    def __init__(self, folder: Path, library: Library) -> None:
        self.config = folder / "voicebot.toml"
        self.config.write_text(f'[worker]\ndata_dir = "{folder / "data"}"\n', encoding="utf-8")
        self.settings = load_settings(self.config)
        self.settings.data_dir.mkdir()
        self.keys = KeyRing.load_or_create(self.settings.key_file)
        self.evidence = folder / "evidence"
        self.library = library
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        async with await Store.open(self.settings.database, self.keys, migrate=True) as store:
            await store.cases.add(CASE)
            await store.cases.add(replace(CASE, id="case-without-promise"))
            await store.promises.add(PROMISE)
            await store.promises.add(LATER)

    def record(self, call_id: str, case_id: str | None, hour: Mapping[str, Any] | None = None) -> None:
        """A follow-up of the first promise, as the recorder keeps it: up to the question whether it was kept. With
        facts of the hour it goes on to a new promise."""
        asyncio.run(self._record(call_id, case_id, hour))

    async def _record(self, call_id: str, case_id: str | None, hour: Mapping[str, Any] | None) -> None:
        firm = Firm(self.settings.compliance.firm_name, self.settings.compliance.callback_number)
        standing = standing_of(PROMISE, CASE, [], HELD)
        facts = facts_of(CASE, firm, HELD, callback_expected=True, promise=standing)
        facts = replace(facts, values={**facts.values, **(hour or {})})
        flow = load_flow("promise_followup", self.library)
        talk = Conversation(Machine(flow, self.library, facts, profile=profile_of(CASE, call_id)), HELD)
        writer = WriterThread(flush_seconds=0.02)
        evidence = CallEvidence.open(self.evidence, call_id, keys=self.keys, started_at=HELD, writer=writer)

        yes = Meaning("是我", "是我", answer=Answer.YES)
        steps: tuple[tuple[str, Mapping[str, Any], Callable[[], Exchange]], ...] = (
            ("call.answered", {} if hour is None else {"facts": hour}, talk.start),
            ("turn.heard", {"text": "是我", "intents": [], "answer": "yes"}, lambda: talk.says("是我", yes)),
            ("dtmf.entered", {"digits": "3866"}, lambda: talk.presses("3866")),
        )
        if hour is not None:
            steps = (*steps, *_promised_anew(talk))
        for kind, data, happens in steps:
            evidence.write_entry(kind, 0.0, HELD, data)
            exchange = happens()
            evidence.write_entry("dialog.decision", 0.0, HELD, {"state": exchange.decision.state})
            for say in exchange.said:
                evidence.write_entry("line.said", 0.0, HELD, {"line": say.line})
        assert hour is not None or talk.state.where == "broken"
        await evidence.close(CallSummary(flow=flow.name, case_id=case_id))
        writer.stop()

    def replay(self, *more: str) -> tuple[int, str]:
        words = ["replay", str(self.evidence), "--flow", "promise_followup", "--config", str(self.config), *more]
        made = CliRunner().invoke(app, words)
        return made.exit_code, made.stdout


def _promised_anew(talk: Conversation) -> Iterator[tuple[str, Mapping[str, Any], Callable[[], Exchange]]]:
    """The caller names a day and an amount, and says yes when they are read back."""
    day, amount = date(2026, 3, 20), Decimal(500)
    slots = {"date": Slot("date", day, "下周五"), "amount": Slot("amount", amount, "五百")}
    promise = Meaning("下周五还五百", "下周五还五百", (IntentScore("promise_to_pay", 0.9),), slots=slots)
    told = {
        "text": promise.raw,
        "intents": [{"id": "promise_to_pay", "confidence": 0.9}],
        "slots": {"date": {"value": day.isoformat()}, "amount": {"value": str(amount)}},
    }
    yes = Meaning("对", "对", answer=Answer.YES)
    yield "turn.heard", told, lambda: talk.says(promise.raw, promise)
    yield "turn.heard", {"text": "对", "intents": [], "answer": "yes"}, lambda: talk.says("对", yes)


@pytest.fixture
def office(tmp_path: Path, library: Library) -> Office:
    return Office(tmp_path, library)


def test_a_follow_up_is_held_against_the_promise_of_its_day(office: Office) -> None:
    office.record("call-1", CASE.id)
    code, told = office.replay("--json")
    assert code == 0, told
    (call,) = json.loads(told)["calls"]
    assert (call["changes"], call["error"]) == ([], None)


def test_a_call_is_held_against_what_was_true_of_its_hour(office: Office) -> None:
    office.record("call-1", CASE.id, {"case.can_text": True})
    office.record("call-2", CASE.id, {"case.can_text": False})
    code, replayed = office.replay("--json")
    assert code == 0, replayed
    calls = json.loads(replayed)["calls"]
    assert [(call["changes"], call["error"]) for call in calls] == [([], None), ([], None)]


def test_a_call_that_cannot_be_replayed_is_told_of_and_the_others_go_on(office: Office) -> None:
    office.record("call-1", "case-without-promise")
    office.record("call-2", CASE.id)
    office.record("call-3", CASE.id)
    (broken,) = office.evidence.rglob("call-3/timeline-*.jsonl")
    broken.write_bytes(b"x" + broken.read_bytes()[1:])
    code, told = office.replay("--json")
    assert code == 2, told
    first, second, third = sorted(json.loads(told)["calls"], key=lambda call: str(call["timeline"]))
    assert "promise.status" in first["error"]
    assert (second["changes"], second["error"]) == ([], None)
    assert "voicebot evidence verify" in third["error"]
    code, told = office.replay("--locale", "en")
    assert code == 2
    assert "3 calls, 0 of them would differ, 2 cannot be replayed" in told
    assert f"{first['timeline']}: cannot be replayed: " in told


def test_a_timeline_that_says_what_no_call_can_say_is_told_of(tmp_path: Path) -> None:
    at = HELD.isoformat()
    lines = [
        {"kind": "call.answered", "at": at, "data": {}},
        {"kind": "handoff.ended", "at": at, "data": {"outcome": "?"}},
    ]
    path = tmp_path / "call.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    made = CliRunner().invoke(app, ["replay", str(path), "--flow", "reminder_first", "--json"])
    assert made.exit_code == 2
    (call,) = json.loads(made.stdout)["calls"]
    assert "handoff.ended" in call["error"]
