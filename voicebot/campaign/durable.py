"""Dials as durable work: one workflow for each key, that a restarted worker takes up where it stopped.

DBOS keeps one instance in a process, and its workflows are functions of a module: so does this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy.engine import make_url

from voicebot.call.board import PlaceCall

SCHEMA = "voicebot_durable"
"""Where DBOS keeps its tables on PostgreSQL."""
VERSION = "campaign-1"
"""Of the workflows below: raised when their steps change, so that none is taken up by code that does not fit it."""

PRUNED = 500
"""Dials forgotten in one go."""
_OVER = ("SUCCESS", "ERROR", "CANCELLED")

Dial = Callable[[PlaceCall, str], Awaitable[str]]
"""Places a call for a member and says what came of it: `placed`, or why not. Safe to repeat: the key dials once."""

_dialler: dict[str, Dial] = {}


@DBOS.step(name="campaign.place")
async def _place(order: dict[str, Any], member_id: str) -> str:
    return await _dialler["here"](PlaceCall(**order), member_id)


@DBOS.workflow(name="campaign.dial")
async def _dial(order: dict[str, Any], member_id: str) -> str:
    return await _place(order, member_id)


def durable_url(database_url: str) -> str:
    """Where the work is kept, beside the store: another file on SQLite, a schema of the same database on PostgreSQL."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return url.set(drivername="postgresql").render_as_string(hide_password=False)
    if url.database in (None, "", ":memory:"):
        raise ValueError("campaigns need a database on disk, so that they survive a restart")
    return url.set(drivername="sqlite", database=f"{url.database}.work").render_as_string()


def _nothing() -> None:
    """Has its turn."""


class DurableDials:
    """The durable side of one worker."""

    def __init__(self, database_url: str, worker_id: str) -> None:
        self._url = durable_url(database_url)
        self._worker_id = worker_id

    async def start(self, dial: Dial) -> None:
        """Begins, and takes up the dials that this worker had in hand when it died."""
        _dialler["here"] = dial
        config: DBOSConfig = {
            "name": "voicebot",
            "system_database_url": self._url,
            "executor_id": self._worker_id,
            "application_version": VERSION,
            "enable_otlp": False,
            "log_level": "WARNING",
            "dbos_system_schema": SCHEMA,
        }
        DBOS(config=config)
        # In the loop's own thread: DBOS runs workflows on the loop it was launched from.
        DBOS.launch()

    async def dial(self, order: PlaceCall, member_id: str) -> None:
        """Writes the dial down, and begins it. The same key again is the same dial."""
        assert order.idempotency_key is not None
        with SetWorkflowID(order.idempotency_key):
            await DBOS.start_workflow_async(_dial, asdict(order), member_id)

    async def prune(self, older_than: timedelta) -> int:
        """Forgets dials that were over so long ago, some hundreds at a time. How many.

        Their keys stay used: the attempts that they led to are kept, and a known key is not dialled.
        """
        over = await DBOS.list_workflows_async(
            name="campaign.dial",
            status=list(_OVER),
            completed_before=(datetime.now(UTC) - older_than).isoformat(),
            limit=PRUNED,
            load_input=False,
            load_output=False,
        )
        if over:
            await DBOS.delete_workflows_async([workflow.workflow_id for workflow in over])
        return len(over)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        # DBOS made its own threads those of the whole loop, and takes them along. Live calls still need some: what is
        # queued on the old ones begins before they go, and what comes later has new ones.
        queued = loop.run_in_executor(None, _nothing)
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="worker"))
        await queued
        await asyncio.to_thread(DBOS.destroy)
        _dialler.clear()
