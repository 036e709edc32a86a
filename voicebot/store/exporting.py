"""Rows for people who work with tables: attempts, calls, dispositions, promises, messages, read page by page.

A page is one short transaction, and the next begins after the last id: however long an export runs, it holds nothing
up and needs no more memory than a page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.engine import Row

from voicebot.store import models, outgoing_models
from voicebot.store.database import Database
from voicebot.store.records import AttemptState

PAGE = 1000
_CASE = models.Case
_CAMPAIGN = models.Campaign


class ExportKind(Enum):
    ATTEMPTS = "attempts"
    CALLS = "calls"
    DISPOSITIONS = "dispositions"
    PROMISES = "promises"
    MESSAGES = "messages"


class ColumnKind(Enum):
    """How a column is typed, and with it what masking does to it."""

    TEXT = "text"
    """Ids and words of the engine's own; never masked."""
    NUMBER = "number"
    """A telephone number."""
    NAME = "name"
    """A person's name."""
    WORDS = "words"
    """What somebody said or was written."""
    AMOUNT = "amount"
    MOMENT = "moment"
    DAY = "day"
    FLAG = "flag"
    SECONDS = "seconds"


Columns = Mapping[str, ColumnKind]
_T, _M = ColumnKind.TEXT, ColumnKind.MOMENT
COLUMNS: Mapping[ExportKind, Columns] = {
    ExportKind.ATTEMPTS: {
        "id": _T, "campaign": _T, "case": _T, "case_reference": _T, "number": ColumnKind.NUMBER, "caller": _T,
        "state": _T, "disposition": _T, "cause": _T, "refused_by": _T, "call": _T, "began_at": _M, "ended_at": _M,
    },
    ExportKind.CALLS: {
        "id": _T, "direction": _T, "case": _T, "case_reference": _T, "attempt": _T, "flow": _T,
        "number": ColumnKind.NUMBER, "carrier": _T, "disposition": _T, "cause": _T, "started_at": _M,
        "answered_at": _M, "ended_at": _M, "talk_seconds": ColumnKind.SECONDS,
    },
    ExportKind.DISPOSITIONS: {
        "contact": _T, "direction": _T, "case": _T, "case_reference": _T, "campaign": _T, "disposition": _T,
        "cause": _T, "began_at": _M, "ended_at": _M,
    },
    ExportKind.PROMISES: {
        "id": _T, "case": _T, "case_reference": _T, "debtor": ColumnKind.NAME, "amount": ColumnKind.AMOUNT,
        "currency": _T, "due_on": ColumnKind.DAY, "partial": ColumnKind.FLAG, "state": _T,
        "words": ColumnKind.WORDS, "call": _T, "recorded_at": _M,
    },
    ExportKind.MESSAGES: {
        "id": _T, "inbound": ColumnKind.FLAG, "case": _T, "case_reference": _T, "template": _T,
        "number": ColumnKind.NUMBER, "text": ColumnKind.WORDS, "state": _T, "reason": _T, "sender": _T,
        "created_at": _M, "sent_at": _M, "ended_at": _M,
    },
}  # fmt: skip
"""The columns of each kind, in order."""


