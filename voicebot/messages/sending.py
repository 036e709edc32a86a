"""Sends the messages that are due, one look at a time; any number of workers may look.

A message is marked as being sent before it is, in the transaction in which the contact policy permits it. A worker that
dies in between leaves it UNSURE: it may have gone out, so nobody sends it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from compliance_filters.pack import PackError
from compliance_filters.verdict import CallState, Verdict
from telephony.texting import (
    Fate,
    IncomingText,
    MessageSender,
    OutgoingText,
    TextReceipt,
    TextRefused,
    TextReport,
    TextStatus,
)
from voicebot.call.case_facts import Firm, facts_of
from voicebot.dialog.facts import FactValue
from voicebot.dialog.places import FlowError
from voicebot.dialog.wording import MissingValue
from voicebot.messages.policy import MessagePolicy
from voicebot.messages.stopping import wants_no_more
from voicebot.messages.templates import Template, Templates, load_templates, state_of
from voicebot.messages.writing import Writer
from voicebot.store.access_protocols import Audit
from voicebot.store.errors import StoreUnavailable
from voicebot.store.outgoing import Message, MessageState
from voicebot.store.outgoing_protocols import Messages
from voicebot.store.protocols import Brakes, Cases, Promises, Suppressions
from voicebot.store.records import Case, NumberState, Promise, PromiseState, Suppression

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Between two looks."""
LOST = timedelta(minutes=2)
"""A message that a worker began to send so long ago, and never settled, is given up."""
TRIES = 5
FIRST_WAIT = timedelta(minutes=1)
"""After the first try that certainly failed; twice as long after each further one."""
STOPPED = "do_not_call"
"""Reason of the suppression that an answered STOP brings: it stands against calls too, until a person lifts it."""
_STATES = {
    TextStatus.TAKEN: MessageState.SENT,
    TextStatus.DELIVERED: MessageState.DELIVERED,
    TextStatus.FAILED: MessageState.FAILED,
    TextStatus.KEPT: MessageState.OUTBOX,
}


class MessageStore(Protocol):
    """The repositories that sending needs."""

    @property
    def cases(self) -> Cases: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def suppressions(self) -> Suppressions: ...
    @property
    def brakes(self) -> Brakes: ...
    @property
    def audit(self) -> Audit: ...


class Judge(Protocol):
    """What is needed of the phrase guard."""

    def check(self, text: str, state: CallState) -> Verdict: ...


@dataclass(frozen=True)
class _Ready:
    """A message that may be offered to the policy."""

    message: Message
    template: Template
    number: str
    text: str


class _Refusal(Exception):
    """Why a message will never be sent."""


