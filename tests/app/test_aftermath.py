"""What runs beside the calls of a serving worker: a promise leads to its message, its steps and its notice, unasked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from compliance_filters.verdict import Action, CallState, Verdict
from recordings.cipher import KeyRing
from tests.campaign.simulated import Passing
from tests.webhooks.receiving import ReceivingServer
from voicebot.app import aftermath as room
from voicebot.app.texting import build_sender, texting_routes
from voicebot.app.worker import Worker
from voicebot.campaign.policy import ContactPolicy
from voicebot.settings import Settings
from voicebot.store import Store
from voicebot.store.outgoing import DeliveryState, Message, MessageState
from voicebot.store.records import Case, Consent, Debt, Debtor, PhoneNumber, Promise

NUMBER = "+8613800000001"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


class Allowing:
    """A guard that lets everything pass: the genuine one judges every template in tests/messages."""

    def check(self, text: str, state: CallState) -> Verdict:
        return Verdict(Action.ALLOW, (), "")


async def _until(reached: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(2400):
        if await reached():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to an end")


@pytest.fixture
async def server() -> AsyncIterator[ReceivingServer]:
    made = ReceivingServer()
    runner = await made.start()
    yield made
    await runner.cleanup()


async def test_a_promise_is_confirmed_planned_for_and_told(
    tmp_path: Path, server: ReceivingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "load_guard", lambda jurisdiction: Allowing())
    settings = Settings.model_validate(
        {
            "webhooks": {"url": server.receiver.url, "secret": server.secret},
            "compliance": {
                "caller_number": "+861066668888",
                "registered_callers": ["+861066668888"],
                "collects_for_others": False,
                "debts_bought": False,
            },
        }
    )
    sender = build_sender(settings)
    assert texting_routes(sender) == []
    async with await Store.open(f"sqlite:///{tmp_path}/store.db", KeyRing.generate()) as store:
        worker = cast(
            Worker,
            SimpleNamespace(
                settings=settings,
                store=store,
                sender=sender,
                services=SimpleNamespace(now=lambda: NOON),
                policy=ContactPolicy.configured(settings),
            ),
        )
        debtor = Debtor("王小样", numbers=(PhoneNumber(NUMBER),))
        consent = Consent("sms", True, datetime(2026, 1, 1, tzinfo=UTC))
        debt = Debt("示例银行", Decimal(2350), NOON.date() - timedelta(days=20))
        case = await store.cases.add(Case(debtor, debt, consents=(consent,)))
        await store.messages.verified(case.id, NUMBER, call_id="c", at=NOON)
        promise = Promise(case.id, Decimal(1000), NOON.date() + timedelta(days=5), recorded_at=NOON)
        await store.promises.add(promise)
        message = Message(
            "promise_confirmation", "k", case_id=case.id, promise_id=promise.id, due_at=NOON, created_at=NOON
        )
        await store.messages.add(message)

        async def all_done() -> bool:
            kept = await store.messages.list(state=MessageState.OUTBOX)
            told = await store.deliveries.list(state=DeliveryState.DELIVERED)
            return bool(kept and told and await store.follow_ups.list(promise_id=promise.id))

        async with room.after_calls(worker, Passing()):
            await _until(all_done)
        (kept,) = await store.messages.list()
        steps = await store.follow_ups.list(promise_id=promise.id)
    assert kept.text is not None
    assert "1000.00元" in kept.text
    assert [step.kind.value for step in reversed(steps)] == ["remind", "check"]
    assert [body["type"] for body in server.taken] == ["promise.recorded"]


def test_twilio_sends_where_the_configuration_says_so() -> None:
    settings = cast(Any, Settings).model_validate(
        {
            "twilio": {
                "account_sid": "AC" + "0" * 32,
                "auth_token": "t" * 32,
                "public_url": "https://voice.example.com/twilio",
            },
            "messages": {"sender": "twilio", "from": "+12025550100"},
        }
    )
    sender = build_sender(settings)
    assert sender.name == "twilio"
    assert [route.path for route in texting_routes(sender)] == ["/twilio/message", "/twilio/message/{id}/status"]
