"""`voicebot evidence`: verify, show, export, recover, hold and purge what calls left behind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from recordings import KeyRing, Verification
    from recordings.manifest import Manifest
    from recordings.retention import Facts
    from voicebot.settings import Settings

app = typer.Typer(help="Verify, show, export, recover and purge recordings and their evidence.", no_args_is_help=True)

KeysOption = Annotated[
    Path | None, typer.Option("--keys", help="Key file; left out: the one of the configuration, when it is there.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
CallFolder = Annotated[Path, typer.Argument(help="Folder of one call's evidence.")]


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="Folder of a call, folder of many calls, or one evidence file.")],
    keys: KeysOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
    require_seal: Annotated[
        bool, typer.Option("--require-seal", help="Evidence that is not sealed is broken.")
    ] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 when anything is broken.")] = False,
) -> None:
    """Proves that evidence is what was recorded, byte for byte, and says where it breaks."""
    from recordings import verify as verify_one
    from recordings import verify_all
    from recordings.folder import call_folders
    from voicebot.cli._terminal import fail, out, print_json

    if not path.exists():
        raise fail(f"{path} does not exist.", "Name the folder of a call, or one of its files.", code=2)
    ring = _ring(keys, config)
    if path.is_dir() and list(call_folders(path)) not in ([], [path]):
        found = list(verify_all(path, ring, require_seal=require_seal))
    else:
        found = [verify_one(path, ring, require_seal=require_seal)]
    broken = [each for each in found if not each.valid]
    if json_output:
        first = broken[0] if broken else None
        where = f"{first.path}: {first.broken_at}" if first and len(found) > 1 else first.broken_at if first else None
        answer: dict[str, Any] = {"valid": not broken, "broken_at": where, "reason": first.reason if first else None}
        print_json(answer | {"n": len(found), "calls": [_words(each) for each in found]})
    else:
        for each in found:
            if each.valid:
                note = " (recovered after a crash)" if each.recovered else ""
                out.print(f"valid   {each.path}{note}", style="green", markup=False, highlight=False, soft_wrap=True)
            else:
                out.print(f"BROKEN  {each.path}", style="red", markup=False, highlight=False, soft_wrap=True)
                out.print(f"        at {each.broken_at}: {each.reason}", markup=False, highlight=False, soft_wrap=True)
        if len(found) > 1:
            out.print(f"{len(found) - len(broken)} of {len(found)} calls are valid", markup=False)
    if broken and exit_code:
        raise typer.Exit(1)


@app.command()
def show(
    folder: CallFolder, keys: KeysOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """Prints the timeline of a call, of a live or crashed one too, up to the last second."""
    from recordings import read_entries
    from recordings.canonical import Fault, canonical
    from recordings.cipher import KeyFault
    from voicebot.cli._terminal import fail, out, print_json

    try:
        entries = list(read_entries(folder, _ring(keys, config)))
    except Fault as fault:
        raise fail(
            f"{folder} is broken at {fault.where}: {fault.reason}.", "Run: voicebot evidence verify", 1
        ) from None
    except (KeyFault, OSError) as error:
        raise fail(str(error), code=2) from None
    if not entries:
        raise fail(f"{folder} holds no timeline.", "Name the folder of one call, with timeline-0.jsonl in it.", code=2)
    if json_output:
        print_json({"entries": [{"n": entry.n, **entry.to_json()} for entry in entries]})
        return
    for entry in entries:
        minutes, seconds = divmod(entry.media_seconds, 60)
        data = canonical(dict(entry.data)).decode()
        line = f"{entry.n:5d}  {int(minutes):02d}:{seconds:06.3f}  {entry.kind:<20}  {data}"
        out.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def export(
    folder: CallFolder,
    wav: Annotated[Path, typer.Option("--wav", help="File to write: caller left, engine or agent right.")],
    keys: KeysOption = None,
    config: ConfigOption = None,
    unverified: Annotated[bool, typer.Option("--unverified", help="Export even when it cannot be verified.")] = False,
) -> None:
    """Writes a call as a two-channel WAV, after verifying it."""
    from recordings import export_wav
    from recordings import verify as verify_one
    from recordings.canonical import Fault
    from recordings.cipher import KeyFault
    from voicebot.cli._terminal import fail, out

    ring = _ring(keys, config)
    found = verify_one(folder, ring)
    if not found.valid and not unverified:
        raise fail(
            f"{folder} is not valid: {found.broken_at}: {found.reason}.",
            "To hear what can be read all the same, say --unverified.",
        )
    try:
        written = export_wav(folder, wav, ring)
    except Fault as fault:
        raise fail(f"{folder} cannot be read past {fault.where}: {fault.reason}.") from None
    except (KeyFault, OSError) as error:
        raise fail(str(error), code=2) from None
    out.print(
        f"{written.path}: {written.seconds:.1f} s, {written.sample_rate} Hz, SHA-256 {written.sha256}", markup=False
    )
    _note_in_audit(config, "evidence.export", f"call:{found.call_id or folder.name}", {"sha256": written.sha256})


@app.command()
def recover(
    root: Annotated[Path | None, typer.Argument(help="Folder of recordings; left out: the configuration's.")] = None,
    spool: Annotated[Path | None, typer.Option("--spool", help="Spool; left out: the configuration's.")] = None,
    keys: KeysOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Closes evidence that a crash left open and brings home what was spooled. Live calls are left alone."""
    from recordings import recover as recover_all
    from voicebot.cli._terminal import out, print_json

    if root is None:
        settings = _settings(config)
        root, spool = settings.recordings_root, spool or settings.data_dir / "spool"
    found = list(recover_all(root, _ring(keys, config), spool))
    if json_output:
        print_json([{"path": str(each.path), "recovered": each.recovered, "message": each.message} for each in found])
    else:
        for each in found:
            style = "green" if each.recovered else "red"
            out.print(f"{each.path}: {each.message}", style=style, markup=False, highlight=False, soft_wrap=True)
        if not found:
            out.print("Nothing to recover.")
    if any(not each.recovered for each in found):
        raise typer.Exit(1)


