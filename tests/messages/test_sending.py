"""A message goes out once, to the debtor's own verified number, with consent, in lawful hours, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from compliance_filters.guard import load_guard
from compliance_filters.verdict import Action, CallState, Verdict
from telephony.texting import Fate, IncomingText, OutgoingText, TextReceipt, TextRefused, TextReport, TextStatus
from voicebot.call.case_facts import Firm
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.policy import ContactPolicy
from voicebot.messages.caps import MessageCaps
from voicebot.messages.outbox import Outbox
from voicebot.messages.policy import MessagePolicy
from voicebot.messages.sending import LOST, TRIES, Judge, MessageDesk
from voicebot.messages.stopping import wants_no_more
from voicebot.messages.templates import Purpose, Template, Templates, load_templates
from voicebot.store import Store
from voicebot.store.outgoing import Message, MessageState
from voicebot.store.records import Call, Case, Consent, NumberState, PhoneNumber, Promise, PromiseState, Suppression

MAKE = Callable[..., Case]
NUMBER = "+8613800000001"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
"""Ten in the morning in Shanghai."""
BOTH = pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)], indirect=True)


@dataclass
class Provider:
    """A provider that does what it is told; the genuine one is in tests/telephony/twilio."""

    name: str = "provider"
    sent: list[OutgoingText] = field(default_factory=list)
    refuse: list[TextRefused] = field(default_factory=list)

    async def send(self, text: OutgoingText) -> TextReceipt:
        if self.refuse:
            raise self.refuse.pop(0)
        self.sent.append(text)
        return TextReceipt(TextStatus.TAKEN, f"SM{len(self.sent)}")


class Allowing:
    """A guard that lets everything pass: the genuine one judges every template in test_templates.py."""

    def check(self, text: str, state: CallState) -> Verdict:
        return Verdict(Action.ALLOW, (), "")


@dataclass
class Room:
    """A desk with its store, provider and clock."""

    store: Store
    provider: Provider = field(default_factory=Provider)
    at: datetime = NOW
    caps: MessageCaps = field(default_factory=MessageCaps)
    templates: Callable[[str], Templates] = load_templates
    guard_for: Callable[[str], Judge] = lambda jurisdiction: Allowing()

    def desk(self, *, outbox: bool = False) -> MessageDesk:
        firm = FirmFacts(registered_callers=frozenset({"+861066668888"}), own_caller="+861066668888", by_agency=False)
        return MessageDesk(
            self.store,
            Outbox() if outbox else self.provider,
            MessagePolicy(ContactPolicy(replace(firm, assigned=False)), self.caps),
            firm=Firm("示例服务中心", "4000000000"),
            guard_for=self.guard_for,
            worker_id="w1",
            now=lambda: self.at,
            templates_for=self.templates,
        )

    async def verified(self, case: Case, number: str = NUMBER) -> None:
        await self.store.messages.verified(case.id, number, call_id="c", at=self.at)

    async def promised(self, case: Case, **fields: object) -> tuple[Promise, Message]:
        promise = Promise(case.id, Decimal(1000), date(2026, 11, 25), recorded_at=self.at)
        await self.store.promises.add(promise)
        values = {"template": "promise_confirmation", "key": "k", "promise_id": promise.id, "number": NUMBER}
        return promise, await self.asked(case, **values | fields)

    async def asked(self, case: Case, **fields: object) -> Message:
        values = {"case_id": case.id, "due_at": self.at, "created_at": self.at} | fields
        message = Message(**values)  # type: ignore[arg-type]
        await self.store.messages.add(message)
        return message

    async def now(self, message: Message) -> Message:
        found = await self.store.messages.get(message.id)
        assert found is not None
        return found


@pytest.fixture
def room(store: Store) -> Room:
    return Room(store)


@BOTH
async def test_a_promise_is_confirmed_to_the_number_on_which_the_debtor_was_verified(
    room: Room, make_case: MAKE
) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    assert await room.desk().look() == 1
    (text,) = room.provider.sent
    assert text.to == NUMBER
    assert "11月25日" in text.body
    assert "1000.00元" in text.body
    for secret in ("王小样", "示例银行", "123X", "2350"):
        assert secret not in text.body
    sent = await room.now(message)
    assert (sent.state, sent.provider_id, sent.text, sent.tries) == (MessageState.SENT, "SM1", text.body, 1)
    assert {rule["id"] for rule in sent.policy["rules"]} >= {"MSG-OWN", "MSG-CONSENT", "MSG-CAP-DAY", "CN-TIME-01"}
    assert sent.policy["allowed"] is True
    assert await room.desk().look() == 0
    (entry, *_) = await room.store.audit.list()
    assert (entry.action, entry.subject) == ("message.sent", f"message:{message.id}")


async def test_without_a_provider_it_is_written_down_and_says_so(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    await room.desk(outbox=True).look()
    kept = await room.now(message)
    assert kept.state is MessageState.OUTBOX
    assert "nothing left this machine" in kept.reason
    assert kept.text


@BOTH
async def test_of_many_desks_one_sends(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.promised(case)
    handed = await asyncio.gather(*(room.desk().look() for _ in range(4)))
    assert sum(handed) == 1
    assert len(room.provider.sent) == 1


async def test_the_same_key_is_one_message(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.asked(case, template="plan_application", key="call:1:plan")
    await room.asked(case, template="plan_application", key="call:1:plan")
    await room.desk().look()
    assert len(room.provider.sent) == 1


async def test_it_waits_for_the_end_of_the_call_that_asked_for_it(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.store.calls.begin(Call("outbound", "reminder_first", NOW, "w1", id="call-1", case_id=case.id))
    await room.promised(case, call_id="call-1")
    await room.desk().look()
    assert room.provider.sent == []
    await room.store.calls.finish("call-1", ended_at=NOW, disposition="ptp")
    await room.desk().look()
    assert len(room.provider.sent) == 1


# --- what speaks against it -------------------------------------------------------------------------------------------
async def refused(room: Room, case: Case, **fields: object) -> str:
    _, message = await room.promised(case, **fields)
    await room.desk().look()
    assert room.provider.sent == []
    found = await room.now(message)
    assert found.state is MessageState.REFUSED
    return found.reason


async def test_a_number_on_which_nobody_was_verified_gets_nothing(room: Room, make_case: MAKE) -> None:
    assert "MSG-OWN" in await refused(room, await room.store.cases.add(make_case()))


async def test_a_verified_number_that_is_somebody_elses_gets_nothing(room: Room, make_case: MAKE) -> None:
    case = make_case()
    numbers = (PhoneNumber(NUMBER, label="联系人"),)
    case = await room.store.cases.add(replace(case, debtor=replace(case.debtor, numbers=numbers)))
    await room.verified(case)
    assert "MSG-OWN" in await refused(room, case)


async def test_a_number_that_is_not_the_debtors_cannot_be_verified(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case, "+8613900000009")
    assert await room.store.messages.verified_numbers(case.debtor.id) == []


async def test_a_number_marked_as_wrong_gets_nothing(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.store.cases.set_number_state(NUMBER, NumberState.WRONG_PERSON)
    assert "MSG-OWN" in await refused(room, case)


@pytest.mark.parametrize("consents", [(), (Consent("sms", False, datetime(2026, 11, 1, tzinfo=UTC)),)])
async def test_without_consent_nothing_is_written(room: Room, make_case: MAKE, consents: tuple[Consent, ...]) -> None:
    case = await room.store.cases.add(make_case(consents=consents))
    await room.verified(case)
    assert await refused(room, case) == "not permitted: MSG-CONSENT"


@pytest.mark.parametrize(
    ("flag", "rule"), [("stop_contact", "CN-CONTACT-06"), ("dispute", "CN-DISP-01"), ("deceased", "CN-CONTACT-05")]
)
async def test_what_stops_calls_stops_a_confirmation(room: Room, make_case: MAKE, flag: str, rule: str) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.store.cases.set_flag(case.id, flag, at=NOW)
    assert rule in await refused(room, case)


async def test_do_not_call_is_do_not_write(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.store.suppressions.add(Suppression("do_not_call", number=NUMBER, since=NOW))
    assert "SEED-08" in await refused(room, case)


async def test_a_receipt_of_a_complaint_is_sent_in_spite_of_the_complaint(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.store.cases.set_flag(case.id, "complaint", at=NOW)
    message = await room.asked(case, template="complaint_receipt", key="r")
    await room.desk().look()
    assert (await room.now(message)).state is MessageState.SENT


async def test_at_night_it_waits_for_the_morning(room: Room, make_case: MAKE) -> None:
    room.at = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    await room.desk().look()
    waiting = await room.now(message)
    assert (waiting.state, waiting.due_at) == (MessageState.WAITING, datetime(2026, 11, 21, 0, 0, tzinfo=UTC))
    assert waiting.reason.startswith("not permitted: CN-TIME-01")
    room.at = waiting.due_at
    await room.desk().look()
    assert len(room.provider.sent) == 1


async def test_the_emergency_stop_puts_a_message_off(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.promised(case)
    await room.store.brakes.halt("a fault", by="test", at=NOW)
    assert await room.desk().look() == 0
    await room.store.brakes.resume("mended", by="test", at=NOW)
    assert await room.desk().look() == 1


async def test_what_could_only_go_out_too_late_is_given_up(room: Room, make_case: MAKE) -> None:
    room.at = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    assert "CN-TIME-01" in await refused(room, case, expires_at=room.at + timedelta(hours=1))


async def test_a_person_is_sent_only_so_many_on_a_day_and_in_a_week(room: Room, make_case: MAKE) -> None:
    room.caps = MessageCaps(per_day=1, per_week=2)
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    for n in range(3):
        await room.asked(case, template="plan_application", key=f"k{n}")
    await room.desk().look()
    assert len(room.provider.sent) == 1
    room.at = NOW + timedelta(days=1)
    await room.desk().look()
    assert len(room.provider.sent) == 2
    room.at = NOW + timedelta(days=1, hours=23)
    await room.desk().look()
    assert len(room.provider.sent) == 2
    (last,) = await room.store.messages.list(state=MessageState.REFUSED)
    assert "MSG-CAP-WEEK" in last.reason


async def test_a_promise_that_was_taken_back_is_not_confirmed(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    promise, message = await room.promised(case)
    await room.store.promises.set_state(promise.id, PromiseState.CANCELLED)
    await room.desk().look()
    assert (await room.now(message)).reason == "the promise it speaks of is cancelled"


async def test_a_template_that_is_not_there_is_said(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case(language="yue"))
    await room.verified(case)
    assert await refused(room, case) == "there is no template promise_confirmation for yue"


async def test_the_guard_has_the_last_word(room: Room, make_case: MAKE) -> None:
    threat = Template("plan_application", Purpose.CONFIRMATION, "再不还钱就上门找你家人。", False, 48, "zh-CN")
    room.templates = lambda language: {threat.name: threat}
    room.guard_for = load_guard
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    message = await room.asked(case, template="plan_application", key="k")
    await room.desk().look()
    assert room.provider.sent == []
    assert (await room.now(message)).reason.startswith("the phrase guard stopped it: ")


# --- when it cannot be handed over ------------------------------------------------------------------------------------
async def test_what_certainly_was_not_sent_is_tried_again_and_given_up_in_the_end(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    room.provider.refuse = [TextRefused(Fate.NOT_SENT, "cannot be reached") for _ in range(TRIES)]
    waits = []
    for _ in range(TRIES):
        await room.desk().look()
        found = await room.now(message)
        waits.append((found.state, (found.due_at - room.at).total_seconds()))
        room.at = max(room.at, found.due_at)
    assert [seconds for state, seconds in waits if state is MessageState.WAITING] == [60, 120, 240, 480]
    assert (await room.now(message)).state is MessageState.FAILED


async def test_what_may_have_been_sent_is_never_sent_again(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    room.provider.refuse = [TextRefused(Fate.UNSURE, "no answer")]
    await room.desk().look()
    room.at += timedelta(hours=1)
    await room.desk().look()
    assert room.provider.sent == []
    assert (await room.now(message)).state is MessageState.UNSURE
    # The provider's report settles it after all.
    await room.desk().reported(TextReport(message.id, "SM9", TextStatus.DELIVERED))
    assert (await room.now(message)).state is MessageState.DELIVERED


async def test_a_message_whose_worker_died_is_not_sent_again(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    permit = MessagePolicy(ContactPolicy(FirmFacts(by_agency=False, assigned=False))).permit
    permission = await room.store.messages.begin(
        message.id,
        number=NUMBER,
        text="t",
        sender="provider",
        worker_id="dead",
        permit=lambda history: permit(Purpose.CONFIRMATION, history),
        at=room.at,
    )
    assert permission is not None
    assert permission.allowed
    room.at += LOST + timedelta(seconds=1)
    await room.desk().look()
    assert room.provider.sent == []
    assert (await room.now(message)).state is MessageState.UNSURE


async def test_a_person_who_told_the_provider_to_stop_is_left_alone_everywhere(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    room.provider.refuse = [TextRefused(Fate.NEVER, "unsubscribed", opted_out=True)]
    await room.desk().look()
    assert (await room.now(message)).state is MessageState.FAILED
    (stop,) = await room.store.suppressions.active(number=NUMBER, at=room.at)
    assert stop.reason == "do_not_call"


# --- what comes back --------------------------------------------------------------------------------------------------
async def test_a_report_of_delivery_is_kept_and_an_older_one_does_not_undo_it(room: Room, make_case: MAKE) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    _, message = await room.promised(case)
    await room.desk().look()
    await room.desk().reported(TextReport(message.id, "SM1", TextStatus.DELIVERED))
    await room.desk().reported(TextReport(message.id, "SM1", TextStatus.TAKEN))
    assert (await room.now(message)).state is MessageState.DELIVERED


@pytest.mark.parametrize(
    "body", ["退订", "T", "ＴＤ", "stop", " STOP. ", "请不要再给我发短信", "Please don't text me again"]
)
async def test_a_stop_stops_all_contact_with_the_number_at_once(room: Room, make_case: MAKE, body: str) -> None:
    case = await room.store.cases.add(make_case())
    await room.verified(case)
    await room.desk().received(IncomingText("SM7", NUMBER, "+861066668888", body, room.at))
    assert "SEED-08" in await refused(room, case)
    (answer,) = await room.store.messages.list(state=MessageState.RECEIVED)
    assert (answer.inbound, answer.case_id, answer.text) == (True, case.id, body)
    # Told twice, as providers do.
    await room.desk().received(IncomingText("SM7", NUMBER, "+861066668888", body, room.at))
    assert len(await room.store.suppressions.active(number=NUMBER, at=room.at)) == 1
    assert len(await room.store.messages.list(state=MessageState.RECEIVED)) == 1


@pytest.mark.parametrize("body", ["好的，收到", "我明天一定还", "what time do you stop working?", "谢谢", "什么事？"])
def test_other_answers_stop_nothing(body: str) -> None:
    assert not wants_no_more(body)
