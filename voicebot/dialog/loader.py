"""Reads flows: a file, the parts it calls, the answers it includes; refuses what the machine could not run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from voicebot.dialog.compiling import Compiler
from voicebot.dialog.flow import CallPart, Flow, Sheet
from voicebot.dialog.library import CONTENT, Library, nearest, shown
from voicebot.dialog.names import check_names
from voicebot.dialog.places import Finding, FlowError, Place, Placed, finding, read_yaml
from voicebot.dialog.schema import FlowFile, findings_of
from voicebot.understanding.intents.catalogue import PRIORITY

FLOWS = CONTENT / "dialog_flows"


@dataclass
class Loaded:
    """A flow as far as it could be read, and everything wrong with it: what the checker works on."""

    flow: Flow | None
    """None when no machine could run it."""
    sheets: Mapping[str, Sheet] = field(default_factory=dict)
    model: FlowFile | None = None
    findings: list[Finding] = field(default_factory=list)


def load_flow(name_or_path: str | Path, library: Library) -> Flow:
    """A shipped flow by its name (reminder_first), or any flow by its path. Raises FlowError with every finding, each
    with file, line, column and remedy."""
    loaded = load(flow_path(name_or_path), library)
    if loaded.flow is None:
        raise FlowError(tuple(loaded.findings))
    return loaded.flow


def flow_path(name_or_path: str | Path) -> Path:
    """Path of a flow given by name or by path. Raises FlowError when there is none, naming the nearest."""
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        if path.is_file():
            return path
    elif (shipped := FLOWS / f"{name_or_path}.yaml").is_file():
        return shipped
    known = tuple(file.stem for file in shipped_flows())
    hint = nearest(path.stem, known)
    raise FlowError(
        (
            finding(
                "unknown-flow",
                Place(str(name_or_path), 1, 1),
                f"没有这个流程；现有：{'、'.join(known)}。",
                f"there is no such flow; there are: {', '.join(known)}.",
                f"是不是 {hint}？" if hint else "检查名字或路径。",
                f"Did you mean {hint}?" if hint else "Check the name or the path.",
            ),
        )
    )


def language_of(path: Path) -> str:
    """The language a flow is written in, before it is loaded. Raises FlowError when the file is not YAML."""
    content = read_yaml(path, shown(path)).content
    return str(content.get("language", "zh-CN")) if isinstance(content, dict) else "zh-CN"


def shipped_flows() -> list[Path]:
    """Files of every flow in dialog_flows, without parts and tests."""
    return sorted(path for path in FLOWS.glob("*.yaml") if not path.name.endswith(".test.yaml"))


def load(path: Path, library: Library) -> Loaded:
    """Reads a flow and all that belongs to it, and goes on as long as anything more can be found wrong."""
    loaded = Loaded(None)
    sheets: dict[str, Sheet] = {}
    files: dict[str, Placed] = {}
    main = _read(path, loaded, sheets, files)
    if main is None:
        return loaded
    loaded.model = main
    loaded.sheets = sheets
    name = main.flow or main.part or ""
    waiting = list(_needs(sheets[name], files[name]))
    while waiting:
        needed, place = waiting.pop()
        if needed in sheets:
            continue
        part = _part_path(needed, path)
        if part is None:
            hint = nearest(needed, tuple(file.stem for file in (FLOWS / "parts").glob("*.yaml")))
            loaded.findings.append(
                finding(
                    "unknown-part",
                    place,
                    f"没有名为 {needed} 的子流程。",
                    f"there is no part named {needed}.",
                    f"是不是 {hint}？" if hint else "子流程放在 parts 文件夹里，文件名就是它的名字。",
                    f"Did you mean {hint}?" if hint else "Parts lie in the folder parts, each named as its file.",
                )
            )
            continue
        if _read(part, loaded, sheets, files) is not None and needed in sheets:
            waiting.extend(_needs(sheets[needed], files[needed]))
    check_names(sheets, files, library, name, main, loaded.findings)
    loaded.findings.sort(key=lambda item: item.place)
    if not loaded.findings:
        digest = hashlib.sha256(library.hash.encode())
        for part_name in sorted(files):
            digest.update(f"\n{part_name}\n{files[part_name].text}".encode())
        loaded.flow = Flow(
            name=name,
            title=main.title,
            language=main.language,
            direction=main.direction or "outbound",
            policy=main.policy,
            facts=tuple(dict.fromkeys(fact for sheet in sheets.values() for fact in sheet.facts)),
            priority=tuple(main.priority) if main.priority else PRIORITY,
            turns=main.turns,
            sheets=sheets,
            hash=digest.hexdigest(),
        )
    return loaded


def _read(path: Path, loaded: Loaded, sheets: dict[str, Sheet], files: dict[str, Placed]) -> FlowFile | None:
    try:
        placed = read_yaml(path, shown(path))
        model = FlowFile.model_validate(placed.content)
    except FlowError as error:
        loaded.findings.extend(error.findings)
        return None
    except ValidationError as error:
        loaded.findings.extend(findings_of(error, placed))
        return None
    if wrong := _identity(path, placed, model):
        loaded.findings.append(wrong)
        return None
    compiler = Compiler(placed, model)
    sheet = compiler.sheet()
    loaded.findings.extend(compiler.found)
    sheets[sheet.name] = sheet
    files[sheet.name] = placed
    return model


def _identity(path: Path, placed: Placed, model: FlowFile) -> Finding | None:
    names = [name for name in (model.flow, model.part) if name]
    if len(names) == 1 and names[0] == path.name.split(".")[0]:
        return None
    return finding(
        "file-name",
        placed.at(("flow",)) if model.flow else placed.at(("part",)),
        f"文件要写 flow: 或 part: 之一，名字与文件名相同（{path.stem}）。",
        f"a file has either flow: or part:, with the name of the file ({path.stem}).",
        f"写 flow: {path.stem}，或把文件改名。",
        f"Write flow: {path.stem}, or rename the file.",
    )


def _part_path(name: str, beside: Path) -> Path | None:
    for folder in (beside.parent / "parts", beside.parent, FLOWS / "parts"):
        candidate = folder / f"{name}.yaml"
        if candidate.is_file():
            return candidate
    return None


def _needs(sheet: Sheet, placed: Placed) -> list[tuple[str, Place]]:
    """Names of the parts that a sheet needs, each with where it is named."""
    needed = [(name, placed.word(name, ("include",))) for name in sheet.include]
    needed.extend(
        (state.calls, placed.word(state.calls, (*state.trail, "call")))
        for state in sheet.states.values()
        if state.calls
    )
    needed.extend(
        (route.target.part, placed.word(route.target.part, *route.trails("call")))
        for _, route in sheet.every_route()
        if isinstance(route.target, CallPart)
    )
    return needed
