"""Counts over trials: turns cut off, turns missed, lines stopped for nothing, and how fast it was otherwise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voicebot.call.turns.annotation import AnnotatedCall, BotLine, CallerSpeech, Pause, PauseKind, SpeechKind
from voicebot.call.turns.trial import Trial, TurnTaken

EARLY_SECONDS = 1.0
"""A turn belongs to a pause when its last sound, as the engine heard it, is at most this long before it and within the
speech before it: annotations often take the quiet end of a word, or of a synthesised file, for speech."""

_BEFORE = 0.3
"""Seconds by which the engine may hear the beginning of a sound before its annotation has it."""


@dataclass
class Score:
    """What was counted over some calls."""

    within_turn: int = 0
    turn_ends: int = 0
    signs: int = 0
    """Signs of listening and noises over the bot."""
    barge_ins: int = 0
    false_cut_in: int = 0
    missed_turn: int = 0
    false_stop: int = 0
    missed_stop: int = 0
    responses: list[float] = field(default_factory=list)
    """Seconds from the caller's last sound to the turn's words in hand."""
    stops: list[float] = field(default_factory=list)
    """Seconds from the caller's first sound over the bot to the bot being stopped."""
    errors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, call: AnnotatedCall, trial: Trial) -> None:
        """Counts one call in."""
        for pause in call.pauses:
            if pause.kind is PauseKind.WITHIN_TURN:
                self._within(call, pause, trial)
            else:
                self._end(call, pause, trial)
        for speech in call.speech:
            line = _spoken_over(speech, call.lines)
            if line is not None and line.interruptible and speech.kind is not SpeechKind.TURN:
                self._over(call, speech, line, trial)

    def facts(self) -> dict[str, Any]:
        """The figures under the names of the evaluation contract."""
        return {
            "n": self.within_turn + self.turn_ends + self.signs + self.barge_ins,
            "false_cut_in": self.false_cut_in,
            "missed_turn": self.missed_turn,
            "false_stop": self.false_stop,
            "missed_stop": self.missed_stop,
            "response_ms": _percentiles(self.responses),
            "barge_in_stop_ms": _percentiles(self.stops),
            "of": {
                "pauses_within_turn": self.within_turn,
                "turn_ends": self.turn_ends,
                "signs_of_listening": self.signs,
                "barge_ins": self.barge_ins,
            },
            "errors": self.errors,
        }

    def _within(self, call: AnnotatedCall, pause: Pause, trial: Trial) -> None:
        self.within_turn += 1
        cut = next((turn for turn in trial.turns if not turn.listening and _ends_in(turn, pause, call)), None)
        if cut is not None:
            self.false_cut_in += 1
            self._tell(call, "false_cut_in", pause.begins, cut.text)

    def _end(self, call: AnnotatedCall, pause: Pause, trial: Trial) -> None:
        self.turn_ends += 1
        following = _next_speech(call, pause)
        taken = next((turn for turn in trial.turns if _ends_in(turn, pause, call) and turn.ended < following), None)
        if taken is None or taken.listening:
            self.missed_turn += 1
            self._tell(call, "missed_turn", pause.begins, taken.text if taken else "")
        else:
            self.responses.append(max(0.0, taken.at - pause.begins))

    def _over(self, call: AnnotatedCall, speech: CallerSpeech, line: BotLine, trial: Trial) -> None:
        meant = speech.kind is SpeechKind.BARGE_IN
        stop = next(
            (
                one
                for one in trial.stops
                if speech.begins <= one.at <= max(line.ends, speech.ends)
                and (meant or speech.begins - _BEFORE <= one.speech_began <= speech.ends)
            ),
            None,
        )
        if meant:
            self.barge_ins += 1
            if stop is None:
                self.missed_stop += 1
                self._tell(call, "missed_stop", speech.begins, speech.text)
            else:
                self.stops.append(stop.at - speech.begins)
        else:
            self.signs += 1
            if stop is not None:
                self.false_stop += 1
                self._tell(call, "false_stop", speech.begins, speech.text)

    def _tell(self, call: AnnotatedCall, kind: str, at: float, text: str) -> None:
        self.errors.append({"call": call.name, "kind": kind, "at": round(at, 3), "text": text})


def score(calls: Sequence[tuple[AnnotatedCall, Trial]]) -> dict[str, Any]:
    """Over all calls."""
    whole = Score()
    for call, trial in calls:
        whole.add(call, trial)
    return whole.facts()


def _ends_in(turn: TurnTaken, pause: Pause, call: AnnotatedCall) -> bool:
    """The engine held the turn for over in this pause."""
    before = [speech.begins for speech in call.speech if speech.begins < pause.begins]
    earliest = max(pause.begins - EARLY_SECONDS, before[-1] if before else 0.0)
    latest = pause.ends if pause.kind is PauseKind.WITHIN_TURN else float("inf")
    return earliest <= turn.ended < latest - 0.01


def _next_speech(call: AnnotatedCall, pause: Pause) -> float:
    """When the caller speaks again: by then the turn must have been taken."""
    return next((one.begins for one in call.speech if one.begins > pause.begins + 0.02), float("inf"))


def _spoken_over(speech: CallerSpeech, lines: Sequence[BotLine]) -> BotLine | None:
    return next((line for line in lines if line.begins <= speech.begins < line.ends), None)


def _percentiles(seconds: Sequence[float]) -> dict[str, float | None]:
    if not seconds:
        return {"p50": None, "p95": None}
    return {f"p{p}": round(1000 * float(np.percentile(seconds, p)), 1) for p in (50, 95)}
