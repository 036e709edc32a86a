"""`voicebot promise`: promises to pay, how they stand, and what was done about each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store

app = typer.Typer(help="Promises to pay and their follow-ups.", no_args_is_help=True)


@app.command("list")
def list_promises(
    case: Annotated[str | None, typer.Option(help="Id of a case.")] = None,
    state: Annotated[str | None, typer.Option(help="open, kept, partly, broken or cancelled.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Shows promises, newest first, and each step of their follow-up: what is due when, what was done, and why not."""
    from rich.table import Table

    from voicebot.cli._terminal import fail, out, print_json
    from voicebot.store.records import PromiseState

    states = [one.value for one in PromiseState]
    if state is not None and state not in states:
        raise fail(f"There is no state {state}.", f"Choose one of: {', '.join(states)}.", code=2)

    async def work(store: Store) -> list[dict[str, Any]]:
        wanted = PromiseState(state) if state else None
        return [
            {
                "id": promise.id,
                "case": promise.case_id,
                "due_on": promise.due_on,
                "state": promise.state.value,
                "steps": [
                    {
                        "kind": step.kind.value,
                        "state": step.state.value,
                        "due_at": step.due_at,
                        "done_at": step.done_at,
                        "outcome": step.outcome,
                    }
                    for step in reversed(await store.follow_ups.list(promise_id=promise.id))
                ],
            }
            for promise in await store.promises.list(case_id=case, state=wanted, limit=limit)
        ]

    found = with_store(config, work)
    if json_output:
        print_json({"promises": found})
        return
    table = Table("promise", "case", "due on", "state", "follow-up")
    for one in found:
        steps = "\n".join(_line(step) for step in one["steps"])
        table.add_row(one["id"], one["case"], str(one["due_on"]), one["state"], steps)
    out.print(table)


def _line(step: dict[str, Any]) -> str:
    when = step["done_at"] or step["due_at"]
    said = f": {step['outcome']}" if step["outcome"] else ""
    return f"{step['kind']} {step['state']} {when.astimezone():%Y-%m-%d %H:%M}{said}"