@app.command()
def hold(
    folder: CallFolder,
    by: Annotated[str, typer.Option("--by", help="Officer who orders it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, such as the number of a court file.")],
    config: ConfigOption = None,
) -> None:
    """Puts a call's evidence under a legal hold: no purge deletes it."""
    from datetime import UTC, datetime

    from recordings.deletion import place_hold
    from voicebot.cli._terminal import fail, out

    try:
        place_hold(folder, by=by, reason=reason, at=datetime.now(UTC))
    except FileExistsError:
        raise fail(f"{folder} is under a legal hold already.") from None
    except OSError as error:
        raise fail(
            f"{folder} cannot be put under a hold: {error.strerror}.", "Check the folder and its rights.", 2
        ) from None
    out.print(f"{folder} is under a legal hold.", markup=False)
    _note_in_audit(config, "evidence.hold", f"call:{folder.name}", {"by": by, "reason": reason})


@app.command()
def release(
    folder: CallFolder,
    by: Annotated[str, typer.Option("--by", help="Officer who lifts it.")],
    config: ConfigOption = None,
) -> None:
    """Lifts a legal hold."""
    from recordings.deletion import release_hold
    from voicebot.cli._terminal import fail, out

    if not release_hold(folder):
        raise fail(f"{folder} is not under a legal hold.")
    out.print(f"The legal hold on {folder} is lifted.", markup=False)
    _note_in_audit(config, "evidence.release", f"call:{folder.name}", {"by": by})


