"""What runs beside the calls of a worker: follow-ups of promises, messages, webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Protocol

from compliance_filters.guard import load_guard
from telephony.twilio_texting import TwilioTexting
from voicebot.app.worker import Worker
from voicebot.call.case_facts import Firm
from voicebot.campaign.work import Work
from voicebot.followup.desk import FollowUpDesk
from voicebot.messages.policy import MessagePolicy
from voicebot.messages.sending import MessageDesk
from voicebot.store.protocols import Permit
from voicebot.webhooks.delivering import Courier, DeliveryDesk
from voicebot.webhooks.notices import Notices

log = logging.getLogger(__name__)

_LEASE_MARGIN = timedelta(seconds=30)


class _Looking(Protocol):
    def run(self, stop: asyncio.Event) -> Coroutine[None, None, None]: ...


@contextlib.asynccontextmanager
async def after_calls(worker: Worker, work: Work, permit: Permit | None = None) -> AsyncIterator[None]:
    """Follows up, sends and posts as long as the block lasts; a worker that ends leaves nothing that another does not
    take up. `permit` as in `assemble`: it judges whether a follow-up may be dialled. `work` begins later."""
    settings, store, now = worker.settings, worker.store, worker.services.now
    policy, sender = worker.policy, worker.sender
    firm = Firm(settings.compliance.firm_name, settings.compliance.callback_number)
    messages = MessageDesk(
        store,
        sender,
        MessagePolicy(policy, settings.messages.caps()),
        firm=firm,
        guard_for=load_guard,
        worker_id=settings.worker.id,
        now=now,
    )
    async with contextlib.AsyncExitStack() as opened:
        desks: list[_Looking] = [messages]
        handlers = []
        if isinstance(sender, TwilioTexting):
            sender.listen(messages.reported, messages.received)
            opened.push_async_callback(sender.close)
        else:
            log.info("messages are written to the outbox; nothing leaves this machine")
        receiver = settings.webhooks.receiver()
        if receiver is not None:
            courier = await opened.enter_async_context(Courier(receiver, now=now))
            handlers.append(Notices(store, frozenset(settings.webhooks.kinds)).happened)
            lease = timedelta(seconds=receiver.seconds) + _LEASE_MARGIN
            desks.append(DeliveryDesk(store.deliveries, courier, now=now, lease=lease))
        follow_ups = FollowUpDesk(
            store,
            settings.follow_ups.plan(),
            permit or policy.permit,
            work,
            now=now,
            others=handlers,
            follows=settings.follow_ups.enabled,
        )
        await follow_ups.start()
        desks.append(follow_ups)
        stop = asyncio.Event()
        running = [asyncio.create_task(desk.run(stop), name=type(desk).__name__) for desk in desks]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*running, return_exceptions=True)
