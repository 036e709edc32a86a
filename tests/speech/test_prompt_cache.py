"""Lines rendered ahead come from disk, sound as they would live, and only they are written."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from voicebot.speech.prompt_cache import PromptCache
from voicebot.speech.protocols import SpeechRequest


def kept(folder: Path) -> list[Path]:
    """Files of the cache, longest unused first."""
    return sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime_ns)


def age(folder: Path) -> None:
    """Makes every line long unused, in the order they were made."""
    for second, path in enumerate(kept(folder)):
        os.utime(path, (second, second))


class Tone:
    """A synthesiser that hums, as long as its text, and counts how often."""

    name = "tone"
    languages: Sequence[str] = ("zh-CN",)
    sample_rate = 24_000
    licence_note: str | None = "for humming only"

    def __init__(self) -> None:
        self.spoken: list[str] = []

    async def speak(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        self.spoken.append(request.text)
        for i, _ in enumerate(request.text):
            time = (np.arange(2400) + 2400 * i) / 24_000
            yield (np.sin(2 * np.pi * 400 * time) * 8000).astype("<i2").tobytes()

    async def close(self) -> None:
        self.spoken.append("closed")


async def sound(cache: PromptCache, request: SpeechRequest) -> bytes:
    return b"".join([piece async for piece in cache.speak(request)])


async def test_a_warmed_line_is_rendered_once_and_sounds_the_same(tmp_path: Path) -> None:
    voice = Tone()
    cache = PromptCache(voice, tmp_path / "lines")
    line = SpeechRequest("您好请问")
    live = await sound(cache, line)
    assert await cache.warm([line, line]) == 1
    assert await cache.warm([line]) == 0
    assert await sound(cache, line) == live
    assert voice.spoken == ["您好请问"] * 2
    assert (cache.hits, cache.misses) == (1, 1)


async def test_pieces_are_resampled_without_seams(tmp_path: Path) -> None:
    cache = PromptCache(Tone(), tmp_path)
    heard = np.frombuffer(await sound(cache, SpeechRequest("一二三四五")), "<i2").astype(float)
    assert len(heard) == pytest.approx(4000, abs=2)
    spectrum = np.abs(np.fft.rfft(heard[400:3600]))
    assert spectrum.argmax() * 8000 / 3200 == pytest.approx(400, abs=3)
    assert np.sort(spectrum)[-8:].sum() > 0.8 * spectrum.sum()


async def test_a_line_that_was_not_warmed_never_reaches_the_disk(tmp_path: Path) -> None:
    cache = PromptCache(Tone(), tmp_path)
    await sound(cache, SpeechRequest("王小样先生欠三千元"))
    assert kept(tmp_path) == []


async def test_rate_and_voice_are_other_lines(tmp_path: Path) -> None:
    cache = PromptCache(Tone(), tmp_path)
    lines = [SpeechRequest("您好"), SpeechRequest("您好", rate=0.75), SpeechRequest("您好", voice="pitch=0.8")]
    assert await cache.warm(lines) == 3


async def test_the_longest_unused_line_goes_first(tmp_path: Path) -> None:
    cache = PromptCache(Tone(), tmp_path, limit_bytes=2 * 1600)
    first, second, third = (SpeechRequest(text) for text in "一二三")
    await cache.warm([first, second])
    age(tmp_path)
    await sound(cache, first)  # used now
    await cache.warm([third])
    cache.hits = 0
    for line in (first, second, third):
        await sound(cache, line)
    assert (cache.hits, len(kept(tmp_path))) == (2, 2)
    await sound(cache, first)
    assert cache.hits == 3


async def test_it_passes_on_what_the_voice_says_of_itself(tmp_path: Path) -> None:
    voice = Tone()
    cache = PromptCache(voice, tmp_path)
    assert (cache.name, cache.sample_rate, cache.licence_note) == ("tone", 8000, "for humming only")
    await cache.close()
    assert voice.spoken == ["closed"]
