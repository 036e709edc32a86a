"""Versions of flows: what an author's files say now, and whether it is proven well enough to be served."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from voicebot.dialog.checking import check_loaded
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import CONTENT, Library, line_files, read_library
from voicebot.dialog.loader import language_of, load, shipped_flows
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


class Proofs(Protocol):
    """Which versions are proven already. Only what was proven without an error is ever told to it."""

    def knows(self, version: str) -> bool: ...

    def learn(self, version: str) -> None: ...


class ProofsAnew:
    """Remembers nothing: every version is proven."""

    def knows(self, version: str) -> bool:
        return False

    def learn(self, version: str) -> None:
        """Lets it go."""


class Unproven(ProofsAnew):
    """Takes every version for proven: a flow only has to be one that the machine could run."""

    def knows(self, version: str) -> bool:
        return True


def judge(content: Path, served: Mapping[str, str], proofs: Proofs | None = None) -> dict[str, Judged]:
    """Reads every flow and proves those that are not served yet; `served` has the hash of those that are.

    Takes seconds, unless `proofs` knows the versions; without it all are proven."""
    libraries: dict[str, Library | FlowError] = {}
    proofs = proofs or ProofsAnew()
    return {
        name: _judge(path, content, served.get(name), libraries, proofs) for name, path in flow_files(content).items()
    }


def _judge(
    path: Path, content: Path, served: str | None, libraries: dict[str, Library | FlowError], proofs: Proofs
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
    if not proofs.knows(loaded.flow.hash):
        wrong = tuple(item for item in check_loaded(loaded, library) if item.severity is Severity.ERROR)
        if wrong:
            return Refused(wrong)
        proofs.learn(loaded.flow.hash)
    return Published(loaded.flow, library)


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
