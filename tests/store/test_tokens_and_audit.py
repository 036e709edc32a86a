"""Tokens are checked by hash and end when they should; the audit log cannot be changed without its being seen."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from recordings.cipher import KeyRing
from voicebot.store import Store, StoreUnavailable
from voicebot.store.database import Database

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


async def test_a_token_is_known_by_its_secret_only(store: Store, url: str) -> None:
    issued = await store.tokens.issue("console", frozenset({"operator", "officer"}))
    token = await store.tokens.check(issued.secret)
    assert token is not None
    assert (token.label, token.roles) == ("console", frozenset({"operator", "officer"}))
    for wrong in (
        "",
        "vbt_",
        issued.secret[:-1],
        issued.secret + "x",
        f"vbt_{issued.token.id}_",
        "vbt_x_y",
        "\ud800_a_b",
    ):
        assert await store.tokens.check(wrong) is None
    database = Database(url, None)
    async with database.read() as connection:
        rows = (await connection.execute(text("SELECT * FROM api_token"))).all()
    await database.close()
    assert issued.secret.rsplit("_", 1)[1] not in str(rows)


async def test_a_token_ends_when_revoked_or_expired(store: Store) -> None:
    short = await store.tokens.issue("short", frozenset({"operator"}), expires_at=NOW + timedelta(hours=1))
    assert await store.tokens.check(short.secret, at=NOW) is not None
    assert await store.tokens.check(short.secret, at=NOW + timedelta(hours=1)) is None
    assert await store.tokens.revoke(short.token.id)
    assert not await store.tokens.revoke(short.token.id)
    assert await store.tokens.check(short.secret, at=NOW) is None
    listed = (await store.tokens.list())[0]
    assert listed.revoked_at is not None
    assert listed.last_used_at == NOW


async def test_the_audit_chain_holds_across_workers(url: str, keys: KeyRing) -> None:
    stores = [await Store.open(url, keys, migrate=True) for _ in range(3)]
    try:
        await asyncio.gather(
            *(stores[n % 3].audit.append(f"w{n}", "flag.set", f"case:{n}", {"flag": "争议"}, at=NOW) for n in range(15))
        )
        report = await stores[0].audit.verify()
        assert (report.valid, report.entries) == (True, 15)
        listed = await stores[0].audit.list(limit=3)
        assert [entry.sequence for entry in listed] == [15, 14, 13]
        assert [entry.sequence for entry in await stores[0].audit.list(limit=2, before=13)] == [12, 11]
    finally:
        for store in stores:
            await store.close()


CHANGES = ["UPDATE audit SET actor = 'nobody' WHERE sequence = 2", "DELETE FROM audit WHERE sequence = 2"]


@pytest.mark.parametrize("change", CHANGES)
async def test_the_database_refuses_to_change_the_audit_log(store: Store, url: str, change: str) -> None:
    for n in range(3):
        await store.audit.append("w", "flag.set", f"case:{n}")
    database = Database(url, None)
    try:
        with pytest.raises((StoreUnavailable, ValueError), match="append-only"):
            async with database.write() as connection:
                await connection.execute(text(change))
    finally:
        await database.close()
    assert (await store.audit.verify()).valid


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_behind_the_databases_back_is_found(store: Store, url: str, change: str) -> None:
    for n in range(3):
        await store.audit.append("w", "flag.set", f"case:{n}")
    database = Database(url, None)
    try:
        async with database.write() as connection:
            if database.is_sqlite:
                for trigger in ("audit_no_update", "audit_no_delete"):
                    await connection.execute(text(f"DROP TRIGGER {trigger}"))
            else:
                await connection.execute(text("DROP TRIGGER audit_is_append_only ON audit"))
            await connection.execute(text(change))
    finally:
        await database.close()
    report = await store.audit.verify()
    assert (report.valid, report.broken_at) == (False, 2)
