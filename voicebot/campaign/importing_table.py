"""Rows of a table of cases, one at a time: CSV in UTF-8 or GB18030, or the first sheet of an XLSX workbook."""

from __future__ import annotations

import codecs
import csv
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

ENCODINGS = ("utf-8-sig", "gb18030")
_PIECE = 1 << 20
"""Bytes read at a time while the encoding is found out."""


class TableFault(ValueError):
    """The file is no table that can be read on: says where and how to mend it."""


@dataclass(frozen=True)
class Row:
    """One row under the header."""

    line: int
    """In the file, from 1; of a cell with line breaks, its last one."""
    cells: tuple[str, ...]
    """As many as the header has; missing ones are empty."""
    fits: bool
    """False when the row has more cells than the header."""
    read: float
    """Share of the file that was read when this row was, 0 to 1; 0 when it is not known."""


@dataclass(frozen=True)
class Table:
    header: tuple[str, ...]
    rows: Iterator[Row]
    """Read once. Raises TableFault where the file stops being a table."""


@contextmanager
def open_table(file: Path, encoding: str | None = None) -> Iterator[Table]:
    """Opens a table by its ending. `encoding` None finds it out. Raises TableFault, and OSError for the file itself."""
    if file.suffix.lower() in (".xlsx", ".xlsm"):
        with _open_workbook(file) as table:
            yield table
    elif file.suffix.lower() in (".xls", ".ods", ".et", ".numbers"):
        raise TableFault(f"{file.suffix} is not read; save the table as .xlsx, or as CSV in UTF-8")
    else:
        with _open_csv(file, encoding or _encoding_of(file)) as table:
            yield table


def _encoding_of(file: Path) -> str:
    """The first encoding in which the whole file can be read: a million rows take a second, and none is misread."""
    for encoding in ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        with file.open("rb") as source:
            try:
                while piece := source.read(_PIECE):
                    decoder.decode(piece)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
        return encoding
    raise TableFault("neither UTF-8 nor GB18030; save the table as CSV in UTF-8")


@contextmanager
def _open_csv(file: Path, encoding: str) -> Iterator[Table]:
    size = max(1, file.stat().st_size)
    try:
        with file.open(encoding=encoding, newline="") as source:
            reader = csv.reader(source, strict=True)
            try:
                header = tuple(name.strip() for name in next(reader, []))
                yield Table(header, _csv_rows(reader, source, len(header), size))
            except csv.Error as error:
                raise TableFault(f"not CSV at line {reader.line_num}: {error}") from error
    except UnicodeDecodeError as error:
        raise TableFault(f"not {encoding} (byte {error.start}); save the table as CSV in UTF-8") from error
    except LookupError as error:
        raise TableFault(f"there is no encoding called {encoding}; use utf-8 or gb18030") from error


def _csv_rows(reader: Any, source: IO[str], width: int, size: int) -> Iterator[Row]:
    buffer = getattr(source, "buffer", None)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            read = buffer.tell() / size if buffer is not None else 0.0
            yield _row(reader.line_num, cells, width, min(1.0, read))


@contextmanager
def _open_workbook(file: Path) -> Iterator[Table]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise TableFault("not an XLSX workbook, or one with a password; save it again as .xlsx") from error
    try:
        sheets = book.worksheets
        if not sheets:
            raise TableFault("the workbook has no sheet")
        lines = sheets[0].iter_rows(values_only=True)
        header = [_text(cell) for cell in next(lines, ())]
        while header and not header[-1]:
            header.pop()
        yield Table(tuple(header), _sheet_rows(lines, len(header), sheets[0].max_row or 0))
    finally:
        book.close()


def _sheet_rows(lines: Iterator[tuple[Any, ...]], width: int, height: int) -> Iterator[Row]:
    for line, values in enumerate(lines, start=2):
        cells = [_text(value) for value in values]
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if any(cells):
            yield _row(line, cells, width, min(1.0, line / height) if height else 0.0)


def _row(line: int, cells: Sequence[str], width: int, read: float) -> Row:
    padded = (*cells, *[""] * (width - len(cells)))
    return Row(line, padded[:width], len(cells) <= width, read)


def _text(value: object) -> str:
    """A cell as its author sees it: whole numbers without a point, dates as YYYY-MM-DD."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value).strip()
