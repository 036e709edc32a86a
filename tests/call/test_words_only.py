"""Where a rule pack forbids to read mood from the voice, how a turn sounded never reaches understanding."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compliance_filters.pack import load_pack
from voicebot.call.words_only import WordsOnly
from voicebot.understanding.meaning import Context, Meaning, VoiceStats
from voicebot.understanding.sentiment import read_sentiment

SHOUTED = VoiceStats(level_dbfs=-8.0, pitch_hz=280.0, characters_per_second=8.0, overlap_seconds=2.0)
CONTEXT = Context(datetime(2026, 3, 10, 7, tzinfo=UTC))


class Sensing:
    """Understands nothing and feels the mood, voice included."""

    def understand(self, text: str, context: Context, voice: VoiceStats | None = None) -> Meaning:
        return Meaning(raw=text, text=text, sentiment=read_sentiment(text, (), voice))


def test_a_shout_counts_where_the_pack_allows_it_and_not_elsewhere() -> None:
    told = read_sentiment("你们太过分了")
    assert Sensing().understand("你们太过分了", CONTEXT, SHOUTED).sentiment != told
    assert WordsOnly(Sensing()).understand("你们太过分了", CONTEXT, SHOUTED).sentiment == told


@pytest.mark.parametrize(("pack", "allowed"), [("cn", True), ("uk_eu", False)])
def test_the_pack_says_so(pack: str, allowed: bool) -> None:
    assert load_pack(pack).voice_emotion is allowed
