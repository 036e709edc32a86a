"""What the slot finders hand to one another: a stretch of text and the value it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal


@dataclass(frozen=True)
class DaySpan:
    """Words that name a day, or a stretch of days."""

    start: int
    end: int
    """Character range in the text, end excluded."""
    day: date | None
    """None when the words leave the day open."""
    earliest: date | None = None
    latest: date | None = None
    approximate: bool = False
    vague: bool = False
    """True when the day must be asked back."""
    payday: bool = False
    """The day was given as the day wages come."""
    before: date | None = None
    """The last time the same words came, where they name no month and no week: 三号 in 三号就还过了."""
    now: bool = False
    """现在, 马上: today only where something is paid in the same clause."""


@dataclass(frozen=True)
class ClockSpan:
    """Words that name a time of day, or a part of a day."""

    start: int
    end: int
    clock: time | None
    """None when only a part of the day is named."""
    next_day: bool = False
    """晚上十二点 belongs to the day after."""
    earliest: time | None = None
    latest: time | None = None
    approximate: bool = False
    part: str | None = None
    """The part of day in the words: 下午."""
    early: time | None = None
    """The same hour before noon, where the words leave it open and only the clock of the call spoke for the evening."""
    after_minutes: int | None = None
    """半小时后: minutes from now, instead of a clock. Below zero in 半小时前."""
    after_at_most: int | None = None
    """个把小时: the most minutes from now, where the words give two bounds."""

    @property
    def ago(self) -> bool:
        """Whether it looks back: 半小时前."""
        return self.after_minutes is not None and self.after_minutes < 0


@dataclass(frozen=True)
class AmountSpan:
    """Words that name a sum of money."""

    start: int
    end: int
    value: Decimal | None
    """None when the words leave it open (几百块), or when 全部 is said and the debt is not known."""
    earliest: Decimal | None = None
    latest: Decimal | None = None
    approximate: bool = False
    vague: bool = False
    of_debt: str | None = None
    """all, half, rest, minimum, or share: a part of the debt rather than a number."""
    monthly: bool = False
    offered: bool = True
    """False for a sum that is only mentioned: owed, earned, asked off, or more than the caller has."""
    reachable: bool = True
    """False for a sum of which the caller says that it cannot or will not be paid, or that is only reckoned with."""
    total: bool = False
    """Only what it comes to altogether: 一共两千. Offered where the turn promises a day or answers how much, and names
    no other."""
    sent: bool = False
    """A verb of paying stands right beside it: 把三千打过来, 给一半."""


@dataclass(frozen=True)
class DigitSpan:
    """Digits spelled one by one."""

    start: int
    end: int
    digits: str
    runs: tuple[str, ...] = ()
    """The same digits, run by run as they were said: 38 and 3825."""
