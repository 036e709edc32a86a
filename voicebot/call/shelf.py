"""The flows that calls are held with: a call keeps the version it was given, and a broken edit is never served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from voicebot.call.proving import ProofFault, prove_apart
from voicebot.dialog.facts import Facts
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import CONTENT, Library, line_files, read_library
from voicebot.dialog.places import Finding, FlowError
from voicebot.dialog.publishing import Judged, OnOffer, Published, Refused, stamps
from voicebot.dialog.wording import MissingValue, Reader, blanks, fill

log = logging.getLogger(__name__)

Prove = Callable[[Path, Mapping[str, str]], Awaitable[Mapping[str, Judged]]]
"""Judges the flows of a folder, given the hash of each that is served."""

LOOK_SECONDS = 1.0
"""How often the files are looked at. An edit is read once two looks in a row have found the same."""


@dataclass(frozen=True)
class _Shelved:
    version: Published
    since: datetime


class FlowShelf:
    """Flows by name. `open` reads and proves them all; `watch` does the same with every edit, while calls go on.

    `get` never waits and never reads: it gives the newest version that is proven. One an event loop.
    """

    def __init__(self, content: Path | None = None, *, prove: Prove = prove_apart) -> None:
        """`content` is a folder with dialog_flows and scripts_library; what it lacks is taken from the shipped ones."""
        self._content = content or CONTENT
        self._prove = prove
        self._shelf: dict[str, _Shelved] = {}
        self._refused: dict[str, tuple[Finding, ...]] = {}
        self._judged: tuple[tuple[str, int, int], ...] | None = None

    async def open(self) -> None:
        """Makes every flow ready to be served. Raises FlowError with everything that is wrong: a service does not begin
        on a broken flow. Raises ProofFault."""
        await self.refresh()
        if self._refused:
            raise FlowError(tuple(item for findings in self._refused.values() for item in findings))

    async def refresh(self) -> None:
        """Judges what the files say now: what is proven is served from the next call on, what is broken is refused and
        said. Raises ProofFault."""
        seen = await asyncio.to_thread(stamps, self._content)
        if seen == self._judged:
            return
        served = {name: kept.version.flow.hash for name, kept in self._shelf.items()}
        judged = await self._prove(self._content, served)
        self._judged = seen
        for name, verdict in judged.items():
            self._take(name, verdict)

    def _take(self, name: str, verdict: Judged) -> None:
        match verdict:
            case Published():
                edited = name in self._shelf
                self._shelf[name] = _Shelved(verdict, datetime.now(UTC))
                if edited:
                    log.info("an edited flow is served from the next call on", extra=_version(name, verdict))
            case Refused(findings):
                if self._refused.get(name) != findings:
                    log.error(
                        "an edit is broken; the version before it serves on",
                        extra={"flow": name, "findings": "\n".join(item.text("en") for item in findings)},
                    )
                self._refused[name] = findings
                return
        self._refused.pop(name, None)

    async def watch(self) -> None:
        """Looks after the files until it is cancelled. Whatever goes wrong, the versions that are served stay."""
        before = None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                seen = await asyncio.to_thread(stamps, self._content)
                if seen == before:
                    await self.refresh()
                before = seen
            except (OSError, ProofFault):
                log.exception("edited flows cannot be judged; what is served stays", extra={"folder": self._content})

    def names(self) -> list[str]:
        """Names of the flows that are served."""
        return sorted(self._shelf)

    def get(self, name: str) -> tuple[Flow, Library]:
        """What the next call of a flow is held with. Raises KeyError for one that is not served."""
        version = self._shelf[name].version
        return version.flow, version.library

    def on_offer(self) -> list[OnOffer]:
        """Every flow that is served."""
        return [
            OnOffer(
                name=name,
                title=kept.version.flow.title,
                language=kept.version.flow.language,
                direction=kept.version.flow.direction,
                hash=kept.version.flow.hash,
                since=kept.since,
            )
            for name, kept in sorted(self._shelf.items())
        ]

    @property
    def refused(self) -> Mapping[str, tuple[Finding, ...]]:
        """What is wrong with edits that were not taken, by the name of the flow."""
        return dict(self._refused)

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
        served = (kept.version.library for kept in self._shelf.values())
        return next((library for library in served if library.language == language), None) or read_library(
            line_files(language, self._content), language
        )


def _version(name: str, version: Published) -> Mapping[str, str]:
    return {"flow": name, "hash": version.flow.hash}
