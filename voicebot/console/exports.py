"""Tables for other programs: CSV as it is read from the store, a page at a time, however long the table is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from voicebot.console.access import CALLER
from voicebot.console.events import STREAMS
from voicebot.console.outgoing_schemas import ExportQuery
from voicebot.console.problems import Problem
from voicebot.console.reading import read_query
from voicebot.console.services import SERVICES, ConsoleStore
from voicebot.exports.hiding import hidden
from voicebot.exports.tables import CsvLines
from voicebot.store.exporting import COLUMNS, ExportChoice, ExportKind

log = logging.getLogger(__name__)

CHUNK_CHARACTERS = 65_536
"""About so much is gathered before it is sent."""


async def export(request: web.Request) -> web.StreamResponse:
    services, who = request.app[SERVICES], request[CALLER]
    kind, query = _kind(request), read_query(request, ExportQuery)
    if query.unmasked and not who.sees_personal_data:
        raise Problem(
            403,
            "officer-needed",
            "Personal data is exported only for an officer or an administrator.",
            "Use their token, or leave out `unmasked`.",
        )
    choice = await _choice(services.store, query)
    data = {"what": kind.value, **query.model_dump(mode="json")}
    # Before the first row is sent: an export that is broken off has been made all the same.
    await services.store.audit.append(who.actor, "export.begin", f"export:{kind.value}", data)
    reading = _Reading(services.store, kind, choice, query.unmasked)
    chunks = reading.chunks()
    # A store that is away is told as a problem, as long as nothing was sent.
    first = await anext(chunks)
    response = await _begun(request, kind)
    task = asyncio.current_task()
    assert task is not None
    request.app[STREAMS].tasks.add(task)
    try:
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
        await services.store.audit.append(
            who.actor, "export.end", f"export:{kind.value}", {**data, "rows": reading.rows}
        )
        await response.write_eof()
    except ConnectionResetError:
        log.info("an export was broken off by its reader", extra={"table": kind.value, "rows": reading.rows})
    except asyncio.CancelledError:
        _break_off(request)
        raise
    except Exception:
        log.exception("an export was broken off", extra={"table": kind.value, "rows": reading.rows})
        _break_off(request)
    finally:
        request.app[STREAMS].tasks.discard(task)
    return response


@dataclass
class _Reading:
    """One export under way."""

    store: ConsoleStore
    kind: ExportKind
    choice: ExportChoice
    unmasked: bool
    rows: int = 0
    """Rows so far."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The table as UTF-8 with a byte order mark, in pieces; the first has the names of the columns."""
        columns = COLUMNS[self.kind]
        lines = CsvLines(columns)
        lines.head()
        first = True
        async for row in self.store.exports.rows(self.kind, self.choice):
            lines.add(row if self.unmasked else hidden(row, columns))
            self.rows += 1
            if lines.length >= CHUNK_CHARACTERS:
                yield lines.take().encode("utf-8-sig" if first else "utf-8")
                first = False
        if first or lines.length:
            yield lines.take().encode("utf-8-sig" if first else "utf-8")


def _kind(request: web.Request) -> ExportKind:
    name = request.match_info["table"]
    try:
        return ExportKind(name)
    except ValueError:
        known = ", ".join(kind.value for kind in ExportKind)
        raise Problem(404, "unknown-table", f"There is no table {name}.", f"The tables are {known}.") from None


async def _choice(store: ConsoleStore, query: ExportQuery) -> ExportChoice:
    if query.campaign is None:
        return ExportChoice(None, query.since, query.until)
    campaign = await store.campaigns.get(query.campaign)
    if campaign is None:
        raise Problem(
            404, "unknown-campaign", "No campaign has this name or id.", "List them with: voicebot campaign list."
        )
    return ExportChoice(campaign.id, query.since, query.until)


async def _begun(request: web.Request, kind: ExportKind) -> web.StreamResponse:
    headers: dict[str, Any] = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{kind.value}.csv"',
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "X-Content-Type-Options": "nosniff",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    return response


def _break_off(request: web.Request) -> None:
    """Closes the connection without the last chunk: half a table must not look like a whole one."""
    if request.transport is not None:
        request.transport.abort()
