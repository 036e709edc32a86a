"""A case as somebody hands it in, by API, by command line or as a row of a table; checked, then stored."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from voicebot.store.number import REGIONS
from voicebot.store.records import AgeBand, Case, Consent, Debt, Debtor, PhoneNumber, new_id

_STATES = re.compile(
    r"A[KLRSZ]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOPST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|"
    r"W[AIVY]"
)
"""States, districts and territories of the United States (USPS Publication 28)."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("control_characters", "control characters and line breaks are not allowed here")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)
]
"""A short text on one line."""


class CaseForm(BaseModel):
    """One debt of one debtor."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, str_strip_whitespace=True)

    external_id: Line | None = None
    """The creditor's contract number. Handing in the same one again changes the case instead of adding one."""
    name: Line
    """The debtor's name."""
    surname: Line | None = None
    """The surname, where it is known apart."""
    honorific: Literal["先生", "女士", "Mr", "Ms"] | None = None
    """How the person is addressed."""
    debtor_id: Line | None = None
    """The creditor's customer number: cases with the same one share the debtor."""
    id_last_four: str | None = Field(None, pattern=r"^[0-9]{3}[0-9Xx]$")
    """Last four characters of the identity document, to verify the right party."""
    age_band: Literal["unknown", "minor", "adult", "elderly"] = "unknown"
    """minor is never called; elderly (60 and over) is spoken to more slowly."""
    numbers: tuple[Line, ...] = Field(min_length=1, max_length=20)
    """Telephone numbers in the order in which they are tried: E.164, or national numbers of the jurisdiction."""
    creditor: Line
    """Name of the creditor, as it is spoken once the right party is verified."""
    amount_due: Decimal = Field(gt=0, max_digits=15, decimal_places=4)
    """Due now, everything included."""
    due_date: date
    """Day on which it was, or will be, due: YYYY-MM-DD."""
    currency: str = Field("CNY", pattern=r"^[A-Z]{3}$")
    """ISO 4217."""
    principal: Decimal | None = Field(None, ge=0, max_digits=15, decimal_places=4)
    """The part of the amount that was lent, without interest and charges."""
    minimum_due: Decimal | None = Field(None, gt=0, max_digits=15, decimal_places=4)
    """The least that may be paid now."""
    product: Line | None = None
    """What the debt is for, as it may be named to the debtor."""
    language: str = Field("zh-CN", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    """BCP 47."""
    dialect: Line | None = None
    """Dialect the debtor speaks, where it is known."""
    jurisdiction: Literal["cn", "us", "uk_eu", "hk", "tw"] = "cn"
    """Rule pack that protects this debtor."""
    time_zone: str = "Asia/Shanghai"
    """The debtor's time zone, as in the IANA database."""
    residence: Annotated[Line, AfterValidator(str.upper)] | None = None
    """State the debtor lives in, two letters such as MA: cases under `us` are not called without it."""
    risk_tier: Line | None = None
    """The creditor's risk class."""
    payday: int | None = Field(None, ge=1, le=31)
    """Day of the month on which income arrives."""
    preferred_hours: tuple[Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")], ...] = ()
    """Spans of the day the debtor asked to be called in, such as 18:00-20:00."""

    consent_call: bool | None = None
    """Whether the debtor agreed to be called about the debt: yes or no; left out when nobody knows."""
    consent_robot_call: bool | None = None
    """Whether the debtor agreed to calls by an automatic or artificial voice."""
    consent_recording: bool | None = None
    """Whether the debtor agreed to recording."""
    consent_sms: bool | None = None
    """Whether the debtor agreed to text messages."""
    consent_date: date | None = None
    """Day on which the answers above were given: needed with any of them."""
    consent_source: Line | None = None
    """Where they are written down: contract, form, recording."""

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self._answers() and self.consent_date is None:
            raise PydanticCustomError("consent_date", "a consent needs consent_date, the day on which it was given")
        if self.minimum_due is not None and self.minimum_due > self.amount_due:
            raise PydanticCustomError("minimum_due", "minimum_due is more than amount_due")
        if self.jurisdiction == "us" and self.residence is not None and not _STATES.fullmatch(self.residence):
            raise PydanticCustomError("residence", "residence is no state of the United States: write two letters")
        return self

    def _answers(self) -> dict[str, bool]:
        given = {
            "call": self.consent_call,
            "robot_call": self.consent_robot_call,
            "recording": self.consent_recording,
            "sms": self.consent_sms,
        }
        return {kind: answer for kind, answer in given.items() if answer is not None}

    def _consents(self) -> tuple[Consent, ...]:
        if self.consent_date is None:
            return ()
        at = datetime.combine(self.consent_date, time(), ZoneInfo(self.time_zone))
        source = self.consent_source or ""
        return tuple(Consent(kind, granted, at, source) for kind, granted in self._answers().items())

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise PydanticCustomError(
                "time_zone", "not a time zone of the IANA database, such as Asia/Shanghai"
            ) from error
        return value

    @field_validator("numbers")
    @classmethod
    def _dialable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # The region is only known with the jurisdiction, so that a national number is judged again in to_case.
        for number in value:
            digits = sum(character.isdigit() for character in number)
            if not 3 <= digits <= 15 or any(not (c.isdigit() or c in "+-() .") for c in number):
                raise PydanticCustomError("number", "`{number}` is not a telephone number", {"number": number})
        return value

    def to_case(self) -> Case:
        """The case to be stored. Raises ValueError, with the number, when one cannot be dialled in the jurisdiction."""
        return Case(
            id=new_id(),
            external_id=self.external_id,
            debtor=Debtor(
                name=self.name,
                external_id=self.debtor_id,
                surname=self.surname,
                honorific=self.honorific,
                id_last_four=self.id_last_four.upper() if self.id_last_four else None,
                age_band=AgeBand(self.age_band),
                numbers=tuple(
                    PhoneNumber(to_e164(number, self.jurisdiction), preferred=order)
                    for order, number in enumerate(self.numbers)
                ),
            ),
            debt=Debt(
                creditor=self.creditor,
                amount_due=self.amount_due,
                due_date=self.due_date,
                currency=self.currency,
                product=self.product,
                principal=self.principal,
                minimum_due=self.minimum_due,
            ),
            time_zone=self.time_zone,
            language=self.language,
            dialect=self.dialect,
            jurisdiction=self.jurisdiction,
            residence=self.residence,
            risk_tier=self.risk_tier,
            payday=self.payday,
            preferred_hours=self.preferred_hours,
            consents=self._consents(),
        )


def to_e164(number: str, jurisdiction: str) -> str:
    """A number as E.164. Raises ValueError with the remedy when it cannot be one."""
    import phonenumbers

    region = REGIONS.get(jurisdiction)
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"{number} is not a telephone number; write it as E.164, such as +8613800000000") from error
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError(f"{number} cannot be a number of {region}: check its digits, or write it as E.164")
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
