"""Numbers, hosts and words in SIP headers, whatever a network puts there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.sip_address import (
    HEADER_BYTES,
    caller_number,
    dialled_number,
    header_text,
    host_of,
    is_number,
    port_of,
    sent_by,
    text_of_header,
    user_of,
)


@pytest.mark.parametrize(
    ("value", "user", "host"),
    [
        ('"Example" <sip:13800000001@192.0.2.1:5060;transport=udp>;tag=abc', "13800000001", "192.0.2.1"),
        ("<sip:+8613800000001@example.invalid>", "+8613800000001", "example.invalid"),
        ("sip:13800000001@192.0.2.1;tag=abc", "13800000001", "192.0.2.1"),
        ("<sip:+862155550100;npdi=yes@gw.invalid;user=phone>", "+862155550100", "gw.invalid"),
        ("<tel:+8613800000002>", "+8613800000002", None),
        ("<tel:02155550100;phone-context=+86>", "02155550100", None),
        ("<sips:agent%2D1@[2001:db8::1]:5061>", "agent-1", "2001:db8::1"),
        ("<sip:user:secret@example.invalid>", "user", "example.invalid"),
        ("Anonymous <sip:anonymous@anonymous.invalid>", None, "anonymous.invalid"),
        ("<sip:example.invalid>", None, "example.invalid"),
        ("<sip:a@EXAMPLE.invalid?Replaces=x>", "a", "example.invalid"),
        ("", None, None),
        (None, None, None),
        ("no address here", None, None),
    ],
)
def test_user_and_host(value: str | None, user: str | None, host: str | None) -> None:
    assert user_of(value) == user
    assert host_of(value) == host


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("sip:a@192.0.2.1:5444;transport=tcp", 5444),
        ("<sip:a@192.0.2.1>", 5060),
        ("sips:a@192.0.2.1", 5061),
        ("sip:a:5@192.0.2.1", 5060),
        ("sip:a@[2001:db8::1]:5070", 5070),
    ],
)
def test_port(value: str, port: int) -> None:
    assert port_of(value) == port


def test_the_networks_word_on_the_caller_goes_before_the_callers_own() -> None:
    own = {"from": "<sip:scam@198.51.100.9>", "to": "<sip:4008001234@192.0.2.1>"}
    assert caller_number(own) == "scam"
    assert caller_number(own | {"p-asserted-identity": "<tel:+8613800000002>"}) == "+8613800000002"
    assert caller_number(own | {"p-asserted-identity": "<sip:anonymous@anonymous.invalid>"}) == "scam"
    assert dialled_number(own) == "4008001234"
    assert dialled_number({}) == ""


@pytest.mark.parametrize(
    ("via", "host"),
    [
        ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport", "192.0.2.1"),
        ("SIP / 2.0 / TCP proxy.Example.invalid;branch=z9hG4bK1", "proxy.example.invalid"),
        ("SIP/2.0/TLS [2001:db8::1]:5061;branch=z", "2001:db8::1"),
        ("nonsense", None),
        (None, None),
    ],
)
def test_the_last_hop(via: str | None, host: str | None) -> None:
    assert sent_by(via) == host


@pytest.mark.parametrize("number", ["13800000001", "+8613800000001", "*99#", "agent-1", "4008001234"])
def test_what_can_be_dialled(number: str) -> None:
    assert is_number(number)


@pytest.mark.parametrize("number", ["", "+", "13 800", "1@host", "sip:1", "1;x=y", "1\r\nX: y", "一三八", "1" * 70])
def test_what_cannot_be_dialled(number: str) -> None:
    assert not is_number(number)


def test_plain_text_travels_as_it_is_and_chinese_as_one_encoded_word() -> None:
    assert header_text("attempt-17") == "attempt-17"
    assert header_text("王小样，已核实").isascii()
    assert text_of_header(header_text("王小样，已核实")) == "王小样，已核实"
    assert text_of_header("=?utf-8?b?not base64") == "=?utf-8?b?not base64"


def test_a_long_brief_is_cut_between_characters() -> None:
    value = header_text("已核实身份。" * 100)
    assert len(value) <= HEADER_BYTES
    words = text_of_header(value)
    assert words.endswith("…")
    assert ("已核实身份。" * 100).startswith(words[:-1])


def test_a_value_that_the_stack_cut_is_still_read() -> None:
    cut = header_text("王小样，已核实")[:20]
    assert text_of_header(cut).startswith("王小")


@given(st.text(max_size=300))
def test_any_text_makes_a_safe_header_and_comes_back(text: str) -> None:
    value = header_text(text)
    assert value.isascii()
    assert all(character.isprintable() for character in value)
    flat = " ".join(text.split())
    if len(flat.encode(errors="ignore")) < 700:
        assert text_of_header(value) == flat.encode(errors="ignore").decode()


@given(st.text(max_size=200))
def test_no_header_breaks_the_reading(text: str) -> None:
    user_of(text)
    host_of(text)
    sent_by(text)
    text_of_header(text)
