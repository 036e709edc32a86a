"""The flows that calls are held with: read again when a file changed, and never replaced by a broken edit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from voicebot.dialog.facts import Facts
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import CONTENT, Library, read_library
from voicebot.dialog.loader import FLOWS, load_flow, shipped_flows
from voicebot.dialog.places import FlowError
from voicebot.dialog.wording import MissingValue, Reader, blanks, fill

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shelved:
    flow: Flow
    library: Library
    seen: tuple[tuple[str, int], ...]
    """Path and modification time, ns, of every file it may have been read from."""


class FlowShelf:
    """Flows by name. A call keeps the version it was given; the next call gets what the files say then.

    When an edit is broken, the version before it serves on and the log says what is wrong with the edit.
    """

    def __init__(self) -> None:
        self._shelf: dict[str, _Shelved] = {}
        self._refused: dict[str, tuple[tuple[str, int], ...]] = {}

    def names(self) -> list[str]:
        """Names of the flows that there are."""
        return [path.stem for path in shipped_flows()]

    def get(self, name: str) -> tuple[Flow, Library]:
        """The flow as its files are now. Raises KeyError for a name that is not there, FlowError for a flow that was
        broken from the start."""
        if name not in self.names():
            raise KeyError(name)
        kept = self._shelf.get(name)
        seen = _files(kept.library.language if kept else None)
        if kept is not None and (kept.seen == seen or self._refused.get(name) == seen):
            return kept.flow, kept.library
        try:
            flow, library = _read(name)
        except FlowError as error:
            if kept is None:
                raise
            self._refused[name] = seen
            log.error(
                "an edit is broken; the version before it serves on", extra={"flow": name, "findings": str(error)}
            )
            return kept.flow, kept.library
        self._shelf[name] = _Shelved(flow, library, _files(library.language))
        return flow, library

    def fixed_lines(self, language: str, firm: Facts, today: date) -> Iterator[str]:
        """Texts that are the same on every call: those without blanks, and those whose blanks only name the firm."""
        reader = Reader(language, firm.currency, today)
        for line in self._library(language).lines.values():
            for text in line.texts:
                if all(name in firm for name, _ in blanks(text)):
                    try:
                        yield fill(text, firm.get, reader)
                    except MissingValue:
                        continue

    def _library(self, language: str) -> Library:
        return next((kept.library for kept in self._shelf.values() if kept.library.language == language), None) or (
            _library(language)
        )


def _library(language: str) -> Library:
    return read_library(CONTENT / "scripts_library" / language / "lines", language)


def _read(name: str) -> tuple[Flow, Library]:
    """Reads a flow in its own language: the flow says which library it belongs to."""
    languages = [path.name for path in sorted((CONTENT / "scripts_library").iterdir()) if (path / "lines").is_dir()]
    wanted = _language_of(FLOWS / f"{name}.yaml")
    library = _library(wanted if wanted in languages else "zh-CN")
    return load_flow(name, library), library


def _language_of(path: Path) -> str | None:
    """The `language:` of a flow file, read before anything else of it."""
    for text in path.read_text(encoding="utf-8").splitlines():
        key, _, value = text.partition(":")
        if key == "language":
            return value.split("#")[0].strip().strip("'\"")
    return None


def _files(language: str | None) -> tuple[tuple[str, int], ...]:
    folders = [FLOWS, FLOWS / "parts"]
    if language is not None:
        folders.append(CONTENT / "scripts_library" / language / "lines")
    return tuple((str(path), path.stat().st_mtime_ns) for folder in folders for path in sorted(folder.glob("*.yaml")))
