"""Messages: written down before they are sent, sent once for one key, and only if the contact policy permits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models as tables
from voicebot.store import outgoing_models as models
from voicebot.store.attempts import read_history
from voicebot.store.cases import case_by_id
from voicebot.store.database import Database
from voicebot.store.keeping import Keeper, Kept
from voicebot.store.number import e164
from voicebot.store.outgoing import Message, MessageHistory, MessagePermit, MessageState
from voicebot.store.records import Attempt, AttemptState, Case, NumberState, Permission, PhoneNumber
from voicebot.store.rows import insert_once, lock, number_index, upsert

_TABLE = models.Message
REMEMBERED = timedelta(days=31)
"""How far back a contact policy sees messages."""
_COUNTED = (
    MessageState.SENDING.value,
    MessageState.SENT.value,
    MessageState.DELIVERED.value,
    MessageState.OUTBOX.value,
    MessageState.UNSURE.value,
)
_MAY_CHANGE = (MessageState.SENDING.value, MessageState.SENT.value, MessageState.UNSURE.value)
"""States in which the provider's word changes anything: what was delivered stays delivered."""


@dataclass(frozen=True)
class Verified:
    """On a call over this number, the debtor proved to be who they are."""

    case_id: str
    number: str
    call_id: str
    at: datetime


async def add_message(connection: AsyncConnection, message: Message) -> None:
    """Writes a message, in the caller's transaction, unless one with its key is there."""
    number = None if message.number is None else e164(message.number)
    debtor = message.debtor_id
    if debtor is None and message.case_id is not None:
        of_case = select(tables.Case.debtor_id).where(tables.Case.id == message.case_id)
        debtor = (await connection.execute(of_case)).scalar_one_or_none()
    values = vars(message) | {
        "state": message.state.value,
        "reason": message.reason[:500],
        "policy": dict(message.policy),
        "debtor_id": debtor,
        "number": number,
        "number_index": None if number is None else number_index(connection, number),
    }
    await insert_once(connection, _TABLE, values)


async def _verified(connection: AsyncConnection, found: Verified) -> None:
    """Only of a number that belongs to the debtor: whoever rings from another one verifies themselves, not it."""
    index = number_index(connection, found.number)
    owner = select(tables.Case.debtor_id).where(tables.Case.id == found.case_id).scalar_subquery()
    known = select(tables.Number.debtor_id).where(tables.Number.debtor_id == owner, tables.Number.number_index == index)
    debtor_id = (await connection.execute(known)).scalar_one_or_none()
    if debtor_id is not None:
        values = {"debtor_id": debtor_id, "number_index": index, "at": found.at, "call_id": found.call_id}
        await upsert(connection, models.Verification, values, key=["debtor_id", "number_index"])


_ADD = Kept("message.add", Message, add_message)
_VERIFIED = Kept("number.verified", Verified, _verified)


