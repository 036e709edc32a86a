"""The API's bodies and answers. The OpenAPI document is made from these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from compliance_filters.masking import mask_name, mask_number
from voicebot.call.board import LiveCall, TimelineEntry
from voicebot.console.masking import mask_data
from voicebot.dialog.places import Finding
from voicebot.dialog.publishing import OnOffer
from voicebot.store.access_records import AuditEntry
from voicebot.store.agent_records import AgentRecord, Handoff
from voicebot.store.records import Call, Case

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$")]
"""An identifier of a case, a call, an agent."""


class Body(BaseModel):
    """A request: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Answer(BaseModel):
    """A response."""

    model_config = ConfigDict(use_attribute_docstrings=True)


# --- requests ---------------------------------------------------------------------------------------------------------
class PlaceCallBody(Body):
    """Call the debtor of a case now."""

    case: Id
    """Id of the case."""
    flow: Id
    """Name of the flow that leads the conversation."""
    to: str | None = Field(None, pattern=r"^\+[1-9][0-9]{4,14}$")
    """Number to dial, E.164; left out, the case's first usable number."""


class AgentStateBody(Body):
    """What an agent may say of themselves; ringing and talking are the engine's to say."""

    state: Literal["free", "offline"]
    """free takes calls, offline does not."""


class Page(Body):
    """Which part of a long list."""

    limit: int = Field(100, ge=1, le=500)
    """Entries at most, 1 to 500."""


class CasesQuery(Page):
    status: Literal["open", "settled", "closed", "any"] = "open"
    """State of the cases."""
    flag: Id | None = None
    """Only cases with this flag, such as dispute."""
    after: Id | None = None
    """Last id of the page before."""


class CallsQuery(Page):
    live: bool | None = None
    """True: only calls that live; false: only ended ones."""
    case: Id | None = None
    """Only calls of this case."""
    before: datetime | None = None
    """Only calls begun before this time, ISO 8601 with a time zone."""


class HandoffsQuery(Page):
    open: bool = False
    """Only those that are not finished."""


class AuditQuery(Page):
    before: int | None = Field(None, ge=1)
    """Only entries before this sequence."""


# --- answers ----------------------------------------------------------------------------------------------------------
class PlacedCall(Answer):
    id: str
    """Id of the call. The same Idempotency-Key gives the same id."""


class CallAnswer(Answer):
    id: str
    live: bool
    direction: str
    flow: str
    state: str
    """Dialog state of a live call; ringing, bridged or ended otherwise."""
    case: str | None
    number: str | None
    """The other side; masked for operators."""
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    disposition: str | None
    cause: str | None
    flow_hash: str
    pack_hash: str

    @classmethod
    def of(cls, live: LiveCall | None, stored: Call | None, *, unmasked: bool) -> CallAnswer:
        """From what the board and the store know; at least one of them knows the call."""
        known = live or stored
        assert known is not None
        number = stored.number if stored else None
        return cls(
            id=live.call_id if live else stored.id if stored else "",
            live=live is not None,
            direction=known.direction,
            flow=known.flow,
            state=live.state if live else "ended",
            case=known.case_id,
            number=number if unmasked or number is None else mask_number(number),
            started_at=known.started_at,
            answered_at=stored.answered_at if stored else None,
            ended_at=stored.ended_at if stored else None,
            disposition=(live.disposition if live else None) or (stored.disposition if stored else None),
            cause=stored.cause if stored else None,
            flow_hash=stored.flow_hash if stored else "",
            pack_hash=stored.pack_hash if stored else "",
        )


class CallList(Answer):
    calls: list[CallAnswer]


class EntryAnswer(Answer):
    call: str
    sequence: int
    media_seconds: float
    at: datetime
    kind: str
    data: dict[str, Any]

    @classmethod
    def of(cls, entry: TimelineEntry, *, unmasked: bool, names: tuple[str, ...] = ()) -> EntryAnswer:
        data: Mapping[str, Any] = entry.data if unmasked else mask_data(entry.data, names)
        return cls(
            call=entry.call_id,
            sequence=entry.sequence,
            media_seconds=entry.media_seconds,
            at=entry.at,
            kind=entry.kind,
            data=dict(data),
        )


class TimelineAnswer(Answer):
    entries: list[EntryAnswer]


