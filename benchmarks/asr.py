"""Makes a Mandarin test set with the embedded voice, sends it over simulated lines, and measures recognisers.

    python -m benchmarks.asr make FOLDER          writes WAV files and manifest.jsonl
    python -m benchmarks.asr intents FOLDER FILE  the same of the first sentence of each intent of a file such as
                                                  benchmarks/nlu/last.yaml, for voicebot intent-from-audio eval
    python -m benchmarks.asr run FOLDER [ENGINE…] measures, three runs each, and prints machine, versions, n and spread

Synthetic voices are cleaner and more alike than people: the figures compare settings and engines with one another.
For figures about your callers, record some and use `voicebot asr eval`.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from benchmarks.machine import describe
from voicebot.speech.engines import load_named_recogniser, load_synthesiser
from voicebot.speech.protocols import SpeechRequest
from voicebot.speech.scoring import listen, read_manifest, score
from voicebot.speech.settings import SpeechSettings
from voicebot.speech.wav import Recording, write_wav

SPEAKERS = (0.72, 0.85, 1.0, 1.2)
"""Pitches of the embedded voice."""
CONDITIONS: dict[str, float | None] = {"clean": None, "noise 25 dB": 25.0, "noise 15 dB": 15.0}
LOSS = "loss 3 %"
"""Condition in which so many packets of 20 ms never arrive."""
RUNS = 3
SENTENCES = [
    "嗯",
    "对",
    "是的",
    "不是",
    "没有",
    "好的",
    "可以",
    "不行",
    "喂",
    "知道了",
    "我不是他本人",
    "你打错电话了",
    "我现在在开会晚点再打",
    "我上个月刚丢了工作",
    "工资还没有发下来",
    "能不能再宽限几天",
    "利息能不能少一点",
    "我想分三期来还",
    "每期要还多少钱",
    "我昨天已经转过去了",
    "请帮我找一个人工",
    "我要投诉你们",
    "你是真人还是机器",
    "怎么证明你们是正规的",
    "这笔钱不是我借的",
    "我下周五之前还两千",
    "剩下的月底一起还清",
    "我在住院没有办法",
    "不要再打给我家里人了",
    "刚才没听清你再说一遍",
]

Floats = NDArray[np.float64]


def telephone(sound: Floats, noise_db: float | None, generator: np.random.Generator) -> bytes:
    """8 kHz through µ-law, at a level that differs from call to call, with silence around it."""
    level = float(np.sqrt(np.mean(np.square(sound))))
    line = np.concatenate([np.zeros(2400), sound, np.zeros(4000)]) * generator.uniform(0.3, 1.5)
    if noise_db is not None:
        hiss = np.convolve(generator.normal(size=len(line)), np.ones(4) / 2, "same")
        line = line + hiss * level * 10 ** (-noise_db / 20)
    folded = np.sign(line) * np.log1p(255 * np.abs(np.clip(line, -1, 1))) / np.log1p(255)
    code = np.round((folded + 1) / 2 * 255) / 255 * 2 - 1
    heard = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    return bytes((heard * 32767).astype("<i2").tobytes())


def with_loss(pcm: bytes, share: float, generator: np.random.Generator) -> bytes:
    """Silence in the place of `share` of the packets."""
    samples = np.frombuffer(pcm, "<i2").copy()
    for start in range(0, len(samples), 160):
        if generator.random() < share:
            samples[start : start + 160] = 0
    return samples.tobytes()


async def make_intents(folder: Path, sentences: Path) -> None:
    """Writes the first sentence of each intent over each line. The same bytes every time."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    content = YAML(typ="safe").load(await asyncio.to_thread(sentences.read_text, encoding="utf-8"))
    voice = await load_synthesiser(SpeechSettings(), "zh-CN")
    generator = np.random.default_rng(20261122)
    rows: list[dict[str, str]] = []
    for number, intent in enumerate(content["intents"]):
        text = intent["examples"][0]["text"]
        if re.search("[a-zA-Z]", text):
            continue
        request = SpeechRequest(text, voice=f"pitch={SPEAKERS[number % len(SPEAKERS)]}")
        pcm = b"".join([piece async for piece in voice.speak(request)])
        sound = soxr.resample(np.frombuffer(pcm, "<i2") / 32768, voice.sample_rate, 8000)
        for condition, noise_db in {**CONDITIONS, LOSS: None}.items():
            heard = telephone(sound, noise_db, generator)
            name = f"{len(rows):04}.wav"
            write_wav(folder / name, Recording(with_loss(heard, 0.03, generator) if condition == LOSS else heard, 8000))
            rows.append({"audio": name, "text": text, "intent": intent["id"], "condition": condition})
    await voice.close()
    manifest = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    await asyncio.to_thread((folder / "manifest.jsonl").write_text, manifest, encoding="utf-8")


