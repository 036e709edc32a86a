"""Every state of a flow can be reached."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding, finding

RULE = "unreachable"


def check(subject: Subject) -> Iterator[Finding]:
    visited = subject.exploration.visited()
    for state in subject.flow.main.states.values():
        if (subject.flow.name, state.name) not in visited:
            yield finding(
                RULE,
                state.place,
                f"没有一条路能到状态 {state.name}。",
                f"no path leads to state {state.name}.",
                "删掉它，或加一条去它那里的路由。",
                "Delete it, or add a route that goes there.",
            )
