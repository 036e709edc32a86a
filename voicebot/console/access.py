"""Who may do what: API tokens, roles, and a brake on guessing."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from aiohttp import hdrs, web

from voicebot.console.problems import Problem
from voicebot.store.access_protocols import Tokens
from voicebot.store.access_records import IssuedToken

_WINDOW_SECONDS = 60.0
_ADDRESSES_REMEMBERED = 10_000


class Role(Enum):
    """What a token is for."""

    OPERATOR = "operator"
    """Imports cases, places and ends calls, watches them with personal data masked."""
    AGENT = "agent"
    """Takes handed-over calls: own state and own handoffs."""
    OFFICER = "officer"
    """Reads everything unmasked, and the audit trail; lifts what stops calls; places nothing."""
    ADMIN = "admin"
    """Everything."""


@dataclass(frozen=True)
class Caller:
    """Who sent a request."""

    token_id: str
    label: str
    """Name of the token; for an agent, the agent's id."""
    roles: frozenset[Role]

    @property
    def sees_personal_data(self) -> bool:
        return bool(self.roles & {Role.OFFICER, Role.ADMIN})

    @property
    def is_officer(self) -> bool:
        """Whether they may allow what was stopped."""
        return bool(self.roles & {Role.OFFICER, Role.ADMIN})

    @property
    def is_only_agent(self) -> bool:
        return self.roles == {Role.AGENT}

    @property
    def actor(self) -> str:
        """How the audit names them."""
        return f"token:{self.label}:{self.token_id}"


CALLER = web.RequestKey("caller", Caller)


class FailedTokens:
    """Counts wrong tokens by address over the last minute."""

    def __init__(self, allowed: int, monotonic: Callable[[], float]) -> None:
        self._allowed = allowed
        self._monotonic = monotonic
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_seconds(self, address: str) -> float:
        """Seconds for which the address is refused; 0.0 when it may try."""
        failures = self._recent(address)
        if failures is None or len(failures) < self._allowed:
            return 0.0
        return max(0.0, failures[0] + _WINDOW_SECONDS - self._monotonic())

    def failed(self, address: str) -> None:
        failures = self._failures.setdefault(address, deque(maxlen=self._allowed))
        failures.append(self._monotonic())
        self._failures.move_to_end(address)
        while len(self._failures) > _ADDRESSES_REMEMBERED:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> deque[float] | None:
        failures = self._failures.get(address)
        if failures is None:
            return None
        while failures and failures[0] <= self._monotonic() - _WINDOW_SECONDS:
            failures.popleft()
        if not failures:
            del self._failures[address]
            return None
        return failures


async def identify(request: web.Request, tokens: Tokens, failures: FailedTokens) -> Caller:
    """The caller behind the Bearer token. Raises Problem 401, or 429 after too many wrong ones."""
    address = request.remote or "unknown"
    if (seconds := failures.wait_seconds(address)) > 0:
        retry = str(int(seconds) + 1)
        raise Problem(
            429,
            "too-many-wrong-tokens",
            "Too many wrong tokens came from this address.",
            f"Wait {retry} seconds and use a valid token.",
            headers={"Retry-After": retry},
        )
    scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unauthorised("The request carries no token.", error=None)
    token = await tokens.check(secret.strip()) if secret.isascii() else None
    if token is None:
        failures.failed(address)
        raise _unauthorised("The token is unknown, expired or revoked.", error="invalid_token")
    known = {role.value: role for role in Role}
    return Caller(token.id, token.label, frozenset(known[name] for name in token.roles if name in known))


def permit(who: Caller, allowed: frozenset[Role]) -> None:
    """Raises Problem 403 when none of the caller's roles is allowed."""
    if who.roles & (allowed | {Role.ADMIN}):
        return
    names = ", ".join(sorted(role.value for role in allowed | {Role.ADMIN}))
    raise Problem(
        403,
        "role-missing",
        f"This needs one of the roles {names}; the token `{who.label}` has {_names(who)}.",
        "Ask an administrator for a token: voicebot token issue --role ROLE LABEL.",
    )


async def bootstrap(tokens: Tokens) -> IssuedToken | None:
    """Makes the first admin token where there is none yet. The secret must be shown to the operator now or never."""
    if any(Role.ADMIN.value in token.roles and token.revoked_at is None for token in await tokens.list()):
        return None
    return await tokens.issue("bootstrap", frozenset({Role.ADMIN.value}))


def _names(who: Caller) -> str:
    return ", ".join(sorted(role.value for role in who.roles)) or "none"


def _unauthorised(detail: str, error: str | None) -> Problem:
    challenge = 'Bearer realm="voicebot"' + (f', error="{error}"' if error else "")
    remedy = "Send `Authorization: Bearer TOKEN`; an administrator makes one with `voicebot token issue`."
    return Problem(401, "token-needed", detail, remedy, headers={"WWW-Authenticate": challenge})
