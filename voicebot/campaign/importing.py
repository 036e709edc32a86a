"""Brings a table into the store: streaming, batch by batch, good rows in and bad rows out to be mended."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from voicebot.campaign.importing_cells import RowFault
from voicebot.campaign.importing_columns import CASE_FIELDS, FAULT, Columns, Fields
from voicebot.campaign.importing_row import read_row
from voicebot.campaign.importing_table import Row, Table, open_table
from voicebot.store.records import BulkResult, Case

BATCH = 500
"""Rows in one transaction: long enough to be quick, short enough that a running engine gets its turn."""
SHOWN_FAULTS = 1000
"""Faults kept for the answer; the file of rejected rows has all of them."""


T = TypeVar("T")


@dataclass(frozen=True)
class Loaded:
    """What a sink did with a batch, in rows."""

    added: int
    changed: int
    unchanged: int
    refused: Mapping[int, RowFault] = field(default_factory=dict)
    """Place in the batch to what is wrong; the line is filled in by the import."""


Sink = Callable[[Sequence[T]], Awaitable[Loaded]]
"""Takes a batch of good rows."""


@dataclass(frozen=True)
class RowKind(Generic[T]):
    """What the rows of a table are."""

    fields: Fields
    read: Callable[[Mapping[str, str], int], tuple[T | None, tuple[RowFault, ...]]]
    """A row's cells by field, and its line: what it is read as, or what is wrong."""
    name: Callable[[T], str | None] = lambda item: None
    """What must come only once in a file; None may come again."""
    named_by: str = "row"
    """The field of that name."""


class CaseSink(Protocol):
    """What takes the cases: `Store.cases`."""

    async def add_many(self, cases: Sequence[Case]) -> BulkResult: ...


