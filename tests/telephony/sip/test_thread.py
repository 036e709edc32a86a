"""What is looked at in the SIP stack is looked at on its own thread, however quickly calls come and go meanwhile."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from baresip import BaresipError

from telephony import sip_carrier
from telephony.carrier import DialFailed, DialRequest
from telephony.sip_gate import SipGate
from telephony.sip_sent import SentPackets
from telephony.sip_thread import SipThread
from telephony.sip_trunk import SipTrunk

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import StartCarrier, StartSipp

pytestmark = pytest.mark.peer


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[SipThread]:
    """Every `SipThread` that a carrier makes."""
    made: list[SipThread] = []

    def make(stack: Any) -> SipThread:
        made.append(SipThread(stack))
        return made[-1]

    monkeypatch.setattr(sip_carrier, "SipThread", make)
    return made


async def test_work_is_done_on_the_stacks_thread_in_order(carrier: StartCarrier, threads: list[SipThread]) -> None:
    await carrier()
    (thread,) = threads
    order: list[int] = []

    def work(number: int) -> str:
        order.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(thread.run(partial(work, number)) for number in range(20)))
    assert set(names) == {"baresip-re"}
    assert order == list(range(20))


async def test_what_fails_on_the_stacks_thread_fails_here_and_the_stack_goes_on(
    carrier: StartCarrier, threads: list[SipThread]
) -> None:
    await carrier()
    (thread,) = threads
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 7) == 7


async def test_nothing_is_done_once_the_stack_is_gone(carrier: StartCarrier, threads: list[SipThread]) -> None:
    sip = await carrier()
    await sip.close()
    done: list[int] = []
    with pytest.raises(BaresipError):
        await threads[0].run(lambda: done.append(1))
    assert not done


async def test_the_gate_and_every_count_are_the_stacks_threads_work(
    carrier: StartCarrier, sipp: StartSipp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    counted = asyncio.Event()
    loop = asyncio.get_running_loop()
    install, count = SipGate.install, SentPackets.__call__

    def installing(gate: Any) -> None:
        seen.add(threading.current_thread().name)
        install(gate)

    def counting(sent: SentPackets) -> Any:
        seen.add(threading.current_thread().name)
        found = count(sent)
        if any(each.packets for each in found.values()):
            loop.call_soon_threadsafe(counted.set)
        return found

    monkeypatch.setattr(SipGate, "install", installing)
    monkeypatch.setattr(SentPackets, "__call__", counting)
    peer = await sipp("uas_answer")
    sip = await carrier(trunks=(SipTrunk(name="provider", host="127.0.0.1", port=peer.port),))
    leg = await sip.dial(DialRequest("13800000003"))
    await asyncio.wait_for(counted.wait(), 30)
    await leg.hang_up()
    await peer.verdict()
    assert seen == {"baresip-re"}


async def test_calls_come_and_go_while_the_lines_are_counted_all_the_time(
    carrier: StartCarrier, sipp: StartSipp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams are freed all the time while all of them are looked at all the time."""
    monkeypatch.setattr(sip_carrier, "COUNT_SECONDS", 0.0)
    calls, at_once = 60, 10
    peer = await sipp("uas_answer", calls=calls, at_once=at_once)
    sip = await carrier(trunks=(SipTrunk(name="provider", host="127.0.0.1", port=peer.port),), max_calls=at_once)
    room = asyncio.Semaphore(at_once)

    async def call(number: int) -> bool:
        async with room:
            try:
                leg = await sip.dial(DialRequest(f"1380000{number:04}"))
            except DialFailed:
                return False
            leg.media.send(b"\1\0" * 160 * 5)
            await asyncio.sleep(0.05 * (number % 5))
            await leg.hang_up()
            await leg.ended()
            return True

    assert all(await asyncio.gather(*(call(number) for number in range(calls))))
    assert sip.active_calls() == 0
    await peer.verdict()
