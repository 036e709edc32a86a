"""The whole understanding of one turn: normalise, find intents, slots, answer and mood, and put them in one Meaning."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import scripts_library
from voicebot.understanding.answers import read_answer
from voicebot.understanding.dialect import load_dialects
from voicebot.understanding.intents.classifier import Classifier, is_classifier
from voicebot.understanding.intents.encoder import Encoder, installed_encoder
from voicebot.understanding.intents.examples import load_examples, load_several
from voicebot.understanding.intents.judgement import Judge, mumbled
from voicebot.understanding.intents.model import IntentModel
from voicebot.understanding.intents.training import Lessons, trained_model
from voicebot.understanding.intents.wordings import Wordings
from voicebot.understanding.meaning import Answer, Context, Meaning, VoiceStats
from voicebot.understanding.normalise import Normaliser, write_numbers
from voicebot.understanding.replies import Replies, load_replies
from voicebot.understanding.sentiment import read_sentiment
from voicebot.understanding.slots import extract

_log = logging.getLogger(__name__)
_SURE_WITHOUT_ENCODER = 0.6
"""Probability from which the light model's word is taken without asking the encoder."""
_ENCODER_SHARE = 0.35
"""What the model with the encoder counts beside the light one: it knows rare wordings, and is lost among homophones."""
_ENCODED_CHARACTERS = 16
"""Characters of one turn given to the encoder, the whole turn first and always: this bounds the time of a turn."""


class Understander:
    """Turns words into a Meaning. Holds models and lexicons, no state of any call; one a process, shared by all calls.

    `understand` takes the whole turn as the recogniser gave it and is a pure function of its arguments; it never
    raises on any text. Under 15 ms on one core once warm.
    """

    def __init__(
        self,
        normaliser: Normaliser,
        light: IntentModel,
        wordings: Wordings,
        *,
        full: IntentModel | None = None,
        encoder: Encoder | None = None,
        classifier: Classifier | None = None,
        replies: Replies | None = None,
        voice_emotion: bool = True,
    ) -> None:
        """`light` reads letters and sounds; `full`, with its `encoder`, and a fine-tuned `classifier` are asked only
        where `light` is unsure. `replies` reads short answers that are not known by heart."""
        self._normaliser = normaliser
        self._light = light
        self._full = full
        self._encoder = encoder
        self._classifier = classifier
        self._wordings = wordings
        self._replies = replies
        self._judge = Judge(self._score_all, self._score_lightly, wordings)
        self._voice_emotion = voice_emotion

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers at work, for `doctor` and the log: exact, model, and what of transformers is installed."""
        encoder = ("encoder",) if self._encoder is not None else ()
        return ("exact", "model", *encoder, *(("classifier",) if self._classifier is not None else ()))

    def understand(self, text: str, context: Context, voice: VoiceStats | None = None) -> Meaning:
        """What the caller meant by `text`, given what the bot has just asked and when."""
        plain = self._normaliser.plain(text)
        clean = self._normaliser.clean(plain)
        paused = self._normaliser.with_pauses(text)
        parted = clean if paused == text else self.clean(paused)
        answer = None if mumbled(plain) else self._answer(parted, context)
        values = extract(clean, context)
        intents = self._judge.intents(plain, parted, context, values.slots, answer)
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

    def _answer(self, parted: str, context: Context) -> Answer | None:
        known = read_answer(parted, context.expecting)
        if known is not None or self._replies is None:
            return known
        return self._replies.read(parted, context.expecting)

    def clean(self, text: str) -> str:
        """The text as the model reads it."""
        return self._normaliser.clean(self._normaliser.plain(text))

    def scores(self, clean: str) -> dict[str, float]:
        """The model's probability of every label for a cleaned text."""
        return self._score_all([clean])[0]

    def nearest(self, clean: str, count: int = 3) -> list[dict[str, object]]:
        """The examples of the library most like a cleaned text, letter by letter: for an author who asks why."""
        return self._wordings.nearest(clean, count)

    def _score_lightly(self, text: str) -> dict[str, float]:
        return dict(zip(self._light.labels, self._light.probabilities(text, None).tolist(), strict=True))

    def _score_all(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """The light model for every text, the full one for the first few of which the light one is unsure."""
        rows = [self._light.probabilities(text, None) for text in texts]
        unsure = _first_within([place for place, row in enumerate(rows) if row.max() < _SURE_WITHOUT_ENCODER], texts)
        asked = [texts[place] for place in unsure]
        if asked and self._full is not None and self._encoder is not None:
            for place, vector in zip(unsure, self._encoder.vectors(asked), strict=True):
                told = self._full.probabilities(texts[place], vector)
                rows[place] = _ENCODER_SHARE * told + (1.0 - _ENCODER_SHARE) * rows[place]
        if asked and self._classifier is not None:
            for place, found in zip(unsure, self._classifier.probabilities(asked), strict=True):
                rows[place] = self._classifier.weigh(rows[place], self._light.labels, found)
        return [dict(zip(self._light.labels, row.tolist(), strict=True)) for row in rows]


def _first_within(places: Sequence[int], texts: Sequence[str]) -> list[int]:
    """The first places whose texts together stay within the encoder's share of a turn; the first of all in any case."""
    chosen: list[int] = []
    spent = 0
    for place in places:
        spent += len(texts[place])
        if chosen and spent > _ENCODED_CHARACTERS:
            break
        chosen.append(place)
    return chosen


def load_understander(
    *,
    library: Path | None = None,
    encoder: Path | None = None,
    cache: Path | None = None,
    voice_emotion: bool = True,
) -> Understander:
    """Loads the engine in a second or two: with the trained model shipped for the shipped library, or the cached one.

    Where neither fits the library's examples, it is trained first: a minute or two, or five with an encoder.

    `library` is a folder like scripts_library (the shipped one when None). `encoder` is a transformers folder with its
    graph in ONNX (the pulled encoder when None; without any the engine works with its lighter layers and logs so); one
    with a classification head over intents stands beside the pulled encoder.
    `cache` is where a model trained here is kept (the user's cache folder when None).
    `voice_emotion` false switches mood from voice off, as a rule pack may ask. Raises ValueError, with file and remedy,
    on a library or an encoder that cannot be used.
    """
    library = library or Path(scripts_library.__file__).parent
    classifier = Classifier(encoder) if encoder is not None and is_classifier(encoder) else None
    folder = encoder if encoder is not None and classifier is None else installed_encoder()
    meaning = None if folder is None else Encoder(folder)
    if meaning is None:
        _log.info("no sentence encoder installed, understanding works with its lighter layers")
    normaliser = Normaliser(load_dialects(library))
    lessons = Lessons.of(normaliser, load_examples(library), load_several(library))
    light = trained_model(lessons, None, cache)
    full = None if meaning is None else trained_model(lessons, meaning, cache)
    wordings = Wordings(lessons.texts, lessons.intents)
    return Understander(
        normaliser,
        light,
        wordings,
        full=full,
        encoder=meaning,
        classifier=classifier,
        replies=load_replies(library, normaliser, cache),
        voice_emotion=voice_emotion,
    )
