"""Live events: everybody sees what happens, comes back without losing anything, and is told of what is lost."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from voicebot.console import ConsoleLimits
from voicebot.console.events import Backlog, Gap, Numbered

Console = Any
Opener = Any


class Stream:
    """One event stream, read event by event."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def block(self) -> dict[str, str]:
        """The next block: fields by name; a comment under the empty name."""
        fields: dict[str, str] = {}
        while line := (await asyncio.wait_for(self.response.content.readline(), 30)).decode().rstrip("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        return fields

    async def entries(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            block = await self.block()
            if block.get("event") == "entry":
                found.append({**json.loads(block["data"]), "event_id": block["id"]})
        return found

    async def rest(self) -> bytes:
        return bytes(await asyncio.wait_for(self.response.content.read(), 30))


async def open_stream(console: Console, path: str, role: str = "officer", last: str | None = None) -> Stream:
    headers = {**console.auth(role), **({"Last-Event-ID": last} if last else {})}
    response = await console.client.get(path, headers=headers)
    assert response.status == 200
    assert response.content_type == "text/event-stream"
    stream = Stream(response)
    assert await stream.block() == {"retry": "2000"}
    return stream


async def test_a_watcher_sees_every_call_as_it_happens(console: Console) -> None:
    console.ring("one")
    console.ring("two")
    stream = await open_stream(console, "/api/v1/events")
    console.happen("one", "line.said", text="您好", number=1)
    console.happen("two", "turn.heard", text="喂")
    entries = await stream.entries(2)
    assert [(entry["call"], entry["kind"]) for entry in entries] == [("one", "line.said"), ("two", "turn.heard")]
    assert entries[0]["data"]["text"] == "您好"


async def test_an_operator_sees_the_words_without_the_name_and_the_digits(console: Console) -> None:
    console.ring("one")
    stream = await open_stream(console, "/api/v1/events", role="operator")
    console.happen("one", "line.said", text="请问是王小样女士吗", number=1)
    console.happen("one", "dtmf.pressed", digits="7")
    said, pressed = await stream.entries(2)
    assert said["data"]["text"] == "请问是王**女士吗"
    assert pressed["data"]["digits"] == "*"


async def test_a_watcher_who_comes_back_gets_what_it_missed(console: Console) -> None:
    console.ring("one")
    stream = await open_stream(console, "/api/v1/events")
    console.happen("one", "call.answered")
    (seen,) = await stream.entries(1)
    stream.response.close()
    console.happen("one", "turn.heard", text="喂")
    again = await open_stream(console, "/api/v1/events", last=seen["event_id"])
    assert (await again.entries(1))[0]["data"]["text"] == "喂"


async def test_an_id_from_before_a_restart_or_from_nowhere_starts_afresh(console: Console) -> None:
    console.ring("one")
    console.happen("one", "call.answered")
    for last in ("00000000-1", "nonsense", "-", "9" * 400):
        stream = await open_stream(console, "/api/v1/events", last=last)
        console.happen("one", "turn.heard", text=last[:9])
        assert (await stream.entries(1))[0]["kind"] == "turn.heard"
        stream.response.close()


async def test_one_call_is_told_from_its_beginning_to_its_end(console: Console) -> None:
    console.ring("one")
    console.happen("one", "call.answered")
    stream = await open_stream(console, "/api/v1/calls/one/events")
    assert [entry["kind"] for entry in await stream.entries(1)] == ["call.answered"]
    console.happen("two", "turn.heard", text="别的电话")
    console.happen("one", "turn.heard", text="喂")
    console.happen("one", "call.ended", disposition="promise")
    assert [entry["kind"] for entry in await stream.entries(2)] == ["turn.heard", "call.ended"]
    assert await stream.rest() == b""


async def test_last_event_id_of_a_call_is_its_sequence(console: Console) -> None:
    console.ring("one")
    for text in ("一", "二", "三"):
        console.happen("one", "turn.heard", text=text)
    stream = await open_stream(console, "/api/v1/calls/one/events", last="1")
    (entry,) = await stream.entries(1)
    assert (entry["event_id"], entry["data"]["text"]) == ("2", "三")


async def test_a_call_that_is_over_is_told_and_the_stream_ends(console: Console) -> None:
    console.happen("old", "call.answered")
    console.happen("old", "call.ended", disposition="promise")
    stream = await open_stream(console, "/api/v1/calls/old/events")
    assert (await stream.rest()).count(b"event: entry") == 2


async def test_quiet_streams_say_that_they_live(open_console: Opener) -> None:
    console = await open_console(ConsoleLimits(heartbeat_seconds=0.01))
    stream = await open_stream(console, "/api/v1/events")
    assert await stream.block() == {"": "alive"}


async def test_a_slow_watcher_is_told_how_much_it_lost(console: Console) -> None:
    backlog = Backlog(3)
    entry = console.happen("one", "turn.heard", text="0")
    for number in range(10):
        backlog.add(replace(entry, sequence=number))
    read = [one async for one in _take(backlog, 4)]
    assert read[0] == Gap(7)
    assert [one.entry.sequence for one in read[1:] if isinstance(one, Numbered)] == [7, 8, 9]


async def _take(backlog: Backlog, count: int) -> Any:
    async for one in backlog.read(0, 1.0):
        yield one
        count -= 1
        if not count:
            return


async def test_a_hundred_watchers_and_a_thousand_entries_lose_nothing(console: Console) -> None:
    backlog = Backlog(2000)
    entry = console.happen("one", "turn.heard", text="0")

    async def watch() -> int:
        return sum([one.serial async for one in _take(backlog, 1000) if isinstance(one, Numbered)])

    watchers = [asyncio.create_task(watch()) for _ in range(100)]
    for number in range(1000):
        backlog.add(entry)
        if number % 100 == 0:
            await asyncio.sleep(0)
    assert await asyncio.gather(*watchers) == [500_500] * 100


async def test_the_engine_stops_at_once_although_pages_are_open(console: Console) -> None:
    stream = await open_stream(console, "/api/v1/events")
    stopping = asyncio.create_task(console.client.server.close())
    assert await stream.rest() == b""
    await asyncio.wait_for(stopping, 30)