@app.command()
def purge(
    root: Annotated[Path | None, typer.Argument(help="Folder of recordings; left out: the configuration's.")] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Days (1826d) or years (5y); left out: the configuration's.")
    ] = None,
    rehearse: Annotated[bool, typer.Option("--dry-run", help="Say what would go, delete nothing.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who orders it, for the certificates.")] = "operator",
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Deletes evidence whose time is over, with a certificate for each. Open cases and legal holds are kept."""
    import asyncio

    from recordings.retention import RetentionPolicy
    from voicebot.cli._terminal import fail, out, print_json
    from voicebot.store import StoreUnavailable

    settings = _settings(config)
    try:
        policy = RetentionPolicy(days=_days(older_than) if older_than else settings.recordings.retention_days)
        found = asyncio.run(_purge(settings, root or settings.recordings_root, policy, by, rehearse))
    except ValueError as error:
        raise fail(str(error), code=2) from None
    except StoreUnavailable as error:
        raise fail(str(error), "Nothing was deleted: without the store nobody knows which cases are open.", 2) from None
    if json_output:
        print_json(found)
        return
    for each in found:
        word = "deleted" if each["deleted"] else "due    " if each["due_now"] else "kept   "
        out.print(f"{word} {each['path']}: {each['reason']}", markup=False, highlight=False, soft_wrap=True)
    out.print(f"{sum(each['deleted'] for each in found)} of {len(found)} calls deleted")


@app.command("rotate-key")
def rotate_key(keys: KeysOption = None, config: ConfigOption = None) -> None:
    """Adds a fresh key that seals from now on; older ones stay and open the rest. Restart the workers afterwards."""
    from recordings import KeyFault, KeyRing
    from voicebot.cli._terminal import fail, out

    file = keys or _settings(config).key_file
    try:
        ring = KeyRing.load(file).rotate(file)
    except KeyFault as error:
        raise fail(str(error), code=2) from None
    out.print(f"{file} has {len(ring.ids())} keys; {ring.active.id} seals from now on.", markup=False, soft_wrap=True)
    out.print("Back it up, copy it to the other workers, and restart them.")
    if keys is None:
        _note_in_audit(config, "key.rotate", f"key:{ring.active.id}", {})


async def _purge(settings: Settings, root: Path, policy: Any, by: str, rehearse: bool) -> list[dict[str, Any]]:
    import asyncio
    from datetime import UTC, datetime

    from recordings.canonical import Fault
    from recordings.deletion import purge as purge_all
    from recordings.folder import call_folders
    from recordings.manifest import MANIFEST, read_manifest
    from voicebot.store import Store

    async with await Store.open(settings.database, _ring(None, None, settings)) as store:
        facts: dict[str, Facts] = {}
        for folder in call_folders(root):
            try:
                manifest = read_manifest(folder / MANIFEST)
            except (Fault, OSError):
                continue
            facts[manifest.digest] = await _facts(store, manifest)
        now = datetime.now(UTC)
        found = await asyncio.to_thread(
            lambda: list(purge_all(root, policy, lambda m: facts[m.digest], now=now, by=by, rehearse=rehearse))
        )
        for each in found:
            if each.deleted:
                await store.audit.append(by, "evidence.purge", f"call:{each.call_id}", {"reason": each.fate.reason})
    return [
        {
            "path": str(each.path),
            "call_id": each.call_id,
            "deleted": each.deleted,
            "due_now": each.fate.delete,
            "due": each.fate.due.isoformat() if each.fate.due else None,
            "reason": each.fate.reason,
        }
        for each in found
    ]


async def _facts(store: Any, manifest: Manifest) -> Facts:
    from recordings.retention import Facts
    from voicebot.store.records import CaseStatus

    summary = manifest.summary
    case = None if summary.case_id is None else await store.cases.get(summary.case_id)
    if case is None:
        return Facts(manifest.closed_at, reasons_to_keep=summary.reasons_to_keep)
    return Facts(
        ended_at=manifest.closed_at,
        has_case=True,
        case_closed_at=case.closed_at,
        settled=case.status is CaseStatus.SETTLED,
        reasons_to_keep=summary.reasons_to_keep,
    )


def _days(text: str) -> int:
    match = re.fullmatch(r"(\d+)\s*([dy]?)", text.strip())
    if match is None:
        raise ValueError(f"--older-than {text} is not understood; say days or years, such as 1826d or 5y")
    # Five years of the law are five birthdays: a leap day too many is kept, never a day too few.
    return int(match[1]) * (1 if match[2] != "y" else 366)


def _settings(config: Path | None) -> Settings:
    from voicebot.cli._terminal import load_settings_or_exit

    return load_settings_or_exit(config)


def _ring(keys: Path | None, config: Path | None, settings: Settings | None = None) -> KeyRing | None:
    """The ring of `--keys`, or of the configuration when its key file is there."""
    from recordings import KeyFault, KeyRing
    from voicebot.cli._terminal import fail

    try:
        if keys is not None:
            return KeyRing.load(keys)
        file = (settings or _settings(config)).key_file
        return KeyRing.load(file) if file.exists() else None
    except KeyFault as error:
        raise fail(str(error), code=2) from None


def _note_in_audit(config: Path | None, action: str, subject: str, data: dict[str, Any]) -> None:
    """Notes what an officer did. A store that is away does not undo it, but is said."""
    import asyncio
    import getpass

    from voicebot.cli._terminal import error_console
    from voicebot.store import Store, StoreUnavailable

    async def note() -> None:
        settings = _settings(config)
        async with await Store.open(settings.database, _ring(None, None, settings)) as store:
            await store.audit.append(getpass.getuser(), action, subject, data)

    try:
        asyncio.run(note())
    except StoreUnavailable as error:
        error_console.print(
            f"This was not noted in the audit log: {error}", style="yellow", markup=False, soft_wrap=True
        )


def _words(found: Verification) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "call_id": found.call_id,
        "valid": found.valid,
        "broken_at": found.broken_at,
        "reason": found.reason,
        "digest": found.digest,
        "recovered": found.recovered,
    }
