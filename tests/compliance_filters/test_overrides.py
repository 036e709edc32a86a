"""A local rule may be stricter as it is, and looser only under an officer's signature that nobody can alter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance_filters.contact_policy import decide, rules_of
from compliance_filters.contact_rules import ContactRules
from compliance_filters.overrides import (
    Officer,
    OfficerRole,
    Override,
    digest,
    override,
    public_key_of,
    read_overrides,
    sign,
)
from compliance_filters.pack import PackError
from tests.compliance_filters.dials import CN, US, attempt, cn_time, facts, refused

KEY = Ed25519PrivateKey.generate()
OFFICER = Officer("李示例", OfficerRole.COMPLIANCE_OFFICER, public_key_of(KEY))
SIGNED_AT = datetime(2026, 3, 1, tzinfo=UTC)


def change(rule: str, params: dict[str, Any], pack: str = "cn") -> Override:
    return Override(pack=pack, rule=rule, params=params)


def signed(what: Override, key: Ed25519PrivateKey = KEY, **said: Any) -> Override:
    given: dict[str, Any] = {
        "officer": OFFICER.name,
        "role": OFFICER.role,
        "reason": "监管函第12号",
        "signed_at": SIGNED_AT,
        "expires_at": SIGNED_AT + timedelta(days=90),
    }
    return sign(what, key, **(given | said))


def applied(*changes: Override, rules: ContactRules | None = None) -> ContactRules:
    return override(rules or rules_of(CN), changes, [OFFICER])


def test_a_stricter_rule_needs_nobody() -> None:
    rules = applied(change("CN-FREQ-01", {"at_most": 1}))
    history = (attempt(cn_time(8), effective=True),)
    assert refused(decide(facts(), history, cn_time(15), CN, rules), "CN-FREQ-01")


@pytest.mark.parametrize(
    ("rule", "params"),
    [
        ("CN-FREQ-01", {"at_most": 2}),
        ("CN-TIME-01", {"windows": [["09:00", "20:00"]]}),
        ("CN-TIME-01", {"windows": [["09:00", "12:00"], ["14:00", "20:00"]]}),
        ("CN-TIME-01", {"agreed_times": False}),
        ("CN-TIME-03", {"profile": "any"}),
        ("CN-CONTACT-04", {"kinds": ["wrong_number", "third_party_refused", "dormant"]}),
        ("CN-CONTACT-02", {"lost_after_failed_attempts": 5, "calls_ever": 1}),
        ("CN-FREQ-04", {"limits": [{"at_most": 1, "seconds": 7200}, {"at_most": 2, "seconds": 86400}]}),
        ("CN-FREQ-03", {"carrier_limit": False}),
        ("CN-OPS-01", {"calls_per_day": 300}),
        ("CN-INB-03", {"days": 2}),
    ],
)
def test_what_is_stricter_stands_unsigned(rule: str, params: dict[str, Any]) -> None:
    assert applied(change(rule, params)) != rules_of(CN)


LOOSER = [
    ("CN-FREQ-01", {"at_most": 4}),
    ("CN-TIME-01", {"windows": [["07:00", "22:00"]]}),
    ("CN-TIME-01", {"windows": [["09:00", "12:00"], ["14:00", "23:00"]]}),
    ("CN-TIME-03", {"holidays_off": False}),
    ("CN-TIME-03", {"agreed_times": True}),
    ("CN-CONTACT-04", {"kinds": ["wrong_number"]}),
    ("CN-CONTACT-02", {"lost_after_failed_attempts": 1}),
    ("CN-CONTACT-02", {"needs_reviewer": False}),
    ("CN-FREQ-03", {"limits": [{"at_most": 1, "seconds": 60}]}),
    ("CN-FREQ-04", {"limits": [{"at_most": 1, "seconds": 1800}, {"at_most": 3, "seconds": 86400}]}),
    ("CN-FREQ-04", {"limits": [{"at_most": 1, "seconds": 3600, "profile": "conservative"}]}),
    ("CN-FREQ-04", {"per": "number"}),
    ("CN-OPS-01", {"calls_per_day": 800}),
    ("CN-INB-03", {"inbound_counts": False}),
    ("CN-OPS-05", {"of": "assignment"}),
]


@pytest.mark.parametrize(("rule", "params"), LOOSER)
def test_what_is_looser_stands_only_signed(rule: str, params: dict[str, Any]) -> None:
    with pytest.raises(PackError, match=r"looser than the pack.*voicebot policy sign"):
        applied(change(rule, params))
    assert applied(signed(change(rule, params))) != rules_of(CN)


def test_a_state_may_be_added_and_not_forgotten() -> None:
    one = {"at_most": 1, "seconds": 604800}
    states = {"MA": {"at_most": 2, "seconds": 604800}, "WA": {"at_most": 3, "seconds": 604800}}
    rules = rules_of(US)
    assert override(rules, [change("US-STATE-01", {"states": {**states, "NY": one}}, "us")]) != rules
    with pytest.raises(PackError, match="looser"):
        override(rules, [change("US-STATE-01", {"states": {"MA": one}}, "us")])


def test_a_signature_of_somebody_else_or_of_another_change_is_refused() -> None:
    wanted = change("CN-OPS-01", {"calls_per_day": 800})
    good = signed(wanted)
    assert good.signature is not None
    altered = [
        signed(wanted, Ed25519PrivateKey.generate()),
        good.model_copy(update={"params": {"calls_per_day": 8000}}),
        good.model_copy(update={"reason": "another"}),
        good.model_copy(update={"rule": "CN-FREQ-02", "params": {"at_most": 9}}),
        good.model_copy(
            update={"signature": good.signature.model_copy(update={"expires_at": SIGNED_AT + timedelta(days=900)})}
        ),
        good.model_copy(update={"signature": good.signature.model_copy(update={"value": "AAAA"})}),
        good.model_copy(update={"signature": good.signature.model_copy(update={"value": "不是签名"})}),
    ]
    for forged in altered:
        with pytest.raises(PackError, match="have it signed again"):
            applied(forged)


def test_a_signature_counts_only_from_an_officer_of_the_configuration_in_their_role() -> None:
    wanted = change("CN-OPS-01", {"calls_per_day": 800})
    with pytest.raises(PackError, match=r"王小样 is no officer.*compliance\.officers"):
        applied(signed(wanted, officer="王小样"))
    with pytest.raises(PackError, match="signed as legal_counsel"):
        applied(signed(wanted, role=OfficerRole.LEGAL_COUNSEL))
    with pytest.raises(PackError, match="names its reason"):
        applied(signed(wanted).model_copy(update={"reason": None}))


def test_even_a_stricter_change_with_a_bad_signature_is_refused() -> None:
    with pytest.raises(PackError, match="have it signed again"):
        applied(signed(change("CN-OPS-01", {"calls_per_day": 100}), Ed25519PrivateKey.generate()))


def test_an_unsigned_change_does_not_hide_behind_a_signed_one() -> None:
    """When the signed one's time is over, the unsigned one would stand alone, looser than the pack."""
    with pytest.raises(PackError, match="looser"):
        applied(signed(change("CN-FREQ-02", {"at_most": 10})), change("CN-FREQ-02", {"at_most": 8}))


