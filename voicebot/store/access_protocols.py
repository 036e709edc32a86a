"""The repositories of API tokens and of the audit log, as their users see them. Every method raises `StoreUnavailable`
when the database is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from voicebot.store.access_records import ApiToken, AuditEntry, AuditReport, IssuedToken


class Tokens(Protocol):
    async def issue(self, label: str, roles: frozenset[str], *, expires_at: datetime | None = None) -> IssuedToken: ...

    async def check(self, secret: str, *, at: datetime | None = None) -> ApiToken | None:
        """The token, None when unknown, expired or revoked."""
        ...

    async def revoke(self, token_id: str) -> bool: ...

    async def list(self) -> Sequence[ApiToken]: ...


class Audit(Protocol):
    async def append(
        self,
        actor: str,
        action: str,
        subject: str,
        data: Mapping[str, Any] | None = None,
        *,
        at: datetime | None = None,
    ) -> AuditEntry: ...

    async def list(self, *, limit: int = 100, before: int | None = None) -> Sequence[AuditEntry]:
        """Newest first; `before` is a sequence."""
        ...

    async def verify(self) -> AuditReport:
        """Reads the whole chain."""
        ...
