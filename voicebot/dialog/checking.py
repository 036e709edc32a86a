"""Checks flows: all findings at once, from spelling to proofs over every path."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from voicebot.dialog.checks.intent_hygiene import check_intents
from voicebot.dialog.checks.subject import Subject, once
from voicebot.dialog.checks.unused import check_unused
from voicebot.dialog.library import CONTENT, Library, content_of, load_library
from voicebot.dialog.loader import Loaded, language_of, load, shipped_flows
from voicebot.dialog.places import Finding, finding

RULES = (
    "debt_before_right_party",
    "disclosures_first",
    "opening_time",
    "mini_miranda",
    "third_party_asked",
    "money_after_stop",
    "unanswered",
    "handoff_otherwise",
    "endings",
    "loops",
    "unreachable",
    "uninterruptible_short",
    "debt_tag",
    "line_facts",
    "slots_filled",
    "guard_passes",
)
"""Modules of voicebot.dialog.checks, in the order of their reports."""

SHORTEST_REASON = 8
"""Characters that a reason for switching a rule off must have."""

Check = Callable[[Subject], Iterable[Finding]]


def rules() -> Iterator[tuple[str, Check]]:
    """Id and check of every rule."""
    for name in RULES:
        module = importlib.import_module(f"voicebot.dialog.checks.{name}")
        yield module.RULE, module.check


def check_flow(path: Path, library: Library) -> tuple[Finding, ...]:
    """Everything wrong with one flow. The proofs need a flow that the machine could run; without one, what stands in
    the way is told first."""
    loaded = load(path, library)
    if loaded.flow is None:
        return tuple(loaded.findings)
    return check_loaded(loaded, library)


def check_loaded(loaded: Loaded, library: Library, only: Sequence[str] = ()) -> tuple[Finding, ...]:
    """As `check_flow`, of a flow that is loaded. `only` names the rules to run; none means all."""
    assert loaded.flow is not None
    subject = Subject(loaded.flow, library)
    off = loaded.flow.main.switched_off
    found = list(_switched_off(loaded))
    for rule, check in rules():
        if rule not in off and (not only or rule in only):
            found.extend(once(iter(check(subject))))
    return tuple(sorted(found, key=lambda item: (item.place, item.rule)))


def check_library() -> tuple[Finding, ...]:
    """What only shows over all shipped flows together: unused lines, unreached states of parts, intent examples that
    mislead."""
    found: list[Finding] = []
    subjects: list[Subject] = []
    libraries: dict[str, Library] = {}
    for path in shipped_flows():
        library = load_library(language_of(path), content_of(path))
        libraries[library.language] = library
        loaded = load(path, library)
        if loaded.flow is not None:
            subjects.append(Subject(loaded.flow, library))
    found.extend(check_unused(subjects, list(libraries.values())))
    for language in libraries:
        found.extend(check_intents(CONTENT / "scripts_library" / language / "intents"))
    return tuple(sorted(found, key=lambda item: (item.place, item.rule)))


def _switched_off(loaded: Loaded) -> Iterator[Finding]:
    assert loaded.flow is not None
    known = {rule for rule, _ in rules()}
    for rule, reason in loaded.flow.main.switched_off.items():
        place = loaded.flow.main.place
        if rule not in known:
            yield finding(
                "switch-off",
                place,
                f"没有名为 {rule} 的检查。",
                f"there is no rule named {rule}.",
                f"可关的有：{'、'.join(sorted(known))}。",
                f"Rules are: {', '.join(sorted(known))}.",
            )
        elif len(reason.strip()) < SHORTEST_REASON:
            yield finding(
                "switch-off",
                place,
                f"关掉 {rule} 没有写明理由。",
                f"{rule} is switched off without a reason.",
                "写清楚为什么在这个流程里它不适用。",
                "Say why it does not apply to this flow.",
            )
