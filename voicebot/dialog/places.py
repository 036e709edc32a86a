"""Where something stands in an author's file, and what is wrong there: findings that name line, column and remedy."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean
from ruamel.yaml.scalarfloat import ScalarFloat
from ruamel.yaml.scalarint import ScalarInt

Trail = tuple[str | int, ...]
"""Keys and positions from the top of a file down to a value."""


@dataclass(frozen=True, order=True)
class Place:
    """A spot in a file, counted from 1 as editors count."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Place("", 0, 0)


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing wrong in an author's files."""

    rule: str
    """Id of the rule, the name of its page in docs/flow-rules."""
    place: Place
    message: Mapping[str, str]
    """What is wrong, by locale: zh and en."""
    remedy: Mapping[str, str]
    """How to mend it, by locale: zh and en."""
    severity: Severity = Severity.ERROR
    path: tuple[str, ...] = ()
    """For a broken proof: the shortest conversation that shows it, as the caller would hear it."""

    def text(self, locale: str = "zh") -> str:
        """One line of a report."""
        return f"{self.place}: [{self.rule}] {self.message[locale]} {self.remedy[locale]}"


def finding(rule: str, place: Place, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Finding:
    return Finding(rule, place, {"zh": zh, "en": en}, {"zh": remedy_zh, "en": remedy_en})


class FlowError(Exception):
    """Files that cannot be used, with every finding in them."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__("\n".join(item.text("en") for item in findings))


@dataclass(frozen=True)
class Placed:
    """A file's content as plain values, with the place of each."""

    file: str
    content: object
    places: Mapping[Trail, Place]
    """Of values; for what stands in a mapping, of its key."""
    text: str = field(repr=False, default="")
    values: Mapping[Trail, Place] = field(repr=False, default_factory=dict)
    """Where each value begins; for what stands in a mapping, behind its key."""

    def at(self, trail: Trail) -> Place:
        """Place of a value, or of the nearest thing around it that has one."""
        while trail and trail not in self.places:
            trail = trail[:-1]
        return self.places.get(trail, Place(self.file, 1, 1))

    def word(self, word: str, *trails: Trail) -> Place:
        """Place of the very word: as a value at or below the first of the trails where it stands, or as a key below it;
        else as `at` of that trail."""
        for trail in trails:
            depth = len(trail)
            for found, place in self.values.items():
                if found[:depth] != trail:
                    continue
                key = self.in_key(word, found) if len(found) > depth and found[-1] == word else None
                begins = key or self._begins(word, place)
                if begins:
                    return begins
        return self.at(trails[0])

    def in_key(self, word: str, trail: Trail) -> Place:
        """Place of a word in the key at a trail, which may be one of several: `affirms, confirm_identity`."""
        place = self.at(trail)
        match = re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", self._line(place))
        return replace(place, column=place.column + match.start()) if match else place

    def _begins(self, word: str, place: Place) -> Place | None:
        match = re.match(rf"""["']?({re.escape(word)})(?![\w.])""", self._line(place))
        return replace(place, column=place.column + match.start(1)) if match else None

    def _line(self, place: Place) -> str:
        """What stands at a place, to the end of its line."""
        lines = self.text.splitlines()
        return lines[place.line - 1][place.column - 1 :] if place.line <= len(lines) else ""


class _Constructor(RoundTripConstructor):
    """Leaves dates as they are written: a clock must not lose its zone on the way in."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda reader, node: reader.construct_scalar(node))


def read_yaml(path: Path, shown: str | None = None) -> Placed:
    """Reads a YAML 1.2 file. Raises FlowError when it is missing or is not YAML. `shown` is how messages name it."""
    name = shown or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(
            (
                finding(
                    "file",
                    Place(name, 1, 1),
                    f"读不了这个文件：{error}",
                    f"this file cannot be read: {error}",
                    "检查路径，并用 UTF-8 保存。",
                    "Check the path, and save it as UTF-8.",
                ),
            )
        ) from error
    return parse_yaml(text, name)


@lru_cache(maxsize=128)
def parse_yaml(text: str, name: str) -> Placed:
    """As `read_yaml`, of text that is already in memory. Flows share their parts: the same text is parsed once."""
    try:
        reader = YAML(typ="rt")
        reader.Constructor = _Constructor
        tree = reader.load(io.StringIO(text))
    except YAMLError as error:
        mark = error.problem_mark or error.context_mark if isinstance(error, MarkedYAMLError) else None
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise FlowError(
            (
                finding(
                    "yaml",
                    place,
                    f"不是合法的 YAML：{problem}",
                    f"not valid YAML: {problem}",
                    "检查缩进、冒号后的空格、成对的引号和重复的键。",
                    "Check indentation, the space after a colon, paired quotes and repeated keys.",
                ),
            )
        ) from error
    places: dict[Trail, Place] = {}
    values: dict[Trail, Place] = {}
    content = _plain(tree, (), name, places, values)
    return Placed(name, content, places, text, values)


def _plain(node: object, trail: Trail, file: str, places: dict[Trail, Place], values: dict[Trail, Place]) -> object:
    match node:
        case CommentedMap():
            result: dict[str, object] = {}
            for key, value in node.items():
                name = _scalar(key)
                inner = (*trail, str(name))
                known = key in node.lc.data
                line, column = node.lc.key(key) if known else (node.lc.line, node.lc.col)
                places[inner] = Place(file, line + 1, column + 1)
                line, column = node.lc.value(key) if known else (line, column)
                values[inner] = Place(file, line + 1, column + 1)
                result[str(name)] = _plain(value, inner, file, places, values)
            return result
        case CommentedSeq():
            items: list[object] = []
            for index, value in enumerate(node):
                line, column = node.lc.item(index)
                places[(*trail, index)] = values[(*trail, index)] = Place(file, line + 1, column + 1)
                items.append(_plain(value, (*trail, index), file, places, values))
            return items
        case _:
            return _scalar(node)


def _scalar(node: object) -> object:
    match node:
        case ScalarBoolean():
            return bool(node)
        case ScalarInt():
            return int(node)
        case ScalarFloat():
            return float(node)
        case str():
            return str(node)
        case _:
            return node
