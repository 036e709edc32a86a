"""API tokens: shown once, stored as a hash."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Row

from voicebot.store import models
from voicebot.store.access_records import ApiToken, IssuedToken
from voicebot.store.database import Database
from voicebot.store.records import new_id, utc_now
from voicebot.store.rows import insert_once

PREFIX = "vbt"
_NOTED_AGAIN_AFTER = timedelta(minutes=1)


class TokenRepository:
    """See `voicebot.store.protocols.Tokens`. A token is `vbt_<id>_<secret>`; the secret has 256 random bits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, label: str, roles: frozenset[str], *, expires_at: datetime | None = None) -> IssuedToken:
        token = ApiToken(new_id(), label, roles, utc_now(), expires_at)
        secret = secrets.token_urlsafe(32)
        async with self._database.write() as connection:
            await insert_once(
                connection,
                models.ApiToken,
                {
                    "id": token.id,
                    "label": label,
                    "roles": sorted(roles),
                    "secret_hash": _hash(secret),
                    "created_at": token.created_at,
                    "expires_at": expires_at,
                },
            )
        return IssuedToken(f"{PREFIX}_{token.id}_{secret}", token)

    async def check(self, secret: str, *, at: datetime | None = None) -> ApiToken | None:
        at = at or utc_now()
        prefix, _, rest = secret.partition("_")
        token_id, _, own = rest.partition("_")
        if prefix != PREFIX or not own:
            return None
        async with self._database.read() as connection:
            row = (await connection.execute(select(models.ApiToken).where(models.ApiToken.id == token_id))).first()
        if row is None or not hmac.compare_digest(row.secret_hash, _hash(own)):
            return None
        if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at):
            return None
        if row.last_used_at is None or at - row.last_used_at >= _NOTED_AGAIN_AFTER:
            async with self._database.write() as connection:
                await connection.execute(
                    update(models.ApiToken).where(models.ApiToken.id == token_id).values(last_used_at=at)
                )
        return _token(row)

    async def revoke(self, token_id: str) -> bool:
        table = models.ApiToken
        async with self._database.write() as connection:
            result = await connection.execute(
                update(table).where(table.id == token_id, table.revoked_at.is_(None)).values(revoked_at=utc_now())
            )
            return result.rowcount > 0

    async def list(self) -> Sequence[ApiToken]:
        async with self._database.read() as connection:
            statement = select(models.ApiToken).order_by(models.ApiToken.created_at)
            return [_token(row) for row in await connection.execute(statement)]


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id,
        label=row.label,
        roles=frozenset(row.roles),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
