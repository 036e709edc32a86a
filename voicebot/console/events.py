"""Live events as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

One task follows the board and keeps the last entries with a serial number each; every watcher reads from there at its
own pace. A watcher who comes back with Last-Event-ID gets what it missed, or a `gap` event that says how much is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from secrets import token_hex

from aiohttp import web

from voicebot.call.board import CallBoard, TimelineEntry
from voicebot.console.access import CALLER
from voicebot.console.calls import debtor_names, unknown_call
from voicebot.console.schemas import EntryAnswer
from voicebot.console.services import SERVICES, ConsoleServices


@dataclass(frozen=True)
class Numbered:
    """An entry and its place in everything that happened on this worker since it started."""

    serial: int
    entry: TimelineEntry


@dataclass(frozen=True)
class Gap:
    """Entries that this watcher will not see any more."""

    lost: int


class Backlog:
    """The last entries of all calls, for any number of readers."""

    def __init__(self, length: int) -> None:
        self.boot = token_hex(4)
        """Serial numbers count from the start of this process; ids of an earlier one mean nothing here."""
        self._entries: deque[Numbered] = deque(maxlen=length)
        self._news = asyncio.Event()
        self.serial = 0
        self._following: asyncio.Task[None] | None = None

    def add(self, entry: TimelineEntry) -> None:
        self.serial += 1
        self._entries.append(Numbered(self.serial, entry))
        self._news.set()
        self._news = asyncio.Event()

    async def read(self, after: int, heartbeat_seconds: float) -> AsyncIterator[Numbered | Gap | None]:
        """Everything after a serial, then what comes; None when nothing came for a while."""
        while True:
            news = self._news
            first = self._entries[0].serial if self._entries else self.serial + 1
            if after + 1 < first:
                yield Gap(first - after - 1)
                after = first - 1
                continue
            fresh = [one for one in self._entries if one.serial > after] if self.serial > after else []
            for one in fresh:
                yield one
                after = one.serial
            if fresh:
                continue
            try:
                await asyncio.wait_for(news.wait(), heartbeat_seconds)
            except TimeoutError:
                yield None

    def follow(self, board: CallBoard) -> None:
        """Begins to take over what the board publishes."""
        entries = board.watch()

        async def run() -> None:
            async for entry in entries:
                self.add(entry)

        self._following = asyncio.create_task(run(), name="console events")

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following


BACKLOG = web.AppKey("backlog", Backlog)


class Streams:
    """The requests that stream now."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[object]] = set()

    async def end(self) -> None:
        """A stream never ends by itself: without this a drain would wait for every open page."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


STREAMS = web.AppKey("streams", Streams)


async def of_all_calls(request: web.Request) -> web.StreamResponse:
    backlog = request.app[BACKLOG]
    boot, _, serial = request.headers.get("Last-Event-ID", "").partition("-")
    after = int(serial) if boot == backlog.boot and serial.isascii() and serial.isdigit() else backlog.serial
    async with _stream(request) as response:
        names = _Names(request.app[SERVICES])
        async for one in backlog.read(min(after, backlog.serial), request.app[SERVICES].limits.heartbeat_seconds):
            if isinstance(one, Numbered):
                await response.write(await _entry(request, names, one.entry, f"{backlog.boot}-{one.serial}"))
            else:
                await response.write(_sign(one))
    return response


async def of_one_call(request: web.Request) -> web.StreamResponse:
    """What happened so far (after Last-Event-ID, which is a sequence), then what happens, until the call ends."""
    services = request.app[SERVICES]
    backlog = request.app[BACKLOG]
    call_id = request.match_info["id"]
    begins = backlog.serial
    past = await services.timelines.read(call_id)
    live = services.board.get(call_id)
    if past is None and live is None:
        raise unknown_call()
    last = request.headers.get("Last-Event-ID", "")
    sequence = int(last) if last.isascii() and last.isdigit() else -1
    async with _stream(request) as response:
        names = _Names(services)
        over = live is None
        for entry in past or ():
            if entry.sequence > sequence:
                await response.write(await _entry(request, names, entry, str(entry.sequence)))
                sequence = entry.sequence
                over = over or entry.kind == "call.ended"
        if over:
            return response
        async for one in backlog.read(begins, services.limits.heartbeat_seconds):
            if not isinstance(one, Numbered):
                await response.write(_sign(one))
                if one is None and services.board.get(call_id) is None:
                    break
            elif one.entry.call_id == call_id and one.entry.sequence > sequence:
                await response.write(await _entry(request, names, one.entry, str(one.entry.sequence)))
                sequence = one.entry.sequence
                if one.entry.kind == "call.ended":
                    break
    return response


class _Names:
    """Names to mask, looked up once a call."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._known: dict[str, tuple[str, ...]] = {}

    async def of(self, call_id: str) -> tuple[str, ...]:
        if call_id not in self._known:
            self._known[call_id] = await debtor_names(self._services, call_id)
        return self._known[call_id]


async def _entry(request: web.Request, names: _Names, entry: TimelineEntry, event_id: str) -> bytes:
    unmasked = request[CALLER].sees_personal_data
    known = () if unmasked else await names.of(entry.call_id)
    data = EntryAnswer.of(entry, unmasked=unmasked, names=known).model_dump_json()
    return f"id: {event_id}\nevent: entry\ndata: {data}\n\n".encode()


def _sign(one: Gap | None) -> bytes:
    return b": alive\n\n" if one is None else f'event: gap\ndata: {{"lost": {one.lost}}}\n\n'.encode()


@contextlib.asynccontextmanager
async def _stream(request: web.Request) -> AsyncIterator[web.StreamResponse]:
    """An event stream that ends quietly when the client goes, and at once when the engine stops."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    task = asyncio.current_task()
    assert task is not None
    request.app[STREAMS].tasks.add(task)
    try:
        await response.write(b"retry: 2000\n\n")
        yield response
        await response.write_eof()
    except ConnectionResetError:
        return
    except asyncio.CancelledError:
        with contextlib.suppress(ConnectionResetError):
            await response.write_eof()
        raise
    finally:
        request.app[STREAMS].tasks.discard(task)
