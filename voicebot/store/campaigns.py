"""Campaigns and their queues. Every change of a member is one transaction, and safe to make twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, and_, bindparam, case, delete, func, select, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from voicebot.store import models
from voicebot.store.agent_records import AgentState
from voicebot.store.attempts import attempt_record
from voicebot.store.brakes import halted
from voicebot.store.campaign_records import (
    NOT_PERMITTED,
    ArmCount,
    Campaign,
    CampaignState,
    Ended,
    GrantRule,
    Member,
    MemberState,
    OpenDial,
    Settlement,
    Standing,
)
from voicebot.store.database import Database
from voicebot.store.records import AttemptState, new_id
from voicebot.store.rows import lock, upsert

PROMOTED = 1000
"""Members made ready in one transaction: enough for any pace, and never a long one."""
CARRIERS = 8
"""Carriers that share the calls: one with less than such a part of them is judged later."""
_TABLE = models.CampaignMember


class CampaignRepository:
    """See `voicebot.store.protocols.Campaigns`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, campaign: Campaign) -> Campaign:
        async with self._database.write() as connection:
            values = vars(campaign) | {"state": campaign.state.value, "plan": dict(campaign.plan)}
            module = postgresql if connection.dialect.name == "postgresql" else sqlite
            await connection.execute(module.insert(models.Campaign).values(**values))
        return campaign

    async def get(self, name_or_id: str) -> Campaign | None:
        table = models.Campaign
        statement = select(table).where((table.id == name_or_id) | (table.name == name_or_id))
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).first()
            return _campaign(row) if row else None

    async def list(self, *, state: CampaignState | None = None) -> Sequence[Campaign]:
        statement = select(models.Campaign).order_by(models.Campaign.created_at, models.Campaign.id)
        if state is not None:
            statement = statement.where(models.Campaign.state == state.value)
        async with self._database.read() as connection:
            return [_campaign(row) for row in await connection.execute(statement)]

    async def set_state(
        self,
        campaign_id: str,
        state: CampaignState,
        *,
        because: str,
        expecting: Sequence[CampaignState],
        at: datetime,
    ) -> bool:
        table = models.Campaign
        values: dict[str, Any] = {"state": state.value, "because": because[:200]}
        if state is CampaignState.RUNNING:
            values["started_at"] = func.coalesce(table.started_at, at)
            values["running_since"] = at
        if state in (CampaignState.STOPPED, CampaignState.FINISHED):
            values["ended_at"] = at
        async with self._database.write() as connection:
            await lock(connection, f"campaign {campaign_id}")
            result = await connection.execute(
                update(table)
                .where(table.id == campaign_id, table.state.in_([before.value for before in expecting]))
                .values(**values)
            )
            return result.rowcount > 0

    async def enrol(self, members: Sequence[Member]) -> int:
        if not members:
            return 0
        async with self._database.write() as connection:
            module = postgresql if connection.dialect.name == "postgresql" else sqlite
            before = await _size(connection, members[0].campaign_id)
            rows = [vars(member) | {"state": member.state.value, "tries": dict(member.tries)} for member in members]
            await connection.execute(module.insert(_TABLE).on_conflict_do_nothing(), rows)
            return await _size(connection, members[0].campaign_id) - before

    async def claim(
        self, campaign_id: str, *, worker_id: str, day: date, at: datetime, grant: GrantRule
    ) -> Sequence[Member]:
        async with self._database.write() as connection:
            # One at a time for each campaign: the pace and the caps are those of all workers together.
            await lock(connection, f"campaign {campaign_id}")
            await lock(connection, "caller numbers")
            found = select(models.Campaign).where(models.Campaign.id == campaign_id)
            campaign = (await connection.execute(found)).first()
            if campaign is None or campaign.state != CampaignState.RUNNING.value or await halted(connection):
                return []
            await _promote(connection, campaign_id, at)
            granted = grant(await _standing(connection, campaign, day, at))
            if not granted.callers:
                return []
            chosen = [
                _member(row)
                for row in await connection.execute(
                    select(_TABLE)
                    .where(_TABLE.campaign_id == campaign_id, _TABLE.state == MemberState.READY.value)
                    .order_by(_TABLE.rank)
                    .limit(len(granted.callers))
                )
            ]
            claimed = await _give_out(connection, chosen, granted.callers, worker_id, at)
            await _count_callers(connection, [member.caller for member in claimed if member.caller], day)
            if claimed:
                await connection.execute(
                    update(models.Campaign)
                    .where(models.Campaign.id == campaign_id)
                    .values(next_slot_at=granted.next_slot_at)
                )
            return claimed

    async def settle(self, member_id: str, key: str, settlement: Settlement, *, at: datetime) -> bool:
        async with self._database.write() as connection:
            mine = (_TABLE.id == member_id, _TABLE.key == key, _TABLE.state == MemberState.DIALLING.value)
            row = (await connection.execute(select(_TABLE).where(*mine))).first()
            if row is None:
                return False
            tries = dict(row.tries)
            if settlement.disposition is not None:
                tries[settlement.disposition] = tries.get(settlement.disposition, 0) + 1
            ended = settlement.state is MemberState.DONE
            values: dict[str, Any] = {
                "state": settlement.state.value,
                "reason": settlement.reason[:500],
                "next_at": settlement.next_at,
                "attempts": row.attempts + (1 if settlement.counts else 0),
                "first_by": None if settlement.counts else row.first_by,
                "tries": tries,
                "number_step": row.number_step if settlement.number_step is None else settlement.number_step,
                "disposition": settlement.disposition or row.disposition,
                "claimed_by": None,
                "key": None,
                "ended_at": at if ended else None,
            }
            if settlement.rank is not None:
                values["rank"] = settlement.rank
            changed = await connection.execute(update(_TABLE).where(*mine).values(**values))
            if changed.rowcount == 0:
                # Another worker settled it between the two statements.
                return False
            if settlement.unshown_on is not None and row.caller is not None:
                await _uncount_caller(connection, row.caller, settlement.unshown_on)
            return True

    async def open_dials(self, *, worker_id: str | None = None, limit: int = 5000) -> Sequence[OpenDial]:
        table = models.Attempt
        statement = select(_TABLE).where(_TABLE.state == MemberState.DIALLING.value).limit(limit)
        if worker_id is not None:
            statement = statement.where(_TABLE.claimed_by == worker_id)
        async with self._database.read() as connection:
            members = [_member(row) for row in await connection.execute(statement.order_by(_TABLE.claimed_at))]
            keys = [member.key for member in members if member.key]
            rows = await connection.execute(select(table).where(table.idempotency_key.in_(keys)))
            attempts = {row.idempotency_key: attempt_record(row) for row in rows}
        return [OpenDial(member, attempts.get(member.key or "")) for member in members]

    async def members(
        self, campaign_id: str, *, state: MemberState | None = None, limit: int = 100
    ) -> Sequence[Member]:
        statement = select(_TABLE).where(_TABLE.campaign_id == campaign_id)
        if state is not None:
            statement = statement.where(_TABLE.state == state.value)
        async with self._database.read() as connection:
            return [_member(row) for row in await connection.execute(statement.order_by(_TABLE.rank).limit(limit))]

    async def counts(self, campaign_id: str) -> dict[MemberState, int]:
        statement = select(_TABLE.state, func.count()).where(_TABLE.campaign_id == campaign_id)
        async with self._database.read() as connection:
            rows = await connection.execute(statement.group_by(_TABLE.state))
            return {MemberState(state): int(count) for state, count in rows}

    async def open_states(self, campaign_id: str) -> frozenset[MemberState]:
        alive = (MemberState.WAITING, MemberState.READY, MemberState.DIALLING)
        async with self._database.read() as connection:
            found = []
            for state in alive:
                one = select(_TABLE.id).where(_TABLE.campaign_id == campaign_id, _TABLE.state == state.value).limit(1)
                if (await connection.execute(one)).first() is not None:
                    found.append(state)
            return frozenset(found)

    async def dispositions(self, campaign_id: str) -> dict[str, int]:
        table = models.Attempt
        statement = select(table.disposition, func.count()).where(
            table.campaign_id == campaign_id, table.disposition.is_not(None)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(statement.group_by(table.disposition))
            return {str(name): int(count) for name, count in rows}

    async def recent(self, campaign_id: str, *, since: datetime, limit: int) -> Sequence[Ended]:
        table, call = models.Attempt, models.Call
        statement = (
            select(table.disposition, func.coalesce(call.guard_hits, 0))
            .outerjoin(call, call.id == table.call_id)
            .where(table.campaign_id == campaign_id, table.begun_at >= since, table.disposition.is_not(None))
            .order_by(table.begun_at.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [Ended(str(name), int(hits)) for name, hits in await connection.execute(statement)]

    async def recent_on_carriers(self, *, since: datetime, limit: int) -> Mapping[str, Sequence[Ended]]:
        table = models.Call
        # The latest of all carriers together: looking for each one's own would read the whole campaign every time.
        statement = (
            select(table.carrier, table.disposition, table.guard_hits)
            .where(table.started_at >= since, table.direction == "outbound", table.disposition.is_not(None))
            .order_by(table.started_at.desc())
            .limit(limit * CARRIERS)
        )
        ended: dict[str, list[Ended]] = {}
        async with self._database.read() as connection:
            for carrier, disposition, hits in await connection.execute(statement):
                mine = ended.setdefault(str(carrier), [])
                if len(mine) < limit:
                    mine.append(Ended(str(disposition), int(hits)))
        return ended

    async def arms(self, campaign_id: str) -> Sequence[ArmCount]:
        attempt = models.Attempt
        of_campaign = _TABLE.campaign_id == campaign_id
        members = select(_TABLE.flow, func.count()).where(of_campaign).group_by(_TABLE.flow)
        ended = (
            select(_TABLE.flow, attempt.disposition, func.count())
            .join(attempt, and_(attempt.case_id == _TABLE.case_id, attempt.campaign_id == _TABLE.campaign_id))
            .where(of_campaign, attempt.disposition.is_not(None))
            .group_by(_TABLE.flow, attempt.disposition)
        )
        async with self._database.read() as connection:
            counts = [ArmCount(str(flow), None, int(count)) for flow, count in await connection.execute(members)]
            counts += [
                ArmCount(str(flow), str(name), int(count)) for flow, name, count in await connection.execute(ended)
            ]
            return counts

    async def forget(self, *, before: datetime) -> int:
        use, worker = models.CallerUse, models.Worker
        holding = select(_TABLE.claimed_by).where(
            _TABLE.state == MemberState.DIALLING.value, _TABLE.claimed_by.is_not(None)
        )
        async with self._database.write() as connection:
            days = await connection.execute(delete(use).where(use.day < before.date()))
            gone = await connection.execute(delete(worker).where(worker.seen_at < before, worker.id.not_in(holding)))
            return days.rowcount + gone.rowcount

    async def release(self, case_id: str, *, reason: str, state: MemberState = MemberState.DONE, at: datetime) -> int:
        owner = select(models.Case.debtor_id).where(models.Case.id == case_id).scalar_subquery()
        queued = (MemberState.WAITING.value, MemberState.READY.value)
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(_TABLE.debtor_id == owner, _TABLE.state.in_(queued))
                .values(state=state.value, reason=reason[:500], ended_at=at if state is MemberState.DONE else None)
            )
            return result.rowcount

    async def judge_again(self, campaign_id: str) -> int:
        async with self._database.write() as connection:
            result = await connection.execute(
                update(_TABLE)
                .where(
                    _TABLE.campaign_id == campaign_id,
                    _TABLE.state == MemberState.HELD.value,
                    _TABLE.reason.startswith(NOT_PERMITTED),
                )
                .values(state=MemberState.READY.value)
            )
            return result.rowcount

    async def seen(self, worker_id: str, *, at: datetime) -> None:
        async with self._database.write() as connection:
            await upsert(connection, models.Worker, {"id": worker_id, "seen_at": at}, key=["id"])

    async def lost_workers(self, *, before: datetime) -> Sequence[str]:
        dialling = select(_TABLE.claimed_by).where(_TABLE.state == MemberState.DIALLING.value)
        alive = select(models.Worker.id).where(models.Worker.seen_at >= before)
        silent = select(models.Worker.id).where(models.Worker.seen_at < before)
        live = (
            select(models.Attempt.worker_id).where(models.Attempt.state == AttemptState.BEGUN.value),
            select(models.Call.worker_id).where(models.Call.ended_at.is_(None)),
            select(models.Agent.claimed_by).where(models.Agent.claimed_by.is_not(None)),
        )
        async with self._database.read() as connection:
            dialled = await _names(connection, dialling.distinct())
            held = await _names(connection, union(*live))
            return sorted((dialled - await _names(connection, alive)) | (held & await _names(connection, silent)))


async def _names(connection: AsyncConnection, statement: Select[Any] | CompoundSelect[Any]) -> set[str]:
    return {str(name) for (name,) in await connection.execute(statement) if name}


async def _promote(connection: AsyncConnection, campaign_id: str, at: datetime) -> None:
    """Makes those ready whose time has come, and puts those in front whose first call is nearly late."""
    due = (
        select(_TABLE.id)
        .where(_TABLE.campaign_id == campaign_id, _TABLE.state == MemberState.WAITING.value, _TABLE.next_at <= at)
        .order_by(_TABLE.next_at)
        .limit(PROMOTED)
    )
    await connection.execute(
        update(_TABLE).where(_TABLE.id.in_(due)).values(state=MemberState.READY.value, next_at=None)
    )
    late = (
        select(_TABLE.id)
        .where(_TABLE.campaign_id == campaign_id, _TABLE.first_by <= at)
        .order_by(_TABLE.first_by)
        .limit(PROMOTED)
    )
    front = case((_TABLE.rank > 0, -1), else_=_TABLE.rank)
    await connection.execute(update(_TABLE).where(_TABLE.id.in_(late)).values(rank=front, first_by=None))


async def _standing(connection: AsyncConnection, campaign: Row[Any], day: date, at: datetime) -> Standing:
    live = select(func.count()).where(_TABLE.campaign_id == campaign.id, _TABLE.state == MemberState.DIALLING.value)
    free = select(func.count()).where(models.Agent.state == AgentState.FREE.value)
    used = select(models.CallerUse.number, models.CallerUse.calls).where(models.CallerUse.day == day)
    reviewed = select(models.CallerReview.number).where(models.CallerReview.until > at)
    return Standing(
        live=int((await connection.execute(live)).scalar_one()),
        next_slot_at=campaign.next_slot_at,
        free_agents=int((await connection.execute(free)).scalar_one()),
        caller_calls={str(number): int(calls) for number, calls in await connection.execute(used)},
        reviewed_callers=frozenset(str(number) for (number,) in await connection.execute(reviewed)),
    )


async def _give_out(
    connection: AsyncConnection, chosen: Sequence[Member], callers: Sequence[str | None], worker_id: str, at: datetime
) -> list[Member]:
    given = [
        replace(
            member,
            state=MemberState.DIALLING,
            key=f"{member.id}-{new_id()}",
            caller=caller,
            claimed_by=worker_id,
            claimed_at=at,
        )
        for member, caller in zip(chosen, callers, strict=False)
    ]
    if given:
        statement = (
            update(_TABLE)
            .where(_TABLE.id == bindparam("of"))
            .values(
                state=MemberState.DIALLING.value,
                key=bindparam("new_key"),
                caller=bindparam("shown"),
                claimed_by=worker_id,
                claimed_at=at,
            )
        )
        rows = [{"of": member.id, "new_key": member.key, "shown": member.caller} for member in given]
        await connection.execute(statement, rows)
    return given


async def _count_callers(connection: AsyncConnection, callers: Sequence[str], day: date) -> None:
    table = models.CallerUse
    module = postgresql if connection.dialect.name == "postgresql" else sqlite
    for number in sorted(set(callers)):
        added = callers.count(number)
        statement = module.insert(table).values(number=number, day=day, calls=added)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["number", "day"], set_={"calls": table.calls + added})
        )