async def make(folder: Path) -> None:
    """Writes the set. The same bytes every time."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    voice = await load_synthesiser(SpeechSettings(), "zh-CN")
    generator = np.random.default_rng(20261121)
    rows: list[dict[str, str]] = []
    for text in SENTENCES:
        for pitch in SPEAKERS:
            request = SpeechRequest(text, voice=f"pitch={pitch}")
            pcm = b"".join([piece async for piece in voice.speak(request)])
            sound = soxr.resample(np.frombuffer(pcm, "<i2") / 32768, voice.sample_rate, 8000)
            for condition, noise_db in CONDITIONS.items():
                name = f"{len(rows):04}.wav"
                write_wav(folder / name, Recording(telephone(sound, noise_db, generator), 8000))
                rows.append(
                    {"audio": name, "text": text, "language": "zh-CN", "condition": condition, "speaker": f"{pitch}"}
                )
    await voice.close()
    manifest = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    await asyncio.to_thread((folder / "manifest.jsonl").write_text, manifest, encoding="utf-8")


async def run(folder: Path, engines: list[str]) -> None:
    """Measures each engine `RUNS` times."""
    utterances = read_manifest(folder / "manifest.jsonl")
    console = Console()
    console.print_json(data=describe(("faster-whisper", "ctranslate2", "vosk", "numpy", "soxr")))
    console.print(f"n = {len(utterances)} utterances, {len(SPEAKERS)} speakers, {RUNS} runs", highlight=False)
    table = Table()
    for heading in (
        "engine",
        "condition",
        "n",
        "CER",
        "pinyin ER",
        "short right",
        "p50 ms (min-max of runs)",
        "p95 ms",
    ):
        table.add_column(heading)
    for name in engines:
        recogniser = await load_named_recogniser(SpeechSettings(), name)
        results = [score(await listen(recogniser, utterances, lambda: None)) for _ in range(RUNS)]
        await recogniser.close()
        for condition in ("all", *results[0]["by_condition"]):
            parts = [result if condition == "all" else result["by_condition"][condition] for result in results]
            middle = [part["latency_ms"]["p50"] for part in parts]
            table.add_row(
                name,
                condition,
                str(parts[0]["n"]),
                f"{parts[0]['cer']:.1%}",
                f"{parts[0]['pinyin_er']:.1%}",
                f"{parts[0]['short_answer']['right']}/{parts[0]['short_answer']['n']}",
                f"{statistics.median(middle):.0f} ({min(middle):.0f}-{max(middle):.0f})",
                f"{statistics.median(part['latency_ms']['p95'] for part in parts):.0f}",
            )
    console.print(table)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder]:
            asyncio.run(make(Path(folder)))
        case ["intents", folder, sentences]:
            asyncio.run(make_intents(Path(folder), Path(sentences)))
        case ["run", folder, *engines]:
            asyncio.run(run(Path(folder), engines or ["whisper-base"]))
        case _:
            sys.exit(__doc__)
