"""Local changes of a pack's rules before dialling: stricter ones as they are, looser ones under an officer's signature.

A signature is Ed25519 (RFC 8032) over the canonical JSON of everything that the change says: pack, rule, parameters,
reason, officer, role, when it was signed and until when it holds. Whoever may edit the file cannot make it say more.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compliance_filters.contact_rules import ContactRules
from compliance_filters.pack import PackError, read_located

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES = 32
_NOT_PARAMETERS = frozenset({"id", "kind", "source", "evidence"})


class OfficerRole(Enum):
    """Who may let a rule be looser than its pack."""

    COMPLIANCE_OFFICER = "compliance_officer"
    LEGAL_COUNSEL = "legal_counsel"


@dataclass(frozen=True)
class Officer:
    """A person whose signatures count, as the configuration names them."""

    name: str
    role: OfficerRole
    public_key: str
    """Ed25519, 32 bytes in base64."""


class Signature(BaseModel):
    """Who answers for a change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    officer: str
    role: OfficerRole
    signed_at: datetime
    expires_at: datetime
    """From then on the pack's own value holds again."""
    value: str
    """Ed25519, base64."""

    @model_validator(mode="after")
    def _zones(self) -> Self:
        if self.signed_at.tzinfo is None or self.expires_at.tzinfo is None:
            raise ValueError("signed_at and expires_at carry a time zone, such as 2026-11-20T09:00:00+08:00")
        return self


class Override(BaseModel):
    """A local change of one rule's parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pack: str
    rule: str
    params: Mapping[str, Any] = Field(min_length=1)
    reason: str | None = Field(None, min_length=1)
    signature: Signature | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it applies: one without a signature always, a signed one while its time lasts."""
        return self.signature is None or self.signature.signed_at <= at < self.signature.expires_at


class OverrideFile(BaseModel):
    """A file of overrides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overrides: tuple[Override, ...] = ()


def read_overrides(file: Path) -> tuple[Override, ...]:
    """The overrides of a YAML file. Raises PackError with file, line, column and remedy of every mistake."""
    document = read_located(file)
    read: OverrideFile = document.validate(OverrideFile)
    return read.overrides


def override(
    rules: ContactRules, changes: Sequence[Override], officers: Sequence[Officer] = (), where: str = "overrides"
) -> ContactRules:
    """Rules of one pack with local changes applied. A looser value must be signed by an officer, with a reason.

    Raises PackError with every change that cannot stand.
    """
    known = {rule.id: rule for rule in rules.rules}
    stated = {rule.id: rule.model_dump() for rule in rules.rules}
    problems: list[str] = []
    for number, change in enumerate(changes):
        place = f"{where}[{number}]"
        rule = known.get(change.rule)
        if rule is None:
            problems.append(f"{place}: there is no rule {change.rule} in the pack; the rules are {', '.join(known)}")
            continue
        data = rule.model_dump()
        if unknown := sorted(set(change.params) - (set(data) - _NOT_PARAMETERS)):
            problems.append(f"{place}: {change.rule} has no parameter {', '.join(unknown)}")
            continue
        try:
            altered = type(rule).model_validate({**data, **change.params})
        except ValidationError as wrong:
            problems.extend(f"{place}: {change.rule}.{e['loc'][0]}: {e['msg']}" for e in wrong.errors())
            continue
        fault = None if change.signature is None else verify(change, officers)
        after = altered.model_dump()
        # Against the pack itself: what another change has loosened must hold when that one's time is over.
        looser = [name for name in change.params if _looser(name, stated[rule.id][name], after[name])]
        if fault is None and looser and change.signature is None:
            fault = (
                f"{', '.join(looser)} would be looser than the pack; keep it as strict, or have a compliance officer "
                "sign it with a reason: voicebot policy sign"
            )
        if fault is not None:
            problems.append(f"{place}: {change.rule}: {fault}")
            continue
        known[change.rule] = altered
    if problems:
        raise PackError(problems)
    return ContactRules(rules=tuple(known[rule.id] for rule in rules.rules))


def verify(change: Override, officers: Sequence[Officer]) -> str | None:
    """What is wrong with a change's signature; None when it is good."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature = change.signature
    if signature is None or not change.reason:
        return "a signed change names its reason"
    named = next((officer for officer in officers if officer.name == signature.officer), None)
    if named is None:
        return f"{signature.officer} is no officer of the configuration; add them to compliance.officers"
    if named.role is not signature.role:
        return f"{named.name} is {named.role.value}, and signed as {signature.role.value}"
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(named.public_key, validate=True))
        key.verify(base64.b64decode(signature.value, validate=True), _signed_text(change))
    except (InvalidSignature, ValueError):
        return f"the signature is not {named.name}'s, or the change is not what was signed; have it signed again"
    return None


def sign(
    change: Override,
    key: Ed25519PrivateKey,
    *,
    officer: str,
    role: OfficerRole,
    reason: str,
    signed_at: datetime,
    expires_at: datetime,
) -> Override:
    """The change under an officer's signature."""
    unsigned = Signature(officer=officer, role=role, signed_at=signed_at, expires_at=expires_at, value="")
    wanted = change.model_copy(update={"reason": reason, "signature": unsigned})
    value = base64.b64encode(key.sign(_signed_text(wanted))).decode("ascii")
    return wanted.model_copy(update={"signature": unsigned.model_copy(update={"value": value})})


def digest(changes: Sequence[Override]) -> str | None:
    """SHA-256 of changes, signatures included, hexadecimal; None of none."""
    if not changes:
        return None
    return hashlib.sha256(_canonical([change.model_dump(mode="json") for change in changes])).hexdigest()


def public_key_of(key: Ed25519PrivateKey) -> str:
    """What the configuration names of a key: its public half, 32 bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")


def _signed_text(change: Override) -> bytes:
    said = change.model_dump(mode="json")
    said["signature"].pop("value")
    return _canonical(said)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


# For each parameter, whether a greater value is looser.
_GREATER_IS_LOOSER = {
    "at_most": True,
    "calls_per_day": True,
    "calls_ever": True,
    "days": False,
    "lost_after_failed_attempts": False,
    "needs_reviewer": False,
    "holidays_off": False,
    "agreed_times": True,
    "inbound_counts": False,
    "outbound_counts": False,
    "carrier_limit": True,
}


def _looser(name: str, old: Any, new: Any) -> bool:
    if old == new:
        return False
    match name:
        case "windows":
            return any(not any(a <= start and end <= b for a, b in old) for start, end in new)
        case "kinds":
            return not set(old) <= set(new)
        case "limits":
            return any(not any(_implies(one, limit) for one in new) for limit in old)
        case "states":
            return any(state not in new or not _implies(new[state], limit) for state, limit in old.items())
        case "profile":
            return bool(old == "any")
    direction = _GREATER_IS_LOOSER.get(name)
    if direction is None or old is None or new is None:
        # What cannot be compared counts as looser, except a limit where there was none.
        return not (old is None and direction is not None)
    return bool(new > old) if direction else bool(new < old)


def _implies(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether whoever keeps the new limit keeps the old one."""
    everywhere = new["profile"] in ("any", old["profile"])
    return everywhere and new["at_most"] <= old["at_most"] and new["seconds"] >= old["seconds"]
