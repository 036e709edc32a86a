"""`voicebot flow diff` and `voicebot flow replay`: what a change does, in the flow and to calls that were held."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from voicebot.cli._flow_files import (
    UNUSABLE,
    Locale,
    case_of,
    err,
    guarding,
    load_with_words,
    locale_of,
    out,
    plain,
    refuse,
    understander,
)

if TYPE_CHECKING:
    from voicebot.call.promise_facts import PromiseStanding
    from voicebot.dialog.facts import Facts
    from voicebot.dialog.profile import Profile
    from voicebot.dialog.replaying import Entry
    from voicebot.settings import Settings
    from voicebot.store import Store
    from voicebot.store.records import Case
    from voicebot.understanding.meaning import Context, Meaning


def diff(
    old: Annotated[Path, typer.Argument(help="The flow as it was.")],
    new: Annotated[Path, typer.Argument(help="The flow as it is.")],
    locale: Locale = None,
) -> None:
    """What a change does: states and routes added, gone or leading elsewhere, lines said differently."""
    from voicebot.dialog.comparing import differences
    from voicebot.dialog.places import FlowError

    try:
        before, old_library = load_with_words(old)
        after, new_library = load_with_words(new)
    except FlowError as error:
        raise refuse(error.findings, locale_of(locale)) from error
    table = Table("", "what", "before", "after")
    rows = differences(before, old_library, after, new_library)
    for row in rows:
        table.add_row(row.kind, escape(row.name), escape(row.before), escape(row.after))
    out.print(table) if rows else plain("no difference")


def replay(
    timelines: Annotated[
        list[Path],
        typer.Argument(help="Evidence of calls (a call's folder, or one of many calls), or timelines as JSON."),
    ],
    flow: Annotated[str, typer.Option("--flow", help="The flow to replay them through.")],
    case: Annotated[
        Path | None,
        typer.Option(help="YAML of facts; left out: each call's own case from the store, else an invented one."),
    ] = None,
    hear_anew: Annotated[
        bool, typer.Option("--hear-anew", help="Understand the words again, in place of what they were taken for then.")
    ] = False,
    keys: Annotated[Path | None, typer.Option("--keys", help="Key file of the recordings.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    locale: Locale = None,
) -> None:
    """Recorded calls through a changed flow: which would now go another way, say something else, or trip the guard."""
    from voicebot.dialog.facts import FactError, Facts
    from voicebot.dialog.places import FlowError
    from voicebot.dialog.replaying import TimelineError, replayed

    spoken = locale_of(locale)
    rows: list[dict[str, Any]] = []
    try:
        loaded, library = load_with_words(flow)
        given = Facts.of(case_of(case))
    except FlowError as error:
        raise refuse(error.findings, spoken) from error
    except FactError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(UNUSABLE) from error
    understand = understander() if hear_anew else _unheard
    judge = guarding()
    for name, read in _calls(timelines, loaded.name, keys, config, own_case=case is None):
        row: dict[str, Any] = {"timeline": name, "changes": [], "error": None}
        try:
            if (call := read()) is None:
                continue
            facts = call.facts or given
            changes = replayed(
                call.entries, loaded, library, facts, understand, judge, profile=call.profile, hear_anew=hear_anew
            )
            row["changes"] = [change.as_dict() for change in changes]
        except FlowError as error:
            row["error"] = "; ".join(item.text(spoken) for item in error.findings)
        except (FactError, TimelineError) as error:
            row["error"] = str(error)
        rows.append(row)
    _tell(rows, spoken, as_json=as_json)
    if any(row["error"] for row in rows):
        raise typer.Exit(UNUSABLE)


def _tell(rows: Sequence[Mapping[str, Any]], spoken: str, *, as_json: bool) -> None:
    if as_json:
        plain(json.dumps({"calls": rows}, ensure_ascii=False))
        return
    for row in rows:
        if row["error"]:
            plain(f"{row['timeline']}: {'不能重放' if spoken == 'zh' else 'cannot be replayed'}: {row['error']}")
            continue
        plain(f"{row['timeline']}: {len(row['changes'])}")
        for change in row["changes"]:
            plain(f"    {change['at']}: {change['what']}: {change['before']} → {change['after']}")
    changed = sum(bool(row["changes"]) for row in rows)
    lost = sum(bool(row["error"]) for row in rows)
    plain(
        f"{len(rows)} 通电话，{changed} 通会不一样，{lost} 通不能重放"
        if spoken == "zh"
        else f"{len(rows)} calls, {changed} of them would differ, {lost} cannot be replayed"
    )


def _unheard(words: str, _: Context) -> Meaning:
    from voicebot.dialog.replaying import TimelineError

    raise TimelineError(f"the timeline does not say what {words!r} was taken to mean; add --hear-anew")


@dataclass(frozen=True)
class _Recorded:
    """One call to replay."""

    entries: Sequence[Entry]
    facts: Facts | None = None
    """Of its own case, None where that is not known."""
    profile: Profile | None = None


def _calls(
    given: Sequence[Path], flow: str, keys: Path | None, config: Path | None, *, own_case: bool
) -> Iterator[tuple[str, Callable[[], _Recorded | None]]]:
    """The calls that are meant, by name, and how each is read; of a folder of evidence those that were held with the
    flow. Reading one gives None when it was held with another, and raises TimelineError."""
    from recordings.folder import call_folders

    for path in given:
        if not path.is_dir():
            yield str(path), partial(_of_file, path)
            continue
        folders = list(call_folders(path))
        if not folders:
            yield str(path), partial(_nothing_in, path)
        wanted = flow if len(folders) > 1 else None
        for folder in folders:
            yield str(folder), partial(_of_evidence, folder, wanted, keys, config, own_case=own_case)


def _of_file(path: Path) -> _Recorded:
    from voicebot.dialog.replaying import read_timeline

    return _Recorded(read_timeline(path))


def _nothing_in(folder: Path) -> _Recorded:
    from voicebot.dialog.replaying import TimelineError

    raise TimelineError(f"{folder}: there is no evidence of a call here")


def _of_evidence(
    folder: Path, flow: str | None, keys: Path | None, config: Path | None, *, own_case: bool
) -> _Recorded | None:
    """A call from its evidence, with the facts of its case where the store knows them. None when it was held with
    another flow than the one named."""
    from recordings.canonical import Fault
    from recordings.cipher import KeyFault, KeyRing
    from recordings.manifest import MANIFEST, read_manifest
    from recordings.reading import read_entries
    from voicebot.cli._terminal import load_settings_or_exit
    from voicebot.dialog.replaying import Entry, TimelineError

    settings = load_settings_or_exit(config)
    try:
        file = keys or settings.key_file
        ring = KeyRing.load(file) if file.exists() else None
        manifest = read_manifest(folder / MANIFEST, ring)
        if flow is not None and manifest.summary.flow != flow:
            return None
        entries = [Entry(one.kind, one.at, one.data) for one in read_entries(folder, ring)]
    except Fault as fault:
        raise TimelineError(
            f"{folder} is broken at {fault.where}: {fault.reason}; run: voicebot evidence verify"
        ) from fault
    except (KeyFault, OSError) as error:
        raise TimelineError(str(error)) from error
    if not entries:
        raise TimelineError(f"{folder}: the timeline is empty")
    case_id = manifest.summary.case_id if own_case else None
    if case_id is None:
        return _Recorded(entries)
    facts, profile = _of_case(case_id, manifest.call_id, entries[0].at, settings, config)
    return _Recorded(entries, None if facts is None else _with_the_hour(facts, entries), profile)


def _with_the_hour(facts: Facts, entries: Sequence[Entry]) -> Facts:
    """The facts that were true of that call alone, as its timeline tells them."""
    from voicebot.call.inbound import OF_THE_HOUR

    told = next((entry.data.get("facts") for entry in entries if entry.kind == "call.answered"), None)
    if not isinstance(told, Mapping):
        return facts
    return replace(facts, values={**facts.values, **{name: told[name] for name in OF_THE_HOUR if name in told}})


def _of_case(
    case_id: str, call_id: str, at: datetime, settings: Settings, config: Path | None
) -> tuple[Facts | None, Profile | None]:
    """What the store knows now of the case that a call was about, and how its promise stood then."""
    from voicebot.call.case_facts import Firm, facts_of, profile_of
    from voicebot.call.promise_facts import promise_as_of
    from voicebot.cli._store import with_store

    async def find(store: Store) -> tuple[Case, PromiseStanding | None] | None:
        case = await store.cases.get(case_id)
        return (case, await promise_as_of(store, case, at)) if case is not None else None

    found = with_store(config, find)
    if found is None:
        return None, None
    case, promise = found
    firm = Firm(settings.compliance.firm_name, settings.compliance.callback_number)
    return facts_of(case, firm, at, callback_expected=True, promise=promise), profile_of(case, call_id)