class CaseAnswer(Answer):
    id: str
    external_id: str | None
    status: str
    name: str
    """Masked for operators."""
    numbers: list[dict[str, str]]
    """number (masked for operators), state and label."""
    age_band: str
    creditor: str
    amount_due: str | None
    """None where the role may not see it."""
    currency: str
    due_date: date
    language: str
    dialect: str | None
    jurisdiction: str
    time_zone: str
    flags: list[str]
    created_at: datetime

    @classmethod
    def of(cls, case: Case, *, unmasked: bool) -> CaseAnswer:
        return cls(
            id=case.id,
            external_id=case.external_id,
            status=case.status.value,
            name=case.debtor.name if unmasked else mask_name(case.debtor.name),
            numbers=[
                {
                    "number": entry.number if unmasked else mask_number(entry.number),
                    "state": entry.state.value,
                    "label": entry.label,
                }
                for entry in case.debtor.numbers
            ],
            age_band=case.debtor.age_band.value,
            creditor=case.debt.creditor,
            amount_due=str(case.debt.amount_due) if unmasked else None,
            currency=case.debt.currency,
            due_date=case.debt.due_date,
            language=case.language,
            dialect=case.dialect,
            jurisdiction=case.jurisdiction,
            time_zone=case.time_zone,
            flags=[flag.name for flag in case.flags],
            created_at=case.created_at,
        )


class CaseList(Answer):
    cases: list[CaseAnswer]


class AgentAnswer(Answer):
    id: str
    name: str
    state: str
    state_since: datetime
    skills: list[str]

    @classmethod
    def of(cls, agent: AgentRecord) -> AgentAnswer:
        return cls(
            id=agent.id,
            name=agent.name,
            state=agent.state.value,
            state_since=agent.state_since,
            skills=sorted(agent.skills),
        )


class AgentList(Answer):
    agents: list[AgentAnswer]


class HandoffAnswer(Answer):
    id: str
    call: str
    case: str | None
    because: str
    skill: str
    urgent: bool
    brief: dict[str, str]
    """Label to value, in reading order."""
    agent: str | None
    outcome: str | None
    """None while it is open."""
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    talk_seconds: float | None

    @classmethod
    def of(cls, handoff: Handoff, *, brief: Mapping[str, str]) -> HandoffAnswer:
        return cls(
            id=handoff.id,
            call=handoff.call_id,
            case=handoff.case_id,
            because=handoff.because,
            skill=handoff.skill,
            urgent=handoff.urgent,
            brief=dict(brief),
            agent=handoff.agent_id,
            outcome=handoff.outcome,
            opened_at=handoff.opened_at,
            answered_at=handoff.answered_at,
            closed_at=handoff.closed_at,
            talk_seconds=handoff.talk_seconds,
        )


class HandoffList(Answer):
    handoffs: list[HandoffAnswer]


class AuditAnswer(Answer):
    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    data: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditAnswer:
        return cls(
            sequence=entry.sequence,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            data=dict(entry.data),
        )


class AuditList(Answer):
    entries: list[AuditAnswer]


class WhoAmI(Answer):
    label: str
    roles: list[str]
    sees_personal_data: bool


class Health(Answer):
    status: Literal["alive"]
    worker: str
    version: str


class FlowAnswer(Answer):
    name: str
    title: str
    language: str
    direction: Literal["outbound", "inbound", "voicemail"]
    hash: str
    """Version that the next call is held with: SHA-256 over the flow, its parts and its lines."""
    since: datetime
    """When this worker began to serve this version."""

    @classmethod
    def of(cls, flow: OnOffer) -> FlowAnswer:
        return cls.model_validate(vars(flow))


class FindingAnswer(Answer):
    rule: str
    """Name of its page in docs/flow-rules."""
    file: str
    line: int
    column: int
    message: dict[Literal["zh", "en"], str]
    remedy: dict[Literal["zh", "en"], str]
    path: list[str]
    """For a broken proof: the shortest conversation that shows it."""

    @classmethod
    def of(cls, finding: Finding) -> FindingAnswer:
        place = finding.place
        return cls.model_validate(
            {
                "rule": finding.rule,
                "file": place.file,
                "line": place.line,
                "column": place.column,
                "message": dict(finding.message),
                "remedy": dict(finding.remedy),
                "path": list(finding.path),
            }
        )


class FlowList(Answer):
    flows: list[FlowAnswer]
    refused: dict[str, list[FindingAnswer]]
    """Edits that were not taken, by the name of the flow: the version before it serves on."""


class Readiness(Answer):
    status: Literal["ready", "not ready"]
    worker: str
    dependencies: dict[str, str]
    """Name to `ready`, or to what is wrong and how to mend it."""
    dialling: Literal["allowed", "halted", "unknown"]
    """halted while the emergency stop is on: calls that come in are taken all the same."""


class ProblemAnswer(Answer):
    """RFC 9457 problem details."""

    type: str
    """Stable name of the problem, for programs."""
    title: str
    status: int
    detail: str
    """What is wrong, for people."""
    instance: str
    remedy: str
    """How to mend it, for people."""
    errors: list[dict[str, str]] = []
    """Of a body or query with mistakes: where, what, remedy of each."""