async def _uncount_caller(connection: AsyncConnection, caller: str, day: date) -> None:
    table = models.CallerUse
    counted = (table.number == caller, table.day == day, table.calls > 0)
    await connection.execute(update(table).where(*counted).values(calls=table.calls - 1))


async def _size(connection: AsyncConnection, campaign_id: str) -> int:
    counted = select(func.count()).where(and_(_TABLE.campaign_id == campaign_id))
    return int((await connection.execute(counted)).scalar_one())


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        plan=row.plan,
        state=CampaignState(row.state),
        because=row.because,
        created_at=row.created_at,
        started_at=row.started_at,
        running_since=row.running_since,
        ended_at=row.ended_at,
    )


def _member(row: Row[Any]) -> Member:
    return Member(
        id=row.id,
        campaign_id=row.campaign_id,
        case_id=row.case_id,
        debtor_id=row.debtor_id,
        state=MemberState(row.state),
        rank=row.rank,
        next_at=row.next_at,
        first_by=row.first_by,
        entered_at=row.entered_at,
        attempts=row.attempts,
        tries=row.tries,
        number_step=row.number_step,
        flow=row.flow,
        key=row.key,
        caller=row.caller,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        disposition=row.disposition,
        reason=row.reason,
        ended_at=row.ended_at,
    )
