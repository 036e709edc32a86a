"""Column types that SQLite and PostgreSQL agree on: exact money, times in UTC, sealed personal data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from recordings.cipher import KeyFault, KeyRing

MONEY_PLACES = 4
_UNIT = Decimal(10) ** -MONEY_PLACES
_OPEN = b"\x00"
"""Begins a value that was stored without a key, so that turning keys on later does not make it unreadable."""


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: goes in with any zone, comes out in UTC. One without a zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; say which, for example {value.isoformat()}+08:00")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount, kept as a whole number of ten-thousandths: sums and order are exact on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        scaled = value.scaleb(MONEY_PLACES)
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"amount {value} is not exact to {MONEY_PLACES} decimal places")
        return int(scaled)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        amount = Decimal(value) * _UNIT
        return amount.quantize(Decimal("0.01")) if value % 100 == 0 else amount.normalize()


class Sealed(TypeDecorator[Any]):
    """Personal data under AES-256-GCM with the engine's key ring. The context binds a value to its column."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str, *, as_json: bool = False) -> None:
        super().__init__()
        self.context = context
        self.as_json = as_json

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        plain = (json.dumps(value, ensure_ascii=False) if self.as_json else str(value)).encode("utf-8", "replace")
        keys = ring_of(dialect)
        return _OPEN + plain if keys is None else keys.seal(plain, self.context)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value[:1] == _OPEN:
            plain = value[1:]
        else:
            keys = ring_of(dialect)
            if keys is None:
                raise KeyFault(f"{self.context} is sealed and the store was opened without keys; set the key file")
            plain = keys.unseal(value, self.context)
        text = plain.decode("utf-8")
        return json.loads(text) if self.as_json else text


def give_ring(dialect: Dialect, keys: KeyRing | None) -> None:
    """Hands an engine's dialect the ring that its sealed columns use: two stores of one process may have two."""
    dialect.voicebot_keys = keys  # type: ignore[attr-defined]


def ring_of(dialect: Dialect) -> KeyRing | None:
    return getattr(dialect, "voicebot_keys", None)