@dataclass
class ImportReport:
    """What an import did."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    """Rows that were not loaded."""
    faults: list[RowFault] = field(default_factory=list)
    """The first SHOWN_FAULTS of them."""
    unsaid: int = 0
    """Faults beyond those."""

    @property
    def loaded(self) -> int:
        """Rows whose case is now in the store as the row says."""
        return self.added + self.changed + self.unchanged

    @property
    def rows(self) -> int:
        return self.loaded + self.rejected


Progress = Callable[[ImportReport, float], None]
"""Told after every batch: the report so far, and the share of the file that was read."""


async def import_cases(
    file: Path,
    sink: CaseSink,
    *,
    rejects: Path,
    columns: Columns | None = None,
    encoding: str | None = None,
    progress: Progress = lambda report, share: None,
    batch: int = BATCH,
) -> ImportReport:
    """Loads a table of cases: see `import_rows`. Importing the same file twice changes nothing, for cases are known by
    their external ids."""

    async def load(cases: Sequence[Case]) -> Loaded:
        done = await sink.add_many(cases)
        return Loaded(done.added, done.changed, done.unchanged)

    return await import_rows(
        file, _CASES, load, rejects=rejects, columns=columns, encoding=encoding, progress=progress, batch=batch
    )


async def import_rows(
    file: Path,
    kind: RowKind[T],
    sink: Sink[T],
    *,
    rejects: Path,
    columns: Columns | None = None,
    encoding: str | None = None,
    progress: Progress = lambda report, share: None,
    batch: int = BATCH,
) -> ImportReport:
    """Loads the good rows of `file` and writes the bad ones, each with its faults, to `rejects` when there are any.

    When the file or the store fails in the middle, what was loaded stays, and importing the whole file again is the way
    on. Memory does not grow with the file. Raises TableFault, OSError, and what the store raises.
    """
    report = ImportReport()
    with open_table(file, encoding) as table, _Seen() as seen, _rejected_rows(rejects, table.header) as reject:
        for rows in _batches(_check(table, columns or Columns(), kind), batch):
            await _load(rows, kind, seen, sink, report, reject)
            progress(report, rows[-1].row.read)
    return report


@dataclass(frozen=True)
class _Checked(Generic[T]):
    row: Row
    item: T | None
    faults: tuple[RowFault, ...]


def _check(table: Table, columns: Columns, kind: RowKind[T]) -> Iterator[_Checked[T]]:
    fields = columns.bind(table.header, kind.fields)
    for row in table.rows:
        cells = {name: cell for name, cell in zip(fields, row.cells, strict=True) if name is not None}
        item, faults = kind.read({**columns.constants, **cells}, row.line)
        if not row.fits:
            shifted = "it has more cells than the header; put quotes around a cell with a comma"
            item, faults = None, (RowFault(row.line, "row", shifted), *faults)
        yield _Checked(row, item, faults)


def _named_case(values: Mapping[str, str], line: int) -> tuple[Case | None, tuple[RowFault, ...]]:
    case, faults = read_row(values, line)
    if case is not None and case.external_id is None:
        wanted = "the contract number is needed, so that importing again changes the case in place of adding one"
        return None, (RowFault(line, "external_id", wanted),)
    return case, faults


_CASES = RowKind[Case](CASE_FIELDS, _named_case, lambda case: case.external_id, "external_id")


def _batches(rows: Iterator[_Checked[T]], size: int) -> Iterator[list[_Checked[T]]]:
    held: list[_Checked[T]] = []
    for row in rows:
        held.append(row)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


Reject = Callable[[Row, Sequence[RowFault]], None]


async def _load(
    rows: Sequence[_Checked[T]], kind: RowKind[T], seen: _Seen, sink: Sink[T], report: ImportReport, reject: Reject
) -> None:
    good: list[T] = []
    places: list[int] = []
    bad: dict[int, Sequence[RowFault]] = {}
    for place, checked in enumerate(rows):
        item, line = checked.item, checked.row.line
        name = kind.name(item) if item is not None else None
        if item is None:
            bad[place] = checked.faults
        elif name is not None and (first := seen.line_of(name, line)):
            bad[place] = (
                RowFault(line, kind.named_by, f"it comes in line {first} already; keep the row that is right"),
            )
        else:
            good.append(item)
            places.append(place)
    if good:
        done = await sink(good)
        report.added += done.added
        report.changed += done.changed
        report.unchanged += done.unchanged
        for at, fault in done.refused.items():
            row = rows[places[at]].row
            bad[places[at]] = (RowFault(row.line, fault.column, fault.what),)
    for place in sorted(bad):
        reject(rows[place].row, bad[place])
        report.rejected += 1
        room = max(0, SHOWN_FAULTS - len(report.faults))
        report.faults.extend(bad[place][:room])
        report.unsaid += len(bad[place][room:])


class _Seen:
    """Contract numbers of this file and their lines, on disk once they are many: memory stays where it is."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("")
        self._base.execute("CREATE TABLE seen (name BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def line_of(self, name: str, line: int) -> int | None:
        """The line on which the name came first; None, and the name is kept, when this is it."""
        digest = blake2b(name.encode(), digest_size=16).digest()
        if self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, line)).rowcount:
            return None
        return int(self._base.execute("SELECT line FROM seen WHERE name = ?", (digest,)).fetchone()[0])

    def __enter__(self) -> _Seen:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()


@contextmanager
def _rejected_rows(target: Path, header: Sequence[str]) -> Iterator[Reject]:
    """Writes beside `target` and puts it there in one step at the end; without a bad row there is no file."""
    keep = [place for place, name in enumerate(header) if name != FAULT]
    writing = target.with_name(f".{target.name}.{os.getpid()}")
    opened = None
    writer = None

    def reject(row: Row, faults: Sequence[RowFault]) -> None:
        nonlocal opened, writer
        if writer is None:
            # Rows of people who owe: for the eyes of whoever runs the import.
            handle = os.open(writing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            opened = os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
            writer = csv.writer(opened)
            writer.writerow([*(header[place] for place in keep), FAULT])
        said = "; ".join(f"{fault.column}: {fault.what}" for fault in faults)
        writer.writerow([*(row.cells[place] for place in keep), said])

    try:
        yield reject
    finally:
        if opened is not None:
            opened.close()
            writing.replace(target)
