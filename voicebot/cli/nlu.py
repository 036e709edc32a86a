"""Understanding by hand: measure it, train it, ask why a sentence was understood as it was."""

from __future__ import annotations

import json as jsonlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from voicebot.understanding.engine import Understander
    from voicebot.understanding.evaluation import Sentences

app = typer.Typer(help="Measure understanding, train it on the library, ask why.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="YAML: intents with examples, hard_cases, none_of_these, reference_clock.")]
Library = Annotated[Path | None, typer.Option(help="A scripts library; default: the one shipped.")]
Encoder = Annotated[
    Path | None, typer.Option(help="Folder with model.onnx and tokenizer.json; default: the one pulled, if any.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, and nothing else there.")]


@app.command("eval")
def evaluate(file: File, library: Library = None, encoder: Encoder = None, json: Json = False) -> None:
    """Measure intents: top-1, hard cases, none of these, recall and precision by intent, time a turn."""
    from voicebot.understanding.evaluation import measure_intents

    engine, sentences = _ready(file, library, encoder)
    result = measure_intents(engine, sentences)
    if json:
        typer.echo(jsonlib.dumps(result, ensure_ascii=False))
        return
    _show_intents(result)


@app.command("eval-slots")
def evaluate_slots(file: File, library: Library = None, encoder: Encoder = None, json: Json = False) -> None:
    """Measure values: sentences whose every expected date, sum, time or count is exact."""
    from voicebot.understanding.evaluation import measure_slots

    engine, sentences = _ready(file, library, encoder)
    result = measure_slots(engine, sentences)
    if json:
        typer.echo(jsonlib.dumps(result, ensure_ascii=False))
        return
    _show_slots(result)


@app.command()
def train(
    library: Library = None,
    encoder: Encoder = None,
    output: Annotated[Path | None, typer.Option(help="Folder to keep the model in; default: the cache.")] = None,
    against: Annotated[Path | None, typer.Option(help="Measure on this file too, and say what changed.")] = None,
    json: Json = False,
) -> None:
    """Train on the library's examples and say what it knows; with --against, what a file makes of it."""
    from voicebot.understanding.training_run import train_library

    try:
        report = train_library(library=library, encoder=_encoder(encoder), folder=output)
    except ValueError as unusable:
        raise _refuse(unusable) from None
    if against is not None:
        from voicebot.understanding.evaluation import measure_intents

        engine, sentences = _ready(against, library, encoder)
        measured = measure_intents(engine, sentences)
        report |= {"against": {key: measured[key] for key in ("n", "top1", "hard_n", "hard_all_labels", "per_intent")}}
    if json:
        typer.echo(jsonlib.dumps(report, ensure_ascii=False))
        return
    _show_training(report)


@app.command()
def why(
    text: Annotated[str, typer.Argument(help="What the caller said.")],
    expecting: Annotated[
        str, typer.Option(help="What the bot had asked: identity, yes_no, date, amount, …")
    ] = "nothing",
    at: Annotated[datetime | None, typer.Option(help="Clock of the call, Beijing time; default: now.")] = None,
    payday: Annotated[int | None, typer.Option(help="Day of the month wages come.")] = None,
    due: Annotated[str | None, typer.Option(help="What is owed, so that 全部 and 一半 have a value.")] = None,
    library: Library = None,
    encoder: Encoder = None,
    json: Json = False,
) -> None:
    """Say how a sentence is understood, and which layer and which example made it so."""
    from decimal import Decimal, InvalidOperation

    from voicebot.understanding.explanation import explain
    from voicebot.understanding.meaning import Context, Expecting

    try:
        asked = Expecting(expecting)
        owed = None if due is None else Decimal(due)
    except (ValueError, InvalidOperation) as unusable:
        kinds = ", ".join(kind.value for kind in Expecting)
        raise _refuse(f"{unusable}; --expecting is one of {kinds}, --due is a number") from None
    clock = at or datetime.now(ZoneInfo("Asia/Shanghai"))
    context = Context(clock.replace(tzinfo=clock.tzinfo or ZoneInfo("Asia/Shanghai")), asked, payday, owed)
    found = explain(_engine(library, encoder), text, context)
    if json:
        typer.echo(jsonlib.dumps(found, ensure_ascii=False, default=str))
        return
    _show_why(found)


def _refuse(problem: object) -> typer.Exit:
    """Says what cannot be used and how to mend it; the caller raises the exit."""
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print(str(problem), markup=False, highlight=False)
    return typer.Exit(2)


def _encoder(folder: Path | None) -> Path | None:
    from voicebot.understanding.intents.encoder import installed_encoder

    return folder or installed_encoder()


def _engine(library: Path | None, encoder: Path | None) -> Understander:
    from rich.console import Console

    from voicebot.understanding.engine import load_understander

    try:
        with Console(stderr=True).status("loading, training on the library where it has changed"):
            return load_understander(library=library, encoder=_encoder(encoder))
    except ValueError as unusable:
        raise _refuse(unusable) from None


def _ready(file: Path, library: Path | None, encoder: Path | None) -> tuple[Understander, Sentences]:
    from voicebot.understanding.evaluation import SentenceFileError, read_sentences

    try:
        sentences = read_sentences(file)
    except SentenceFileError as unusable:
        raise _refuse(unusable) from None
    return _engine(library, encoder), sentences


def _show_intents(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console, none, time = Console(), result["none_of_these"], result["latency_ms"]
    answers = result["answers"]
    table = Table(title="Intents")
    for column in ("intent", "n", "recall", "precision"):
        table.add_column(column, justify="left" if column == "intent" else "right")
    for intent, row in sorted(result["per_intent"].items(), key=lambda item: (item[1]["recall"], item[1]["precision"])):
        table.add_row(intent, str(row["n"]), f"{row['recall']:.1%}", f"{row['precision']:.1%}")
    console.print(table)
    for error in result["errors"][:40]:
        got = " ".join(error["got"]) or "none"
        console.print(f"{error['id']}  {error['text']}  {error['expected']} → {got}", markup=False, highlight=False)
    console.print(
        f"top-1 {result['top1']:.2%} of {result['n']}; hard cases {result['hard_all_labels']:.2%} of {result['hard_n']}"
    )
    bins = Table(title=f"Confidence: expected calibration error {result['calibration']['expected_error']:.1%}")
    for column in ("from", "to", "n", "confidence", "right"):
        bins.add_column(column, justify="right")
    for row in result["calibration"]["reliability"]:
        shares = (f"{row['confidence']:.1%}", f"{row['right']:.1%}")
        bins.add_row(str(row["low"]), str(row["high"]), str(row["count"]), *shares)
    console.print(bins)
    console.print(
        f"none of these: {none['rejected']} of {none['n']} rejected; yes and no: {answers['right']} of {answers['n']} "
        f"right; p50 {time['p50']} ms, p99 {time['p99']} ms"
    )


def _show_slots(result: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    for error in result["errors"]:
        console.print(
            f"{error['id']}  {error['text']}  {error['expected']} → {error['got']}", markup=False, highlight=False
        )
    for name, row in result["per_slot"].items():
        console.print(f"{name}: {row['exact']:.1%} of {row['n']}")
    console.print(f"all exact: {result['exact']:.2%} of {result['n']} sentences")


def _show_training(report: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    console.print(
        f"{report['examples']} sentences of {report['intents']} intents in {report['seconds']} s → {report['path']}"
    )
    thin = ", ".join(f"{intent} {count}" for intent, count in report["fewest"].items())
    console.print(f"fewest examples: {thin}", markup=False)
    for pair in report["confused"]:
        console.print(
            f"confused in training: {pair['expected']} → {pair['got']}: {pair['text']}", markup=False, highlight=False
        )
    held = report["held_out"]
    if held["n"]:
        weakest = ", ".join(f"{intent} {share:.0%}" for intent, share in report["weakest"].items())
        console.print(
            f"held out, by pattern: {held['right']:.1%} of {held['n']} right, "
            f"calibration error {held['calibration_error']:.1%}; weakest: {weakest}",
            markup=False,
        )
    _show_changes(console, report["changed"])
    if "against" in report:
        found = report["against"]
        console.print(
            f"on the file: top-1 {found['top1']:.2%} of {found['n']}, hard cases {found['hard_all_labels']:.2%}"
        )


def _show_changes(console: Console, changed: dict[str, Any] | None) -> None:
    if changed is None:
        console.print("no model before this one to compare with")
        return
    right = changed["right"]
    console.print(f"held out: {right['before']:.1%} before, {right['after']:.1%} now")
    for intent, share in sorted(changed["recall"].items(), key=lambda item: item[1]["after"] - item[1]["before"]):
        console.print(f"  {intent}: {share['before']:.0%} → {share['after']:.0%}", markup=False)
    for intent, count in changed["examples"].items():
        console.print(f"  {intent}: {count['before']} → {count['after']} examples", markup=False)
    console.print(f"examples read otherwise than before: {changed['read_otherwise_total']}")
    for moved in changed["read_otherwise"]:
        console.print(f"  {moved['text']}: {moved['before']} → {moved['after']}", markup=False, highlight=False)


def _show_why(found: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    for key in ("raw", "text", "answer", "mood", "distress"):
        console.print(f"{key}: {found[key]}", markup=False, highlight=False)
    for intent in found["intents"]:
        console.print(f"intent {intent['id']} {intent['confidence']}: {intent['why']}", markup=False, highlight=False)
    for name, slot in found["slots"].items():
        console.print(f"slot {name}: {slot}", markup=False, highlight=False)
    for near in found["nearest"]:
        console.print(
            f"nearest example {near['score']}: {near['text']} ({near['intent']})", markup=False, highlight=False
        )
    for label, probability in found["scores"].items():
        console.print(f"model {label}: {probability}", markup=False, highlight=False)


@app.command("build-encoder")
def build_encoder(
    weights: Annotated[Path, typer.Argument(help="The 4-bit weights of multilingual-e5-small.")],
    tokenizer: Annotated[Path, typer.Argument(help="Its tokenizer.json.")],
    folder: Annotated[Path, typer.Argument(help="Where model.onnx and tokenizer.json are put.")],
) -> None:
    """Make the sentence encoder from 4-bit weights: Chinese and Latin rows, 8-bit integers, ONNX."""
    from voicebot.understanding.intents.e5_graph import WeightsError, build

    try:
        target = build(weights, tokenizer, folder)
    except (WeightsError, OSError) as unusable:
        raise _refuse(unusable) from None
    typer.echo(f"{target}: {target.stat().st_size / 1e6:.0f} MB")
