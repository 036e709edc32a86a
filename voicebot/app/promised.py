"""What was promised to callers, kept beside the calls of a worker: callbacks at their time, answers by their day."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from voicebot.app.worker import Worker
from voicebot.campaign.callbacks import CallbackRunner
from voicebot.campaign.work import Work
from voicebot.handoff.deadlines import DeadlineWatch


@contextlib.asynccontextmanager
async def promised(worker: Worker, work: Work) -> AsyncIterator[None]:
    """Makes callbacks, once `work` has begun, and watches the deadlines of complaints as long as the block lasts."""
    settings, engine, metrics = worker.settings, worker.engine, worker.metrics
    most = settings.sip.max_calls if settings.sip.enabled else settings.twilio.max_calls
    callbacks = CallbackRunner(
        worker.store,
        engine,
        work,
        now=worker.services.now,
        room=lambda: 0 if engine.draining else max(0, most - engine.live),
    )
    deadlines = DeadlineWatch(
        worker.store.complaints,
        zone=settings.compliance.timezone,
        now=worker.services.now,
        on_count=lambda count: metrics.complaints(count.tier.value, count.open, count.overdue),
    )
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(callbacks.run(stop), name="callbacks"),
        asyncio.create_task(deadlines.run(stop), name="deadlines"),
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
