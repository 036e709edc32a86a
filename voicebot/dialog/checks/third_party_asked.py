"""Nothing is collected from a third party."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "third-party-asked"


def check(subject: Subject) -> Iterator[Finding]:
    exploration = subject.exploration
    for world in exploration.worlds:
        if world.over or world.handing or world.party != "third_party":
            continue
        spec = subject.flow.state(world.top.flow, world.top.state)
        if spec.collecting is not None:
            yield subject.shown(
                world,
                None,
                RULE,
                spec.place,
                f"有一条路，状态 {spec.name} 向第三人打听事情。",
                f"there is a path on which state {spec.name} collects something from a third party.",
                "第三人只能被请求转告回拨号码；把这条路引到道别。",
                "A third party may only be asked to relay a number; lead this path to a goodbye.",
            )
