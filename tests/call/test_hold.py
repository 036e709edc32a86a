"""A caller on hold hears their place, leaves for a callback when they wish, and is never held longer than the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.call.line import OneDesk, Phrase
from tests.call.test_session import AllowingGuard
from voicebot.call import session
from voicebot.call.desk import AgentConnected, AgentMissing, HandoffRequest
from voicebot.call.settings import CallLimits, CallSettings, TurnTaking
from voicebot.dialog.events import HandoffOutcome, RecordCallback

Hold = Callable[..., Awaitable[Any]]

HUMAN = Phrase("转人工")
CALLBACK = [Phrase("", 0, keys="1", after_line="human.place_in_queue"), Phrase("明天下午三点"), Phrase("对")]
QUICK = TurnTaking(digit_gap_seconds=0.6)


class BusyDesk(OneDesk):
    """A desk where everybody talks: a caller waits until they leave."""

    def __init__(self) -> None:
        super().__init__()
        self.place = 3
        self._left: asyncio.Future[HandoffOutcome] = asyncio.get_running_loop().create_future()

    async def connect(self, request: HandoffRequest) -> AgentConnected | AgentMissing:
        self.requests.append(request)
        return AgentMissing("h1", await self._left)

    def ahead(self, call_id: str) -> int | None:
        self.place = max(0, self.place - 1)
        return self.place

    async def leave(self, call_id: str, outcome: HandoffOutcome) -> None:
        await super().leave(call_id, outcome)
        self._left.set_result(outcome)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_COMFORT_SECONDS", 0.3)


async def test_who_leaves_the_queue_is_asked_when_to_be_called(hold: Hold) -> None:
    desk = BusyDesk()
    call = await hold(
        "inbound_callback",
        [HUMAN, *CALLBACK],
        desk=desk,
        settings=CallSettings(turns=QUICK),
        guard_with=AllowingGuard(),
    )
    assert desk.left_with == [HandoffOutcome.LEFT_QUEUE]
    assert call.of("queue.place")[0].data["ahead"] == 2
    assert any("前面还有两位" in text for text in call.spoken)
    assert [entry.data["outcome"] for entry in call.of("handoff.ended")] == ["left_queue"]
    (callback,) = (action for action in call.outcomes if isinstance(action, RecordCallback))
    assert (callback.at.day, callback.at.hour) == (11, 15)
    assert call.result.disposition == "callback_at"


async def test_places_are_said_only_when_they_change(hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_PLACE_SECONDS", 3600.0)
    call = await hold(
        "inbound_callback",
        [HUMAN],
        desk=BusyDesk(),
        settings=CallSettings(turns=QUICK, limits=CallLimits(longest_hold_seconds=8.0)),
        guard_with=AllowingGuard(),
    )
    places = [entry.data["ahead"] for entry in call.of("queue.place")]
    assert places == sorted(set(places), reverse=True), "a place was said twice"
    assert (places[0], places[-1]) == (2, 0)
    assert any("马上就轮到您了" in text for text in call.spoken)


async def test_the_longest_hold_ends_the_wait_whatever_the_desk_does(hold: Hold) -> None:
    desk = BusyDesk()
    call = await hold(
        "inbound_callback",
        [HUMAN],
        desk=desk,
        settings=CallSettings(turns=QUICK, limits=CallLimits(longest_hold_seconds=5.5)),
        guard_with=AllowingGuard(),
    )
    assert desk.left_with == [HandoffOutcome.NOBODY_FREE]
    assert next(entry.data["limit"] for entry in call.of("limit")) == "longest_hold"
    assert [entry.data["outcome"] for entry in call.of("handoff.ended")] == ["nobody_free"]
    assert call.result.disposition == "human_req"
