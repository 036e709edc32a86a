"""`voicebot guard`: ask the phrase guard, measure it, and see what a change of rules would change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help="The phrase guard: check a sentence, measure, compare rule packs.", no_args_is_help=True)
_out = Console()
_err = Console(stderr=True)

_LISTENERS = {
    "the verified debtor": {"party": "debtor", "identity_verified": "true"},
    "somebody else": {"party": "third_party"},
}
"""Whom a sentence is judged as said to when two packs are compared and no state is given."""

_LIBRARIES = {"zh-CN": "CNY", "en-US": "USD"}
"""Shipped libraries of lines, and the currency in which each is read out here."""

_State = Annotated[
    list[str] | None,
    typer.Option("--state", help="A fact of the call as name=value, such as party=third_party. Repeatable."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output and nothing else there.")]


def _fail(message: str) -> typer.Exit:
    _err.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(2)


def _print_json(value: Any) -> None:
    _out.print(json.dumps(value, ensure_ascii=False), soft_wrap=True, markup=False, highlight=False)


def _facts(pairs: list[str] | None) -> dict[str, str]:
    facts = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise _fail(f"--state {pair}: write name=value, such as --state identity_verified=true")
        facts[name.strip()] = value.strip()
    return facts


def _finding_json(verdict: Any) -> list[dict[str, Any]]:
    return [
        {
            "category": f.category,
            "action": f.action.value,
            "rules": list(f.rule_ids),
            "span": list(f.span),
            "why": f.why,
        }
        for f in verdict.findings
    ]


@app.command()
def check(
    text: Annotated[str, typer.Argument(help="What the bot or the agent is about to say.")],
    state: _State = None,
    pack: Annotated[str, typer.Option(help="Rule pack: a name (cn, us, ...) or a file.")] = "cn",
    as_json: _AsJson = False,
) -> None:
    """May this be said now, to this person? Exits 0 when it may, 1 when it may not, 2 when the question is unusable."""
    from compliance_filters.evaluation import state_from
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.pack import PackError, load_pack

    try:
        guard = PhraseGuard(load_pack(pack))
        facts = state_from({"jurisdiction": guard.pack.pack, **_facts(state)})
    except (PackError, ValueError) as wrong:
        raise _fail(str(wrong)) from wrong
    verdict = guard.check(text, facts)
    said_instead = (
        None if verdict.allowed else guard.replacement(verdict, "zh" if "zh" in guard.pack.languages else "en")
    )
    if as_json:
        _print_json(
            {
                "action": verdict.action.value,
                "category": verdict.category,
                "findings": _finding_json(verdict),
                "replacement": said_instead,
                "pack": guard.pack.pack,
                "pack_hash": verdict.pack_hash,
            }
        )
    elif verdict.allowed:
        _out.print("allow", style="green")
    else:
        _out.print(f"{verdict.action.value}: {verdict.category}", style="red")
        for finding in verdict.findings:
            marked = text[finding.span[0] : finding.span[1]]
            _out.print(
                f"  {finding.category} ({', '.join(finding.rule_ids)}) “{marked}”: {finding.why}",
                markup=False,
                highlight=False,
            )
        if said_instead:
            _out.print(f"  say instead: {said_instead}", markup=False, highlight=False)
    raise typer.Exit(0 if verdict.allowed else 1)


@app.command(name="eval")
def evaluate_file(
    file: Annotated[Path, typer.Argument(help="Labelled sentences, in the format of benchmarks/guard.")],
    pack: Annotated[str, typer.Option(help="Rule pack to measure: a name or a file.")] = "cn",
    as_json: _AsJson = False,
) -> None:
    """Measures the guard on a file of labelled sentences."""
    from compliance_filters.evaluation import EvaluationError, evaluate
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.pack import PackError, load_pack

    try:
        _err.print(f"loading rule pack {pack}", style="dim", markup=False)
        guard = PhraseGuard(load_pack(pack))

        def guard_for(jurisdiction: str) -> PhraseGuard:
            return guard if jurisdiction == guard.pack.pack else PhraseGuard(load_pack(jurisdiction))

        report = evaluate(file, guard_for, lambda step: _err.print(f"  {step}", style="dim", markup=False)).as_json()
    except (EvaluationError, PackError) as wrong:
        raise _fail(str(wrong)) from wrong
    if as_json:
        _print_json({**report, "pack": guard.pack.pack, "pack_hash": guard.hash})
        return
    _show(report)


def _show(report: dict[str, Any]) -> None:
    table = Table("category", "plain stopped", "evasive stopped", "lawful allowed")
    for category, counts in report["per_category"].items():
        table.add_row(category, *(f"{counts[k]['right']}/{counts[k]['n']}" for k in ("plain", "evasive", "benign")))
    table.add_section()
    table.add_row(
        "all",
        f"{report['plain']['blocked']}/{report['plain']['n']}",
        f"{report['evasive']['blocked']}/{report['evasive']['n']}",
        f"{report['benign']['allowed']}/{report['benign']['n']}",
    )
    _out.print(table)
    pairs, mixed, latency = report["pairs"], report["mixed"], report["latency_ms"]
    _out.print(
        f"context pairs right {pairs['both_right']}/{pairs['n']}, mixed turns right {mixed['right']}/{mixed['n']}"
    )
    _out.print(f"latency ms: p50 {latency['p50']}, p95 {latency['p95']}, p99 {latency['p99']}")
    for error in report["errors"]:
        _out.print(
            f"{error['id']}: expected {error['expected']}, got {error['got']}: {error['text']}",
            markup=False,
            highlight=False,
        )


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Rule pack as it is: a name or a file.")],
    new: Annotated[str, typer.Argument(help="Rule pack as it would be: a name or a file.")],
    texts: Annotated[
        list[Path] | None,
        typer.Option("--texts", help="Past utterances, one a line; repeatable. Library lines are always compared."),
    ] = None,
    state: _State = None,
    as_json: _AsJson = False,
) -> None:
    """Which library lines and which past utterances change verdict. Exits 1 when any does.

    Each is judged as said to the verified debtor and as said to somebody else; with --state, as said in that state.
    """
    from compliance_filters.evaluation import state_from
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.pack import PackError, load_pack

    try:
        before, after = PhraseGuard(load_pack(old)), PhraseGuard(load_pack(new))
        listeners = {"as told": _facts(state)} if state else _LISTENERS
        states = {
            listener: tuple(state_from({**facts, "jurisdiction": guard.pack.pack}) for guard in (before, after))
            for listener, facts in listeners.items()
        }
        utterances = [*_library_lines(), *_past(texts or [])]
    except (PackError, ValueError, OSError) as wrong:
        raise _fail(str(wrong)) from wrong
    changed = []
    for (where, text, amounts), (listener, (old_state, new_state)) in product(utterances, states.items()):
        was = before.check(text, replace(old_state, stated_amounts=(*old_state.stated_amounts, *amounts)))
        now = after.check(text, replace(new_state, stated_amounts=(*new_state.stated_amounts, *amounts)))
        if (was.action, was.category) != (now.action, now.category):
            changed.append(
                {
                    "where": where,
                    "text": text,
                    "listener": listener,
                    "was": {"action": was.action.value, "category": was.category},
                    "now": {"action": now.action.value, "category": now.category},
                }
            )
    if as_json:
        _print_json({"old": before.hash, "new": after.hash, "n": len(utterances), "changed": changed})
    else:
        table = Table("where", "text", "said to", "was", "now")
        for change in changed:
            was_said, now_said = change["was"], change["now"]
            assert isinstance(was_said, dict)
            assert isinstance(now_said, dict)
            table.add_row(
                str(change["where"]),
                str(change["text"]),
                str(change["listener"]),
                f"{was_said['action']} {was_said['category'] or ''}",
                f"{now_said['action']} {now_said['category'] or ''}",
            )
        _out.print(table)
        distinct = len({(change["where"], change["text"]) for change in changed})
        _out.print(f"{distinct} of {len(utterances)} utterances change verdict")
    raise typer.Exit(1 if changed else 0)


def _library_lines() -> Iterator[tuple[str, str, tuple[Decimal, ...]]]:
    """Every wording of every line of the shipped libraries with ordinary values in its blanks: place, text, and the
    amounts that are then true."""
    from voicebot.dialog.checks.values import samples_of
    from voicebot.dialog.library import load_library
    from voicebot.dialog.wording import Reader, fill

    for language, currency in _LIBRARIES.items():
        for line in load_library(language).lines.values():
            for template in line.texts:
                sample = samples_of(template, language)[0]
                text = fill(template, sample.value_of, Reader(language, currency, sample.today))
                yield str(line.place), text, sample.amounts


def _past(files: list[Path]) -> Iterator[tuple[str, str, tuple[Decimal, ...]]]:
    """Every utterance of these files with its place."""
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                yield f"{file}:{number}", line.strip(), ()


@app.command()
def packs(as_json: _AsJson = False) -> None:
    """The rule packs there are, with their hashes. Exits 2 when one of them cannot be used."""
    from compliance_filters.pack import PACKS, PackError, load_pack

    rows, broken = [], []
    for file in sorted(PACKS.glob("*.yaml")):
        try:
            pack = load_pack(file.stem)
        except PackError as wrong:
            broken.append(str(wrong))
            continue
        rows.append(
            {
                "pack": pack.pack,
                "title": pack.title,
                "languages": list(pack.languages),
                "categories": len(pack.categories),
                "hash": pack.hash,
            }
        )
    if as_json:
        _print_json({"packs": rows, "broken": broken})
    else:
        table = Table("pack", "title", "languages", "hash")
        for row in rows:
            table.add_row(
                str(row["pack"]),
                str(row["title"]),
                " ".join(map(str, row["languages"])) if isinstance(row["languages"], list) else "",
                str(row["hash"])[:16],
            )
        _out.print(table)
    if broken:
        raise _fail("\n".join(broken))


@app.command()
def train(
    output: Annotated[
        Path | None, typer.Option(help="Folder for the models; without it, the package's own, which the wheel carries.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also train models that are there already.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Trains the meaning model of every shipped wording, and removes models of wordings that are no longer there."""
    from compliance_filters import trained_models
    from compliance_filters.guard import PhraseGuard
    from compliance_filters.meaning import MeaningModel
    from compliance_filters.meaning import train as train_model
    from compliance_filters.pack import PACKS, PackError, load_pack

    folder = output or trained_models.SHIPPED
    wanted: dict[str, str] = {}
    trained = []
    try:
        for file in sorted(PACKS.glob("*.yaml")):
            pack = load_pack(file.stem)
            name = trained_models.file_name(pack)
            if name in wanted:
                continue
            wanted[name] = pack.pack
            if again or not (folder / name).exists():
                _err.print(f"training {name} ({pack.pack})", style="dim", markup=False)
                model = train_model(pack, PhraseGuard(pack, MeaningModel.untaught()))
                trained_models.write(model, folder / name)
                trained.append(name)
        stale = sorted(f.name for f in folder.glob("meaning-*.npz") if f.name not in wanted)
        for name in stale:
            (folder / name).unlink()
    except (PackError, OSError) as wrong:
        raise _fail(str(wrong)) from wrong
    kept = [{"file": name, "pack": pack, "bytes": (folder / name).stat().st_size} for name, pack in wanted.items()]
    if as_json:
        _print_json({"folder": str(folder), "models": kept, "trained": trained, "removed": stale})
        return
    for entry in kept:
        state = "trained" if entry["file"] in trained else "unchanged"
        _out.print(f"{entry['file']}: {state}, {entry['bytes']} bytes", markup=False, highlight=False)
    for name in stale:
        _out.print(f"{name}: removed", markup=False, highlight=False)
