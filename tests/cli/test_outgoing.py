"""`voicebot promise`, `message` and `webhook` on an embedded database."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from recordings.cipher import KeyRing
from voicebot.settings import load_settings
from voicebot.store import Store
from voicebot.store.outgoing import Delivery, FollowUp, Message, MessageState, StepKind
from voicebot.store.records import Case, Debt, Debtor, PhoneNumber, Promise
from voicebot.webhooks.signing import key_of, new_secret

Invoke = Any
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
NUMBER = "+8613800000001"


def in_store(work: Callable[[Store], Awaitable[Any]]) -> Any:
    settings = load_settings()

    async def run() -> Any:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        async with await Store.open(settings.database, KeyRing.load_or_create(settings.key_file)) as store:
            return await work(store)

    return asyncio.run(run())


async def case_of(store: Store) -> Case:
    debtor = Debtor("王小样", numbers=(PhoneNumber(NUMBER),))
    return await store.cases.add(Case(debtor, Debt("示例银行", Decimal(2350), date(2026, 11, 1)), id="case-1"))


def test_promises_are_listed_with_their_steps(invoke: Invoke) -> None:
    async def work(store: Store) -> None:
        case = await case_of(store)
        promise = Promise(case.id, Decimal(1000), date(2026, 11, 25), id="p-1", recorded_at=NOW, words="王小样说的")
        await store.promises.add(promise)
        await store.follow_ups.add([FollowUp("p-1", case.id, StepKind.CHECK, NOW)])

    in_store(work)
    (found,) = json.loads(invoke("promise", "list", "--json").stdout)["promises"]
    assert (found["id"], found["due_on"], found["state"]) == ("p-1", "2026-11-25", "open")
    assert [(step["kind"], step["state"]) for step in found["steps"]] == [("check", "waiting")]
    shown = invoke("promise", "list", "--state", "open").stdout
    assert "check waiting" in shown
    assert "王小样" not in shown
    assert invoke("promise", "list", "--state", "lost").exit_code == 2


def test_messages_are_listed_masked_and_explained(invoke: Invoke) -> None:
    async def work(store: Store) -> None:
        case = await case_of(store)
        rules = {"rules": [{"id": "MSG-CONSENT", "verdict": "refuse", "why": "consent 'sms' is not on record"}]}
        refused = Message("promise_confirmation", "k1", id="m-1", case_id=case.id, number=NUMBER)
        answer = Message("", "k2", inbound=True, case_id=case.id, number=NUMBER, text="我是王小样")
        await store.messages.add(replace(refused, state=MessageState.REFUSED, policy=rules))
        await store.messages.add(replace(answer, state=MessageState.RECEIVED))

    in_store(work)
    listed = invoke("message", "list", "--json")
    assert len(json.loads(listed.stdout)["messages"]) == 2
    for secret in ("13800000001", "王小样"):
        assert secret not in listed.stdout
    assert [
        one["id"] for one in json.loads(invoke("message", "list", "--state", "refused", "--json").stdout)["messages"]
    ] == ["m-1"]
    assert "consent 'sms' is not on record" in invoke("message", "explain", "m-1").stdout
    assert invoke("message", "explain", "nobody").exit_code == 2
    assert invoke("message", "list", "--state", "lost").exit_code == 2


def test_notices_that_were_given_up_are_listed_and_tried_again(invoke: Invoke) -> None:
    async def work(store: Store) -> None:
        await store.deliveries.add(Delivery("evt_1", "promise.recorded", {"a": 1}, id="d-1", due_at=NOW))
        await store.deliveries.failed("d-1", status=500, error="HTTP 500", again_at=None, at=NOW)

    in_store(work)
    (found,) = json.loads(invoke("webhook", "list", "--state", "dead", "--json").stdout)["deliveries"]
    assert (found["id"], found["last_error"]) == ("d-1", "HTTP 500")
    assert "1 dead" in invoke("webhook", "list").stdout
    assert invoke("webhook", "retry").exit_code == 2
    assert "1 are tried again" in invoke("webhook", "retry", "d-1").stdout
    assert json.loads(invoke("webhook", "list", "--json").stdout)["counts"] == {"waiting": 1}
    assert invoke("webhook", "retry", "nothing").exit_code == 1
    assert "0 are tried again" in invoke("webhook", "retry", "--dead").stdout


@pytest.fixture
def hook() -> Iterator[tuple[str, list[bytes]]]:
    """A receiver in a thread, for a command that has a loop of its own."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204 if self.path == "/good" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_test_says_what_the_receiver_answered(invoke: Invoke, folder: Path, hook: tuple[str, list[bytes]]) -> None:
    url, bodies = hook
    assert "webhooks.url is not set" in invoke("webhook", "test").stderr
    secret = invoke("webhook", "secret").stdout.strip()
    assert len(key_of(secret)) == 32
    file = folder / "voicebot.toml"
    file.write_text(f'[webhooks]\nurl = "{url}/good"\nsecret = "{secret}"\n')
    taken = invoke("webhook", "test")
    assert "HTTP 204" in taken.stdout
    assert json.loads(bodies[0])["type"] == "webhook.test"
    file.write_text(f'[webhooks]\nurl = "{url}/bad"\nsecret = "{secret}"\n')
    refused = invoke("webhook", "test", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout) == {"taken": False, "status": 500, "error": "HTTP 500"}


def test_secrets_are_not_shown_and_bad_settings_are_named(invoke: Invoke, folder: Path) -> None:
    secret = new_secret()
    file = folder / "voicebot.toml"
    file.write_text(f'[webhooks]\nurl = "https://ledger.example.com/hook"\nsecret = "{secret}"\n')
    shown = invoke("config", "show")
    assert shown.exit_code == 0
    assert secret not in shown.output
    for text, says in (
        ('[webhooks]\nurl = "http://ledger.example.com/hook"\n', "https"),
        ('[webhooks]\nurl = "https://ledger.example.com/hook"\nsecret = "short"\n', "voicebot webhook secret"),
        ('[messages]\nsender = "twilio"\n', "`from`"),
        ('[messages]\nsender = "twilio"\nfrom = "+12025550100"\n', "account_sid"),
        ('[follow_ups]\nremind_at = "25:00"\n', "remind_at"),
    ):
        file.write_text(text)
        checked = invoke("config", "check")
        assert checked.exit_code != 0
        assert says in checked.output, text
