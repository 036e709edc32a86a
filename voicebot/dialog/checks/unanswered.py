"""Every state that listens has an answer to whatever a caller may bring up."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "unanswered"

WANTED = (
    ("silence",),
    ("else",),
    ("deny_identity_wrong_number",),
    ("dispute_debt",),
    ("hardship_illness",),
    ("hardship_unemployment",),
    ("cease_contact",),
    ("ask_human",),
    ("self_harm_risk",),
    ("ask_if_robot",),
)
"""For each, one of the names must have a route."""


def check(subject: Subject) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for world, edges in subject.exploration.edges.items():
        if world.over or world.handing:
            continue
        spec = subject.flow.state(world.top.flow, world.top.state)
        held = [route for _, route in subject.flow.scope(tuple(frame.flow for frame in world.stack))]
        answered = {key.text for route in (*spec.routes, *held) for key in route.keys}
        for names in WANTED:
            if not answered & set(names) and (spec.name, names[0]) not in told:
                told.add((spec.name, names[0]))
                yield subject.shown(
                    world,
                    None,
                    RULE,
                    spec.place,
                    f"状态 {spec.name} 在听，却没有接住 {names[0]}。",
                    f"state {spec.name} listens and has no answer to {names[0]}.",
                    "在 on 里加上，或 include: everyone（放下还款之后用 quiet）。",
                    "Add it under on, or include: everyone (quiet, once money is closed).",
                )
        if not edges:
            yield subject.shown(
                world,
                None,
                RULE,
                spec.place,
                f"状态 {spec.name} 没有任何出路。",
                f"state {spec.name} has no way on.",
                "在 on 里加上路由。",
                "Add routes under on.",
            )
