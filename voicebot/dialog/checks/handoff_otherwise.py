"""When no human is free, the caller is not left hanging."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "handoff-otherwise"


def check(subject: Subject) -> Iterator[Finding]:
    for world in subject.exploration.worlds:
        if not world.handing:
            continue
        spec = subject.flow.state(world.top.flow, world.top.state)
        held = subject.flow.scope(tuple(frame.flow for frame in world.stack))
        answered = {key.text for _, route in held for key in route.keys}
        if spec.handing is not None and spec.handing.otherwise is None and "nobody" not in answered:
            yield subject.shown(
                world,
                None,
                RULE,
                spec.place,
                f"状态 {spec.name} 转人工，没有人接的时候没有下文。",
                f"state {spec.name} hands over, and nothing follows when nobody is free.",
                "写 otherwise: 状态，例如约回电的那个。",
                "Write otherwise: and a state, such as one that takes a callback.",
            )
