"""`voicebot webhook`: what other systems are told, what they did not take, and trying it again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store
    from voicebot.store.outgoing import Delivery
    from voicebot.webhooks.delivering import Answer, Receiver

app = typer.Typer(help="Notices to another system: list, try again, test, make a secret.", no_args_is_help=True)


@app.command("list")
def list_deliveries(
    state: Annotated[str | None, typer.Option(help="waiting, delivered or dead; left out, all.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Shows notices, newest first: what became of each, and why it was not taken."""
    from rich.table import Table

    from voicebot.cli._terminal import fail, out, print_json
    from voicebot.store.outgoing import DeliveryState

    states = [one.value for one in DeliveryState]
    if state is not None and state not in states:
        raise fail(f"There is no state {state}.", f"Choose one of: {', '.join(states)}.", code=2)

    async def work(store: Store) -> tuple[list[Delivery], dict[str, int]]:
        wanted = DeliveryState(state) if state else None
        counts = {one.value: count for one, count in (await store.deliveries.counts()).items()}
        return list(await store.deliveries.list(state=wanted, limit=limit)), counts

    found, counts = with_store(config, work)
    if json_output:
        print_json({"deliveries": [_words(one) for one in found], "counts": counts})
        return
    table = Table("id", "kind", "state", "tries", "last", "due or ended")
    for one in found:
        when = (one.ended_at or one.due_at).astimezone().isoformat(timespec="seconds")
        last = one.last_error or (f"HTTP {one.last_status}" if one.last_status else "")
        table.add_row(one.id, one.kind, one.state.value, str(one.tries), last, when)
    out.print(table)
    out.print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none yet", highlight=False)


@app.command()
def retry(
    delivery: Annotated[str | None, typer.Argument(help="Id of a notice.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that were given up.")] = False,
    config: ConfigOption = None,
) -> None:
    """Has a notice, or all that were given up, tried again by a running engine."""
    from voicebot.cli._terminal import fail, out
    from voicebot.store.records import utc_now

    if (delivery is None) != dead:
        raise fail("Name one notice, or say --dead for all that were given up.", code=2)

    async def work(store: Store) -> int:
        again = await store.deliveries.retry(delivery, at=utc_now())
        await store.audit.append(ACTOR, "webhook.retry", f"webhook:{delivery or 'dead'}", {"notices": again})
        return again

    again = with_store(config, work)
    if again == 0 and delivery is not None:
        raise fail(f"No notice {delivery} waits or was given up.", "List them with: voicebot webhook list")
    out.print(f"{again} are tried again.", highlight=False)


@app.command("test")
def post_test(config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Posts one signed notice of the type `webhook.test` now, and says what the receiver answered."""
    from voicebot.cli._terminal import fail, load_settings_or_exit, out, print_json

    receiver = load_settings_or_exit(config).webhooks.receiver()
    if receiver is None:
        raise fail("webhooks.url is not set.", "Set it, and webhooks.secret, in voicebot.toml.", code=2)
    answer = asyncio.run(_post_test(receiver))
    if json_output:
        print_json({"taken": answer.taken, "status": answer.status, "error": answer.error})
    elif answer.taken:
        out.print(f"The receiver took it: HTTP {answer.status}.", highlight=False)
    if not answer.taken:
        remedy = "Check that it verifies webhook-id.webhook-timestamp.body with this secret."
        raise fail(f"The receiver did not take it: {answer.error}.", "" if json_output else remedy)


@app.command()
def secret() -> None:
    """Makes a secret for `webhooks.secret`."""
    from voicebot.cli._terminal import out
    from voicebot.webhooks.signing import new_secret

    out.print(new_secret(), markup=False, highlight=False, soft_wrap=True)


async def _post_test(receiver: Receiver) -> Answer:
    from voicebot.store.outgoing import Delivery
    from voicebot.store.records import new_id
    from voicebot.webhooks.delivering import Courier

    def now() -> datetime:
        return datetime.now(UTC)

    payload = {"type": "webhook.test", "timestamp": now().isoformat(), "data": {}}
    async with Courier(receiver, now=now) as courier:
        return await courier.post(Delivery(f"evt_{new_id()}", "webhook.test", payload))


def _words(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event": delivery.event_id,
        "kind": delivery.kind,
        "state": delivery.state.value,
        "tries": delivery.tries,
        "due_at": delivery.due_at,
        "ended_at": delivery.ended_at,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
    }
