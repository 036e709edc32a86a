"""How long a text takes to say, roughly: enough to keep openings and uninterruptible lines short."""

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.checks.values import samples_of
from voicebot.dialog.facts import Facts
from voicebot.dialog.wording import Reader, fill

SYLLABLES_PER_SECOND = 4.6
"""Mandarin on the telephone."""
WORDS_PER_SECOND = 2.6
"""English on the telephone."""
PAUSE = 0.25
"""Seconds for a punctuation mark."""


def spoken_seconds(subject: Subject, text: str) -> float:
    """Seconds that the text takes with the most ordinary value of each fact."""
    sample = samples_of(text, subject.library.language)[0]
    today = sample.today
    words = fill(text, sample.value_of, Reader(subject.library.language, Facts({}).currency, today))
    marks = sum(character in "，。？！；：,.?!;:" for character in words)
    if subject.library.language.startswith("en"):
        return len(words.split()) / WORDS_PER_SECOND + marks * PAUSE
    return sum(character.isalnum() for character in words) / SYLLABLES_PER_SECOND + marks * PAUSE
