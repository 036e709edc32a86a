"""One worker in a process of its own, to be killed.

python worker_process.py DATABASE FOLDER WORKER HOOK SECRET

It follows promises up, sends messages and posts webhooks. The test sets its clock: the file `clock` of the folder. What
leaves it is a line of a file: `dialled`, `sent`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from compliance_filters.verdict import Action, CallState, Verdict
from telephony.texting import OutgoingText, TextReceipt, TextStatus
from tests.campaign.simulated import SimulatedCalls
from voicebot.call.case_facts import Firm
from voicebot.campaign.durable import DurableWork
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.policy import ContactPolicy
from voicebot.campaign.runner import CampaignRunner
from voicebot.followup.desk import FollowUpDesk
from voicebot.followup.plan import FollowUpPlan
from voicebot.messages.policy import MessagePolicy
from voicebot.messages.sending import MessageDesk
from voicebot.store import Store
from voicebot.store.outgoing import DeliveryState, EventKind, MessageState, StepState
from voicebot.webhooks.delivering import Courier, DeliveryDesk, Receiver
from voicebot.webhooks.notices import Notices
from voicebot.webhooks.signing import key_of

BEGINS = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
FIRM = FirmFacts(
    registered_callers=frozenset({"+861066668888"}), own_caller="+861066668888", by_agency=False, assigned=False
)
ENDS = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""Twelve hours after the promises were found broken."""
_LOOK = 0.05


class FileSender:
    """Sends into a file, and takes its time over it."""

    name = "file"

    def __init__(self, file: Path) -> None:
        self._file = file

    async def send(self, text: OutgoingText) -> TextReceipt:
        with self._file.open("a", encoding="ascii") as file:
            file.write(f"{text.id}\n")
            file.flush()
            os.fsync(file.fileno())
        await asyncio.sleep(_LOOK)
        return TextReceipt(TextStatus.TAKEN, text.id)


class Allowing:
    """A guard that lets everything pass: the genuine one takes long to load and is proven elsewhere."""

    def check(self, text: str, state: CallState) -> Verdict:
        return Verdict(Action.ALLOW, (), "")


async def work(database: str, folder: Path, worker: str, receiver: Receiver) -> None:
    def now() -> datetime:
        return datetime.fromisoformat((folder / "clock").read_text(encoding="ascii"))

    policy = ContactPolicy(FIRM)
    async with await Store.open(database, migrate=False) as store, Courier(receiver, now=now) as courier:
        await store.attempts.interrupt(worker, at=now())
        calls = SimulatedCalls(
            store, worker, now, dialled=folder / "dialled", permit=policy.permit, talk_seconds=_LOOK, outcome=_reminded
        )
        work = DurableWork(database, worker)
        runner = CampaignRunner(
            store,
            calls,
            work,
            worker_id=worker,
            now=now,
            room=lambda: 20 - calls.live,
            look_seconds=_LOOK,
        )
        notices = Notices(store, frozenset(kind.value for kind in EventKind))
        follow_ups = FollowUpDesk(store, FollowUpPlan(), policy.permit, work, now=now, others=[notices.happened])
        messages = MessageDesk(
            store,
            FileSender(folder / "sent"),
            MessagePolicy(policy),
            firm=Firm("示例服务中心", "4000000000"),
            guard_for=lambda jurisdiction: Allowing(),
            worker_id=worker,
            now=now,
        )
        deliveries = DeliveryDesk(store.deliveries, courier, now=now, lease=timedelta(hours=2))
        await follow_ups.start()
        await runner.start()
        await work.start()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(runner.run(stop))
            looks: list[Callable[[], Awaitable[object]]] = [follow_ups.look, messages.look, deliveries.look]
            for look in looks:
                tasks.create_task(_look_again(look, stop))
            tasks.create_task(_until_all_is_done(store, now, stop))
        await work.close()


def _reminded(key: str) -> str:
    return "served"


async def _look_again(look: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        await look()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK)


async def _until_all_is_done(store: Store, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    while not stop.is_set():
        open_ = (
            now() < ENDS
            or await store.events.waiting(limit=1)
            or await store.follow_ups.list(state=StepState.WAITING, limit=1)
            or await store.messages.list(state=MessageState.WAITING, limit=1)
            or await store.messages.list(state=MessageState.SENDING, limit=1)
            or await store.deliveries.list(state=DeliveryState.WAITING, limit=1)
            or await store.campaigns.open_states("promise-follow-ups")
        )
        if not open_:
            stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 2 * _LOOK)


if __name__ == "__main__":
    url, where, name, hook, secret = sys.argv[1:]
    asyncio.run(work(url, Path(where), name, Receiver(hook, (key_of(secret),))))
