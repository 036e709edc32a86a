"""A caller is told of a message only when one could go out: to the debtor's own number, with consent, now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.messages.conftest import NUMBER
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.policy import ContactPolicy
from voicebot.messages.caps import MessageCaps
from voicebot.messages.outlook import TextOutlook
from voicebot.messages.policy import MessagePolicy
from voicebot.messages.templates import Templates, load_templates
from voicebot.store import Store
from voicebot.store.errors import StoreUnavailable
from voicebot.store.outgoing import Message, MessageHistory, MessageState
from voicebot.store.records import Case, Consent, NumberState, PhoneNumber, Suppression

MAKE = Callable[..., Case]
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
"""Ten in the morning in Shanghai."""
OTHER = "+8613800000002"
FIRM = FirmFacts(
    registered_callers=frozenset({"+861066668888"}), own_caller="+861066668888", by_agency=False, assigned=False
)
BOTH = pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)], indirect=True)


def outlook(
    store: Store, *, caps: MessageCaps | None = None, templates: Callable[[str], Templates] = load_templates
) -> TextOutlook:
    policy = MessagePolicy(ContactPolicy(FIRM), caps or MessageCaps())
    return TextOutlook(store.messages, policy, templates_for=templates)


@BOTH
async def test_a_debtor_who_agreed_may_be_texted_on_the_number_of_the_call(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case())
    assert await outlook(store).can_text(case, NUMBER, NOW)
    assert await store.messages.verified_numbers(case.debtor.id) == []
    assert await store.messages.list() == []


@pytest.mark.parametrize(
    "consents",
    [
        (),
        (Consent("sms", False, NOW - timedelta(days=1), "call"),),
        (Consent("email", True, NOW - timedelta(days=1), "contract"),),
    ],
)
async def test_without_consent_nothing_is_told(store: Store, make_case: MAKE, consents: tuple[Consent, ...]) -> None:
    case = await store.cases.add(make_case(consents=consents))
    assert not await outlook(store).can_text(case, NUMBER, NOW)


async def test_outside_the_hours_nothing_is_told(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case())
    assert not await outlook(store).can_text(case, NUMBER, NOW + timedelta(hours=13))


async def test_a_number_that_is_stopped_or_a_person_who_had_enough_is_not_told(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case())
    for key in range(2):
        await store.messages.add(
            Message(
                "promise_confirmation", f"k{key}", case_id=case.id, number=NUMBER, state=MessageState.SENT, sent_at=NOW
            )
        )
    assert not await outlook(store, caps=MessageCaps(per_day=2, per_week=2)).can_text(case, NUMBER, NOW)
    assert await outlook(store, caps=MessageCaps(per_day=3, per_week=3)).can_text(case, NUMBER, NOW)
    await store.suppressions.add(Suppression("do_not_call", number=NUMBER, since=NOW, source="test"))
    assert not await outlook(store, caps=MessageCaps(per_day=3, per_week=3)).can_text(case, NUMBER, NOW)


@pytest.mark.parametrize("called", [OTHER, None])
async def test_over_a_strange_or_withheld_number_it_takes_one_that_was_verified_before(
    store: Store, make_case: MAKE, called: str | None
) -> None:
    case = await store.cases.add(make_case())
    assert not await outlook(store).can_text(case, called, NOW)
    await store.messages.verified(case.id, NUMBER, call_id="c", at=NOW)
    assert await outlook(store).can_text(case, called, NOW)


@pytest.mark.parametrize(
    "entry",
    [PhoneNumber(NUMBER, NumberState.WRONG_PERSON), PhoneNumber(NUMBER, NumberState.VALID, "spouse")],
    ids=["wrong person", "somebody else's"],
)
async def test_a_number_that_is_not_the_debtors_own_is_not_told_of(
    store: Store, make_case: MAKE, entry: PhoneNumber
) -> None:
    made = make_case()
    case = await store.cases.add(replace(made, debtor=replace(made.debtor, numbers=(entry,))))
    assert not await outlook(store).can_text(case, NUMBER, NOW)


async def test_what_is_not_known_is_a_no(store: Store, make_case: MAKE) -> None:
    case = await store.cases.add(make_case())
    assert not await outlook(store, templates=lambda language: {}).can_text(case, NUMBER, NOW)
    assert not await outlook(store).can_text(replace(case, language="fr-FR"), NUMBER, NOW)
    assert not await outlook(store).can_text(replace(case, id="gone"), NUMBER, NOW)
    strange = await store.cases.add(replace(make_case(OTHER), id="strange", jurisdiction="nowhere"))
    assert not await outlook(store).can_text(strange, OTHER, NOW)


async def test_a_store_that_is_away_is_a_no(
    store: Store, make_case: MAKE, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    case = await store.cases.add(make_case())

    async def away(case_id: str, number: str, *, at: datetime) -> MessageHistory | None:
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(store.messages, "outlook", away)
    assert not await outlook(store).can_text(case, NUMBER, NOW)
    assert "nobody is told of a message" in caplog.text
