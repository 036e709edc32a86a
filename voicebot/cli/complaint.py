"""`voicebot complaint`: complaints, disputes and wishes not to be called, with the days by which they are owed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store
    from voicebot.store.complaint_records import Complaint

app = typer.Typer(help="List, answer and close what callers complained of, disputed or stopped.", no_args_is_help=True)

ReferenceArgument = Annotated[str, typer.Argument(help="Reference number, ten digits, as the caller was told.")]
KindOption = Annotated[
    str | None, typer.Option(help="complaint, dispute, stop_contact or data_request: which of several of one call.")
]
TIERS = ("service", "legal", "regulator_liaison")


@app.command("list")
def list_complaints(
    tier: Annotated[str | None, typer.Option(help="service, legal or regulator_liaison.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose day has gone by.")] = False,
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Entries at most.")] = 50,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Shows what is open, the most pressing first; numbers and words masked."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json
    from voicebot.console.desk_schemas import ComplaintAnswer
    from voicebot.store.complaint_records import Tier

    wanted = _tier(tier) if tier else None
    today = _today(config)

    async def work(store: Store) -> list[Complaint]:
        return list(
            await store.complaints.list(
                open_only=not closed,
                tier=Tier(wanted) if wanted else None,
                overdue_on=today if overdue else None,
                limit=limit,
            )
        )

    answers = [ComplaintAnswer.of(one, today, unmasked=False) for one in with_store(config, work)]
    if json_output:
        print_json({"complaints": [answer.model_dump(mode="json") for answer in answers]})
        return
    table = Table("reference", "what", "tier", "state", "contact by", "answer by", "")
    for one in answers:
        late = "overdue" if one.overdue else ""
        row = (one.reference, one.kind, one.tier, one.state, str(one.respond_by), str(one.answer_by), late)
        table.add_row(*row, style="bold red" if one.overdue else None)
    out.print(table)


@app.command()
def show(
    reference: ReferenceArgument,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Number and words as they are; it is audited.")] = False,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Shows everything that was taken under a reference number."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json
    from voicebot.console.desk_schemas import ComplaintAnswer

    today = _today(config)

    async def work(store: Store) -> list[ComplaintAnswer]:
        answers = []
        for one in await _found(store, reference, None):
            case = await store.cases.get(one.case_id) if one.case_id else None
            answers.append(
                ComplaintAnswer.of(one, today, unmasked=unmasked, name=case.debtor.name if case is not None else "")
            )
        if unmasked:
            await store.audit.append(ACTOR, "complaint.read", f"complaint:{reference}")
        return answers

    answers = with_store(config, work)
    if json_output:
        print_json({"complaints": [answer.model_dump(mode="json") for answer in answers]})
        return
    for answer in answers:
        table = Table(show_header=False)
        for name, value in answer.model_dump(mode="json").items():
            if value not in (None, ""):
                table.add_row(name, str(value))
        out.print(table)


@app.command()
def respond(reference: ReferenceArgument, kind: KindOption = None, config: ConfigOption = None) -> None:
    """Says that a person got in touch; the answer is still owed."""
    _change(config, reference, kind, lambda store, one: store.complaints.respond(one.id, by=ACTOR), "responded to")


@app.command()
def extend(
    reference: ReferenceArgument,
    reason: Annotated[str, typer.Option(help="Why, as the caller was told.")],
    kind: KindOption = None,
    config: ConfigOption = None,
) -> None:
    """Puts the answer off once more, as far as the rule pack allows."""
    from compliance_filters.complaint_rules import complaint_rules_of, due_days
    from compliance_filters.pack import load_pack
    from voicebot.cli._terminal import fail

    zone = _zone(config)

    async def work(store: Store, one: Complaint) -> bool:
        rules = complaint_rules_of(load_pack(one.jurisdiction))
        if one.extensions + 1 >= len(rules.matter(one.kind.value).answer):
            raise fail(f"{reference} cannot be put off any further: it is owed by {one.answer_by}.")
        due = due_days(rules, one.kind.value, one.received_at, zone, extensions=one.extensions + 1)
        return await store.complaints.extend(one.id, due.answer_by, expecting=one.extensions, by=ACTOR, reason=reason)

    _change(config, reference, kind, work, "put off")


@app.command()
def move(
    reference: ReferenceArgument,
    tier: Annotated[str, typer.Argument(help="service, legal or regulator_liaison.")],
    kind: KindOption = None,
    config: ConfigOption = None,
) -> None:
    """Gives it to another tier."""
    from voicebot.store.complaint_records import Tier

    wanted = Tier(_tier(tier))
    _change(
        config,
        reference,
        kind,
        lambda store, one: store.complaints.move(one.id, wanted, expecting=one.tier, by=ACTOR),
        f"moved to {tier}",
    )


@app.command()
def close(
    reference: ReferenceArgument,
    resolution: Annotated[str, typer.Option(help="What came of it.")],
    kind: KindOption = None,
    config: ConfigOption = None,
) -> None:
    """Closes it with what came of it."""
    _change(
        config,
        reference,
        kind,
        lambda store, one: store.complaints.close(one.id, by=ACTOR, resolution=resolution),
        "closed",
    )


def _change(
    config: Any,
    reference: str,
    kind: str | None,
    change: Callable[[Store, Complaint], Awaitable[bool]],
    done: str,
) -> None:
    from voicebot.cli._terminal import fail, out

    async def work(store: Store) -> tuple[bool, Complaint]:
        found = await _found(store, reference, kind)
        if len(found) > 1:
            kinds = ", ".join(one.kind.value for one in found)
            raise fail(f"{reference} stands for several: {kinds}.", "Say which with --kind.", code=2)
        return await change(store, found[0]), found[0]

    changed, one = with_store(config, work)
    if not changed:
        raise fail(f"{reference} is {one.state.value} and was left as it is.")
    out.print(f"{reference} ({one.kind.value}) was {done}.", markup=False, highlight=False)


async def _found(store: Store, reference: str, kind: str | None) -> list[Complaint]:
    from voicebot.cli._terminal import fail
    from voicebot.dialog.reference import is_reference

    digits = "".join(reference.split())
    found = [one for one in await store.complaints.find(digits) if kind is None or one.kind.value == kind]
    if not found:
        slip = "" if is_reference(digits) else " Its check digit does not fit: one of the digits is wrong."
        raise fail(f"Nothing was taken under {reference}.{slip}", "List them with: voicebot complaint list")
    return found


def _tier(name: str) -> str:
    from voicebot.cli._terminal import fail

    if name not in TIERS:
        raise fail(f"There is no tier `{name}`.", f"Choose {', '.join(TIERS)}.", code=2)
    return name


def _zone(config: Any) -> str:
    from voicebot.cli._terminal import load_settings_or_exit

    return load_settings_or_exit(config).compliance.timezone


def _today(config: Any) -> date:
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo(_zone(config))).date()
