"""Which requests are let through to the SIP stack (RFC 3261 section 8.1.1), from where, and how fast."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.sip_gate import GateRules, Judge, Refusal, SipRequest, is_address

INVITE = SipRequest(
    source="192.0.2.7",
    cseq="1 INVITE",
    sender='"Example" <sip:13800000001@192.0.2.7>;tag=a1',
    to="<sip:4008001234@192.0.2.1>",
    contact="<sip:13800000001@192.0.2.7:5062;transport=udp>",
    call_id="1@192.0.2.7",
)
BYE = replace(INVITE, cseq="2 BYE", to="<sip:4008001234@192.0.2.1>;tag=b2", contact="")


def test_a_good_request_passes() -> None:
    judge = Judge(GateRules())
    assert judge.judge(INVITE, 0.0) is None
    assert judge.judge(BYE, 0.0) is None
    assert judge.judge(replace(INVITE, cseq="1 OPTIONS", contact=""), 0.0) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        replace(INVITE, sender="<sip:13800000001@192.0.2.7>"),
        replace(INVITE, sender="<sip:13800000001@192.0.2.7;tag=a1"),
        replace(INVITE, sender="<sip:13800000001@192.0.2.7;tag=a1>"),
        replace(INVITE, sender="<sip:13800000001@192.0.2.7>;tag="),
        replace(INVITE, sender="<sip:13800000001@192.0.2.7>;xtag=a1"),
        replace(INVITE, sender=""),
        replace(INVITE, to="nobody"),
        replace(INVITE, contact=""),
        replace(INVITE, contact="<sip:1@h>, <sip:2@h>"),
        replace(INVITE, contact="*"),
        replace(INVITE, call_id=" "),
        replace(INVITE, cseq="INVITE"),
        replace(INVITE, cseq="1"),
        replace(INVITE, readable=False),
        replace(BYE, sender="<sip:13800000001@192.0.2.7>"),
    ],
)
def test_what_the_rfc_demands_is_demanded(spoilt: SipRequest) -> None:
    assert Judge(GateRules()).judge(spoilt, 0.0) == Refusal(400, "Bad Request")


@pytest.mark.parametrize(
    "value",
    [
        "<sip:a@b>;tag=x",
        "sip:a@b;tag=x",
        'Bob <sips:a@b;transport=tls>;expires=60;+sip.instance="<urn:uuid:0>"',
        "<tel:+8613800000001>;tag=x",
        '"王小样 \\"例\\"" <sip:a@b> ; tag=x ',
        "<sip:a@[2001:db8::1]:5061?X-A=1>",
    ],
)
def test_addresses_as_networks_write_them(value: str) -> None:
    assert is_address(value)


@pytest.mark.parametrize(
    "value", ["", "<>", "sip:", "<sip:a@b", "a@b", "<sip:a b@c>", "<http:a@b>", '"x <sip:a@b>', "<sip:a@b>\r\nX: y"]
)
def test_what_is_no_address(value: str) -> None:
    assert not is_address(value)


def test_only_the_networks_named_may_begin_something() -> None:
    networks = (ipaddress.ip_network("192.0.2.0/29"), ipaddress.ip_network("2001:db8::/32"))
    judge = Judge(GateRules(networks))
    assert judge.judge(INVITE, 0.0) is None
    assert judge.judge(replace(INVITE, source="2001:db8::5"), 0.0) is None
    for stranger in ("192.0.2.9", "2001:db9::1", "", "nonsense"):
        assert judge.judge(replace(INVITE, source=stranger), 0.0) == Refusal(403, "Forbidden")
        assert judge.judge(replace(INVITE, cseq="1 OPTIONS", source=stranger), 0.0) == Refusal(403, "Forbidden")
    assert judge.judge(replace(BYE, source="192.0.2.9"), 0.0) is None


def test_new_calls_have_a_pace_and_those_that_stand_have_none() -> None:
    judge = Judge(GateRules(calls_per_second=5.0))
    asked = [judge.judge(INVITE, number * 0.01) for number in range(100)]
    assert asked.count(None) == 5 + 4
    assert {refusal.status for refusal in asked if refusal} == {503}
    assert judge.judge(BYE, 1.0) is None
    assert judge.judge(replace(INVITE, to=BYE.to), 1.0) is None
    assert judge.judge(INVITE, 2.0) is None
    assert judge.judge(INVITE, 1.0) is None, "a clock that steps back does no harm"


@given(st.text(max_size=400))
def test_any_text_is_judged(text: str) -> None:
    is_address(text)
    Judge(GateRules()).judge(replace(INVITE, sender=text, to=text, contact=text, cseq=text, call_id=text), 0.0)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", [" ", ";", ";a", '"', '\\"', "<", ';a="', "<sip:", "sip:a", "\t;"])
def test_no_value_takes_long_to_judge(piece: str) -> None:
    for value in (piece * 2000, "<sip:a@b>" + piece * 300 + ",", "x" + piece * 500, "sip:a@b" + piece * 300 + "<"):
        is_address(value)
