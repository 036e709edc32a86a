"""`voicebot callback`: calls that were promised to callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store
    from voicebot.store.records import Callback

app = typer.Typer(help="List the calls that were promised, and say which were made.", no_args_is_help=True)


@app.command("list")
def list_callbacks(
    every: Annotated[bool, typer.Option("--all", help="Those that were made as well.")] = False,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Numbers as they are; it is audited.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Entries at most.")] = 100,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Shows what is owed, the earliest first. `asked_for_human` is a person's to make; the engine makes the others."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json
    from voicebot.console.desk_schemas import CallbackAnswer
    from voicebot.store.records import CallbackState

    async def work(store: Store) -> list[Callback]:
        found = await store.callbacks.list(state=None if every else CallbackState.OPEN, limit=limit)
        if unmasked:
            await store.audit.append(ACTOR, "callback.read", "callbacks")
        return sorted(found, key=lambda one: one.at)

    answers = [CallbackAnswer.of(one, unmasked=unmasked) for one in with_store(config, work)]
    if json_output:
        print_json({"callbacks": [answer.model_dump(mode="json") for answer in answers]})
        return
    table = Table("id", "at", "because", "case", "number", "state", "outcome")
    for one in answers:
        at = one.at.astimezone().isoformat(timespec="minutes")
        table.add_row(one.id, at, one.because, one.case or "", one.number or "", one.state, one.outcome)
    out.print(table)


@app.command()
def done(
    callback_id: Annotated[str, typer.Argument(help="The callback's id.")],
    outcome: Annotated[str, typer.Option(help="What came of it.")] = "",
    config: ConfigOption = None,
) -> None:
    """Says that a callback was made."""
    from voicebot.cli._terminal import fail, out
    from voicebot.store.records import CallbackState

    async def work(store: Store) -> bool:
        changed = await store.callbacks.set_state(callback_id, CallbackState.DONE, outcome=outcome[:200])
        if changed:
            await store.audit.append(ACTOR, "callback.done", f"callback:{callback_id}")
        return changed

    if not with_store(config, work):
        raise fail(f"No open callback has the id {callback_id}.", "List them with: voicebot callback list")
    out.print(f"{callback_id} is done.", markup=False, highlight=False)
