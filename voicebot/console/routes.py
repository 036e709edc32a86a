"""Every route in one table: how it is reached, who may use it, what it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from voicebot.campaign.case_form import CaseForm
from voicebot.campaign.news_forms import ConsentForm, FlagForm, NumberForm, TimeForm
from voicebot.console import brakes, calls, cases, desk, events, exports, news, people, status, webhooks
from voicebot.console.access import Role
from voicebot.console.desk_schemas import (
    CallbackAnswer,
    CallbackList,
    CallbacksQuery,
    ComplaintAnswer,
    ComplaintList,
    ComplaintsQuery,
    Queue,
    ResolutionBody,
)
from voicebot.console.news_schemas import (
    HaltAnswer,
    NewsAnswer,
    PaymentBody,
    PaymentList,
    ReasonBody,
    ReviewBody,
)
from voicebot.console.outgoing_schemas import DeliveriesQuery, DeliveryAnswer, DeliveryList, ExportQuery
from voicebot.console.problems import Handler
from voicebot.console.schemas import (
    AgentAnswer,
    AgentList,
    AgentStateBody,
    AuditList,
    AuditQuery,
    CallAnswer,
    CallList,
    CallsQuery,
    CaseAnswer,
    CaseList,
    CasesQuery,
    FlowList,
    HandoffAnswer,
    HandoffList,
    HandoffsQuery,
    Health,
    PlaceCallBody,
    PlacedCall,
    Readiness,
    TimelineAnswer,
    WhoAmI,
)
from voicebot.store.exporting import ExportKind

EVENT_STREAM = "text/event-stream"
CSV = "text/csv"
_DOING = frozenset({Role.OPERATOR})
_SEEING = frozenset({Role.OPERATOR, Role.OFFICER})
_OFFICER = frozenset({Role.OFFICER})
_STAFF = frozenset({Role.OPERATOR, Role.OFFICER, Role.AGENT})


@dataclass(frozen=True)
class Route:
    """One way into the API. An admin may use every one."""

    method: str
    path: str
    handler: Handler
    summary: str
    roles: frozenset[Role] | None = None
    """Roles besides admin; None asks for no token."""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Part of the path to the words that may stand there."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Optional request headers, with what they mean."""
    answers: Mapping[int, type[BaseModel] | str | None] = field(default_factory=dict)
    """Status to its body: a model, a media type, or nothing."""
    problems: tuple[int, ...] = ()
    """Further statuses that come as problem documents."""


