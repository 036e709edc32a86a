"""Files that a table is written to, row by row: CSV for spreadsheets, Parquet for programs."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from voicebot.store.exporting import ColumnKind, Columns

BATCH = 5000
"""Rows that are held at a time for Parquet."""
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that spreadsheets take for a formula."""
_CHARACTERS = 65_536
"""About so much of a CSV file is gathered before it is written."""
_DIGITS, _PLACES = 19, 4


class ExportFault(Exception):
    """An export that cannot be written: what is wrong, and how to mend it."""


class Format(Enum):
    CSV = "csv"
    PARQUET = "parquet"


def format_of(path: Path) -> Format:
    """The format that a file's name asks for. Raises ExportFault."""
    try:
        return Format(path.suffix.lower().lstrip("."))
    except ValueError:
        raise ExportFault(f"{path.name}: end the name in .csv or .parquet, so that it is clear what to write") from None


class Table(Protocol):
    """A file that rows are added to."""

    def add(self, row: Mapping[str, Any]) -> None: ...

    def close(self) -> None:
        """Writes what is left and closes the file."""
        ...


def open_table(path: Path, kind: Format, columns: Columns) -> Table:
    """A new file with these columns. Raises ExportFault and OSError."""
    return CsvTable(path, columns) if kind is Format.CSV else ParquetTable(path, columns)


class CsvLines:
    """RFC 4180; times in UTC, ISO 8601. Gathers lines until they are taken."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)

    @property
    def length(self) -> int:
        """Characters gathered."""
        return self._text.tell()

    def head(self) -> None:
        """Adds the names of the columns."""
        self._writer.writerow(self._columns)

    def add(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow(_cell(kind, row[name]) for name, kind in self._columns.items())

    def take(self) -> str:
        """What was gathered since the last time."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


class CsvTable:
    """A file of `CsvLines` in UTF-8 with a byte order mark, by which spreadsheets know Chinese."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._lines = CsvLines(columns)
        self._lines.head()

    def add(self, row: Mapping[str, Any]) -> None:
        self._lines.add(row)
        if self._lines.length >= _CHARACTERS:
            self._file.write(self._lines.take())

    def close(self) -> None:
        self._file.write(self._lines.take())
        self._file.close()


class ParquetTable:
    """Typed columns: times in UTC with microseconds, amounts as decimals. Needs pyarrow."""

    def __init__(self, path: Path, columns: Columns) -> None:
        try:
            self._arrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise ExportFault("Parquet needs pyarrow: install voicebot[parquet], or write a .csv") from error
        self._schema = self._arrow.schema([(name, self._type(kind)) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[Mapping[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._write()

    def close(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []

    def _type(self, kind: ColumnKind) -> Any:
        arrow = self._arrow
        match kind:
            case ColumnKind.AMOUNT:
                return arrow.decimal128(_DIGITS, _PLACES)
            case ColumnKind.MOMENT:
                return arrow.timestamp("us", tz="UTC")
            case ColumnKind.DAY:
                return arrow.date32()
            case ColumnKind.FLAG:
                return arrow.bool_()
            case ColumnKind.SECONDS:
                return arrow.float64()
            case _:
                return arrow.string()


def _cell(kind: ColumnKind, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case float():
            return f"{value:.3f}"
        case _:
            text = str(value)
            # A telephone number begins with + and is none; everything else that looks like a formula is made text.
            formula = text.startswith(_DANGEROUS) and kind is not ColumnKind.NUMBER
            return f"'{text}" if formula else text
