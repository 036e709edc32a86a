"""Signatures of notices. Source: the Standard Webhooks specification 1.0, symmetric signatures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

PREFIX = "whsec_"
_LEAST_BYTES = 24
_MOST_BYTES = 64
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class SecretFault(ValueError):
    """A secret that cannot sign."""


def new_secret() -> str:
    """A fresh secret, 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes of a secret: whsec_ and 24 to 64 bytes in base64. Raises SecretFault."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretFault("the secret is not base64; make one with: voicebot webhook secret") from error
    if not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise SecretFault(
            f"the secret holds {len(key)} bytes, and {_LEAST_BYTES} to {_MOST_BYTES} are needed; "
            "make one with: voicebot webhook secret"
        )
    return key


def sign(keys: tuple[bytes, ...], event_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers of a notice: one signature for each key, so that a secret can be changed without a gap."""
    timestamp = str(int(at.timestamp()))
    signed = f"{event_id}.{timestamp}.".encode() + body
    signatures = ("v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return {ID: event_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}