def _tells(path: str, handler: Handler, summary: str, body: type[BaseModel], key: str = "") -> Route:
    """A way to tell something of a case."""
    return Route(
        "POST",
        f"/api/v1/cases/{{id}}/{path}",
        handler,
        summary,
        _SEEING,
        body=body,
        headers={calls.IDEMPOTENCY_KEY: key} if key else {},
        answers={201: NewsAnswer, 200: NewsAnswer},
        problems=(400, 404, 413, 415, 422),
    )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", status.healthz, "Whether the process lives", answers={200: Health}),
    Route(
        "GET",
        "/readyz",
        status.readyz,
        "Whether calls may be sent here, and what stands in the way",
        answers={200: Readiness, 503: Readiness},
    ),
    Route("GET", "/metrics", status.metrics, "Numbers for Prometheus", answers={200: "text/plain"}),
    Route("GET", "/api/v1/me", status.who_am_i, "What this token may do", _STAFF, answers={200: WhoAmI}),
    Route(
        "GET",
        "/api/v1/flows",
        status.flows,
        "Flows that calls are held with, and edits that were refused",
        _SEEING,
        answers={200: FlowList},
    ),
    Route(
        "POST",
        "/api/v1/calls",
        calls.place,
        "Call the debtor of a case now",
        _DOING,
        body=PlaceCallBody,
        headers={calls.IDEMPOTENCY_KEY: "The same key never dials twice: the first call's id is returned again."},
        answers={202: PlacedCall},
        problems=(400, 404, 409, 413, 415, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/calls",
        calls.list_calls,
        "Calls, newest first",
        _SEEING,
        query=CallsQuery,
        answers={200: CallList},
        problems=(422,),
    ),
    Route("GET", "/api/v1/calls/{id}", calls.show, "One call", _SEEING, answers={200: CallAnswer}, problems=(404,)),
    Route(
        "DELETE",
        "/api/v1/calls/{id}",
        calls.hang_up,
        "End a live call",
        _DOING,
        answers={204: None},
        problems=(404, 409),
    ),
    Route(
        "GET",
        "/api/v1/calls/{id}/timeline",
        calls.timeline,
        "Everything that happened in a call",
        _SEEING,
        answers={200: TimelineAnswer},
        problems=(404,),
    ),
    Route(
        "GET",
        "/api/v1/calls/{id}/events",
        events.of_one_call,
        "One call as it happens",
        _SEEING,
        headers={"Last-Event-ID": "Sequence of the last entry received."},
        answers={200: EVENT_STREAM},
        problems=(404,),
    ),
    Route(
        "GET",
        "/api/v1/events",
        events.of_all_calls,
        "All calls of this worker as they happen",
        _SEEING,
        headers={"Last-Event-ID": "Id of the last event received."},
        answers={200: EVENT_STREAM},
    ),
    Route(
        "POST",
        "/api/v1/cases",
        cases.add,
        "Hand in a case; one with the same external_id is changed",
        _DOING,
        body=CaseForm,
        answers={201: CaseAnswer, 200: CaseAnswer},
        problems=(400, 413, 415, 422),
    ),
    Route(
        "GET",
        "/api/v1/cases",
        cases.list_cases,
        "Cases in the order of their ids",
        _SEEING,
        query=CasesQuery,
        answers={200: CaseList},
        problems=(422,),
    ),
    Route("GET", "/api/v1/cases/{id}", cases.show, "One case", _SEEING, answers={200: CaseAnswer}, problems=(404,)),
    _tells(
        "payments",
        news.add_payment,
        "Book a payment: less is owed, and whoever paid is left alone. {id} is the case's id or contract number",
        PaymentBody,
        "Stands for `reference` where the body names none.",
    ),
    Route(
        "GET",
        "/api/v1/cases/{id}/payments",
        news.list_payments,
        "Payments of a case, latest first",
        _SEEING,
        answers={200: PaymentList},
        problems=(404,),
    ),
    _tells("flags", news.set_flag, "Set a flag, such as dispute; an officer also lifts one", FlagForm),
    _tells("numbers", news.set_number, "Say what is known of a number, and whose it is", NumberForm),
    _tells("consents", news.add_consent, "Record a consent, or a notice that was sent", ConsentForm),
    _tells("times", news.add_time, "Record a time that was agreed or ruled out, or a visit", TimeForm),
    Route(
        "GET",
        "/api/v1/policy/halt",
        brakes.show_halt,
        "Whether the emergency stop is on",
        _SEEING,
        answers={200: HaltAnswer},
    ),
    Route(
        "POST",
        "/api/v1/policy/halt",
        brakes.halt,
        "Emergency stop: no worker dials anybody from now on",
        _SEEING,
        body=ReasonBody,
        answers={200: HaltAnswer},
        problems=(400, 413, 415, 422),
    ),
    Route(
        "POST",
        "/api/v1/policy/resume",
        brakes.resume,
        "Lift the emergency stop",
        _OFFICER,
        body=ReasonBody,
        answers={200: HaltAnswer},
        problems=(400, 409, 413, 415, 422),
    ),
    Route(
        "POST",
        "/api/v1/policy/callers",
        brakes.review_caller,
        "Let a calling number go on beyond its daily limit",
        _OFFICER,
        body=ReviewBody,
        answers={204: None},
        problems=(400, 413, 415, 422),
    ),
    Route("GET", "/api/v1/agents", people.list_agents, "Agents by name", _SEEING, answers={200: AgentList}),
    Route(
        "GET",
        "/api/v1/agents/{id}/state",
        people.show_state,
        "An agent's state",
        _STAFF,
        answers={200: AgentAnswer},
        problems=(404,),
    ),
    Route(
        "PUT",
        "/api/v1/agents/{id}/state",
        people.set_state,
        "Take calls, or a break",
        frozenset({Role.OPERATOR, Role.AGENT}),
        body=AgentStateBody,
        answers={200: AgentAnswer},
        problems=(400, 404, 409, 413, 415, 422),
    ),
    Route(
        "GET",
        "/api/v1/handoffs",
        people.list_handoffs,
        "Handoffs, newest first; an agent sees their own",
        _STAFF,
        query=HandoffsQuery,
        answers={200: HandoffList},
        problems=(422,),
    ),
    Route(
        "GET",
        "/api/v1/handoffs/{id}",
        people.show_handoff,
        "One handoff with its brief, while it rings and after",
        _STAFF,
        answers={200: HandoffAnswer},
        problems=(404,),
    ),
    Route(
        "GET",
        "/api/v1/audit",
        people.list_audit,
        "Who did what, newest first",
        frozenset({Role.OFFICER}),
        query=AuditQuery,
        answers={200: AuditList},
        problems=(422,),
    ),
    Route(
        "GET",
        "/api/v1/complaints",
        desk.list_complaints,
        "Complaints, disputes and stops with their days, the most pressing first",
        _SEEING,
        query=ComplaintsQuery,
        answers={200: ComplaintList},
        problems=(422,),
    ),
    Route(
        "GET",
        "/api/v1/complaints/{id}",
        desk.show_complaint,
        "One complaint",
        _SEEING,
        answers={200: ComplaintAnswer},
        problems=(404,),
    ),
    Route(
        "POST",
        "/api/v1/complaints/{id}/respond",
        desk.respond,
        "Say that a person got in touch",
        _SEEING,
        answers={200: ComplaintAnswer},
        problems=(404, 409),
    ),
    Route(
        "POST",
        "/api/v1/complaints/{id}/close",
        desk.close_complaint,
        "Close a complaint with what came of it",
        frozenset({Role.OFFICER}),
        body=ResolutionBody,
        answers={200: ComplaintAnswer},
        problems=(400, 404, 409, 413, 415, 422),
    ),
    Route(
        "GET",
        "/api/v1/callbacks",
        desk.list_callbacks,
        "Callbacks that were promised, the earliest first",
        _STAFF,
        query=CallbacksQuery,
        answers={200: CallbackList},
        problems=(422,),
    ),
    Route(
        "POST",
        "/api/v1/callbacks/{id}/done",
        desk.close_callback,
        "Say that a callback was made",
        _STAFF,
        body=ResolutionBody,
        answers={200: CallbackAnswer},
        problems=(400, 404, 413, 415, 422),
    ),
    Route(
        "GET",
        "/api/v1/exports/{table}",
        exports.export,
        "A table as CSV, oldest first; personal data is masked unless an officer asks for it",
        _SEEING,
        query=ExportQuery,
        choices={"table": tuple(kind.value for kind in ExportKind)},
        answers={200: CSV},
        problems=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/webhooks/deliveries",
        webhooks.list_deliveries,
        "Notices to other systems, newest first",
        _SEEING,
        query=DeliveriesQuery,
        answers={200: DeliveryList},
        problems=(422,),
    ),
    Route(
        "POST",
        "/api/v1/webhooks/deliveries/{id}/retry",
        webhooks.retry_delivery,
        "Post a notice again now",
        _DOING,
        answers={200: DeliveryAnswer},
        problems=(404, 409),
    ),
    Route("GET", "/api/v1/queue", desk.show_queue, "Callers who wait for a human", _STAFF, answers={200: Queue}),
)
