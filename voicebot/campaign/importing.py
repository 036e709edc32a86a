"""Brings a table of cases into the store: streaming, batch by batch, good rows in and bad rows out to be mended."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from voicebot.campaign.importing_columns import FAULT, Columns
from voicebot.campaign.importing_row import RowFault, read_row
from voicebot.campaign.importing_table import Row, Table, open_table
from voicebot.store.records import BulkResult, Case

BATCH = 500
"""Cases in one transaction: long enough to be quick, short enough that a running engine gets its turn."""
SHOWN_FAULTS = 1000
"""Faults kept for the answer; the file of rejected rows has all of them."""


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
    """Loads the good rows of `file` and writes the bad ones, each with its faults, to `rejects` when there are any.

    Importing the same file twice changes nothing: cases are known by their external ids. When the file or the store
    fails in the middle, what was loaded stays, and importing the whole file again is the way on. Memory does not grow
    with the file. Raises TableFault, OSError, and what the store raises.
    """
    report = ImportReport()
    with open_table(file, encoding) as table, _Seen() as seen, _rejected_rows(rejects, table.header) as reject:
        for rows in _batches(_check(table, columns or Columns()), batch):
            await _load(rows, seen, sink, report, reject)
            progress(report, rows[-1].row.read)
    return report


@dataclass(frozen=True)
class _Checked:
    row: Row
    case: Case | None
    faults: tuple[RowFault, ...]


def _check(table: Table, columns: Columns) -> Iterator[_Checked]:
    fields = columns.bind(table.header)
    for row in table.rows:
        cells = {name: cell for name, cell in zip(fields, row.cells, strict=True) if name is not None}
        case, faults = read_row({**columns.constants, **cells}, row.line)
        if not row.fits:
            shifted = "it has more cells than the header; put quotes around a cell with a comma"
            case, faults = None, (RowFault(row.line, "row", shifted), *faults)
        if case is not None and case.external_id is None:
            wanted = "the contract number is needed, so that importing again changes the case in place of adding one"
            case, faults = None, (RowFault(row.line, "external_id", wanted),)
        yield _Checked(row, case, faults)


def _batches(rows: Iterator[_Checked], size: int) -> Iterator[list[_Checked]]:
    held: list[_Checked] = []
    for row in rows:
        held.append(row)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


Reject = Callable[[Row, Sequence[RowFault]], None]


async def _load(rows: Sequence[_Checked], seen: _Seen, sink: CaseSink, report: ImportReport, reject: Reject) -> None:
    good: list[Case] = []
    for checked in rows:
        case, faults = checked.case, checked.faults
        if case is not None and (first := seen.line_of(str(case.external_id), checked.row.line)):
            twice = f"the contract of line {first} comes again; keep the row that is right"
            case, faults = None, (RowFault(checked.row.line, "external_id", twice),)
        if case is not None:
            good.append(case)
            continue
        reject(checked.row, faults)
        report.rejected += 1
        room = max(0, SHOWN_FAULTS - len(report.faults))
        report.faults.extend(faults[:room])
        report.unsaid += len(faults[room:])
    if good:
        done = await sink.add_many(good)
        report.added += done.added
        report.changed += done.changed
        report.unchanged += done.unchanged


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
