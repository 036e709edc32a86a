"""Who has the floor: the line being said, how much of it was played, whether it may be interrupted. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from voicebot.dialog.events import Say


@dataclass
class LineInHand:
    """One approved line between the guard and the caller's ear."""

    number: int
    say: Say
    text: str
    """The words the guard let through."""
    synthesised_seconds: float = 0.0
    """Seconds of audio made so far."""
    synthesis_complete: bool = False
    started_at: float | None = None
    """Media seconds at which its first audio left."""


@dataclass(frozen=True)
class LineOutcome:
    """How a line ended."""

    number: int
    say: Say
    text: str
    played_seconds: float
    total_seconds: float | None
    """None when it was stopped before the whole of it had been made."""
    complete: bool
    heard_text: str
    unsaid_text: str


# A Mandarin voice says about this many characters a second; used only for a line cut off while it was still being made.
_CHARACTERS_PER_SECOND = 4.5


class Floor:
    """The bot's lines in order, from approval to the caller's ear."""

    def __init__(self) -> None:
        self._lines: list[LineInHand] = []

    @property
    def current(self) -> LineInHand | None:
        """The line being said, or the first one waiting."""
        return self._lines[0] if self._lines else None

    @property
    def bot_has_it(self) -> bool:
        return bool(self._lines)

    @property
    def may_be_interrupted(self) -> bool:
        """True when the line now being said may be cut."""
        current = self.current
        return current is not None and current.say.interruptible

    def take(self, number: int, say: Say, text: str) -> LineInHand:
        """A line was approved and waits its turn."""
        line = LineInHand(number, say, text)
        self._lines.append(line)
        return line

    def get(self, number: int) -> LineInHand | None:
        return next((line for line in self._lines if line.number == number), None)

    def settle(self, number: int, *, played: bool, played_seconds: float) -> LineOutcome | None:
        """A line was played to its end, or stopped after `played_seconds`. None for a line already settled."""
        line = self.get(number)
        if line is None:
            return None
        self._lines.remove(line)
        return outcome(line, played=played, played_seconds=played_seconds)


def outcome(line: LineInHand, *, played: bool, played_seconds: float) -> LineOutcome:
    """What of a line was heard, by the share of its audio that was played."""
    total = line.synthesised_seconds if line.synthesis_complete else None
    if played:
        return LineOutcome(line.number, line.say, line.text, played_seconds, total, True, line.text, "")
    if total:
        share = min(1.0, played_seconds / total)
        cut = round(len(line.text) * share)
    else:
        cut = min(len(line.text), round(played_seconds * _CHARACTERS_PER_SECOND))
    if played_seconds <= 0:
        cut = 0
    return LineOutcome(line.number, line.say, line.text, played_seconds, total, False, line.text[:cut], line.text[cut:])
