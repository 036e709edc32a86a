"""The contact policy answers rule by rule, and answers nothing to a question that cannot be answered."""

from __future__ import annotations

from datetime import datetime

import pytest

from compliance_filters.contact_policy import decide, rules_of
from compliance_filters.pack import PackError
from tests.compliance_filters.dials import (
    CN,
    ask,
    cn_time,
    facts,
)


def test_an_ordinary_dial_is_allowed_and_explained_rule_by_rule() -> None:
    decision = ask(cn_time(10))
    assert decision.allowed
    assert decision.next_allowed == cn_time(10)
    assert len(decision.rules) == len(rules_of(CN).rules)
    assert all(rule.why for rule in decision.rules)


def test_a_pack_without_contact_rules_dials_nobody() -> None:
    with pytest.raises(PackError, match="nothing may be dialled"):
        decide(facts(), (), cn_time(10), CN.model_copy(update={"contact": {}}))


def test_an_instant_without_a_zone_is_refused_as_a_question() -> None:
    with pytest.raises(ValueError, match="aware datetime"):
        decide(facts(), (), datetime(2026, 3, 11, 10), CN)  # noqa: DTZ001
