"""Notices reach a receiver that fails first, once it is well again; those given up are kept and can be tried anew."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.campaign.simulated import VirtualClock
from tests.webhooks.receiving import ReceivingServer
from voicebot.store import Store
from voicebot.store.outgoing import Delivery, DeliveryState
from voicebot.webhooks.delivering import WAITS, Courier, DeliveryDesk, Receiver
from voicebot.webhooks.signing import key_of, new_secret

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LEASE = timedelta(seconds=40)


class _Steady(random.Random):
    """No wait is made longer by chance."""

    def random(self) -> float:
        return 0.0


async def kept(store: Store, event_id: str = "evt_1") -> Delivery:
    delivery = Delivery(event_id, "promise.recorded", {"type": "promise.recorded", "data": {"n": 1}}, due_at=NOW)
    await store.deliveries.add(delivery)
    return delivery


async def look(store: Store, receiver: Receiver, clock: VirtualClock) -> int:
    async with Courier(receiver, now=clock) as courier:
        return await DeliveryDesk(store.deliveries, courier, now=clock, lease=LEASE, dice=_Steady()).look()


async def only(store: Store) -> Delivery:
    (found,) = await store.deliveries.list()
    return found


async def test_a_notice_arrives_signed(store: Store, server: ReceivingServer) -> None:
    delivery = await kept(store)
    assert await look(store, server.receiver, VirtualClock(NOW)) == 1
    assert server.taken == [delivery.payload]
    assert server.seen == ["evt_1"]
    found = await only(store)
    assert (found.state, found.last_status, found.tries) == (DeliveryState.DELIVERED, 204, 1)
    assert await look(store, server.receiver, VirtualClock(NOW + timedelta(days=9))) == 0


async def test_a_receiver_that_fails_first_gets_it_in_the_end_under_the_same_id(
    store: Store, server: ReceivingServer
) -> None:
    await kept(store)
    clock = VirtualClock(NOW)
    server.answers = [(500, {}), (503, {}), (302, {"location": "https://elsewhere.example/"})]
    for wait in (*WAITS[:3], None):
        assert await look(store, server.receiver, clock) == 1
        found = await only(store)
        if wait is None:
            break
        assert (found.state, found.due_at) == (DeliveryState.WAITING, clock.at + wait)
        clock.at = found.due_at - timedelta(seconds=1)
        assert await look(store, server.receiver, clock) == 0
        clock.at = found.due_at
    assert found.state is DeliveryState.DELIVERED
    assert (len(server.taken), server.seen) == (1, ["evt_1"] * 4)


async def test_a_receiver_says_how_long_to_wait(store: Store, server: ReceivingServer) -> None:
    await kept(store)
    server.answers = [(429, {"retry-after": "600"})]
    await look(store, server.receiver, VirtualClock(NOW))
    assert (await only(store)).due_at == NOW + timedelta(minutes=10)


async def test_one_that_is_never_taken_is_given_up_listed_and_tried_anew_by_hand(
    store: Store, server: ReceivingServer
) -> None:
    delivery = await kept(store)
    clock = VirtualClock(NOW)
    server.answers = [(500, {})] * (len(WAITS) + 1)
    for _ in range(len(WAITS) + 1):
        await look(store, server.receiver, clock)
        clock.at = (await only(store)).due_at
    dead = await only(store)
    assert (dead.state, dead.last_error, dead.tries) == (DeliveryState.DEAD, "HTTP 500", len(WAITS) + 1)
    clock.forward(days=9)
    assert await look(store, server.receiver, clock) == 0
    assert [one.id for one in await store.deliveries.list(state=DeliveryState.DEAD)] == [delivery.id]

    assert await store.deliveries.retry(delivery.id, at=clock.at) == 1
    await look(store, server.receiver, clock)
    assert (await only(store)).state is DeliveryState.DELIVERED
    assert await store.deliveries.retry(delivery.id, at=clock.at) == 0
    assert await store.deliveries.retry(at=clock.at) == 0


async def test_a_receiver_that_is_not_there_or_holds_another_secret_is_named(
    store: Store, server: ReceivingServer
) -> None:
    await kept(store)
    stranger = replace(server.receiver, keys=(key_of(new_secret()),))
    await look(store, stranger, VirtualClock(NOW))
    assert (await only(store)).last_error == "HTTP 401"
    nobody = replace(server.receiver, url="http://127.0.0.1:9/hook")
    await look(store, nobody, VirtualClock(NOW + timedelta(minutes=1)))
    found = await only(store)
    assert found.last_status is None
    assert "ClientConnector" in found.last_error


async def test_the_secret_before_is_taken_while_it_is_changed(store: Store, server: ReceivingServer) -> None:
    await kept(store)
    both = replace(server.receiver, keys=(key_of(new_secret()), *server.receiver.keys))
    await look(store, both, VirtualClock(NOW))
    assert len(server.taken) == 1


async def test_what_a_dead_worker_had_claimed_goes_out_again_after_its_lease(
    store: Store, server: ReceivingServer
) -> None:
    await kept(store)
    assert len(await store.deliveries.claim(NOW, lease=LEASE)) == 1
    assert await look(store, server.receiver, VirtualClock(NOW + LEASE - timedelta(seconds=1))) == 0
    assert await look(store, server.receiver, VirtualClock(NOW + LEASE)) == 1
    assert len(server.taken) == 1


async def test_any_number_of_desks_post_a_notice_once(store: Store, server: ReceivingServer) -> None:
    for n in range(12):
        await kept(store, f"evt_{n}")
    clock = VirtualClock(NOW)
    while sum(await asyncio.gather(*(look(store, server.receiver, clock) for _ in range(3)))):
        continue
    assert sorted(server.seen) == sorted(f"evt_{n}" for n in range(12))


async def test_the_same_event_is_one_notice(store: Store) -> None:
    await kept(store)
    await kept(store)
    assert len(await store.deliveries.list()) == 1


async def test_a_running_desk_delivers_and_ends_when_it_is_told(store: Store, server: ReceivingServer) -> None:
    await kept(store)
    stop = asyncio.Event()
    async with Courier(server.receiver, now=VirtualClock(NOW)) as courier:
        desk = DeliveryDesk(store.deliveries, courier, now=VirtualClock(NOW), lease=LEASE)
        running = asyncio.create_task(desk.run(stop))
        async with asyncio.timeout(60):
            await server.arrived.wait()
            stop.set()
            await running
    assert (await only(store)).state is DeliveryState.DELIVERED


@pytest.mark.parametrize("advice", ["Wed, 21 Oct 2026 07:28:00 GMT", "-5", "soon", "999999999"])
async def test_advice_that_makes_no_sense_changes_little(store: Store, server: ReceivingServer, advice: str) -> None:
    await kept(store)
    server.answers = [(503, {"retry-after": advice})]
    await look(store, server.receiver, VirtualClock(NOW))
    assert (await only(store)).due_at <= NOW + timedelta(days=1)
