"""Required statements on one call: counted by what was played, recovered or the call ended when one was missed."""

from __future__ import annotations

from collections.abc import Iterable

from compliance_filters.disclosures import Disclosure, DisclosureChange, DisclosureStatus, DisclosureTracker, Missed
from voicebot.call.floor import LineOutcome
from voicebot.call.timeline import Timeline
from voicebot.dialog.events import Say


class Disclosing:
    """Tells the tracker what was heard, the timeline what that made or missed, and the call what to say now."""

    def __init__(self, required: Iterable[Disclosure], timeline: Timeline, language: str) -> None:
        self._tracker = DisclosureTracker(required)
        self._timeline = timeline
        self._language = language
        self._recovered: set[str] = set()

    def right_party(self) -> None:
        """The debtor was verified: what is owed to the right party counts from now."""
        self._tracker.right_party()

    def heard(self, outcome: LineOutcome) -> list[Say]:
        """A line was heard, as far as it was. Returns the statements that must be said before anything else."""
        changes = self._tracker.heard(outcome.played_seconds, sorted(outcome.say.discloses), outcome.complete)
        return [say for change in changes if (say := self._follow(change)) is not None]

    @property
    def must_end(self) -> bool:
        """A statement was missed whose rule ends the call."""
        return self._tracker.must_end()

    def _follow(self, change: DisclosureChange) -> Say | None:
        disclosure = change.disclosure
        self._timeline.add(
            "disclosure",
            id=disclosure.id,
            status=change.status.value,
            played_seconds=round(change.played_seconds, 2),
            rules=list(disclosure.rules),
        )
        if change.status is not DisclosureStatus.MISSED or disclosure.if_missed is Missed.END:
            return None
        wording = disclosure.wording.get(self._language)
        # Once is enough: a caller who breaks into the recovery as well is not told a third time.
        if wording is None or disclosure.id in self._recovered:
            return None
        self._recovered.add(disclosure.id)
        return Say(
            line=f"disclosure.{disclosure.id}",
            text=wording,
            language=self._language,
            interruptible=False,
            discloses=frozenset({disclosure.id}),
        )
