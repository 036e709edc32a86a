"""Versions of flows: a call keeps the one it began with; a broken edit is refused while the old version serves on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from voicebot.dialog.checking import check_loaded
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import CONTENT, Library, read_library
from voicebot.dialog.loader import flow_path, language_of, load
from voicebot.dialog.places import Finding, FlowError, Severity


@dataclass(frozen=True)
class Published:
    """One version in service."""

    flow: Flow
    library: Library


@dataclass(frozen=True)
class Refused:
    """Why an edit did not take effect."""

    name: str
    findings: tuple[Finding, ...]


class Shelf:
    """The versions that new calls begin with. It reads files when asked to and has no clock: the engine says when to
    `refresh`. Not for several threads at once."""

    def __init__(self, names: tuple[str, ...], *, content: Path = CONTENT, prove: bool = True) -> None:
        """Loads and checks every flow. Raises FlowError with the findings of all: a service does not begin on a broken
        flow. `prove` false leaves the proofs to the publisher and only loads."""
        self._content = content
        self._prove = prove
        self._current: dict[str, Published] = {}
        self._versions: dict[str, Published] = {}
        refused: list[Finding] = []
        for name in names:
            outcome = self._read(name)
            if isinstance(outcome, Refused):
                refused.extend(outcome.findings)
            else:
                self._put(name, outcome)
        if refused:
            raise FlowError(tuple(refused))

    def current(self, name: str) -> Published:
        """What the next call of this flow begins with. Raises KeyError for a flow not on the shelf."""
        return self._current[name]

    def version(self, digest: str) -> Published | None:
        """A version by its content hash, as long as this process has served it."""
        return self._versions.get(digest)

    def refresh(self) -> tuple[list[str], list[Refused]]:
        """Reads everything anew. Names of flows that changed and took effect, and edits that were refused."""
        changed: list[str] = []
        refused: list[Refused] = []
        for name, serving in list(self._current.items()):
            outcome = self._read(name)
            if isinstance(outcome, Refused):
                refused.append(outcome)
            elif outcome.flow.hash != serving.flow.hash:
                self._put(name, outcome)
                changed.append(name)
        return changed, refused

    def _put(self, name: str, published: Published) -> None:
        self._current[name] = published
        self._versions[published.flow.hash] = published

    def _read(self, name: str) -> Published | Refused:
        try:
            path = self._path(name)
            library = read_library(self._content / "scripts_library" / language_of(path) / "lines", language_of(path))
            loaded = load(path, library)
        except FlowError as error:
            return Refused(name, error.findings)
        if loaded.flow is None:
            return Refused(name, tuple(loaded.findings))
        served = self._versions.get(loaded.flow.hash)
        if served is not None:
            return served
        if self._prove:
            wrong = [item for item in check_loaded(loaded, library) if item.severity is Severity.ERROR]
            if wrong:
                return Refused(name, tuple(wrong))
        return Published(loaded.flow, library)

    def _path(self, name: str) -> Path:
        path = self._content / "dialog_flows" / f"{name}.yaml"
        return path if path.is_file() else flow_path(name)
