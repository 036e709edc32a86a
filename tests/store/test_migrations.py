"""Migrations bring an empty database to the models exactly, once, whoever starts first; and back."""

from __future__ import annotations

import asyncio

import pytest
from alembic import command
from sqlalchemy import text

from voicebot.store import StoreUnavailable
from voicebot.store.database import Database
from voicebot.store.migrate import _config, drift, revision, upgrade


async def test_an_empty_database_is_brought_to_the_models(url: str) -> None:
    database = Database(url, None)
    try:
        before = await revision(database)
        assert (before.current, before.up_to_date) == (None, False)
        assert (await upgrade(database)).up_to_date
        assert await drift(database) == []
        assert (await upgrade(database)).up_to_date
    finally:
        await database.close()


async def test_a_difference_is_found(url: str) -> None:
    database = Database(url, None)
    try:
        await upgrade(database)
        async with database.write() as connection:
            await connection.execute(text("ALTER TABLE promise DROP COLUMN partial"))
        assert any("partial" in difference for difference in await drift(database))
    finally:
        await database.close()


async def test_workers_that_start_together_upgrade_once(url: str) -> None:
    databases = [Database(url, None) for _ in range(4)]
    try:
        found = await asyncio.gather(*(upgrade(database) for database in databases))
        assert all(each.up_to_date for each in found)
        assert await drift(databases[0]) == []
    finally:
        for database in databases:
            await database.close()


async def test_the_way_back_leaves_nothing(url: str) -> None:
    database = Database(url, None)
    try:
        await upgrade(database)
        async with database.write() as connection:
            await connection.run_sync(lambda sync: command.downgrade(_config(sync), "base"))
        assert (await revision(database)).current is None
        assert len(await drift(database)) > 10
        assert (await upgrade(database)).up_to_date
    finally:
        await database.close()


async def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    database = Database(url, None)
    try:
        await upgrade(database)
        async with database.write() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(StoreUnavailable, match="a newer version has changed it"):
            await upgrade(database)
    finally:
        await database.close()
