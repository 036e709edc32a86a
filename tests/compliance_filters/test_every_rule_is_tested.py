"""A rule that is asked before dialling has a test that bears its id, and no hold passes any pack."""

from __future__ import annotations

from types import ModuleType

import pytest

from compliance_filters.contact_facts import HoldKind
from compliance_filters.contact_holds import Holds
from compliance_filters.contact_policy import rules_of
from compliance_filters.pack import load_pack
from tests.compliance_filters import test_contact_rules_cn, test_contact_rules_elsewhere, test_contact_rules_us

TESTED_IN: dict[str, ModuleType] = {
    "cn": test_contact_rules_cn,
    "us": test_contact_rules_us,
    "uk_eu": test_contact_rules_elsewhere,
    "hk": test_contact_rules_elsewhere,
    "tw": test_contact_rules_elsewhere,
}


@pytest.mark.parametrize("name", TESTED_IN)
def test_every_rule_before_dialling_has_a_test_named_after_its_id(name: str) -> None:
    ids = [rule.id for rule in rules_of(load_pack(name)).rules]
    assert len(ids) == len(set(ids)) > 8
    untested = [rule for rule in ids if not hasattr(TESTED_IN[name], f"test_{rule.lower().replace('-', '_')}")]
    assert not untested, f"write a test for each of them in {TESTED_IN[name].__name__}"


@pytest.mark.parametrize("name", TESTED_IN)
def test_every_hold_stops_dialling_under_every_pack(name: str) -> None:
    asked = {kind for rule in rules_of(load_pack(name)).rules if isinstance(rule, Holds) for kind in rule.kinds}
    assert asked == set(HoldKind)
