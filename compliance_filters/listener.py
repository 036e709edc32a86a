"""The guard behind the recogniser on the human agent's side: it warns while the sentence is still being spoken.

Recognisers deliver partial results that grow and are corrected, then a final one. A finding may lie across the border
of two finals; each is reported once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from compliance_filters.verdict import Action, CallState, Finding, Speaker, Verdict

_TAIL = 40
_GRAVITY = {action: rank for rank, action in enumerate(Action)}


class Judge(Protocol):
    """What the listener needs of the phrase guard."""

    def check(self, text: str, state: CallState, *, complete: bool = True) -> Verdict: ...


class AgentListener:
    """Follows one human agent on one call. Keep one for each bridged call; feed it every partial and final result."""

    def __init__(self, guard: Judge, state: CallState) -> None:
        self._guard = guard
        self._state = replace(state, speaker=Speaker.HUMAN_AGENT)
        self._said = ""
        self._warned: list[tuple[str, int, int]] = []
        self._dropped = 0

    def state_changed(self, state: CallState) -> None:
        """Facts of the call changed (the party was verified, an authorisation was given)."""
        self._state = replace(state, speaker=Speaker.HUMAN_AGENT)

    def feed(self, text: str, final: bool) -> list[Verdict]:
        """The latest result for the current utterance: all of it so far, not only what is new.

        Returns at most one verdict, of the findings that were not reported before; their spans point into `heard`, as
        it was before this call, followed by `text`.
        """
        # Finals are joined without a full stop: a recogniser ends a result at a breath, not at the end of a sentence.
        joined = self._said + text
        verdict = self._guard.check(joined, self._state, complete=final)
        findings = list(verdict.findings)
        if final and self._said:
            # Read by itself as well: much lawful talk before it must not drown what a whole turn means, and a second
            # offence of a kind must not hide behind the first.
            alone = self._guard.check(text, self._state)
            findings += [_moved(finding, len(self._said)) for finding in alone.findings]
        fresh = [finding for finding in findings if self._is_new(finding)]
        if final:
            surplus = max(0, len(joined) - _TAIL)
            self._said = joined[surplus:]
            self._dropped += surplus
        if not fresh:
            return []
        fresh.sort(key=lambda finding: -_GRAVITY[finding.action])
        return [replace(verdict, findings=tuple(fresh), action=fresh[0].action)]

    def _is_new(self, finding: Finding) -> bool:
        """False for what was reported already, wherever a corrected result has moved it a little; remembers it."""
        category = finding.category
        start, end = (place + self._dropped for place in finding.span)
        if any(known == category and begins < end and start < ends for known, begins, ends in self._warned):
            return False
        self._warned.append((category, start, end))
        return True

    @property
    def heard(self) -> str:
        """The tail of what was finally recognised, as far back as a finding may reach."""
        return self._said


def _moved(finding: Finding, by: int) -> Finding:
    start, end = finding.span
    return replace(finding, span=(start + by, end + by))
