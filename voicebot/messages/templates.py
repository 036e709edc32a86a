"""The templates of messages: scripts_library/<language>/messages/*.yaml, read with the place of every mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance_filters.guard import PhraseGuard
from compliance_filters.verdict import CallState, Party
from voicebot.dialog.checks.values import samples_of
from voicebot.dialog.facts import FACTS
from voicebot.dialog.library import CONTENT, nearest, shown
from voicebot.dialog.places import NOWHERE, Finding, FlowError, Place, finding, read_yaml
from voicebot.dialog.schema import findings_of
from voicebot.dialog.wording import blanks
from voicebot.messages.writing import Writer

LONGEST = 335
"""Characters of a Chinese text that goes out as five parts; a longer one is a letter, not a message."""
CURRENCIES: Mapping[str, str] = {"cn": "CNY", "us": "USD", "uk_eu": "GBP", "hk": "HKD", "tw": "TWD"}


class Purpose(Enum):
    """Why a message is sent: it decides which holds of the case stand against it."""

    CONFIRMATION = "confirmation"
    """Of what the debtor has just agreed to or asked for."""
    REMINDER = "reminder"
    """Of what the debtor promised, on the day."""
    RECEIPT = "receipt"
    """That a complaint or a dispute was taken down."""


@dataclass(frozen=True)
class Template:
    """One message that may be sent."""

    name: str
    purpose: Purpose
    text: str
    """With blanks as in lines: {promise.amount}."""
    discloses_debt: bool
    """Whether it tells of the debt; the guard judges it as said to the verified debtor, any other as said to whoever
    picks the telephone up."""
    valid_hours: float
    """How long after it was asked for it is still of use."""
    language: str
    place: Place = NOWHERE

    @property
    def names(self) -> frozenset[str]:
        """Facts that it uses."""
        return frozenset(name for name, _ in blanks(self.text))

    @property
    def about_promise(self) -> bool:
        return any(name.startswith("promise.") for name in self.names)


Templates = Mapping[str, Template]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Purpose
    text: str = Field(min_length=1, max_length=LONGEST)
    discloses: tuple[Literal["debt"], ...] = ()
    valid_hours: float = Field(48, gt=0, le=24 * 14)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    messages: dict[str, _Body] = Field(min_length=1)


@lru_cache(maxsize=16)
def load_templates(language: str) -> Templates:
    """The templates shipped for a language; none where there are none. Raises FlowError with every finding."""
    return read_templates(CONTENT / "scripts_library" / language / "messages", language)


def read_templates(folder: Path, language: str) -> Templates:
    """As `load_templates`, from any folder, always anew."""
    templates: dict[str, Template] = {}
    found: list[Finding] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            placed = read_yaml(path, shown(path))
            model = _File.model_validate(placed.content)
        except FlowError as error:
            found.extend(error.findings)
            continue
        except ValidationError as error:
            found.extend(findings_of(error, placed))
            continue
        for name, body in model.messages.items():
            template = Template(
                name,
                body.purpose,
                body.text.strip(),
                "debt" in body.discloses,
                body.valid_hours,
                language,
                placed.at(("messages", name)),
            )
            found.extend(_wrong_blanks(template))
            if name in templates:
                found.append(_twice(template, templates[name]))
            templates[name] = template
    if found:
        raise FlowError(tuple(sorted(found, key=lambda item: item.place)))
    return templates


def judged(guard: PhraseGuard, templates: Templates) -> Iterator[Finding]:
    """What the phrase guard has against templates, with every value that their facts may take."""
    for template in templates.values():
        for sample in samples_of(template.text, template.language):
            writer = Writer(template.language, CURRENCIES[guard.pack.pack], sample.today)
            text = writer.fill(template.text, sample.value_of)
            verdict = guard.check(text, state_of(template, guard.pack.pack, sample.amounts))
            if not verdict.allowed:
                first = verdict.findings[0]
                yield finding(
                    "guard",
                    template.place,
                    f"短信 {template.name} 过不了话术卫士：{first.category}（{first.why}）：{text}",
                    f"message {template.name} does not pass the guard: {first.category} ({first.why}): {text}",
                    "改写它；要说到欠款的，加上 discloses: [debt]。",
                    "Reword it; one that tells of the debt needs discloses: [debt].",
                )
                break


def state_of(template: Template, jurisdiction: str, amounts: tuple[Decimal, ...]) -> CallState:
    """What the guard is told of a message: who may read it, and which amounts are true."""
    if not template.discloses_debt:
        return CallState(jurisdiction=jurisdiction, stated_amounts=amounts)
    return CallState(
        party=Party.DEBTOR,
        identity_verified=True,
        ptp_on_file=template.about_promise,
        ledger_amount=amounts[0] if amounts else None,
        stated_amounts=amounts,
        jurisdiction=jurisdiction,
    )


def _wrong_blanks(template: Template) -> Iterator[Finding]:
    for name in sorted(template.names):
        spec = FACTS.get(name)
        if spec is None:
            hint = nearest(name, FACTS)
            yield finding(
                "unknown-fact",
                template.place,
                f"短信 {template.name} 用了不存在的事实 {{{name}}}。",
                f"message {template.name} uses {{{name}}}, and there is no such fact.",
                f"是不是 {{{hint}}}？" if hint else "可用的事实见作者指南。",
                f"Did you mean {{{hint}}}?" if hint else "The authors' guide lists the facts.",
            )
        elif spec.personal or (spec.account and not template.discloses_debt):
            yield finding(
                "message-tag",
                template.place,
                f"短信 {template.name} 写了 {{{name}}}，却没有标 discloses: [debt]。",
                f"message {template.name} writes {{{name}}} and is not tagged discloses: [debt].",
                "证件信息一律不写；账务信息要标明。",
                "Never write what identifies a person; tag what tells of the account.",
            )


def _twice(template: Template, before: Template) -> Finding:
    return finding(
        "message-twice",
        template.place,
        f"短信 {template.name} 在 {before.place} 已有。",
        f"message {template.name} is in {before.place} already.",
        "换一个名字。",
        "Give it another name.",
    )
