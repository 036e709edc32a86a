"""Tables over the API: the rows and the hiding of the command line, sent as they are read, never half for whole."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.console.conftest import AT
from voicebot.campaign.plan import Arm, CampaignPlan
from voicebot.console import exports
from voicebot.store import Store, exporting
from voicebot.store.campaign_records import Campaign
from voicebot.store.errors import StoreUnavailable
from voicebot.store.exporting import COLUMNS, ExportChoice, ExportKind
from voicebot.store.outgoing import Message, MessageState
from voicebot.store.records import Promise

Console = Any
NUMBER = "+8613800000001"
SECRETS = ("王小样", "13800000001", "1000", "下周三", "http")


async def fill(store: Store, attempts: int = 2) -> None:
    """Something of every kind for the case that is there; every attempt but the first is of no campaign."""
    plan = CampaignPlan(arms=(Arm(flow="reminder_first"),)).model_dump(mode="json")
    campaign = await store.campaigns.create(Campaign("november", plan))
    for n in range(attempts):
        of = None if n else campaign.id
        at = AT + timedelta(minutes=n)
        begun = await store.attempts.begin(
            idempotency_key=f"k{n}", case_id="case-1", number=NUMBER, worker_id="w", campaign_id=of, at=at
        )
        await store.attempts.finish(begun.attempt.id, disposition="ptp", cause="normal", at=at)
    await store.promises.add(Promise("case-1", Decimal(1000), date(2026, 11, 25), words="王小样说下周三还一千"))
    await store.messages.add(
        Message("promise_confirmation", "k", case_id="case-1", number=NUMBER, text="1000元", state=MessageState.SENT)
    )


async def table(console: Console, path: str, role: str = "operator") -> list[dict[str, str]]:
    response = await console.client.get(f"/api/v1/exports/{path}", headers=console.auth(role))
    assert response.status == 200, await response.text()
    text = (await response.read()).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def actions(console: Console) -> list[str]:
    return [entry.action for entry in await console.store.audit.list()]


@pytest.mark.parametrize(
    ("kind", "count"), [("attempts", 2), ("calls", 2), ("dispositions", 2), ("promises", 1), ("messages", 1)]
)
@pytest.mark.parametrize("role", ["operator", "officer"])
async def test_every_table_is_sent_with_personal_data_hidden(
    console: Console, kind: str, count: int, role: str
) -> None:
    await fill(console.store)
    response = await console.client.get(f"/api/v1/exports/{kind}", headers=console.auth(role))
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
    assert response.headers["Cache-Control"] == "no-store"
    body = await response.read()
    assert body.startswith("\ufeff".encode())
    assert body.count("\ufeff".encode()) == 1
    text = body.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == count
    assert list(rows[0]) == list(COLUMNS[ExportKind(kind)])
    assert not [secret for secret in SECRETS if secret in text]


async def test_personal_data_is_an_officers_and_every_export_is_audited(console: Console) -> None:
    await fill(console.store)
    refused = await console.client.get("/api/v1/exports/promises?unmasked=true", headers=console.auth("operator"))
    assert refused.status == 403
    assert (await refused.json(content_type=None))["type"].endswith(":officer-needed")
    assert await actions(console) == []
    for role in ("officer", "admin"):
        (row,) = await table(console, "promises?unmasked=true", role)
        assert (row["debtor"], row["amount"], row["words"]) == ("王小样", "1000.00", "王小样说下周三还一千")
    end, begin, *_ = await console.store.audit.list()
    assert (begin.action, end.action) == ("export.begin", "export.end")
    assert begin.actor.startswith("token:admin:")
    assert begin.subject == "export:promises"
    assert begin.data["unmasked"] is True
    assert end.data["rows"] == 1


async def test_an_export_is_narrowed_by_campaign_and_time(console: Console) -> None:
    await fill(console.store, attempts=3)
    assert len(await table(console, "attempts?campaign=november")) == 1
    since = (AT + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    until = (AT + timedelta(minutes=2)).isoformat().replace("+", "%2B")
    rows = await table(console, f"attempts?since={since}&until={until}")
    assert [row["began_at"] for row in rows] == [(AT + timedelta(minutes=1)).isoformat()]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("debtors", 404, "unknown-table"),
        ("attempts?campaign=may", 404, "unknown-campaign"),
        ("attempts?since=yesterday", 422, "invalid"),
        ("attempts?since=2026-11-20T00:00:00", 422, "invalid"),
        ("attempts?limit=5", 422, "invalid"),
    ],
)
async def test_what_cannot_be_exported_is_said_before_anything_is_sent(
    console: Console, path: str, status: int, kind: str
) -> None:
    response = await console.client.get(f"/api/v1/exports/{path}", headers=console.auth("admin"))
    assert response.status == status
    problem = await response.json(content_type=None)
    assert problem["type"].endswith(f":{kind}")
    assert problem["remedy"]
    assert await actions(console) == []


async def test_pages_and_pieces_make_one_table(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 4)
    monkeypatch.setattr(exports, "CHUNK_CHARACTERS", 300)
    await fill(console.store, attempts=13)
    rows = await table(console, "attempts")
    assert len({row["id"] for row in rows}) == 13
    assert [row["began_at"] for row in rows] == sorted(row["began_at"] for row in rows)
    assert len(await table(console, "dispositions")) == 13


async def test_a_table_without_rows_has_its_columns(console: Console) -> None:
    assert await table(console, "messages") == []
    response = await console.client.get("/api/v1/exports/messages", headers=console.auth("operator"))
    assert (await response.text(encoding="utf-8-sig")).split("\r\n")[0].split(",") == list(COLUMNS[ExportKind.MESSAGES])


class Endless:
    """A table without an end, or one whose store goes away after so many rows."""

    def __init__(self, gone_after: int | None = None) -> None:
        self.gone_after = gone_after
        self.sent = 0
        self.closed = asyncio.Event()

    async def rows(self, kind: ExportKind, choice: ExportChoice) -> AsyncIterator[Mapping[str, Any]]:
        row: dict[str, Any] = dict.fromkeys(COLUMNS[kind])
        try:
            for number in itertools.count():
                if number == self.gone_after:
                    raise StoreUnavailable("the database is away")
                await asyncio.sleep(0)
                self.sent += 1
                yield {**row, "id": f"{number:040}", "began_at": datetime(2026, 11, 20, tzinfo=UTC)}
        finally:
            self.closed.set()


async def test_a_store_that_is_away_at_once_is_a_problem(console: Console) -> None:
    console.store.exports = Endless(gone_after=0)
    response = await console.client.get("/api/v1/exports/attempts", headers=console.auth("operator"))
    assert response.status == 503
    assert (await response.json(content_type=None))["type"].endswith(":store-unavailable")


async def test_half_a_table_never_looks_like_a_whole_one(console: Console) -> None:
    console.store.exports = Endless(gone_after=5000)
    response = await console.client.get("/api/v1/exports/attempts", headers=console.auth("operator"))
    assert response.status == 200
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
        await response.read()
    assert await actions(console) == ["export.begin"]


async def test_a_reader_who_goes_away_ends_the_reading(console: Console) -> None:
    endless = console.store.exports = Endless()
    response = await console.client.get("/api/v1/exports/attempts", headers=console.auth("operator"))
    assert len(await response.content.readexactly(100_000)) == 100_000
    response.close()
    async with asyncio.timeout(60):
        await endless.closed.wait()
    assert await actions(console) == ["export.begin"]


async def test_no_more_is_read_than_a_slow_reader_takes(console: Console) -> None:
    """The rows go as far as the buffers between the two and wait there."""
    endless = console.store.exports = Endless()
    response = await console.client.get("/api/v1/exports/attempts", headers=console.auth("operator"))
    before = -1
    async with asyncio.timeout(60):
        while endless.sent != before:
            before = endless.sent
            await asyncio.sleep(0.2)
    assert not endless.closed.is_set()
    response.close()
    async with asyncio.timeout(60):
        await endless.closed.wait()


async def test_an_export_does_not_hold_up_a_drain(console: Console) -> None:
    endless = console.store.exports = Endless()
    response = await console.client.get("/api/v1/exports/attempts", headers=console.auth("operator"))
    async with asyncio.timeout(60):
        await console.client.server.close()
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
            await response.read()
        await endless.closed.wait()
