"""Lines that no flow says, states of parts that no flow reaches, intents that no flow answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from voicebot.dialog.checks.subject import BY_MACHINE, Subject
from voicebot.dialog.library import Library
from voicebot.dialog.places import Finding, Place, Severity, finding
from voicebot.understanding.intents.catalogue import INTENTS

RULE = "unused"

NOT_ROUTED = frozenset({"silence", "dtmf_choice", "asr_noise"})
"""Intents that are events of the call rather than something a flow answers by name."""


def check_unused(subjects: Sequence[Subject], libraries: Sequence[Library]) -> Iterator[Finding]:
    """Over all flows together."""
    said = {line for subject in subjects for line, _ in subject.first_spoken} | BY_MACHINE
    for library in libraries:
        for line in library.lines.values():
            if line.id not in said:
                yield _warning(
                    line.place,
                    f"没有流程会说 {line.id}。",
                    f"no flow says {line.id}.",
                    "删掉，或用上它。",
                    "Delete it, or use it.",
                )
    visited = {item for subject in subjects for item in subject.exploration.visited()}
    sheets = {sheet.name: sheet for subject in subjects for sheet in subject.flow.sheets.values()}
    for sheet in sheets.values():
        for state in sheet.states.values():
            if (sheet.name, state.name) not in visited:
                yield _warning(
                    state.place,
                    f"没有流程能到 {sheet.name}.{state.name}。",
                    f"no flow reaches {sheet.name}.{state.name}.",
                    "删掉它，或加一条去它那里的路由。",
                    "Delete it, or add a route that goes there.",
                )
    answered = {
        name
        for sheet in sheets.values()
        for _, route in sheet.every_route()
        for key in route.keys
        for name in key.all_of
    }
    for intent in INTENTS:
        if intent not in answered | NOT_ROUTED and subjects:
            yield _warning(
                subjects[0].flow.main.place,
                f"没有流程应答意图 {intent}。",
                f"no flow answers the intent {intent}.",
                "在 everyone 里加上它的路由。",
                "Add a route for it to everyone.",
            )


def _warning(place: Place, zh: str, en: str, mend_zh: str, mend_en: str) -> Finding:
    return replace(finding(RULE, place, zh, en, mend_zh, mend_en), severity=Severity.WARNING)
