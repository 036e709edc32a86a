"""Durable work: one workflow for each piece, that a restarted worker takes up where it stopped, or another instead.

The row in the store says when something is due and what speaks against it; the workflow is how it is done once. DBOS
keeps one instance in a process, and its workflows are functions of a module: so does this one.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus
from sqlalchemy.engine import make_url

from voicebot.campaign.work import Handler, Kind
from voicebot.store.errors import StoreUnavailable

log = logging.getLogger(__name__)

SCHEMA = "voicebot_durable"
"""Where DBOS keeps its tables on PostgreSQL."""
VERSION = "campaign-1"
"""Of the steps of the workflows below. A worker takes up only work of its own version, so it is raised when a step is
added to a workflow or taken from one, and only then: a new kind of work is a workflow of its own. Nothing is lost by
raising it. What an older version left is still asked for by its row, and is begun anew under another number; dials of
campaigns go back to their queue after a minute."""

PRUNED = 500
"""Pieces of work forgotten in one transaction."""
_BATCHES = 10
"""Such transactions in one go: whoever has work forgotten has other things to do."""
AT_ONCE = 8
"""Pieces of work done at the same time in one process: fewer than the store has connections."""
AGAIN = timedelta(minutes=1)
"""Work that is over, or whose worker shows no life, is begun again after so long when its row still asks for it; twice
as long after each time that it was over."""
_UNDER_WAY = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
_OVER = ("SUCCESS", "ERROR", "CANCELLED")
_STEPS = {Kind.DIAL: "campaign.place"}
"""Names of steps that are not made of their kind's."""

_here: dict[str, DurableWork] = {}


def _workflow(kind: Kind) -> Callable[..., Coroutine[Any, Any, str]]:
    @DBOS.step(name=_STEPS.get(kind, f"{kind.value}.step"))
    async def step(*order: Any) -> str:
        return await _here["work"].do(kind, DBOS.workflow_id or "", order)

    @DBOS.workflow(name=kind.value)
    async def workflow(*order: Any) -> str:
        return await step(*order)

    return workflow


_WORKFLOWS = {kind: _workflow(kind) for kind in Kind}


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


class DurableWork:
    """The durable side of one worker. See `voicebot.campaign.work.Work`."""

    def __init__(self, database_url: str, worker_id: str, *, again: timedelta = AGAIN) -> None:
        self._url = durable_url(database_url)
        self._worker_id = worker_id
        self._again = again
        self._handlers: dict[Kind, Handler] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._in_hand: set[str] = set()
        self._open = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failed: object) -> None:
        await self.close()

    def handle(self, kind: Kind, handler: Handler) -> None:
        if kind in self._handlers:
            raise ValueError(f"{kind.value} is done already; one worker has one handler for each kind")
        self._handlers[kind] = handler

    async def start(self) -> None:
        """Begins, and takes up the work that this worker had in hand when it died."""
        _here["work"] = self
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
        self._open = True

    async def hand(self, kind: Kind, key: str, *order: Any) -> None:
        """Before `start` and after `close` nothing is taken: the row asks again at the next look."""
        for number in itertools.count():
            workflow_id = f"{key}/{number}" if number else key
            if not self._open or workflow_id in self._in_hand:
                return
            with SetWorkflowID(workflow_id):
                work = await DBOS.start_workflow_async(_WORKFLOWS[kind], *order)
            if await self._settled(await work.get_status(), self._again * 2**number):
                return

    async def _settled(self, found: WorkflowStatus, again: timedelta) -> bool:
        """Whether a piece of work stays as it is; False when its row is to have another."""
        touched = found.completed_at or found.updated_at or found.created_at or 0
        quiet = datetime.now(UTC) - datetime.fromtimestamp(touched / 1000, UTC) >= again
        if not quiet:
            return True
        if found.status in _UNDER_WAY and found.app_version == VERSION:
            # Whoever had it is dead, or slow: of all workers one takes it up, and its handler does nothing twice.
            log.warning("work is taken up that another worker left", extra={"work": found.workflow_id})
            await DBOS.resume_workflow_async(found.workflow_id)
            return True
        return False

    async def do(self, kind: Kind, workflow_id: str, order: tuple[Any, ...]) -> str:
        """The one step of every workflow. What fails is over all the same: nothing of it is kept but this word."""
        handler = self._handlers.get(kind)
        if handler is None:
            return "nobody here does this"
        self._in_hand.add(workflow_id)
        try:
            async with self._slots:
                return await handler(*order)
        except StoreUnavailable as away:
            log.warning("work waits: the store is away", extra={"work": workflow_id, "reason": str(away)})
            return "the store was away"
        except Exception:
            log.exception("work failed; it is begun again while its row asks for it", extra={"work": workflow_id})
            return "failed"
        finally:
            self._in_hand.discard(workflow_id)

    async def prune(self, older_than: timedelta) -> int:
        """Forgets work of every kind that was over so long ago, some thousands at most. How many.

        What was done stays done: the attempts, messages and states that the work led to are kept.
        """
        gone = 0
        for _ in range(_BATCHES):
            over = await DBOS.list_workflows_async(
                name=[kind.value for kind in Kind],
                status=list(_OVER),
                completed_before=(datetime.now(UTC) - older_than).isoformat(),
                limit=PRUNED,
                load_input=False,
                load_output=False,
            )
            if over:
                await DBOS.delete_workflows_async([workflow.workflow_id for workflow in over])
            gone += len(over)
            if len(over) < PRUNED:
                break
        return gone

    async def close(self) -> None:
        self._open = False
        loop = asyncio.get_running_loop()
        # DBOS made its own threads those of the whole loop, and takes them along. Live calls still need some: what is
        # queued on the old ones begins before they go, and what comes later has new ones.
        queued = loop.run_in_executor(None, _nothing)
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="worker"))
        await queued
        await asyncio.to_thread(DBOS.destroy)
        _here.clear()