class MessageRepository:
    """See `voicebot.store.outgoing_protocols.Messages`."""

    def __init__(self, database: Database, keeper: Keeper) -> None:
        self._database = database
        self._keeper = keeper

    async def add(self, message: Message) -> None:
        await self._keeper.keep(_ADD, message)

    async def verified(self, case_id: str, number: str, *, call_id: str, at: datetime) -> None:
        await self._keeper.keep(_VERIFIED, Verified(case_id, number, call_id, at))

    async def verified_numbers(self, debtor_id: str) -> Sequence[PhoneNumber]:
        async with self._database.read() as connection:
            return await _verified_numbers(connection, debtor_id)

    async def get(self, message_id: str) -> Message | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.id == message_id))).first()
            return message_record(row) if row else None

    async def list(
        self, *, case_id: str | None = None, state: MessageState | None = None, limit: int = 100
    ) -> Sequence[Message]:
        statement = select(_TABLE).order_by(_TABLE.id.desc()).limit(limit)
        if case_id is not None:
            statement = statement.where(_TABLE.case_id == case_id)
        if state is not None:
            statement = statement.where(_TABLE.state == state.value)
        async with self._database.read() as connection:
            return [message_record(row) for row in await connection.execute(statement)]

    async def due(self, at: datetime, *, limit: int = 50) -> Sequence[Message]:
        call = tables.Call
        over = or_(
            _TABLE.call_id.is_(None),
            ~select(call.id).where(call.id == _TABLE.call_id, call.ended_at.is_(None)).exists(),
        )
        statement = (
            select(_TABLE)
            .where(_TABLE.state == MessageState.WAITING.value, _TABLE.due_at <= at, over)
            .order_by(_TABLE.due_at)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [message_record(row) for row in await connection.execute(statement)]

    async def begin(
        self,
        message_id: str,
        *,
        number: str,
        text: str,
        sender: str,
        worker_id: str,
        permit: MessagePermit,
        at: datetime,
    ) -> Permission | None:
        async with self._database.write() as connection:
            row = (await connection.execute(select(_TABLE).where(_TABLE.id == message_id))).first()
            if row is None or row.case_id is None:
                return None
            case = await case_by_id(connection, row.case_id)
            if case is None:
                return None
            await lock(connection, f"debtor {case.debtor.id}")
            await lock(connection, f"number {e164(number)}")
            # Read again under the lock: another worker may have taken it meanwhile.
            row = (await connection.execute(select(_TABLE).where(_TABLE.id == message_id))).one()
            if row.state != MessageState.WAITING.value:
                return None
            permission = permit(await _history(connection, case, message_record(row), e164(number), at))
            values: dict[str, Any] = {"policy": dict(permission.explanation)}
            if permission.allowed:
                values |= {
                    "state": MessageState.SENDING.value,
                    "number": e164(number),
                    "number_index": number_index(connection, number),
                    "text": text,
                    "sender": sender,
                    "tries": row.tries + 1,
                    "claimed_by": worker_id,
                    "sent_at": at,
                }
            await connection.execute(update(_TABLE).where(_TABLE.id == message_id).values(**values))
            return permission

    async def outlook(self, case_id: str, number: str, *, at: datetime) -> MessageHistory | None:
        async with self._database.read() as connection:
            case = await case_by_id(connection, case_id)
            if case is None:
                return None
            return await _history(connection, case, Message("", "", case_id=case_id), e164(number), at)

    async def settle(
        self,
        message_id: str,
        state: MessageState,
        *,
        at: datetime,
        expecting: Sequence[MessageState],
        reason: str = "",
        provider_id: str | None = None,
        due_at: datetime | None = None,
    ) -> bool:
        over = state in (MessageState.DELIVERED, MessageState.FAILED, MessageState.REFUSED, MessageState.OUTBOX)
        values: dict[str, Any] = {"state": state.value, "reason": reason[:500], "ended_at": at if over else None}
        if provider_id is not None:
            values["provider_id"] = provider_id
        if due_at is not None:
            values["due_at"] = due_at
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(_TABLE.id == message_id, _TABLE.state.in_([before.value for before in expecting]))
                .values(**values)
            )
            return result.rowcount > 0

    async def report(
        self, message_id: str, state: MessageState, *, provider_id: str, reason: str, at: datetime
    ) -> bool:
        before = [MessageState(name) for name in _MAY_CHANGE]
        return await self.settle(message_id, state, at=at, expecting=before, reason=reason, provider_id=provider_id)

    async def lose(self, *, before: datetime, at: datetime) -> int:
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(_TABLE.state == MessageState.SENDING.value, _TABLE.sent_at < before)
                .values(
                    state=MessageState.UNSURE.value,
                    reason="the worker stopped while it was being sent; it is not sent again",
                )
            )
            return result.rowcount


async def _history(
    connection: AsyncConnection, case: Case, message: Message, number: str, at: datetime
) -> MessageHistory:
    wish = Attempt("", "", case.id, case.debtor.id, number, None, "", AttemptState.BEGUN, at)
    return MessageHistory(
        replace(message, number=number),
        await read_history(connection, case, wish),
        await _recent(connection, case.debtor.id, at),
        frozenset(entry.number for entry in await _verified_numbers(connection, case.debtor.id)),
    )


async def _recent(connection: AsyncConnection, debtor_id: str, at: datetime) -> list[Message]:
    statement = select(_TABLE).where(
        _TABLE.debtor_id == debtor_id, _TABLE.sent_at > at - REMEMBERED, _TABLE.state.in_(_COUNTED)
    )
    return [message_record(row) for row in await connection.execute(statement.order_by(_TABLE.sent_at.desc()))]


async def _verified_numbers(connection: AsyncConnection, debtor_id: str) -> list[PhoneNumber]:
    number, proof = tables.Number, models.Verification
    statement = (
        select(number)
        .join(proof, (proof.debtor_id == number.debtor_id) & (proof.number_index == number.number_index))
        .where(number.debtor_id == debtor_id)
        .order_by(number.preferred, number.id)
    )
    return [
        PhoneNumber(row.number, NumberState(row.state), row.label, row.preferred)
        for row in await connection.execute(statement)
    ]


def message_record(row: Row[Any]) -> Message:
    """A message from its row."""
    return Message(
        id=row.id,
        key=row.key,
        inbound=row.inbound,
        template=row.template,
        case_id=row.case_id,
        debtor_id=row.debtor_id,
        call_id=row.call_id,
        promise_id=row.promise_id,
        plan_id=row.plan_id,
        number=row.number,
        text=row.text,
        state=MessageState(row.state),
        reason=row.reason,
        due_at=row.due_at,
        expires_at=row.expires_at,
        tries=row.tries,
        sender=row.sender,
        provider_id=row.provider_id,
        policy=row.policy,
        created_at=row.created_at,
        claimed_by=row.claimed_by,
        sent_at=row.sent_at,
        ended_at=row.ended_at,
    )