def test_a_signed_change_holds_for_its_time() -> None:
    good = signed(change("CN-OPS-01", {"calls_per_day": 800}))
    ends = SIGNED_AT + timedelta(days=90)
    assert [good.holds(at) for at in (SIGNED_AT - timedelta(seconds=1), SIGNED_AT, ends)] == [False, True, False]


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(PackError, match="there is no rule CN-NONE"):
        applied(change("CN-NONE", {"at_most": 1}))
    with pytest.raises(PackError, match="no parameter kindness"):
        applied(change("CN-FREQ-01", {"kindness": 1}))
    with pytest.raises(PackError, match="no parameter source"):
        applied(change("CN-FREQ-01", {"source": "me"}))
    with pytest.raises(PackError, match=r"CN-TIME-01\.windows"):
        applied(change("CN-TIME-01", {"windows": [["8:00", "22:00"]]}))


def test_the_hash_is_of_every_word() -> None:
    one = change("CN-FREQ-01", {"at_most": 1})
    assert digest([]) is None
    assert digest([one]) == digest([change("CN-FREQ-01", {"at_most": 1})])
    assert digest([one]) != digest([change("CN-FREQ-01", {"at_most": 2})])
    assert digest([signed(one)]) != digest([signed(one, reason="another")])


def test_a_file_is_read_and_its_mistakes_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "overrides.yaml"
    file.write_text("overrides:\n  - {pack: cn, rule: CN-FREQ-01, params: {at_most: 1}}\n", encoding="utf-8")
    assert applied(*read_overrides(file)) == applied(change("CN-FREQ-01", {"at_most": 1}))
    file.write_text("overrides:\n  - {pack: cn, rule: CN-FREQ-01, parameters: {at_most: 1}}\n", encoding="utf-8")
    with pytest.raises(PackError, match=r"overrides\.yaml:2:\d+: overrides\.0\.parameters: this key is not known"):
        read_overrides(file)
    with pytest.raises(PackError, match="does not exist"):
        read_overrides(tmp_path / "nowhere.yaml")
