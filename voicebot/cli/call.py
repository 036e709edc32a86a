"""`voicebot call`: place and follow calls of a running engine, through its API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import typer

from voicebot.cli._store import JsonOption

app = typer.Typer(help="Place, list, follow and end calls of a running engine.", no_args_is_help=True)

UrlOption = Annotated[str, typer.Option("--url", envvar="VOICEBOT_URL", help="Address of the engine's console.")]
TokenOption = Annotated[str, typer.Option("--token", envvar="VOICEBOT_TOKEN", help="API token.", show_default=False)]
LOCAL = "http://127.0.0.1:8080"
_FOLLOWED = {"line.said": "机器人 bot", "turn.heard": "来电人 caller", "agent.said": "坐席 agent"}


@dataclass(frozen=True)
class Api:
    """A running engine, and who asks."""

    url: str
    token: str

    async def ask(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """One request; what the engine refuses is said as it says it."""
        import aiohttp

        from voicebot.cli._terminal import fail

        own = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
                session.request(method, f"{self.url.rstrip('/')}{path}", json=body, headers=own) as response,
            ):
                text = await response.text()
                if response.status < 400:
                    return json.loads(text) if text else None
                raise _refused(response.status, text)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise fail(f"{self.url} does not answer: {error}", "Is `voicebot serve` running? See --url.") from None


def _refused(status: int, text: str) -> typer.Exit:
    from voicebot.cli._terminal import fail

    try:
        problem = json.loads(text)
        what = f"{problem['title']}: {problem['detail']}"
        said = [f"{error['where']}: {error['what']}. {error['remedy']}" for error in problem.get("errors", ())]
        return fail("\n".join([what, *said]), problem["remedy"])
    except (ValueError, KeyError, TypeError):
        return fail(f"The engine answered {status}.", "Is --url the address of an engine's console?")


@app.command()
def place(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    flow: Annotated[str, typer.Argument(help="Flow that leads the conversation.")],
    token: TokenOption,
    to: Annotated[str | None, typer.Option(help="Number to dial; left out, the case's own.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key never dials twice.")] = None,
    url: UrlOption = LOCAL,
    json_output: JsonOption = False,
) -> None:
    """Calls the debtor of a case now and prints the call's id."""
    from voicebot.cli._terminal import out, print_json

    body = {"case": case, "flow": flow, **({"to": to} if to else {})}
    headers = {"Idempotency-Key": key} if key else {}
    answer = asyncio.run(Api(url, token).ask("POST", "/api/v1/calls", body=body, headers=headers))
    if json_output:
        print_json(answer)
    else:
        out.print(answer["id"], markup=False, highlight=False)


@app.command("list")
def list_calls(
    token: TokenOption,
    live: Annotated[bool, typer.Option("--live", help="Only calls that live.")] = False,
    case: Annotated[str | None, typer.Option(help="Only calls of this case.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Calls at most.")] = 50,
    url: UrlOption = LOCAL,
    json_output: JsonOption = False,
) -> None:
    """Shows calls, newest first."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json

    query = f"limit={limit}" + ("&live=true" if live else "") + (f"&case={quote(case)}" if case else "")
    answer = asyncio.run(Api(url, token).ask("GET", f"/api/v1/calls?{query}"))
    if json_output:
        print_json(answer)
        return
    table = Table("id", "began", "direction", "flow", "state", "disposition", "cause")
    for call in answer["calls"]:
        cells = (
            call[name] or "" for name in ("id", "started_at", "direction", "flow", "state", "disposition", "cause")
        )
        table.add_row(*cells)
    out.print(table)


@app.command()
def show(
    call_id: Annotated[str, typer.Argument(help="Id of the call.")],
    token: TokenOption,
    timeline: Annotated[bool, typer.Option("--timeline", help="Also what was said and decided.")] = False,
    url: UrlOption = LOCAL,
    json_output: JsonOption = False,
) -> None:
    """Shows one call."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json

    async def read() -> tuple[Any, list[Any]]:
        api, path = Api(url, token), f"/api/v1/calls/{quote(call_id, safe='')}"
        call = await api.ask("GET", path)
        return call, (await api.ask("GET", f"{path}/timeline"))["entries"] if timeline else []

    call, entries = asyncio.run(read())
    if json_output:
        print_json({**call, **({"timeline": entries} if timeline else {})})
        return
    facts = Table(show_header=False)
    for key, value in call.items():
        facts.add_row(key, "" if value is None else str(value))
    out.print(facts)
    for entry in entries:
        at, who = f"{entry['media_seconds']:7.2f}", _FOLLOWED.get(entry["kind"])
        said = f"{who}: {entry['data'].get('text', '')}" if who else f"{entry['kind']} {_brief(entry['data'])}"
        out.print(f"{at}  {said}", markup=False, highlight=False, soft_wrap=True)


@app.command("hang-up")
def hang_up(
    call_id: Annotated[str, typer.Argument(help="Id of the call.")], token: TokenOption, url: UrlOption = LOCAL
) -> None:
    """Ends a live call."""
    from voicebot.cli._terminal import out

    asyncio.run(Api(url, token).ask("DELETE", f"/api/v1/calls/{quote(call_id, safe='')}"))
    out.print("Ended.")


def _brief(data: Mapping[str, Any]) -> str:
    return " ".join(
        f"{key}={value}" for key, value in data.items() if isinstance(value, str | int | float) and value != ""
    )
