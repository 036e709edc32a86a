"""The models the engine speaks and listens with."""

from __future__ import annotations

import importlib.metadata
import json as jsonlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from voicebot.speech.catalogue import ModelEntry
    from voicebot.speech.shelf import ModelShelf
    from voicebot.speech.sources import Progress

app = typer.Typer(help="List, pull and check the speech models.", no_args_is_help=True)

Directory = Annotated[
    Path | None,
    typer.Option("--directory", "-d", help="Where models stand; default $VOICEBOT_MODELS, else your data folder."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command("list")
def list_models(directory: Directory = None, json: Json = False) -> None:
    """Show every model: what it is for, how large, under which licence, and whether it is here."""
    from rich.console import Console
    from rich.table import Table

    shelf = _shelf(directory)
    entries = list(shelf.catalogue.models.values())
    if json:
        _print_json({"directory": str(shelf.directory), "models": [_facts(shelf, entry) for entry in entries]})
        return
    table = Table(title=f"Models in {shelf.directory}")
    for heading in ("name", "for", "languages", "size", "licence", "here"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        here = "yes" if shelf.installed(entry.name) else "default" if entry.default else ""
        size = f"{entry.bytes / 1e6:.0f} MB"
        table.add_row(entry.name, entry.purpose, " ".join(entry.languages), size, entry.licence, here)
    Console().print(table)


@app.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Models to pull; see: voicebot models list")] = None,
    default: Annotated[bool, typer.Option("--default", help="All models of the default configuration.")] = False,
    directory: Directory = None,
    json: Json = False,
) -> None:
    """Bring models here, from the first source that gives them whole. What is here already is left alone."""
    from rich.console import Console

    from voicebot.speech.catalogue import CatalogueError
    from voicebot.speech.sources import Fetcher

    shelf = _shelf(directory)
    note = Console(stderr=True, soft_wrap=True)
    wanted = list(names or []) + ([entry.name for entry in shelf.catalogue.defaults()] if default else [])
    if not wanted:
        note.print("Name a model, or say --default. See: voicebot models list")
        raise typer.Exit(2)
    outcomes, failed = [], False
    with _progress(note) as progress:
        fetcher = Fetcher(progress)
        for name in dict.fromkeys(wanted):
            try:
                pulled = shelf.pull(name, fetcher)
            except CatalogueError as error:
                note.print(f"{name}: {error}", style="red", markup=False)
                outcomes.append({"name": name, "error": str(error)})
                failed = True
                continue
            for reason in pulled.refused:
                note.print(f"{name}: {reason}; the next source was tried", style="dim", markup=False)
            note.print(
                f"{name}: {'is here from ' + pulled.source if pulled.source else 'was here already'}", markup=False
            )
            outcomes.append({"name": name, "path": str(pulled.path), "source": pulled.source})
    if json:
        _print_json({"pulled": outcomes})
    raise typer.Exit(1 if failed else 0)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Default: every model that is here.")] = None,
    directory: Directory = None,
    json: Json = False,
) -> None:
    """Read every file again and compare it with the catalogue. Exit 1 when one has changed."""
    from rich.console import Console

    shelf = _shelf(directory)
    chosen = names or [name for name in shelf.catalogue.models if (shelf.directory / name).is_dir()]
    faults = {name: shelf.verify(_known(shelf, name)) for name in chosen}
    if json:
        _print_json({"models": {name: [vars(fault) for fault in found] for name, found in faults.items()}})
    else:
        console = Console(soft_wrap=True)
        for name, found in faults.items():
            console.print(f"{name}: {'whole' if not found else 'NOT whole'}", markup=False)
            for fault in found:
                console.print(f"  {fault.file}: {fault.reason}", markup=False)
            if found:
                console.print(f"  Mend it: remove {shelf.directory / name} and run: voicebot models pull {name}")
        if not faults:
            console.print("No model is here. Run: voicebot models pull --default")
    raise typer.Exit(1 if any(faults.values()) else 0)


@app.command()
def doctor(directory: Directory = None, json: Json = False) -> None:
    """Say what works, what is missing, how to mend it, and which licences bind. Exit 1 when a default is missing."""
    from rich.console import Console

    shelf = _shelf(directory)
    entries = list(shelf.catalogue.models.values())
    reports = [_facts(shelf, entry) for entry in entries]
    broken = any(entry.default and not report["ready"] for entry, report in zip(entries, reports, strict=True))
    if json:
        _print_json({"directory": str(shelf.directory), "ready": not broken, "models": reports})
        raise typer.Exit(1 if broken else 0)
    console = Console(soft_wrap=True)
    writable = os.access(_nearest(shelf.directory), os.W_OK)
    console.print(
        f"Models: {shelf.directory}{'' if writable else ' (not writable: choose another with VOICEBOT_MODELS)'}"
    )
    for entry, report in zip(entries, reports, strict=True):
        state = "ready" if report["ready"] else "not ready" if entry.default or report["installed"] else "not pulled"
        console.print(f"{entry.name} ({entry.purpose}, {entry.engine}): {state}", markup=False)
        if entry.default or report["installed"]:
            for remedy in _remedies(entry, here=bool(report["installed"])):
                console.print(f"  mend: {remedy}", markup=False)
            if entry.licence_note:
                console.print(f"  licence: {entry.licence_note}", markup=False)
    raise typer.Exit(1 if broken else 0)


def _facts(shelf: ModelShelf, entry: ModelEntry) -> dict[str, object]:
    absent = _absent(entry)
    here = shelf.installed(entry.name)
    return {
        "name": entry.name,
        "title": entry.title,
        "engine": entry.engine,
        "purpose": entry.purpose,
        "languages": entry.languages,
        "bytes": entry.bytes,
        "licence": entry.licence,
        "licence_note": entry.licence_note,
        "default": entry.default,
        "installed": here,
        "missing_packages": absent,
        "ready": here and not absent,
        "remedies": _remedies(entry, here=here),
        "sources": [source.kind for source in entry.sources],
    }


def _absent(entry: ModelEntry) -> list[str]:
    return [distribution for distribution in entry.needs if not _has(distribution)]


def _remedies(entry: ModelEntry, *, here: bool) -> list[str]:
    remedies = [] if here else [f"voicebot models pull {entry.name}"]
    if absent := _absent(entry):
        extra = f"'voicebot[{entry.optional_extra}]'" if entry.optional_extra else " ".join(absent)
        remedies.append(f"{sys.executable} -m pip install {extra}")
    return remedies


def _has(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _nearest(folder: Path) -> Path:
    """The folder itself, or the closest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _shelf(directory: Path | None) -> ModelShelf:
    from voicebot.speech.shelf import ModelShelf

    return ModelShelf(directory)


def _known(shelf: ModelShelf, name: str) -> str:
    from voicebot.speech.catalogue import UnknownModel

    try:
        return shelf.catalogue[name].name
    except UnknownModel as unknown:
        raise typer.BadParameter(str(unknown)) from None


def _print_json(body: dict[str, object]) -> None:
    typer.echo(jsonlib.dumps(body, ensure_ascii=False))


class _Bar:
    """Shows a fetch on standard error."""

    def __init__(self, console: object) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        assert isinstance(console, Console)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", visible=False, total=None)

    def __enter__(self) -> Progress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, what: str, total_bytes: int | None) -> None:
        self._progress.reset(self._task, description=what, total=total_bytes, visible=True)

    def advance(self, done_bytes: int) -> None:
        self._progress.update(self._task, completed=done_bytes)


def _progress(console: object) -> _Bar:
    return _Bar(console)
