"""`voicebot message`: texts to debtors, what became of each, and whether their templates may be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store
    from voicebot.store.outgoing import Message

app = typer.Typer(help="Texts to debtors: list them, explain them, check their templates.", no_args_is_help=True)


@app.command("list")
def list_messages(
    case: Annotated[str | None, typer.Option(help="Id of a case.")] = None,
    state: Annotated[str | None, typer.Option(help="waiting, sent, delivered, outbox, refused, ...")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Shows messages, newest first, with numbers and words masked. Those in the state `outbox` were written down here
    and nothing left this machine."""
    from rich.table import Table

    from voicebot.cli._terminal import fail, out, print_json
    from voicebot.store.outgoing import MessageState

    states = [one.value for one in MessageState]
    if state is not None and state not in states:
        raise fail(f"There is no state {state}.", f"Choose one of: {', '.join(states)}.", code=2)

    async def work(store: Store) -> list[Message]:
        wanted = MessageState(state) if state else None
        return list(await store.messages.list(case_id=case, state=wanted, limit=limit))

    found = [_words(message) for message in with_store(config, work)]
    if json_output:
        print_json({"messages": found})
        return
    table = Table("id", "template", "to", "state", "because", "text")
    for one in found:
        table.add_row(one["id"], one["template"], one["number"], one["state"], one["reason"], one["text"])
    out.print(table)


@app.command()
def explain(
    message: Annotated[str, typer.Argument(help="Id of a message.")],
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Says which rules allowed or refused a message when it was last judged."""
    from rich.table import Table

    from voicebot.cli._terminal import fail, out, print_json

    async def work(store: Store) -> Message | None:
        return await store.messages.get(message)

    found = with_store(config, work)
    if found is None:
        raise fail(f"There is no message {message}.", "List them with: voicebot message list", code=2)
    if json_output:
        print_json({**_words(found), "policy": dict(found.policy)})
        return
    out.print(f"{found.state.value}: {found.reason}" if found.reason else found.state.value, markup=False)
    table = Table("rule", "verdict", "why")
    for rule in found.policy.get("rules", ()):
        table.add_row(rule["id"], rule["verdict"], rule["why"])
    out.print(table)


@app.command()
def check(json_output: JsonOption = False) -> None:
    """Reads every template of every language and has the phrase guard judge it with all values its facts may take."""
    from compliance_filters.guard import load_guard
    from voicebot.cli._terminal import out, print_json
    from voicebot.dialog.library import CONTENT
    from voicebot.dialog.places import Finding, FlowError
    from voicebot.messages.templates import CURRENCIES, judged, load_templates

    found: list[Finding] = []
    checked = 0
    for folder in sorted((CONTENT / "scripts_library").glob("*/messages")):
        language = folder.parent.name
        try:
            templates = load_templates(language)
        except FlowError as error:
            found.extend(error.findings)
            continue
        checked += len(templates)
        for jurisdiction in CURRENCIES:
            guard = load_guard(jurisdiction)
            if language.split("-")[0] in guard.pack.languages:
                found.extend(judged(guard, templates))
    if json_output:
        print_json({"checked": checked, "findings": [one.text("en") for one in found]})
    else:
        for one in found:
            out.print(one.text("zh"), markup=False, highlight=False, soft_wrap=True)
        if not found:
            out.print(f"{checked} templates may be sent.", highlight=False)
    if found:
        raise typer.Exit(1)


def _words(message: Message) -> dict[str, Any]:
    from compliance_filters.masking import mask, mask_number

    return {
        "id": message.id,
        "case": message.case_id,
        "template": message.template or ("received" if message.inbound else ""),
        "number": mask_number(message.number) if message.number else "",
        # Of our own words we know that no name is in them; of a person's, nobody does.
        "text": mask(message.text, amounts=True) if message.text and not message.inbound else "",
        "state": message.state.value,
        "reason": message.reason,
        "sender": message.sender,
        "created_at": message.created_at,
        "due_at": message.due_at,
        "sent_at": message.sent_at,
    }
