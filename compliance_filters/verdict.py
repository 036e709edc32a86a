"""What the phrase guard is asked and what it answers. Field names are those of the guard's evaluation data."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Party(Enum):
    """Who is on the line, as far as it is known."""

    UNKNOWN = "unknown"
    DEBTOR = "debtor"
    THIRD_PARTY = "third_party"
    GUARANTOR = "guarantor"
    REPRESENTATIVE = "authorised_representative"


class Channel(Enum):
    LIVE = "live"
    VOICEMAIL = "voicemail"


class Speaker(Enum):
    BOT = "bot"
    HUMAN_AGENT = "human_agent"


@dataclass(frozen=True)
class CallState:
    """The facts of the call that decide whether a sentence may be said. The defaults permit the least."""

    party: Party = Party.UNKNOWN
    identity_verified: bool = False
    channel: Channel = Channel.LIVE
    speaker: Speaker = Speaker.BOT
    legal_action_authorised: bool = False
    waiver_authorised: bool = False
    visit_authorised: bool = False
    co_borrower_on_file: bool = False
    ptp_on_file: bool = False
    creditor_name_reveals_collection: bool = False
    ledger_amount: Decimal | None = None
    """Amount due now, in the currency of the case; None means that no amount may be named as due."""
    stated_amounts: tuple[Decimal, ...] = ()
    """Other amounts that are true on this call: instalments computed from the ledger, what the caller just offered."""
    jurisdiction: str = "cn"
    """Rule pack: cn, us, uk_eu, hk, tw."""


class Action(Enum):
    """From harmless to grave; the gravest of several findings wins."""

    ALLOW = "allow"
    SOFTEN = "soften"
    REPLACE = "replace"
    HAND_OFF = "hand_off"
    END = "end"


@dataclass(frozen=True)
class Finding:
    """One reason against a sentence."""

    category: str
    """One of the 18 categories of the guard data: threat, insult, impersonation, ..."""
    action: Action
    rule_ids: tuple[str, ...]
    """Rules of the pack, such as CN-SPEECH-01."""
    span: tuple[int, int]
    """Characters of the text as it was given, end excluded."""
    why: str
    """For a person: what was matched, in which layer, and which fact of the call state mattered."""


@dataclass(frozen=True)
class Verdict:
    """What the guard decided about one sentence."""

    action: Action
    findings: tuple[Finding, ...]
    """Gravest first; empty when allowed."""
    pack_hash: str
    """SHA-256 of the rule pack that decided, kept with every call."""

    @property
    def allowed(self) -> bool:
        return self.action is Action.ALLOW

    @property
    def category(self) -> str | None:
        return self.findings[0].category if self.findings else None
