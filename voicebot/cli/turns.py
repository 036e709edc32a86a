"""Turn-taking measured: does the engine wait when the caller thinks, answer when they have done, stop when told to?"""

from __future__ import annotations

import asyncio
import json as jsonlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicebot.call.turns.annotation import AnnotatedCall
    from voicebot.call.turns.trial import Trial
    from voicebot.speech.settings import SpeechSettings

app = typer.Typer(help="Measure turn-taking on recorded calls.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure turn-taking on recorded calls."""


@app.command("eval")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="Two-channel WAV files, a JSON file beside each.")],
    engine: Annotated[str | None, typer.Option(help="Recogniser of the catalogue; default: the one set.")] = None,
    models: Annotated[Path | None, typer.Option("--models", help="Where models stand.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Hear the caller's side of each call with the engine's own ear, and compare with what is true of the call."""
    from rich.console import Console
    from rich.progress import Progress

    from voicebot.call.turns.reading import AnnotationError, read_calls
    from voicebot.call.turns.scoring import score
    from voicebot.speech.catalogue import CatalogueError
    from voicebot.speech.settings import SpeechSettings

    note = Console(stderr=True, soft_wrap=True)
    settings = SpeechSettings(model_directory=models) if models else SpeechSettings()
    began = time.monotonic()
    try:
        calls = read_calls(folder)
        with Progress(console=note, transient=True) as progress:
            task = progress.add_task("listening", total=len(calls))
            trials = asyncio.run(_hear(settings, engine, calls, lambda: progress.advance(task)))
    except (AnnotationError, CatalogueError, ValueError) as unusable:
        note.print(str(unusable), markup=False)
        raise typer.Exit(2) from None
    result = {
        **score(list(zip(calls, trials, strict=True))),
        "calls": len(calls),
        "audio_seconds": round(sum(call.caller.seconds for call in calls), 1),
        "wall_seconds": round(time.monotonic() - began, 1),
    }
    if json:
        typer.echo(jsonlib.dumps(result, ensure_ascii=False))
        return
    _show(result)


async def _hear(
    settings: SpeechSettings, name: str | None, calls: list[AnnotatedCall], tell: Callable[[], None]
) -> list[Trial]:
    from voicebot.call.settings import TurnTaking
    from voicebot.call.turns.trial import hear
    from voicebot.speech.engines import load_named_recogniser, load_voice_activity, model_for

    chosen = name or model_for(settings.recognisers, calls[0].language, "recognisers")
    recogniser = await load_named_recogniser(settings, chosen)
    voice_activity = await load_voice_activity(settings)
    turns = TurnTaking()
    try:
        trials = []
        for call in calls:
            trials.append(
                await hear(call, recogniser=recogniser, voice_activity=voice_activity.open_call(), settings=turns)
            )
            tell()
        return trials
    finally:
        await recogniser.close()
        await voice_activity.close()


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for error in result["errors"]:
        console.print(f"{error['call']} {error['at']:.2f}: {error['kind']} {error['text']}", markup=False)
    of = result["of"]
    table = Table(title=f"{result['calls']} calls, {result['audio_seconds']} s of audio, n = {result['n']}")
    table.add_column("what")
    for heading in ("wrong", "of", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="right")

    def row(what: str, wrong: str, total: str, times: dict[str, float | None] | None) -> None:
        shown = [
            f"{value:.0f}" if value is not None else "" for value in (times or {"p50": None, "p95": None}).values()
        ]
        table.add_row(what, str(result[wrong]), str(of[total]), *shown)

    row("cut in during a pause within a turn", "false_cut_in", "pauses_within_turn", None)
    row("end of a turn missed", "missed_turn", "turn_ends", result["response_ms"])
    row("bot stopped by a sign of listening or a noise", "false_stop", "signs_of_listening", None)
    row("bot not stopped by a barge-in", "missed_stop", "barge_ins", result["barge_in_stop_ms"])
    console.print(table)
