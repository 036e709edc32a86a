"""Workers are killed with SIGKILL between a callback's time and its dial, and after it: it is dialled exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.campaign.callback_process import AT, Hold, run
from voicebot.store import Store
from voicebot.store.records import AttemptState, Callback, CallbackState, Case

LIMIT = 120.0
BOTH = pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)], indirect=True)


class Workers:
    """Processes that end with the test, and say over one pipe how far they came."""

    def __init__(self, url: str, dialled: Path) -> None:
        self._url = url
        self._dialled = dialled
        self._processes = get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.campaign.callback_process"])
        self._heard, self._told = self._processes.Pipe(duplex=False)
        self._running: dict[str, BaseProcess] = {}

    def start(self, name: str, hold: Hold | None = None) -> None:
        process = self._processes.Process(
            target=run, args=(self._url, self._dialled, name, hold, self._told), daemon=True
        )
        process.start()
        self._running[name] = process

    def wait_for(self, word: bytes) -> None:
        """The next that a worker says; it must live until then."""
        ready = wait([self._heard, *(process.sentinel for process in self._running.values())], LIMIT)
        assert self._heard in ready, "no worker said anything, or one ended by itself"
        assert self._heard.recv_bytes() == word

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.join(10)

    def wait_for_end(self, name: str) -> None:
        process = self._running.pop(name)
        process.join(LIMIT)
        assert process.exitcode == 0

    def dials(self) -> list[str]:
        return self._dialled.read_text(encoding="ascii").splitlines() if self._dialled.exists() else []

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)
        self._heard.close()
        self._told.close()


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(url, tmp_path / "dialled")
    yield made
    made.close()


async def agreed(url: str, make_case: Callable[..., Case]) -> Callback:
    async with await Store.open(url, migrate=True) as store:
        case = await store.cases.add(make_case())
        callback = Callback(AT, case_id=case.id, because="asked_by_caller")
        await store.callbacks.add(callback)
        return callback


async def made_once(url: str, callback: Callback, workers: Workers) -> None:
    async with await Store.open(url, migrate=False) as store:
        found = await store.callbacks.get(callback.id)
        attempts = await store.attempts.list()
    assert found is not None
    assert (found.state, found.tries) == (CallbackState.DONE, 0)
    assert len(workers.dials()) == 1
    (attempt,) = attempts
    assert attempt.state is not AttemptState.REFUSED
    assert found.outcome == f"call:{attempt.call_id}"


@BOTH
@pytest.mark.parametrize("hold", list(Hold))
async def test_a_worker_killed_around_the_dial_makes_the_callback_once_when_it_is_back(
    url: str, hold: Hold, workers: Workers, make_case: Callable[..., Case]
) -> None:
    callback = await agreed(url, make_case)
    workers.start("w1", hold)
    workers.wait_for(b"began")
    workers.wait_for(b"held")
    workers.kill("w1")
    assert len(workers.dials()) == (hold is Hold.AFTER_THE_DIAL)
    workers.start("w1")
    workers.wait_for(b"began")
    workers.wait_for_end("w1")
    await made_once(url, callback, workers)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.peer
@pytest.mark.parametrize("hold", list(Hold))
async def test_what_a_killed_worker_had_in_hand_is_made_once_by_the_other_one(
    url: str, hold: Hold, workers: Workers, make_case: Callable[..., Case]
) -> None:
    callback = await agreed(url, make_case)
    workers.start("w1", hold)
    workers.wait_for(b"began")
    workers.wait_for(b"held")
    workers.start("w2")
    workers.wait_for(b"began")
    workers.kill("w1")
    workers.wait_for_end("w2")
    await made_once(url, callback, workers)
