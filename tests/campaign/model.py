"""What a campaign may do, said a second time and simply: the model that the state machine holds the engine against.

Nothing here asks the engine. It is told what people did, sees every dial as the far end would, and says what is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
OPENS, CLOSES = time(8), time(22)
NUMBER_A_DAY = 6
ROLLING = ((1, timedelta(minutes=1)), (5, timedelta(hours=1)), (20, timedelta(days=1)))
PERSON_APART = timedelta(hours=1)
TALKS_A_DAY = 3


@dataclass
class Ring:
    """One telephone that rang."""

    at: datetime
    key: str
    case: str
    person: str
    number: str
    caller: str
    worker: str
    campaign: str
    live: bool = True
    talked: bool = False
    """Whether it was a conversation with the debtor, as far as anybody knows."""


@dataclass
class Model:
    """Every `may_not` is a sentence about a dial that should not have been; none is an empty list."""

    concurrency: int
    per_second: float
    caller_a_day: int
    rings: list[Ring] = field(default_factory=list)
    closed_cases: dict[str, str] = field(default_factory=dict)
    """Cases that nobody may call about, and why."""
    closed_people: dict[str, str] = field(default_factory=dict)
    dead_numbers: set[tuple[str, str]] = field(default_factory=set)
    """Person and number."""
    promised: dict[str, date] = field(default_factory=dict)
    """Person, and the last day of an open promise."""
    called_back: dict[str, datetime] = field(default_factory=dict)
    """Case, and the agreed time."""

    def rang(self, ring: Ring) -> list[str]:
        """Judges a dial against everything before it, then takes it in."""
        wrong = [*self._must_not(ring), *self._too_often(ring), *self._too_many(ring)]
        self.rings.append(ring)
        return wrong

    def _must_not(self, ring: Ring) -> list[str]:
        local = ring.at.astimezone(ZONE)
        found = []
        if not OPENS <= local.time() < CLOSES:
            found.append(f"dialled at {local:%H:%M}")
        if ring.case in self.closed_cases:
            found.append(f"dialled after {self.closed_cases[ring.case]} on the case")
        if ring.person in self.closed_people:
            found.append(f"dialled after {self.closed_people[ring.person]} of the person")
        if (ring.person, ring.number) in self.dead_numbers:
            found.append("dialled a number that is wrong or dead")
        if ring.person in self.promised and local.date() <= self.promised[ring.person]:
            found.append(f"dialled before the promised {self.promised[ring.person]} was over")
        if ring.case in self.called_back and ring.at < self.called_back[ring.case]:
            found.append(f"dialled before the agreed {self.called_back[ring.case]}")
        return found

    def _too_often(self, ring: Ring) -> list[str]:
        """A clock may step back: what lies ahead of this dial counts as near as what lies behind."""
        found = []
        if any(before.key == ring.key for before in self.rings):
            found.append("one key dialled twice")
        here = ring.at.astimezone(ZONE).date()
        days: dict[str, int] = defaultdict(int)
        for before in self.rings:
            apart = abs(ring.at - before.at)
            if before.person == ring.person and apart < PERSON_APART:
                found.append(f"the person was called {apart} before")
            if before.at.astimezone(ZONE).date() == here:
                days["number"] += before.number == ring.number
                days["talks"] += before.person == ring.person and before.talked
                days["caller"] += before.caller == ring.caller
        for limit, span in ROLLING:
            near = sum(before.number == ring.number and abs(ring.at - before.at) < span for before in self.rings)
            if near >= limit:
                found.append(f"the number was called {near} times within {span}")
        for name, most in (("number", NUMBER_A_DAY), ("talks", TALKS_A_DAY), ("caller", self.caller_a_day)):
            if days[name] >= most:
                found.append(f"{days[name]} of {name} today already")
        return found

    def _too_many(self, ring: Ring) -> list[str]:
        """Concurrency and pace are each campaign's own, on all workers together."""
        found = []
        same = [before for before in self.rings if before.campaign == ring.campaign]
        live = sum(before.live for before in same)
        if live >= self.concurrency:
            found.append(f"{live} calls were live already")
        second = sum(abs(ring.at - before.at) < timedelta(seconds=1) for before in same)
        # Half a second may be made up for, on each side of a clock that stepped back over it.
        if second > 2 * (1.5 * self.per_second + 1):
            found.append(f"{second} dials within a second")
        return found
