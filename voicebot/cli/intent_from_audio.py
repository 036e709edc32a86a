"""The whole way from telephone audio to intent, measured: what is heard, and what understanding makes of it."""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from voicebot.speech.scoring import Heard, Utterance
    from voicebot.speech.settings import SpeechSettings
    from voicebot.understanding import Expecting

app = typer.Typer(help="Measure the whole way from audio to intent.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure the whole way from audio to intent."""


@app.command("eval")
def evaluate(
    manifest: Annotated[
        Path, typer.Argument(help="JSON Lines: audio, text, language, condition, speaker, intent, expecting.")
    ],
    engine: Annotated[str | None, typer.Option(help="Recogniser of the catalogue; default: the one set.")] = None,
    models: Annotated[Path | None, typer.Option("--models", help="Where models stand.")] = None,
    encoder: Annotated[Path | None, typer.Option(help="Folder with model.onnx and tokenizer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Recognise each recording, understand what was heard, and count how often the first intent is the expected one."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rich.console import Console
    from rich.progress import Progress

    from voicebot.speech.catalogue import CatalogueError
    from voicebot.speech.scoring import ManifestError, read_manifest
    from voicebot.speech.settings import SpeechSettings
    from voicebot.understanding import Context, load_understander

    note = Console(stderr=True, soft_wrap=True)
    settings = SpeechSettings(model_directory=models) if models else SpeechSettings()
    try:
        utterances = read_manifest(manifest)
        expected = _expected(manifest)
        understander = load_understander(encoder=encoder)
        with Progress(console=note, transient=True) as progress:
            task = progress.add_task("listening", total=len(utterances))
            heard = asyncio.run(_listen(settings, engine, utterances, lambda: progress.advance(task)))
    except (ManifestError, CatalogueError, ValueError) as unusable:
        note.print(str(unusable), markup=False)
        raise typer.Exit(2) from None
    now = datetime(2026, 3, 10, 15, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    tally: dict[str, list[bool]] = defaultdict(list)
    errors = []
    for one, (intent, expecting) in zip(heard, expected, strict=True):
        context = Context(now, expecting=expecting, language=one.utterance.language)
        got = [found.id for found in understander.understand(one.text, context).intents]
        right = got[:1] == [intent]
        tally[one.utterance.condition].append(right)
        if not right:
            errors.append({"text": one.utterance.text, "heard": one.text, "expected": intent, "got": got})
    result = {
        "n": len(heard),
        "top1": _share([right for rights in tally.values() for right in rights]),
        "per_condition": {name: {"n": len(rights), "top1": _share(rights)} for name, rights in sorted(tally.items())},
        "errors": errors,
    }
    if json:
        typer.echo(jsonlib.dumps(result, ensure_ascii=False))
        return
    console = Console()
    for error in errors:
        console.print(f"{error['text']} / {error['heard']}: {error['expected']} → {error['got']}", markup=False)
    for name, rights in sorted(tally.items()):
        console.print(f"{name or 'no condition'}: {_share(rights):.1%} of {len(rights)}", markup=False)
    console.print(f"all: {result['top1']:.2%} of {result['n']}")


async def _listen(settings: SpeechSettings, name: str | None, utterances: list[Utterance], tell: Any) -> list[Heard]:
    from voicebot.speech.engines import load_named_recogniser, model_for
    from voicebot.speech.scoring import listen

    chosen = name or model_for(settings.recognisers, utterances[0].language, "recognisers")
    recogniser = await load_named_recogniser(settings, chosen)
    try:
        return await listen(recogniser, utterances, tell)
    finally:
        await recogniser.close()


def _expected(manifest: Path) -> list[tuple[str, Expecting]]:
    """Intent of each line, and what the bot had asked for. Raises ManifestError on a line without a known intent."""
    from voicebot.speech.scoring import ManifestError
    from voicebot.understanding import Expecting
    from voicebot.understanding.intents.catalogue import INTENTS

    known = {one.value: one for one in Expecting}
    found = []
    for number, line in enumerate(manifest.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        row = jsonlib.loads(line)
        intent, expecting = row.get("intent"), row.get("expecting", "nothing")
        if intent not in INTENTS:
            raise ManifestError(f'{manifest}:{number}: intent {intent!r}; add "intent": one of the catalogue')
        if expecting not in known:
            raise ManifestError(f"{manifest}:{number}: expecting {expecting!r}; write one of {', '.join(known)}")
        found.append((str(intent), known[expecting]))
    return found


def _share(rights: list[bool]) -> float:
    return round(sum(rights) / len(rights), 4) if rights else 0.0
