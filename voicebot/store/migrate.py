"""Brings a database to the tables this version needs, and says how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from voicebot.store.database import Database
from voicebot.store.errors import StoreUnavailable
from voicebot.store.models import Base
from voicebot.store.rows import lock

FOLDER = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Revision:
    """How far a database is."""

    current: str | None
    """None for an empty database."""
    newest: str
    """What this version of the engine needs."""

    @property
    def up_to_date(self) -> bool:
        return self.current == self.newest


async def upgrade(database: Database) -> Revision:
    """Runs the migrations that are missing, in one transaction; of several processes one does it and the others wait.

    Raises StoreUnavailable, also for a database that a newer version has changed already.
    """
    async with database.write() as connection:
        await lock(connection, "migrations")
        before = await connection.run_sync(_revision)
        _refuse_newer(database, before)
        if not before.up_to_date:
            await connection.run_sync(_upgrade)
        return await connection.run_sync(_revision)


async def revision(database: Database) -> Revision:
    """How far the database is. Raises StoreUnavailable."""
    async with database.read() as connection:
        return await connection.run_sync(_revision)


async def drift(database: Database) -> list[str]:
    """Differences between the tables that are there and those of this version, in words. Raises StoreUnavailable."""
    async with database.read() as connection:
        return await connection.run_sync(_drift)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(_config(connection), "head")


def _revision(connection: Connection) -> Revision:
    newest = ScriptDirectory(str(FOLDER)).get_current_head()
    assert newest is not None
    return Revision(MigrationContext.configure(connection).get_current_revision(), newest)


def _drift(connection: Connection) -> list[str]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    found: list[Any] = compare_metadata(context, Base.metadata)
    return [str(difference) for difference in found]


def _refuse_newer(database: Database, found: Revision) -> None:
    known = {script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()}
    if found.current is not None and found.current not in known:
        raise StoreUnavailable(
            f"database {database.name} is at revision {found.current}, which this version does not know: "
            "a newer version has changed it; run that version, or restore the backup made before the upgrade"
        )
