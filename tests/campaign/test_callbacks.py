"""A callback is dialled at its time, once, under the contact policy; what only a person can decide waits for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.campaign.simulated import Passing
from voicebot.call.board import PlaceCall, PlacementRefused
from voicebot.campaign.callbacks import LATEST, CallbackRunner
from voicebot.store import Store
from voicebot.store.errors import AttemptRefused
from voicebot.store.records import (
    FOR_AN_AGENT,
    Call,
    Callback,
    CallbackState,
    Case,
    ContactHistory,
    Debt,
    Debtor,
    NumberState,
    Permission,
    PhoneNumber,
)

AT = datetime(2026, 3, 11, 7, 0, tzinfo=UTC)
NUMBER = "+8613800000001"


@dataclass
class Placer:
    """Records attempts as the engine does, under a policy that says when."""

    store: Store
    now: Callable[[], datetime]
    allowed_from: datetime | None = AT
    dialled: list[PlaceCall] = field(default_factory=list)
    reason: str | None = None

    async def place(self, request: PlaceCall) -> str:
        if self.reason is not None:
            raise PlacementRefused(self.reason, "not here, not now")
        try:
            begun = await self.store.attempts.begin(
                idempotency_key=request.idempotency_key or "",
                case_id=request.case_id,
                number=request.to or "",
                worker_id="w",
                call_id=f"call-{len(self.dialled)}",
                permit=self._permit,
                at=self.now(),
            )
        except AttemptRefused as refused:
            raise PlacementRefused("not_permitted", "the policy says no") from refused
        if begun.created:
            self.dialled.append(request)
        return begun.attempt.call_id or ""

    def _permit(self, history: ContactHistory) -> Permission:
        allowed = self.allowed_from is not None and self.now() >= self.allowed_from
        later = self.allowed_from.isoformat() if self.allowed_from else None
        return Permission(allowed, {"next_allowed": later})

    async def hang_up(self, call_id: str) -> bool:
        return False


@dataclass
class Scene:
    store: Store
    placer: Placer
    clock: list[datetime]
    work: Passing = field(default_factory=Passing)

    async def look(self, room: int = 5) -> int:
        """One look of one worker. How many calls it placed."""
        before = len(self.placer.dialled)
        await CallbackRunner(self.store, self.placer, self.work, now=lambda: self.clock[0], room=lambda: room).look()
        return len(self.placer.dialled) - before

    async def promised(self, **fields: object) -> Callback:
        values = {"at": AT, "case_id": "case-1", "because": "asked_by_caller", "number": NUMBER}
        callback = Callback(**{**values, **fields})  # type: ignore[arg-type]
        await self.store.callbacks.add(callback)
        return callback

    async def state(self, callback: Callback) -> tuple[CallbackState, str]:
        found = await self.store.callbacks.get(callback.id)
        assert found is not None
        return found.state, found.outcome


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with await Store.open(f"sqlite:///{tmp_path}/store.db", None, migrate=True) as store:
        debtor = Debtor(name="王小样", numbers=(PhoneNumber(NUMBER),), id="d-1")
        debt = Debt(creditor="示例银行", amount_due=Decimal(2380), due_date=date(2026, 3, 1))
        await store.cases.add(Case(id="case-1", debtor=debtor, debt=debt))
        clock = [AT]
        yield Scene(store, Placer(store, lambda: clock[0]), clock)


async def test_it_is_dialled_at_its_time_with_the_flow_of_the_last_call_and_then_done(scene: Scene) -> None:
    await scene.store.calls.begin(Call("outbound", "reminder_later", AT - timedelta(days=1), "w", case_id="case-1"))
    callback = await scene.promised()
    scene.clock[0] = AT - timedelta(minutes=1)
    assert await scene.look() == 0
    scene.clock[0] = AT
    assert await scene.look() == 1
    (order,) = scene.placer.dialled
    assert (order.case_id, order.to, order.flow) == ("case-1", NUMBER, "reminder_later")
    assert await scene.state(callback) == (CallbackState.DONE, "call:call-0")
    assert await scene.look() == 0


async def test_a_worker_that_died_between_dial_and_word_of_it_dials_nothing_twice(scene: Scene) -> None:
    callback = await scene.promised()
    await scene.look()
    await scene.store.callbacks.set_state(callback.id, CallbackState.OPEN)
    await scene.look()
    assert len(scene.placer.dialled) == 1
    assert (await scene.state(callback))[0] is CallbackState.DONE


async def test_what_the_policy_allows_later_is_dialled_then(scene: Scene) -> None:
    callback = await scene.promised()
    scene.placer.allowed_from = AT + timedelta(hours=1)
    for _ in range(3):
        assert await scene.look() == 0
    assert len(await scene.store.attempts.list(case_id="case-1")) == 1, "one refusal, not one a look"
    scene.clock[0] = AT + timedelta(hours=1)
    assert await scene.look() == 1
    assert (await scene.state(callback))[0] is CallbackState.DONE


@pytest.mark.parametrize("allowed_from", [None, AT + LATEST + timedelta(minutes=1)])
async def test_what_is_never_allowed_or_much_later_waits_for_an_agent(
    scene: Scene, allowed_from: datetime | None
) -> None:
    callback = await scene.promised()
    scene.placer.allowed_from = allowed_from
    await scene.look()
    assert await scene.state(callback) == (CallbackState.OPEN, "the policy says no")
    scene.clock[0] = AT + timedelta(hours=3)
    scene.placer.allowed_from = AT
    assert await scene.look() == 0


async def test_a_busy_worker_leaves_it_for_later(scene: Scene) -> None:
    await scene.promised()
    assert await scene.look(room=0) == 0
    scene.placer.reason = "draining"
    assert await scene.look() == 0
    scene.placer.reason = None
    assert await scene.look() == 1


async def test_a_human_makes_what_a_human_promised_and_what_is_long_past(scene: Scene) -> None:
    await scene.promised(because=FOR_AN_AGENT)
    await scene.promised(at=AT - LATEST - timedelta(minutes=1))
    await scene.promised(case_id=None, number="+8613800000002")
    assert await scene.look() == 0
    assert scene.placer.dialled == []


async def test_another_number_or_a_stopped_one_is_not_dialled(scene: Scene) -> None:
    elsewhere = await scene.promised(number="+8613800000009")
    assert await scene.look() == 0
    assert (await scene.state(elsewhere))[1] == "no number of the case may be dialled"
    await scene.store.cases.set_number_state(NUMBER, NumberState.STOP, case_id="case-1")
    stopped = await scene.promised()
    assert await scene.look() == 0
    assert (await scene.state(stopped))[1] == "no number of the case may be dialled"