@dataclass(frozen=True)
class ExportChoice:
    """Which rows. What is left out does not narrow."""

    campaign_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Excluded."""


class ExportRepository:
    """Reads rows for exports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, kind: ExportKind, choice: ExportChoice) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the choice, oldest first, with the columns of `COLUMNS`. Raises StoreUnavailable."""
        for part in _PARTS[kind]:
            after = ""
            while True:
                statement = part(choice).where(part.key > after).order_by(part.key).limit(PAGE)
                async with self._database.read() as connection:
                    page = (await connection.execute(statement)).all()
                for row in page:
                    yield part.values(row)
                if len(page) < PAGE:
                    break
                after = page[-1].key


class _Part:
    """One statement of an export, its key, and how its rows are told."""

    def __init__(self, key: Any, time: Any, statement: Any, campaign: Any, words: Any) -> None:
        self.key = key
        self._time = time
        self._statement = statement.add_columns(key.label("key"))
        self._campaign = campaign
        self._words = words

    def __call__(self, choice: ExportChoice) -> Any:
        found = self._statement
        if choice.since is not None:
            found = found.where(self._time >= choice.since)
        if choice.until is not None:
            found = found.where(self._time < choice.until)
        if choice.campaign_id is not None:
            found = found.where(self._campaign(choice.campaign_id))
        return found

    def values(self, row: Row[Any]) -> Mapping[str, Any]:
        values: Mapping[str, Any] = self._words(row)
        return values


def _of_members(case_id: Any) -> Any:
    member = models.CampaignMember

    def narrowed(campaign_id: str) -> ColumnElement[bool]:
        found: ColumnElement[bool] = case_id.in_(select(member.case_id).where(member.campaign_id == campaign_id))
        return found

    return narrowed


def _attempts() -> Any:
    table = models.Attempt
    return (
        select(table, _CASE.external_id.label("reference"), _CAMPAIGN.name.label("campaign_name"))
        .join(_CASE, _CASE.id == table.case_id)
        .outerjoin(_CAMPAIGN, _CAMPAIGN.id == table.campaign_id)
    )


def _attempt_words(row: Row[Any]) -> Mapping[str, Any]:
    rules = row.policy.get("rules") or ()
    refused = [str(rule["id"]) for rule in rules if isinstance(rule, dict) and rule.get("verdict") == "refuse"]
    return {
        "id": row.id,
        "campaign": row.campaign_name,
        "case": row.case_id,
        "case_reference": row.reference,
        "number": row.number,
        "caller": row.caller_id,
        "state": row.state,
        "disposition": row.disposition,
        "cause": row.cause,
        "refused_by": " ".join(refused) if row.state == AttemptState.REFUSED.value else None,
        "call": row.call_id,
        "began_at": row.begun_at,
        "ended_at": row.ended_at,
    }


def _attempt_disposition(row: Row[Any]) -> Mapping[str, Any]:
    return {
        "contact": row.id,
        "direction": "outbound",
        "case": row.case_id,
        "case_reference": row.reference,
        "campaign": row.campaign_name,
        "disposition": row.disposition,
        "cause": row.cause,
        "began_at": row.begun_at,
        "ended_at": row.ended_at,
    }


def _calls() -> Any:
    table = models.Call
    return select(table, _CASE.external_id.label("reference")).outerjoin(_CASE, _CASE.id == table.case_id)


def _call_words(row: Row[Any]) -> Mapping[str, Any]:
    talked = row.answered_at is not None and row.ended_at is not None
    return {
        "id": row.id,
        "direction": row.direction,
        "case": row.case_id,
        "case_reference": row.reference,
        "attempt": row.attempt_id,
        "flow": row.flow,
        "number": row.number,
        "carrier": row.carrier,
        "disposition": row.disposition,
        "cause": row.cause,
        "started_at": row.started_at,
        "answered_at": row.answered_at,
        "ended_at": row.ended_at,
        "talk_seconds": (row.ended_at - row.answered_at).total_seconds() if talked else None,
    }


def _call_disposition(row: Row[Any]) -> Mapping[str, Any]:
    return {
        "contact": row.id,
        "direction": row.direction,
        "case": row.case_id,
        "case_reference": row.reference,
        "campaign": None,
        "disposition": row.disposition,
        "cause": row.cause,
        "began_at": row.started_at,
        "ended_at": row.ended_at,
    }


def _promise_words(row: Row[Any]) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "case": row.case_id,
        "case_reference": row.reference,
        "debtor": row.debtor_name,
        "amount": row.amount,
        "currency": row.currency,
        "due_on": row.due_on,
        "partial": row.partial,
        "state": row.state,
        "words": row.words,
        "call": row.call_id,
        "recorded_at": row.recorded_at,
    }


def _message_words(row: Row[Any]) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "inbound": row.inbound,
        "case": row.case_id,
        "case_reference": row.reference,
        "template": row.template,
        "number": row.number,
        "text": row.text,
        "state": row.state,
        "reason": row.reason,
        "sender": row.sender,
        "created_at": row.created_at,
        "sent_at": row.sent_at,
        "ended_at": row.ended_at,
    }


def _parts() -> Mapping[ExportKind, tuple[_Part, ...]]:
    attempt, call, promise, message = models.Attempt, models.Call, models.Promise, outgoing_models.Message
    of_campaign = attempt.campaign_id.__eq__
    inbound = call.direction == "inbound"
    promises = (
        select(promise, _CASE.external_id.label("reference"), models.Debtor.name.label("debtor_name"))
        .join(_CASE, _CASE.id == promise.case_id)
        .join(models.Debtor, models.Debtor.id == _CASE.debtor_id)
    )
    messages = select(message, _CASE.external_id.label("reference")).outerjoin(_CASE, _CASE.id == message.case_id)
    of_attempt = call.attempt_id.in_

    def of_calls(campaign_id: str) -> ColumnElement[bool]:
        return of_attempt(select(attempt.id).where(attempt.campaign_id == campaign_id))

    return {
        ExportKind.ATTEMPTS: (_Part(attempt.id, attempt.begun_at, _attempts(), of_campaign, _attempt_words),),
        ExportKind.CALLS: (_Part(call.id, call.started_at, _calls(), of_calls, _call_words),),
        ExportKind.DISPOSITIONS: (
            _Part(
                attempt.id,
                attempt.begun_at,
                _attempts().where(attempt.disposition.is_not(None)),
                of_campaign,
                _attempt_disposition,
            ),
            _Part(
                call.id,
                call.started_at,
                _calls().where(inbound, call.disposition.is_not(None)),
                lambda _: literal(False),
                _call_disposition,
            ),
        ),
        ExportKind.PROMISES: (
            _Part(promise.id, promise.recorded_at, promises, _of_members(promise.case_id), _promise_words),
        ),
        ExportKind.MESSAGES: (
            _Part(message.id, message.created_at, messages, _of_members(message.case_id), _message_words),
        ),
    }


_PARTS = _parts()
