"""Versions of flows: what an author's files say now, and whether it is proven well enough to be served."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from voicebot.dialog.checking import check_loaded
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import CONTENT, Library, line_files, read_library
from voicebot.dialog.loader import Loaded, language_of, load, shipped_flows
from voicebot.dialog.places import Finding, FlowError, Severity


@dataclass(frozen=True)
class Published:
    """One version, proven."""

    flow: Flow
    library: Library


@dataclass(frozen=True)
class Refused:
    """Why what the files say cannot be served."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Unchanged:
    """The files say what is served already."""


Judged = Published | Refused | Unchanged


@dataclass(frozen=True)
class OnOffer:
    """One flow as the next call would get it, for people to see."""

    name: str
    title: str
    language: str
    direction: str
    """outbound, inbound or voicemail."""
    hash: str
    """SHA-256 of the version that is served."""
    since: datetime
    """When it began to be served."""


def flow_files(content: Path = CONTENT) -> Mapping[str, Path]:
    """Every flow by its name. One that lies in `content` stands in for the shipped one of its name."""
    own = (path for path in (content / "dialog_flows").glob("*.yaml") if not path.name.endswith(".test.yaml"))
    return dict(sorted({path.stem: path for path in (*shipped_flows(), *own)}.items()))


def stamps(content: Path = CONTENT) -> tuple[tuple[str, int, int], ...]:
    """Path, time of change (ns) and size (bytes) of every file that a flow may be made of: equal as long as nobody
    edits."""
    folders = {root / "dialog_flows" for root in (CONTENT, content)}
    folders |= {folder / "parts" for folder in folders}
    folders |= {folder for root in (CONTENT, content) for folder in (root / "scripts_library").glob("*/lines")}
    return tuple(_stamps(folders))


def _stamps(folders: Collection[Path]) -> Iterator[tuple[str, int, int]]:
    for path in sorted(path for folder in folders for path in folder.glob("*.yaml")):
        try:
            found = path.stat()
        except FileNotFoundError:  # An editor is just putting it in place.
            continue
        yield str(path), found.st_mtime_ns, found.st_size


def judge(content: Path, served: Mapping[str, str], *, prove: bool = True) -> dict[str, Judged]:
    """Reads every flow and proves those that are not served yet; `served` has the hash of those that are.

    Takes seconds. With `prove` false a flow only has to be one that the machine could run."""
    libraries: dict[str, Library | FlowError] = {}
    return {
        name: _judge(path, content, served.get(name), libraries, prove) for name, path in flow_files(content).items()
    }


def _judge(
    path: Path, content: Path, served: str | None, libraries: dict[str, Library | FlowError], prove: bool
) -> Judged:
    try:
        library = _library(language_of(path), content, libraries)
        loaded = load(path, library)
    except FlowError as error:
        return Refused(error.findings)
    if loaded.flow is None:
        return Refused(tuple(loaded.findings))
    if loaded.flow.hash == served:
        return Unchanged()
    wrong = _errors(loaded, library) if prove else ()
    return Refused(wrong) if wrong else Published(loaded.flow, library)


def _errors(loaded: Loaded, library: Library) -> tuple[Finding, ...]:
    return tuple(item for item in check_loaded(loaded, library) if item.severity is Severity.ERROR)


def _library(language: str, content: Path, libraries: dict[str, Library | FlowError]) -> Library:
    """Each language is read once."""
    if language not in libraries:
        try:
            libraries[language] = read_library(line_files(language, content), language)
        except FlowError as error:
            libraries[language] = error
    found = libraries[language]
    if isinstance(found, FlowError):
        raise found
    return found
