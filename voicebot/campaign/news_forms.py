"""News of a case as somebody hands it in, by API or as a row of a table; checked, then told to the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from voicebot.campaign.case_flags import AUTHORISATIONS, FLAGS, flag_named
from voicebot.campaign.case_form import Line
from voicebot.campaign.number_labels import LABELS, label_named
from voicebot.store.news_records import ConsentNews, FlagNews, News, NumberNews, PaymentNews, SpanKind, SpanNews
from voicebot.store.records import NumberState


def _flag(text: str) -> str:
    found = flag_named(text)
    if found is None:
        known = ", ".join(sorted({*FLAGS, *AUTHORISATIONS}))
        raise PydanticCustomError("flag", "`{flag}` is no flag; the flags are {known}", {"flag": text, "known": known})
    return found


def _label(text: str) -> str:
    found = label_named(text)
    if found is None:
        known = ", ".join(sorted(filter(None, LABELS)))
        raise PydanticCustomError("label", "`{label}` is no label; they are {known}", {"label": text, "known": known})
    return found


_STATES = {"有效": "valid", "空号": "invalid", "无效": "invalid", "停机": "invalid", "错号": "wrong_person"}
_STATES |= {"非本人": "wrong_person", "停止": "stop", "拒接": "stop", "停拨": "stop"}
_KINDS = {"同意电话": "call", "同意机器人外呼": "robot_call", "同意录音": "recording", "同意短信": "sms"}
_KINDS |= {"委托告知": "agency_notice", "转让告知": "assignment_notice", "债权转让通知": "assignment_notice"}
_TIMES = {
    "约定": "agreed",
    "同意时段": "agreed",
    "不便": "blocked",
    "拒绝时段": "blocked",
    "外访": "visit",
    "上门": "visit",
}


_FIRST, _LAST = date(1970, 1, 1), date(2199, 12, 31)
Day = Annotated[date, Field(ge=_FIRST, le=_LAST)]
"""A day that somebody living can mean."""


def _named(names: Mapping[str, str]) -> BeforeValidator:
    """Reads a Chinese name as the word it stands for; whatever is no text is left to be refused."""
    return BeforeValidator(lambda value: names.get(value, value) if isinstance(value, str) else value)


class NewsForm(Protocol):
    """A form that becomes news of a case."""

    def news(self, case: str) -> News: ...


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, str_strip_whitespace=True)


class PaymentForm(_Form):
    """Money that came in for a case."""

    reference: Line
    """The creditor's own reference of the payment: the same one again is the same payment."""
    amount: Decimal = Field(gt=0, max_digits=15, decimal_places=4)
    """What was paid."""
    paid_on: Day
    """Day on which it was paid: YYYY-MM-DD."""
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    """ISO 4217; left out, the case's. A payment in another currency is refused."""

    def news(self, case: str) -> PaymentNews:
        return PaymentNews(case, self.reference, self.amount, self.paid_on, self.currency)


class FlagForm(_Form):
    """Something that every later decision must know."""

    flag: Annotated[Line, AfterValidator(_flag)]
    """dispute, complaint, stop_contact, deceased, lawyer, vulnerable, ...; common Chinese names are understood."""
    in_force: bool = True
    """False lifts the flag; only an officer may."""
    since: Day | None = None
    """Day on which it came up, or was lifted: YYYY-MM-DD; left out, now."""
    note: str = Field("", max_length=500)
    """What happened, in a few words."""

    def news(self, case: str) -> FlagNews:
        since = None if self.since is None else datetime.combine(self.since, time())
        return FlagNews(case, self.flag, self.in_force, since, self.note, self.flag in AUTHORISATIONS)


class NumberForm(_Form):
    """What is known of a telephone number of the debtor."""

    number: Line
    """E.164, or a national number of the case's jurisdiction; one that is new is added."""
    state: Annotated[
        Literal["valid", "invalid", "wrong_person", "stop"] | None,
        _named(_STATES),
    ] = None
    """valid, invalid (empty number), wrong_person (somebody else's), stop (not to be called on it); left out, as it
    is. Making a wrong or stopped number valid is an officer's."""
    label: Annotated[Line, AfterValidator(_label)] | None = None
    """Whose it is: own, mobile, home, household, work, guarantor, third_party; left out, as it is."""
    approved_by: Line | None = None
    """Who approved that a third party is called on it."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.state is None and self.label is None and self.approved_by is None:
            raise PydanticCustomError("state", "say something of the number: state, label or approved_by")
        return self

    def news(self, case: str) -> NumberNews:
        state = None if self.state is None else NumberState(self.state)
        return NumberNews(case, self.number, state, self.label, self.approved_by)


class ConsentForm(_Form):
    """A yes or a no of the debtor, or a notice that was sent."""

    kind: Annotated[
        Literal[
            "call",
            "robot_call",
            "recording",
            "sms",
            "education_message",
            "agency_notice",
            "assignment_notice",
            "validation_notice",
        ],
        _named(_KINDS),
    ]
    """call, robot_call, recording, sms, education_message; or a notice sent: agency_notice, assignment_notice,
    validation_notice."""
    granted: bool = True
    """False: it was refused, or taken back."""
    on: Day
    """Day on which it was given or sent: YYYY-MM-DD."""
    source: Line
    """Where it is written down: contract, form, recording, letter."""

    def news(self, case: str) -> ConsentNews:
        return ConsentNews(case, self.kind, datetime.combine(self.on, time()), self.granted, self.source)


class TimeForm(_Form):
    """A time that was agreed or ruled out, or a visit."""

    kind: Annotated[Literal["agreed", "blocked", "visit"], _named(_TIMES)]
    """agreed (may be called in it, even outside the lawful hours), blocked (may not), visit (nobody calls that day)."""
    starts: datetime
    """When it begins: 2026-11-20T22:00, in the debtor's zone unless it names one."""
    ends: datetime
    """When it is over."""
    source: Line
    """Where it is written down: a recording, a letter, the visit's order."""
    in_force: bool = True
    """False takes it back; only an officer may."""

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if (self.starts.tzinfo is None) != (self.ends.tzinfo is None):
            raise PydanticCustomError("ends", "starts and ends name a zone both, or neither")
        if not _FIRST <= self.starts.date() <= self.ends.date() <= _LAST:
            raise PydanticCustomError("ends", "it begins before it ends, and both between 1970 and 2199")
        if self.ends <= self.starts:
            raise PydanticCustomError("ends", "it ends before it begins")
        return self

    def news(self, case: str) -> SpanNews:
        return SpanNews(case, SpanKind(self.kind), self.starts, self.ends, self.source, self.in_force)
