"""`voicebot policy`: why a case may be called, or may not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store

app = typer.Typer(help="The contact policy: hours, caps, cooling periods, holds.", no_args_is_help=True)


@app.callback()
def policy() -> None:
    """The contact policy: hours, caps, cooling periods, holds."""


@app.command()
def explain(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    at: Annotated[str | None, typer.Option(help="Time, such as 2026-11-20T21:30+08:00; left out, now.")] = None,
    number: Annotated[str | None, typer.Option(help="Number to dial; left out, the case's first valid one.")] = None,
    caller: Annotated[str | None, typer.Option(help="Number to show; left out, the configured one.")] = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Says whether the case may be called, by which rule, with which counts, and when it next becomes allowed."""
    from compliance_filters.pack import PackError
    from voicebot.campaign.policy import ContactPolicy, FirmFacts, explanation
    from voicebot.cli._terminal import fail, load_settings_or_exit, print_json
    from voicebot.store.errors import UnknownCase
    from voicebot.store.records import utc_now

    judge = ContactPolicy(FirmFacts.of(load_settings_or_exit(config).compliance))
    moment = _moment(at) if at else utc_now()

    async def work(store: Store) -> dict[str, Any]:
        found = await store.cases.get(case)
        if found is None:
            raise UnknownCase(case)
        dialled = number or found.first_valid_number() or next((n.number for n in found.debtor.numbers), "")
        history = await store.attempts.history(case, dialled, caller_id=caller, at=moment)
        return explanation(judge.decide(history, moment))

    try:
        answer = with_store(config, work)
    except UnknownCase as error:
        raise fail(str(error), code=2) from None
    except PackError as error:
        raise fail(str(error), "Mend the rule pack, or the case's jurisdiction.") from None
    if json_output:
        print_json({"case": case, "at": moment.isoformat(), **answer})
    else:
        _show(answer)


def _moment(text: str) -> datetime:
    from voicebot.cli._terminal import fail

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise fail(f"--at: {text} is not a time.", "Write it as 2026-11-20T21:30+08:00.", code=2) from None
    if moment.tzinfo is None:
        raise fail(f"--at: {text} has no time zone.", f"Write it as {text}+08:00.", code=2)
    return moment


def _show(answer: dict[str, Any]) -> None:
    from rich.table import Table

    from voicebot.cli._terminal import out

    out.print("allowed" if answer["allowed"] else "not allowed", style="green" if answer["allowed"] else "red")
    table = Table("rule", "verdict", "why", "counts", "until")
    for rule in answer["rules"]:
        counts = ", ".join(f"{name}={value}" for name, value in rule["counts"].items())
        table.add_row(rule["id"], rule["verdict"], rule["why"], counts, rule["until"] or "")
    out.print(table)
    if not answer["allowed"]:
        out.print(
            f"Next allowed: {answer['next_allowed'] or 'when a person has lifted what holds it'}", highlight=False
        )
