"""What the call listens for while the caller has the turn."""

from __future__ import annotations

from voicebot.dialog.events import Listen
from voicebot.dialog.flow import State
from voicebot.dialog.ground import Ground
from voicebot.dialog.state import DialogState
from voicebot.understanding.meaning import Expecting

ELDERLY_SILENCE = 10.0
"""Seconds that a person who needs time is given."""


def listen_to(spec: State, ground: Ground, state: DialogState) -> Listen:
    """For a state that listens: how long, for what kind of answer, for how many keys, for which words."""
    listening, collecting = spec.listening, spec.collecting
    assert listening is not None
    wanted = 0
    if collecting is not None and collecting.by_keys:
        wanted = max(collecting.digits - sum(len(piece.text) for piece in state.digits), 1)
    silence = listening.silence_seconds
    return Listen(
        silence_seconds=max(silence, ELDERLY_SILENCE) if state.elderly else silence,
        expecting=listening.expecting,
        digits=wanted,
        phrases=_phrases(listening.phrases, ground, state),
    )


def _phrases(phrases: tuple[str, ...], ground: Ground, state: DialogState) -> tuple[str, ...]:
    name = ground.facts.get("debtor.name")
    if state.expecting is Expecting.IDENTITY and isinstance(name, str):
        phrases = (*phrases, name)
    if ground.library.language.startswith("en"):
        return tuple(phrase for phrase in phrases if phrase.isascii())
    return phrases
