"""`voicebot complaint` and `voicebot callback`: what is owed is found by its number, changed once, and masked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from recordings.cipher import KeyRing
from voicebot.dialog.reference import reference_of
from voicebot.settings import load_settings
from voicebot.store import Store
from voicebot.store.complaint_records import Complaint, ComplaintKind, Tier
from voicebot.store.records import FOR_AN_AGENT, Callback

Invoke = Any
REFERENCE = reference_of("call-1")
LONG_AGO = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)


def taken(kind: ComplaintKind = ComplaintKind.COMPLAINT, **fields: object) -> Complaint:
    values: dict[str, object] = {
        "id": f"call-1:{kind.value}",
        "reference": REFERENCE,
        "kind": kind,
        "tier": Tier.SERVICE,
        "respond_by": date(2026, 3, 13),
        "answer_by": date(2026, 3, 25),
        "call_id": "call-1",
        "number": "+8613800000001",
        "words": "我叫王小样，电话13800000001",
        "received_at": LONG_AGO,
    }
    return Complaint(**{**values, **fields})  # type: ignore[arg-type]


Fill = Callable[[Callable[[Store], Awaitable[object]]], None]


@pytest.fixture
def fill(folder: Path) -> Fill:
    """Writes into the store that the commands use."""

    def filled(work: Callable[[Store], Awaitable[object]]) -> None:
        async def run() -> None:
            settings = load_settings()
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            async with await Store.open(settings.database, KeyRing.load_or_create(settings.key_file)) as store:
                await work(store)

        asyncio.run(run())

    return filled


def test_a_complaint_is_listed_shown_answered_put_off_moved_and_closed(invoke: Invoke, fill: Fill) -> None:
    fill(lambda store: store.complaints.add(taken()))
    listed = invoke("complaint", "list", "--overdue", "--json")
    (one,) = json.loads(listed.stdout)["complaints"]
    assert (one["reference"], one["overdue"], one["tier"]) == (REFERENCE, True, "service")
    assert "13800000001" not in listed.stdout
    shown = invoke("complaint", "show", REFERENCE)
    assert "13800000001" not in shown.stdout
    assert "13800000001" in invoke("complaint", "show", REFERENCE, "--unmasked").stdout
    assert invoke("complaint", "respond", REFERENCE).exit_code == 0
    assert invoke("complaint", "respond", REFERENCE).exit_code == 1
    for _ in range(2):
        assert invoke("complaint", "extend", REFERENCE, "--reason", "案情复杂").exit_code == 0
    (late,) = json.loads(invoke("complaint", "show", REFERENCE, "--json").stdout)["complaints"]
    assert late["answer_by"] == "2026-05-09"
    refused = invoke("complaint", "extend", REFERENCE, "--reason", "再拖一拖")
    assert refused.exit_code == 1
    assert "2026-05-09" in refused.stderr
    assert invoke("complaint", "move", REFERENCE, "legal").exit_code == 0
    assert invoke("complaint", "close", REFERENCE, "--resolution", "已更正").exit_code == 0
    assert json.loads(invoke("complaint", "list", "--json").stdout)["complaints"] == []
    assert REFERENCE in invoke("complaint", "list", "--closed").stdout


def test_a_slip_of_the_pen_is_told_and_so_is_a_tier_that_does_not_exist(invoke: Invoke, fill: Fill) -> None:
    fill(lambda store: store.complaints.add(taken()))
    wrong = REFERENCE[:-1] + str((int(REFERENCE[-1]) + 1) % 10)
    missed = invoke("complaint", "show", wrong)
    assert missed.exit_code == 1
    assert "check digit" in missed.stderr
    assert "check digit" not in invoke("complaint", "show", reference_of("call-2")).stderr
    assert invoke("complaint", "move", REFERENCE, "nobody").exit_code == 2


def test_several_of_one_call_are_told_apart(invoke: Invoke, fill: Fill) -> None:
    async def both(store: Store) -> None:
        await store.complaints.add(taken())
        await store.complaints.add(taken(ComplaintKind.STOP_CONTACT))

    fill(both)
    which = invoke("complaint", "close", REFERENCE, "--resolution", "已停")
    assert which.exit_code == 2
    assert "complaint, stop_contact" in which.stderr
    chosen = invoke("complaint", "close", REFERENCE, "--resolution", "已停", "--kind", "stop_contact")
    assert chosen.exit_code == 0, chosen.output
    assert len(json.loads(invoke("complaint", "list", "--json").stdout)["complaints"]) == 1


def test_callbacks_are_listed_masked_and_done(invoke: Invoke, fill: Fill) -> None:
    callback = Callback(LONG_AGO, number="+8613800000001", because=FOR_AN_AGENT)
    fill(lambda store: store.callbacks.add(callback))
    listed = invoke("callback", "list", "--json")
    (one,) = json.loads(listed.stdout)["callbacks"]
    assert (one["id"], one["because"], one["state"]) == (callback.id, FOR_AN_AGENT, "open")
    assert "13800000001" not in listed.stdout
    assert "13800000001" in invoke("callback", "list", "--unmasked", "--json").stdout
    assert invoke("callback", "done", callback.id, "--outcome", "说好周五还").exit_code == 0
    assert invoke("callback", "done", callback.id).exit_code == 1
    assert json.loads(invoke("callback", "list", "--json").stdout)["callbacks"] == []
    (made,) = json.loads(invoke("callback", "list", "--all", "--json").stdout)["callbacks"]
    assert (made["state"], made["outcome"]) == ("done", "说好周五还")
