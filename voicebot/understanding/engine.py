"""The whole understanding of one turn: normalise, find intents, slots, answer and mood, and put them in one Meaning."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import scripts_library
from voicebot.understanding.answers import compact, read_answer
from voicebot.understanding.dialect import load_dialects
from voicebot.understanding.intents.examples import Example, load_examples
from voicebot.understanding.intents.judgement import Judge
from voicebot.understanding.intents.model import IntentModel, train
from voicebot.understanding.meaning import Context, Meaning, VoiceStats
from voicebot.understanding.normalise import Normaliser, write_numbers
from voicebot.understanding.sentiment import read_sentiment
from voicebot.understanding.slots import extract

_log = logging.getLogger(__name__)
_MODEL_FORM = "2"
"""Raised when features or training change, so that a cached model of another form is not loaded."""


class Understander:
    """Turns words into a Meaning. Holds models and lexicons, no state of any call; one a process, shared by all calls.

    `understand` takes the whole turn as the recogniser gave it and is a pure function of its arguments; it never
    raises on any text. Under 15 ms on one core once warm.
    """

    def __init__(
        self, normaliser: Normaliser, model: IntentModel, by_heart: Mapping[str, str], *, voice_emotion: bool = True
    ) -> None:
        self._normaliser = normaliser
        self._model = model
        self._judge = Judge(self.scores, by_heart)
        self._voice_emotion = voice_emotion

    def understand(self, text: str, context: Context, voice: VoiceStats | None = None) -> Meaning:
        """What the caller meant by `text`, given what the bot has just asked and when."""
        plain = self._normaliser.plain(text)
        clean = self._normaliser.clean(plain)
        answer = read_answer(clean, context.expecting)
        values = extract(clean, context)
        intents = self._judge.intents(plain, clean, context, values.slots, answer)
        heard = voice if self._voice_emotion else None
        return Meaning(
            raw=text,
            text=write_numbers(clean),
            intents=intents,
            answer=answer,
            slots=values.slots,
            sentiment=read_sentiment(plain, [intent.id for intent in intents], heard),
            correction=values.correction,
        )

    def scores(self, clean: str) -> dict[str, float]:
        """The model's probability of every label for a cleaned text."""
        probabilities = self._model.probabilities(clean, None)
        return dict(zip(self._model.labels, probabilities.tolist(), strict=True))


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
    library = library or Path(scripts_library.__file__).parent
    normaliser = Normaliser(load_dialects(library))
    examples = load_examples(library)
    model = _cached_model(normaliser, examples, cache or default_cache())
    by_heart = {compact(normaliser.clean(normaliser.plain(example.text))): example.intent for example in examples}
    return Understander(normaliser, model, by_heart, voice_emotion=voice_emotion)


def default_cache() -> Path:
    """Where trained models are kept: XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voicebot" / "understanding"


def _cached_model(normaliser: Normaliser, examples: list[Example], cache: Path) -> IntentModel:
    mark = hashlib.sha256(_MODEL_FORM.encode())
    for example in examples:
        mark.update(f"{example.intent}\t{example.text}\n".encode())
    path = cache / f"intents-{mark.hexdigest()[:16]}.npz"
    if path.exists():
        try:
            return IntentModel.load(path)
        except (OSError, ValueError, KeyError):
            _log.warning("cached intent model unreadable, training again", extra={"path": str(path)})
    _log.info("training the intent model", extra={"examples": len(examples), "path": str(path)})
    model = train_model(normaliser, examples)
    try:
        model.save(path)
    except OSError:
        _log.warning("intent model not cached, it will be trained at every start", extra={"path": str(path)})
    return model


def train_model(normaliser: Normaliser, examples: list[Example]) -> IntentModel:
    """Trains on the examples as they are, every intent counting alike however many examples it has."""
    texts = [normaliser.clean(normaliser.plain(example.text)) for example in examples]
    labels = [example.intent for example in examples]
    return train(texts, labels, [1.0] * len(texts), None)
