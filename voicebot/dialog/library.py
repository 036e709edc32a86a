"""The scripts library: every sentence that the bot can say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from voicebot.dialog.facts import FACTS
from voicebot.dialog.places import NOWHERE, Finding, FlowError, Place, Placed, finding, read_yaml
from voicebot.dialog.profile import Profile
from voicebot.dialog.schema import LineModel, LinesFile, findings_of
from voicebot.dialog.wording import STYLES, blanks, kind_of

CONTENT = Path(__file__).resolve().parents[2]
"""The folder that holds scripts_library and dialog_flows: the checkout, or site-packages."""

DISCLOSURES = ("ai", "recording", "identity", "debt", "mini_miranda", "rights")
"""What a line may tell. `debt` may only be told to the verified debtor."""


@dataclass(frozen=True)
class Wording:
    """One way to say a line."""

    text: str
    weight: int = 1
    """Share of calls that hear it, against the line's other wordings."""


@dataclass(frozen=True)
class Line:
    """One thing that the bot can say, in all the ways that it may say it."""

    id: str
    wordings: tuple[Wording, ...]
    variants: Mapping[str, str]
    """elderly, cantonese, sichuan, gentle, firm: said instead, to whom it suits."""
    again: str | None
    """A shorter or plainer wording, for when it is said a second time."""
    discloses: frozenset[str]
    asks_money: bool
    """True when it asks for payment, or for when and how much."""
    place: Place = NOWHERE

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that this line may be, with its blanks."""
        again = (self.again,) if self.again else ()
        return (*(wording.text for wording in self.wordings), *self.variants.values(), *again)

    def choose(self, profile: Profile, *, elderly: bool, again: bool = False) -> str:
        """The text for this caller. The same call always hears the same wording of a line.

        Whoever is spoken to in a dialect goes on hearing it, the second time too; then the shorter wording of `again`,
        then the words for elderly callers, then the register."""
        if profile.dialect is not None and profile.dialect in self.variants:
            return self.variants[profile.dialect]
        if again and self.again:
            return self.again
        for variant in ("elderly" if elderly else None, profile.register):
            if variant is not None and variant in self.variants:
                return self.variants[variant]
        if len(self.wordings) == 1:
            return self.wordings[0].text
        point = int.from_bytes(hashlib.sha256(f"{profile.seed}\n{self.id}".encode()).digest()[:4]) % sum(
            wording.weight for wording in self.wordings
        )
        for wording in self.wordings:
            point -= wording.weight
            if point < 0:
                return wording.text
        raise AssertionError(point)


@dataclass(frozen=True)
class Library:
    """Lines of one language."""

    language: str
    lines: Mapping[str, Line]
    hash: str
    """SHA-256 over its files."""

    def __contains__(self, line: object) -> bool:
        return line in self.lines

    def __getitem__(self, line: str) -> Line:
        return self.lines[line]

    def near(self, line: str) -> str | None:
        """The line an author may have meant by a misspelt id."""
        return nearest(line, self.lines)


def nearest(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), 1, 0.6)), None)


def content_of(flow: Path) -> Path:
    """The folder whose lines a flow is written with: the one that has a scripts_library, the flow lying in it or in its
    dialog_flows; else the shipped one."""
    parents = flow.resolve().parents[:2]
    return next((folder for folder in parents if (folder / "scripts_library").is_dir()), CONTENT)


def line_files(language: str, content: Path = CONTENT) -> list[Path]:
    """Files of lines: the shipped ones, and those of `content` beside them or, having the same name, in their place."""
    folders = (root / "scripts_library" / language / "lines" for root in (CONTENT, content))
    found = {path.name: path for folder in folders for path in folder.glob("*.yaml")}
    return [path for _, path in sorted(found.items())]


@lru_cache(maxsize=16)
def load_library(language: str, content: Path = CONTENT) -> Library:
    """The lines of a language: scripts_library/<language>/lines/*.yaml, a line `greet` in common.yaml being
    `common.greet`. Raises FlowError with every finding when a file is not usable."""
    return read_library(line_files(language, content), language)


def read_library(files: Sequence[Path], language: str) -> Library:
    """As `load_library`, from any files, always anew."""
    found: list[Finding] = []
    if not files:
        found.append(
            finding(
                "library",
                Place(f"scripts_library/{language}/lines", 1, 1),
                f"没有 {language} 的话术文件",
                f"there are no lines for {language} here",
                "在这里放至少一个 YAML 文件。",
                "Put at least one YAML file here.",
            )
        )
    lines: dict[str, Line] = {}
    digest = hashlib.sha256(language.encode())
    for path in files:
        try:
            placed = read_yaml(path, shown(path))
            digest.update(f"\n{path.name}\n{placed.text}".encode())
            lines.update(_lines(path.stem, placed, found))
        except FlowError as error:
            found.extend(error.findings)
    if found:
        raise FlowError(tuple(sorted(found, key=lambda item: item.place)))
    return Library(language, lines, digest.hexdigest())


def shown(path: Path) -> str:
    """How messages name a file: from the content folder, else from where the author works, else whole."""
    path = path.resolve()
    for base in (CONTENT, Path.cwd()):
        if path.is_relative_to(base):
            return str(path.relative_to(base))
    return str(path)


def _lines(prefix: str, placed: Placed, found: list[Finding]) -> Mapping[str, Line]:
    try:
        model = LinesFile.model_validate(placed.content)
    except ValidationError as error:
        found.extend(findings_of(error, placed))
        return {}
    lines: dict[str, Line] = {}
    for name, body in model.lines.items():
        place = placed.at(("lines", name))
        line = _line(f"{prefix}.{name}", body, place)
        lines[line.id] = line
        found.extend(_wrong_blanks(line))
    return lines


def _line(name: str, body: LineModel, place: Place) -> Line:
    wordings = [Wording(body.text)] if isinstance(body.text, str) else [Wording(w.text, w.weight) for w in body.text]
    return Line(
        id=name,
        wordings=tuple(wordings),
        variants={str(name): text for name, text in body.variants.items()},
        again=body.again,
        discloses=frozenset(body.discloses),
        asks_money=body.asks == "money",
        place=place,
    )


def _wrong_blanks(line: Line) -> list[Finding]:
    found: list[Finding] = []
    for text in line.texts:
        for name, style in blanks(text):
            if kind_of(name) is None:
                hint = nearest(name, FACTS)
                found.append(
                    finding(
                        "unknown-fact",
                        line.place,
                        f"话术 {line.id} 用了不存在的事实 {{{name}}}。",
                        f"line {line.id} uses {{{name}}}, and there is no such fact.",
                        f"是不是 {{{hint}}}？" if hint else "可用的事实见作者指南。",
                        f"Did you mean {{{hint}}}?" if hint else "The authors' guide lists the facts.",
                    )
                )
            elif style not in STYLES:
                found.append(
                    finding(
                        "unknown-style",
                        line.place,
                        f"话术 {line.id} 里的读法 {style} 不存在。",
                        f"line {line.id} reads {name} in a style {style} that does not exist.",
                        f"可用的读法：{'、'.join(STYLES)}。",
                        f"Styles are: {', '.join(STYLES)}.",
                    )
                )
    return found
