"""The store as its users see it: what `voicebot.store.Store` offers, repository by repository.

Two kinds of writing. *Transactional* methods need the database now: an attempt that cannot be recorded must not be
dialled. *Kept* methods never lose what they are given: they are written to a journal on disk first, return even while
the database is away, and reach it as soon as it is back. Every method but the kept ones raises `StoreUnavailable` when
the database is away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from voicebot.store.campaign_records import (
    ArmCount,
    Campaign,
    CampaignState,
    Ended,
    GrantRule,
    Member,
    MemberState,
    OpenDial,
    Settlement,
)
from voicebot.store.news_records import Halt, News, Payment, Taken
from voicebot.store.records import (
    Attempt,
    BegunAttempt,
    BulkResult,
    Call,
    Callback,
    CallbackState,
    Case,
    CaseStatus,
    ContactHistory,
    NumberState,
    Permission,
    PlanRequest,
    Promise,
    PromiseState,
    Suppression,
)

Permit = Callable[[ContactHistory], Permission]
"""A contact policy: pure, called inside the transaction that records the attempt."""


class Cases(Protocol):
    async def add(self, case: Case) -> Case:
        """Adds a case, or brings the one with the same id or external id up to date. Gives it back as stored."""
        ...

    async def add_many(self, cases: Sequence[Case]) -> BulkResult:
        """Adds cases with external ids in one transaction, or brings those up to date that say something new.

        Status, flags and what was learnt of a number by calling it stay as they are. Raises ValueError when a case has
        no external id, or two have the same.
        """
        ...

    async def get(self, case_id: str) -> Case | None: ...

    async def by_contract(self, external_id: str) -> Case | None:
        """The case with the creditor's contract number."""
        ...

    async def find_by_number(self, number: str) -> Sequence[Case]:
        """Open cases of every debtor with this E.164 number, newest first."""
        ...

    async def list(
        self,
        *,
        status: CaseStatus | None = CaseStatus.OPEN,
        flag: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Sequence[Case]:
        """Cases in the order of their ids; `after` is the last id of the page before."""
        ...

    async def set_flag(
        self, case_id: str, name: str, *, note: str = "", by: str = "", at: datetime | None = None
    ) -> None:
        """Kept. Sets a flag, once; a flag already in force is left as it is."""
        ...

    async def clear_flag(self, case_id: str, name: str, *, by: str = "", at: datetime | None = None) -> None:
        """Takes a flag back; its history stays."""
        ...

    async def set_number_state(self, number: str, state: NumberState, *, case_id: str | None = None) -> None:
        """Kept. Of one case's debtor, or of every debtor with the number."""
        ...

    async def set_status(self, case_id: str, status: CaseStatus, *, at: datetime | None = None) -> None:
        """Settles, closes or reopens a case."""
        ...


class Attempts(Protocol):
    async def begin(
        self,
        *,
        idempotency_key: str,
        case_id: str,
        number: str,
        worker_id: str,
        caller_id: str | None = None,
        campaign_id: str | None = None,
        call_id: str | None = None,
        permit: Permit | None = None,
        at: datetime | None = None,
    ) -> BegunAttempt:
        """Records an attempt before it is dialled; with `permit`, only if it allows.

        Two callers with one key get one attempt. Two attempts on one debtor never run `permit` at the same time,
        whatever the worker. Raises AttemptRefused, with the refusal recorded, when `permit` says no, and UnknownCase.
        """
        ...

    async def finish(
        self,
        attempt_id: str,
        *,
        cause: str | None = None,
        disposition: str | None = None,
        call_id: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Kept. Ends an attempt; the first end counts."""
        ...

    async def get(self, attempt_id: str) -> Attempt | None: ...

    async def history(
        self, case_id: str, number: str, *, caller_id: str | None = None, at: datetime | None = None
    ) -> ContactHistory:
        """What `permit` would be given if the number were dialled now; nothing is recorded. Raises UnknownCase."""
        ...

    async def list(self, *, case_id: str | None = None, limit: int = 100) -> Sequence[Attempt]:
        """Newest first, refusals included."""
        ...

    async def open_ones(self, worker_id: str | None = None) -> Sequence[Attempt]:
        """Attempts that were begun and not finished, of one worker or of all."""
        ...

    async def interrupt(self, worker_id: str, *, at: datetime | None = None) -> Sequence[Attempt]:
        """Closes what a dead worker left open, as INTERRUPTED, with its calls, and frees the agents it held."""
        ...


class Calls(Protocol):
    async def begin(self, call: Call) -> None:
        """Kept. Records a call when it begins to ring."""
        ...

    async def update(
        self,
        call_id: str,
        *,
        answered_at: datetime | None = None,
        case_id: str | None = None,
        evidence_path: str | None = None,
        flow: str | None = None,
        flow_hash: str | None = None,
        pack_hash: str | None = None,
        carrier_call_id: str | None = None,
    ) -> None:
        """Kept. Fills in what is given; None leaves a field as it is."""
        ...

    async def finish(
        self,
        call_id: str,
        *,
        ended_at: datetime,
        disposition: str | None = None,
        cause: str | None = None,
        evidence_path: str | None = None,
        evidence_digest: str | None = None,
        guard_hits: int = 0,
    ) -> None:
        """Kept. Ends a call."""
        ...

    async def get(self, call_id: str) -> Call | None: ...

    async def list(
        self, *, case_id: str | None = None, live: bool | None = None, limit: int = 100, before: datetime | None = None
    ) -> Sequence[Call]:
        """Newest first; `live` True lists calls that have not ended."""
        ...


class Promises(Protocol):
    async def add(self, promise: Promise) -> None:
        """Kept. Adding the same id again changes nothing; a new one takes the place of the case's open ones."""
        ...

    async def list(
        self, *, case_id: str | None = None, state: PromiseState | None = None, limit: int = 100
    ) -> Sequence[Promise]:
        """Newest first."""
        ...

    async def get(self, promise_id: str) -> Promise | None: ...

    async def set_state(self, promise_id: str, state: PromiseState) -> None: ...


class Callbacks(Protocol):
    async def add(self, callback: Callback) -> None:
        """Kept."""
        ...

    async def made(self, case_id: str, *, until: datetime, outcome: str, at: datetime | None = None) -> None:
        """Kept. The case was called: its open callbacks up to `until` are done, but for those an agent promised."""
        ...

    async def get(self, callback_id: str) -> Callback | None: ...

    async def list(
        self, *, case_id: str | None = None, state: CallbackState | None = None, limit: int = 100
    ) -> Sequence[Callback]:
        """Newest first."""
        ...

    async def due(self, at: datetime, *, limit: int = 100) -> Sequence[Callback]:
        """Open callbacks whose time has come, oldest first."""
        ...

    async def to_dial(
        self, at: datetime, *, since: datetime, only: str | None = None, limit: int = 100
    ) -> Sequence[Callback]:
        """Those of `due` that a machine may make: of a case that no campaign holds, agreed for `since` or later.

        `only` is the id of the one that is asked for.
        """
        ...

    async def postpone(self, callback_id: str, *, tries: int, next_at: datetime | None, outcome: str = "") -> bool:
        """Counts a refusal, if it has not been counted. With an outcome it waits for an agent from then on."""
        ...

    async def set_state(
        self, callback_id: str, state: CallbackState, *, outcome: str = "", at: datetime | None = None
    ) -> bool:
        """Whether that changed anything."""
        ...


class Plans(Protocol):
    async def add(self, plan: PlanRequest) -> None:
        """Kept."""
        ...

    async def list(self, *, case_id: str | None = None, limit: int = 100) -> Sequence[PlanRequest]: ...


class Suppressions(Protocol):
    async def add(self, suppression: Suppression) -> None:
        """Kept."""
        ...

    async def active(
        self, *, number: str | None = None, debtor_id: str | None = None, at: datetime | None = None
    ) -> Sequence[Suppression]:
        """Entries in force for the number or for the debtor."""
        ...

    async def lift(self, suppression_id: str, *, at: datetime | None = None) -> bool: ...


class NewsDesk(Protocol):
    """What others tell about cases."""

    async def take(
        self, news: Sequence[News], *, by: str, looser: bool = False, at: datetime | None = None
    ) -> Sequence[Taken]:
        """Takes a batch in one transaction, and says of each what came of it; the same news again changes nothing.

        A dial that is judged after this has answered knows of all of it. What would allow more calls (a flag lifted, a
        stopped number made valid) is refused unless `looser`.
        """
        ...

    async def payments(self, case_id: str, *, limit: int = 100) -> Sequence[Payment]:
        """Latest day first."""
        ...


class Brakes(Protocol):
    """The emergency stop, and what officers allow beyond a daily limit."""

    async def halt(self, reason: str, *, by: str, at: datetime | None = None) -> Halt:
        """Stops all dialling of all workers at once. While it is on, a second one changes nothing."""
        ...

    async def resume(self, because: str, *, by: str, at: datetime | None = None) -> Halt | None:
        """Lifts it, and has those judged again whom the contact policy held. The halt that stood; None without one."""
        ...

    async def standing(self) -> Halt | None:
        """The halt in force."""
        ...

    async def list(self, *, limit: int = 20) -> Sequence[Halt]:
        """Newest first."""
        ...

    async def review_caller(self, number: str, *, until: datetime, by: str, reason: str) -> None:
        """Lets a caller number go on beyond its daily limit until then."""
        ...


class Campaigns(Protocol):
    """Campaigns and their queues; every worker on the database sees the same."""

    async def create(self, campaign: Campaign) -> Campaign:
        """Raises StoreRefused when the name is taken."""
        ...

    async def get(self, name_or_id: str) -> Campaign | None: ...

    async def list(self, *, state: CampaignState | None = None) -> Sequence[Campaign]:
        """Oldest first."""
        ...

    async def set_state(
        self, campaign_id: str, state: CampaignState, *, because: str, expecting: Sequence[CampaignState], at: datetime
    ) -> bool:
        """Changes the state if it is one of `expecting`. Whether it was changed."""
        ...

    async def enrol(self, members: Sequence[Member]) -> int:
        """Adds members of one campaign; a case that is in it already is left as it is. How many were added."""
        ...

    async def claim(
        self, campaign_id: str, *, worker_id: str, day: date, at: datetime, grant: GrantRule
    ) -> Sequence[Member]:
        """Gives out the next dials of a running campaign, as many as `grant` says, each with a key of its own.

        Of any number of workers that ask at the same time, each member is given to one, and `grant` sees them all.
        """
        ...

    async def settle(self, member_id: str, key: str, settlement: Settlement, *, at: datetime) -> bool:
        """Says what becomes of a member after the dial `key`; the first settlement counts."""
        ...

    async def open_dials(self, *, worker_id: str | None = None, limit: int = 5000) -> Sequence[OpenDial]:
        """Dials that were given out and not settled, oldest first."""
        ...

    async def members(
        self, campaign_id: str, *, state: MemberState | None = None, limit: int = 100
    ) -> Sequence[Member]:
        """In the order of their ranks."""
        ...

    async def counts(self, campaign_id: str) -> Mapping[MemberState, int]: ...

    async def open_states(self, campaign_id: str) -> frozenset[MemberState]:
        """Which of WAITING, READY and DIALLING any member is in; cheap, however many there are."""
        ...

    async def dispositions(self, campaign_id: str) -> Mapping[str, int]:
        """How the campaign's attempts ended."""
        ...

    async def recent(self, campaign_id: str, *, since: datetime, limit: int) -> Sequence[Ended]:
        """How the campaign's latest attempts ended that began since then, newest first."""
        ...

    async def recent_on_carriers(self, *, since: datetime, limit: int) -> Mapping[str, Sequence[Ended]]:
        """How the latest outbound calls since then ended, newest first, by carrier, at most `limit` of each."""
        ...

    async def arms(self, campaign_id: str) -> Sequence[ArmCount]:
        """How many members each flow has, and how their attempts ended."""
        ...

    async def forget(self, *, before: datetime) -> int:
        """Removes counts of caller numbers, and workers that hold nothing, from before that time. How many rows."""
        ...

    async def release(self, case_id: str, *, reason: str, state: MemberState = MemberState.DONE, at: datetime) -> int:
        """Takes the case's debtor out of the queues of all campaigns. How many members that were."""
        ...

    async def judge_again(self, campaign_id: str) -> int:
        """Makes those ready that the contact policy held: it judges them anew when they are chosen. How many."""
        ...

    async def seen(self, worker_id: str, *, at: datetime) -> None:
        """Says that a worker lives."""
        ...

    async def lost_workers(self, *, before: datetime) -> Sequence[str]:
        """Workers that hold dials, calls or agents and were not seen since `before`."""
        ...
