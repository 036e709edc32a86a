"""Who may use the API, and who did what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class ApiToken:
    """A credential for the API. Its secret is shown once and never stored."""

    id: str
    label: str
    roles: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True)
class IssuedToken:
    """Answer of `tokens.issue`."""

    secret: str
    """What the client sends. It cannot be shown again."""
    token: ApiToken


@dataclass(frozen=True)
class AuditEntry:
    """Something a person or the engine did that an officer may ask about. Append-only and hash-chained."""

    sequence: int
    """1, 2, 3, ... without gaps."""
    at: datetime
    actor: str
    """User, token label, or worker."""
    action: str
    """case.import, flag.set, evidence.purge, token.issue, ..."""
    subject: str
    """Kind and id of what it was done to, such as case:0192..."""
    data: Mapping[str, Any]
    """JSON values; no personal data."""
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class AuditReport:
    """Answer of `audit.verify`."""

    valid: bool
    entries: int
    broken_at: int | None = None
    """Sequence of the first entry that does not fit."""
    reason: str | None = None
