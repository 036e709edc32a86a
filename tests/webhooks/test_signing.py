"""Notices are signed as the Standard Webhooks specification says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.webhooks.signing import SecretFault, key_of, new_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The example of the specification, with its message and its signature."""


def test_the_example_of_the_specification_is_signed_alike() -> None:
    headers = sign(
        (key_of(SECRET),),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_changed_both_sign() -> None:
    keys = (key_of(new_secret()), key_of(SECRET))
    at = datetime.fromtimestamp(1614265330, UTC)
    both = sign(keys, "evt_1", at, b"{}")["webhook-signature"].split(" ")
    assert both == [sign((key,), "evt_1", at, b"{}")["webhook-signature"] for key in keys]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_another_body_has_another_signature(one: bytes, other: bytes) -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    same = sign((key_of(SECRET),), "e", at, one) == sign((key_of(SECRET),), "e", at, other)
    assert same == (one == other)


def test_a_fresh_secret_can_sign() -> None:
    assert len(key_of(new_secret())) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "not base64!", "whsec_" + "A" * 120])
def test_a_secret_that_cannot_sign_is_refused_with_the_remedy(secret: str) -> None:
    with pytest.raises(SecretFault, match="voicebot webhook secret"):
        key_of(secret)
