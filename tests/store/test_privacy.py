"""Personal data is sealed in the tables; numbers are found by a keyed fingerprint; keys rotate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from recordings.cipher import KeyFault, KeyRing
from voicebot.store import Store
from voicebot.store.agent_records import Handoff
from voicebot.store.complaint_records import Complaint, ComplaintKind, Tier
from voicebot.store.database import Database
from voicebot.store.outgoing import Delivery, Message
from voicebot.store.records import Call, Callback, Case, PlanRequest, Promise, Suppression

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MakeCase = Callable[..., Case]
TABLES = (
    "debtor", "phone_number", "debt_case", "case_flag", "attempt", "call", "promise", "callback", "plan_request",
    "handoff", "suppression", "message", "webhook_delivery", "complaint",
)  # fmt: skip


async def everything(url: str) -> str:
    """All rows of all tables as they lie there."""
    database = Database(url, None)
    rows: list[str] = []
    async with database.read() as connection:
        for table in TABLES:
            rows += [
                "|".join(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row)
                for row in await connection.execute(text(f"SELECT * FROM {table}"))
            ]
    await database.close()
    return "\n".join(rows)


async def fill(store: Store, make_case: MakeCase) -> Case:
    case = await store.cases.add(make_case())
    await store.cases.set_flag(case.id, "vulnerable", note="王小样刚出院")
    await store.attempts.begin(idempotency_key="k", case_id=case.id, number="+8613800000001", worker_id="w")
    await store.calls.begin(Call("inbound", "f", NOW, "w", number="+8613800000001"))
    await store.promises.add(Promise(case.id, Decimal(1), date(2026, 11, 27), words="王小样说还两千"))
    await store.callbacks.add(Callback(NOW, case_id=case.id, number="+8613800000001"))
    await store.plans.add(PlanRequest(case.id, reason="王小样失业"))
    await store.handoffs.open(Handoff("c", "asked_for_human", "agent", brief={"姓名": "王小样"}))
    await store.suppressions.add(Suppression("stop", number="+8613800000001"))
    day = date(2026, 11, 27)
    await store.complaints.add(
        Complaint(
            "c:complaint",
            "8835789168",
            ComplaintKind.COMPLAINT,
            Tier.SERVICE,
            day,
            day,
            "c",
            number="+8613800000001",
            words="王小样不满意",
        )
    )
    await store.complaints.close("c:complaint", by="lin", resolution="已向王小样致歉")
    await store.messages.add(Message("", "k", number="+8613800000001", text="我是王小样"))
    await store.deliveries.add(Delivery("e", "promise.recorded", {"amount": "2000.00", "name": "王小样"}))
    return case


async def test_nothing_personal_lies_open(store: Store, url: str, make_case: MakeCase) -> None:
    await fill(store, make_case)
    found = await everything(url)
    assert len(found.splitlines()) >= len(TABLES)
    for secret in ("王小样", "13800000001", "123X", "出院", "失业"):
        assert secret not in found


async def test_without_keys_everything_is_readable_and_still_found(url: str, make_case: MakeCase) -> None:
    async with await Store.open(url, None, migrate=True) as store:
        case = await fill(store, make_case)
        assert [found.id for found in await store.cases.find_by_number("13800000001")] == [case.id]
    assert "王小样" in await everything(url)


async def test_other_keys_do_not_open_it(url: str, keys: KeyRing, make_case: MakeCase) -> None:
    async with await Store.open(url, keys, migrate=True) as store:
        case = await fill(store, make_case)
    for ring in (KeyRing.generate(), None):
        async with await Store.open(url, ring) as store:
            with pytest.raises(KeyFault):
                await store.cases.get(case.id)
            assert await store.cases.find_by_number("13800000001") == []


async def test_after_a_rotation_old_and_new_are_read_and_found(url: str, tmp_path: Path, make_case: MakeCase) -> None:
    path = tmp_path / "keys.json"
    first = KeyRing.load_or_create(path)
    async with await Store.open(url, first, migrate=True) as store:
        old = await store.cases.add(make_case())
    second = first.rotate(path)
    async with await Store.open(url, second) as store:
        new = await store.cases.add(make_case())
        found = await store.cases.find_by_number("13800000001")
        assert {case.id for case in found} == {old.id, new.id}
        assert {case.debtor.name for case in found} == {"王小样"}
    rows = await everything(url)
    assert first.active.id in rows
    assert second.active.id in rows
