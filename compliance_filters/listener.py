"""The guard behind the recogniser on the human agent's side: it warns while the sentence is still being spoken.

Recognisers deliver partial results that grow and are corrected, then a final one. A finding may lie across the
border of
two finals; each is reported once.
"""

from __future__ import annotations

from dataclasses import replace

from compliance_filters.guard import PhraseGuard
from compliance_filters.verdict import CallState, Speaker, Verdict

_TAIL = 40


class AgentListener:
    """Follows one human agent on one call. Keep one for each bridged call; feed it every partial and final result."""

    def __init__(self, guard: PhraseGuard, state: CallState) -> None:
        self._guard = guard
        self._state = replace(state, speaker=Speaker.HUMAN_AGENT)
        self._said = ""
        self._warned: list[tuple[str, int, int]] = []
        self._dropped = 0

    def state_changed(self, state: CallState) -> None:
        """Facts of the call changed (the party was verified, an authorisation was given)."""
        self._state = replace(state, speaker=Speaker.HUMAN_AGENT)

    def feed(self, partial_text: str, final: bool) -> list[Verdict]:
        """The latest result for the current utterance: all of it so far, not only what is new. Returns verdicts that
        have not been given before; spans point into what was fed before, joined, of which `heard` gives the text."""
        # Finals are joined without a full stop: a recogniser ends a result at a breath, not at the end of a sentence.
        joined = self._said + partial_text
        verdict = self._guard.check(joined, self._state, complete=final)
        fresh = []
        for finding in verdict.findings:
            start, end = finding.span
            at = (finding.category, start + self._dropped, end + self._dropped)
            if any(c == at[0] and at[1] < e and s < at[2] for c, s, e in self._warned):
                continue
            self._warned.append(at)
            fresh.append(finding)
        if final:
            self._said = joined
            surplus = len(joined) - _TAIL
            if surplus > 0:
                self._said = joined[surplus:]
                self._dropped += surplus
        return (
            [replace(verdict, findings=tuple(fresh), action=max((f.action for f in fresh), key=_rank))] if fresh else []
        )

    @property
    def heard(self) -> str:
        """The tail of what was finally recognised, as far back as a finding may reach."""
        return self._said


def _rank(action: object) -> int:
    from compliance_filters.verdict import Action

    return list(Action).index(action)  # type: ignore[arg-type]