class MessageDesk:
    """One a worker."""

    def __init__(
        self,
        store: MessageStore,
        sender: MessageSender,
        policy: MessagePolicy,
        *,
        firm: Firm,
        guard_for: Callable[[str], Judge],
        worker_id: str,
        now: Callable[[], datetime],
        templates_for: Callable[[str], Templates] = load_templates,
    ) -> None:
        """`guard_for` gives the phrase guard of a jurisdiction and raises PackError where there is none."""
        self._store = store
        self._sender = sender
        self._policy = policy
        self._firm = firm
        self._guard_for = guard_for
        self._worker_id = worker_id
        self._now = now
        self._templates_for = templates_for

    async def run(self, stop: asyncio.Event) -> None:
        """Looks again and again until `stop` is set. A store that is away is waited for."""
        while not stop.is_set():
            try:
                await self.look()
            except StoreUnavailable as away:
                log.warning("messages rest: the store is away", extra={"reason": str(away)})
            except Exception:
                log.exception("a look at the messages failed; the next one follows")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> int:
        """One round. How many messages were handed over."""
        at = self._now()
        if lost := await self._store.messages.lose(before=at - LOST, at=at):
            log.error("messages may or may not have gone out; look at them", extra={"messages": lost})
        if await self._store.brakes.standing() is not None:
            # The emergency stop puts messages off; the policy would refuse them for good.
            return 0
        handed = 0
        for message in await self._store.messages.due(at):
            handed += await self._deal_with(message, at)
        return handed

    async def _deal_with(self, message: Message, at: datetime) -> bool:
        try:
            ready = await self._prepare(message, at)
        except _Refusal as refusal:
            await self._refuse(message, str(refusal), at)
            return False
        permission = await self._store.messages.begin(
            message.id,
            number=ready.number,
            text=ready.text,
            sender=self._sender.name,
            worker_id=self._worker_id,
            permit=partial(self._policy.permit, ready.template.purpose),
            at=at,
        )
        if permission is None:
            return False
        if not permission.allowed:
            await self._wait_or_refuse(ready, permission.explanation, at)
            return False
        await self._send(ready)
        return True

    async def _prepare(self, message: Message, at: datetime) -> _Ready:
        case = await self._store.cases.get(message.case_id) if message.case_id else None
        if case is None:
            raise _Refusal("the case is gone")
        template = self._template(message, case)
        if at >= _useful_until(message, template):
            raise _Refusal("it came too late to be of use")
        promise = await self._store.promises.get(message.promise_id) if message.promise_id else None
        if promise is not None and promise.state is not PromiseState.OPEN:
            raise _Refusal(f"the promise it speaks of is {promise.state.value}")
        text = self._text(template, case, promise, at)
        await self._guard(template, case, promise, text)
        return _Ready(message, template, await self._number(message, case), text)

    def _template(self, message: Message, case: Case) -> Template:
        try:
            template = self._templates_for(case.language).get(message.template)
        except FlowError as error:
            raise _Refusal(f"the templates for {case.language} are broken: {error}") from error
        if template is None:
            raise _Refusal(f"there is no template {message.template} for {case.language}")
        return template

    def _text(self, template: Template, case: Case, promise: Promise | None, at: datetime) -> str:
        facts = facts_of(case, self._firm, at)
        about: Mapping[str, FactValue] = (
            {} if promise is None else {"promise.amount": promise.amount, "promise.date": promise.due_on}
        )
        today = at.astimezone(ZoneInfo(case.time_zone)).date()
        writer = Writer(case.language, promise.currency if promise else case.debt.currency, today)
        try:
            return writer.fill(template.text, lambda name: about.get(name, facts.get(name)))
        except MissingValue as missing:
            raise _Refusal(f"the case does not know {missing.name}") from missing

    async def _guard(self, template: Template, case: Case, promise: Promise | None, text: str) -> None:
        amounts = (*((promise.amount,) if promise else ()), case.debt.amount_due)
        state = replace(state_of(template, case.jurisdiction, amounts), ledger_amount=case.debt.amount_due)
        try:
            # Away from the loop: the first guard of a jurisdiction takes long to make ready, and calls are going on.
            guard = await asyncio.to_thread(self._guard_for, case.jurisdiction)
        except PackError as error:
            raise _Refusal(f"there is no guard for {case.jurisdiction}: {error}") from error
        verdict = await asyncio.to_thread(guard.check, text, state)
        if not verdict.allowed:
            raise _Refusal(f"the phrase guard stopped it: {verdict.category}")

    async def _number(self, message: Message, case: Case) -> str:
        """The number of the call that asked for it, where the debtor was verified on it; else the first such number."""
        verified = [
            entry.number
            for entry in await self._store.messages.verified_numbers(case.debtor.id)
            if entry.state is NumberState.VALID
        ]
        if not verified:
            raise _Refusal("MSG-OWN: the debtor was never verified on a call over a number that may be used")
        return message.number if message.number in verified else verified[0]

    async def _send(self, ready: _Ready) -> None:
        message = ready.message
        try:
            receipt = await self._sender.send(OutgoingText(message.id, ready.number, ready.text))
        except TextRefused as refused:
            await self._not_sent(ready, refused)
            return
        await self._sent(ready, receipt)

    async def _sent(self, ready: _Ready, receipt: TextReceipt) -> None:
        at = self._now()
        state = _STATES[receipt.status]
        reason = "there is no provider: it was written down and nothing left this machine"
        # The provider's report may have come before its answer.
        await self._store.messages.settle(
            ready.message.id,
            state,
            at=at,
            expecting=[MessageState.SENDING],
            reason=reason if state is MessageState.OUTBOX else "",
            provider_id=receipt.provider_id or None,
        )
        await self._note(ready.message, f"message.{state.value}", {"sender": self._sender.name})

    async def _not_sent(self, ready: _Ready, refused: TextRefused) -> None:
        at = self._now()
        message = ready.message
        state, due = MessageState.FAILED, None
        if refused.fate is Fate.UNSURE:
            state = MessageState.UNSURE
        elif refused.fate is Fate.NOT_SENT and message.tries + 1 < TRIES:
            state, due = MessageState.WAITING, at + FIRST_WAIT * 2**message.tries
        if refused.opted_out:
            await self._stop(ready.number, f"message:{message.id}", at)
        log.warning("a message was not sent", extra={"message_id": message.id, "reason": refused.reason})
        await self._store.messages.settle(
            message.id, state, at=at, expecting=[MessageState.SENDING], reason=refused.reason, due_at=due
        )
        await self._note(message, f"message.{state.value}", {"sender": self._sender.name, "reason": refused.reason})

    async def _wait_or_refuse(self, ready: _Ready, explanation: Mapping[str, Any], at: datetime) -> None:
        message = ready.message
        rules = [str(rule["id"]) for rule in explanation["rules"] if rule["verdict"] == "refuse"]
        reason = f"not permitted: {', '.join(rules)}"
        later = explanation["next_allowed"]
        due = datetime.fromisoformat(later) if later else None
        if due is None or due >= _useful_until(message, ready.template):
            await self._refuse(message, reason, at)
            return
        await self._store.messages.settle(
            message.id, MessageState.WAITING, at=at, expecting=[MessageState.WAITING], reason=reason, due_at=due
        )

    async def _refuse(self, message: Message, reason: str, at: datetime) -> None:
        done = await self._store.messages.settle(
            message.id, MessageState.REFUSED, at=at, expecting=[MessageState.WAITING], reason=reason
        )
        if done:
            await self._note(message, "message.refused", {"reason": reason})

    # --- what comes back ----------------------------------------------------------------------------------------------
    async def reported(self, report: TextReport) -> None:
        """What the provider says became of a message."""
        changed = await self._store.messages.report(
            report.id,
            _STATES[report.status],
            provider_id=report.provider_id,
            reason=report.reason,
            at=self._now(),
        )
        if not changed:
            log.debug("a report changed nothing", extra={"message_id": report.id, "status": report.status.value})

    async def received(self, text: IncomingText) -> None:
        """An answer: kept for a person to read. One that wants no more messages stops all contact with the number."""
        stops = wants_no_more(text.body)
        at = self._now()
        if stops and text.from_number:
            await self._stop(text.from_number, f"message:{text.provider_id}", at)
        cases = await self._store.cases.find_by_number(text.from_number) if text.from_number else []
        case = cases[0] if len({case.debtor.id for case in cases}) == 1 else None
        message = Message(
            template="",
            key=f"in:{text.provider_id}",
            inbound=True,
            case_id=case.id if case else None,
            number=text.from_number or None,
            text=text.body,
            state=MessageState.RECEIVED,
            reason="wants no more messages" if stops else "",
            provider_id=text.provider_id,
            due_at=at,
            created_at=at,
            ended_at=at,
        )
        await self._store.messages.add(message)
        await self._note(message, "message.received", {"stops": stops})

    async def _stop(self, number: str, source: str, at: datetime) -> None:
        known = await self._store.suppressions.active(number=number, at=at)
        if not any(entry.number is not None for entry in known):
            await self._store.suppressions.add(Suppression(STOPPED, number=number, since=at, source=source))

    async def _note(self, message: Message, action: str, data: Mapping[str, Any]) -> None:
        subject = f"message:{message.id}"
        await self._store.audit.append(
            f"worker:{self._worker_id}", action, subject, {"template": message.template, **data}, at=self._now()
        )


def _useful_until(message: Message, template: Template) -> datetime:
    end = message.created_at + timedelta(hours=template.valid_hours)
    return end if message.expires_at is None else min(end, message.expires_at)
