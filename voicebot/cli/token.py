"""`voicebot token`: who may use the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.store import Store
    from voicebot.store.access_records import ApiToken, IssuedToken

app = typer.Typer(help="Issue, list and revoke API tokens.", no_args_is_help=True)


@app.command()
def issue(
    label: Annotated[str, typer.Argument(help="Whose token it is; for an agent, the agent's id.")],
    role: Annotated[list[str], typer.Option("--role", "-r", help="operator, agent, officer or admin; repeatable.")],
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Days until it expires; left out: never.")] = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Makes a token and shows its secret, once."""
    from voicebot.cli._terminal import error_console, fail, out, print_json
    from voicebot.console.access import Role

    known = {one.value for one in Role}
    if unknown := sorted(set(role) - known):
        raise fail(f"There is no role {', '.join(unknown)}.", f"Roles: {', '.join(sorted(known))}.", code=2)
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None

    async def work(store: Store) -> IssuedToken:
        issued = await store.tokens.issue(label, frozenset(role), expires_at=expires_at)
        await store.audit.append(ACTOR, "token.issue", f"token:{issued.token.id}", {"roles": sorted(role)})
        return issued

    issued = with_store(config, work)
    if json_output:
        print_json({"id": issued.token.id, "secret": issued.secret, "roles": sorted(role), "expires_at": expires_at})
        return
    error_console.print("Keep this token now; it cannot be shown again:", markup=False)
    out.print(issued.secret, markup=False, highlight=False, soft_wrap=True)


@app.command("list")
def list_tokens(config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Shows every token, without its secret."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json

    async def work(store: Store) -> list[ApiToken]:
        return list(await store.tokens.list())

    tokens = with_store(config, work)
    if json_output:
        print_json(
            {
                "tokens": [
                    {
                        "id": token.id,
                        "label": token.label,
                        "roles": sorted(token.roles),
                        "state": _state(token),
                        "created_at": token.created_at,
                        "last_used_at": token.last_used_at,
                    }
                    for token in tokens
                ]
            }
        )
        return
    table = Table("id", "label", "roles", "state", "last used")
    for token in tokens:
        used = token.last_used_at.isoformat(timespec="minutes") if token.last_used_at else "never"
        table.add_row(token.id, token.label, ", ".join(sorted(token.roles)), _state(token), used)
    out.print(table)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="Id, as `token list` shows it.")], config: ConfigOption = None
) -> None:
    """Makes a token useless, at once and for good."""
    from voicebot.cli._terminal import fail, out

    async def work(store: Store) -> bool:
        done = await store.tokens.revoke(token_id)
        if done:
            await store.audit.append(ACTOR, "token.revoke", f"token:{token_id}")
        return done

    if not with_store(config, work):
        raise fail(f"No token in force has the id {token_id}.", "List them with: voicebot token list")
    out.print("Revoked.")


def _state(token: ApiToken) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
        return "expired"
    return "in force"
