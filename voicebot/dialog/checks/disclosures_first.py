"""The caller learns that it is a machine and that the call is recorded before anything else of substance."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "disclosures-first"


def check(subject: Subject) -> Iterator[Finding]:
    needed = {"ai"} if subject.flow.direction == "voicemail" else {"ai", "recording"}
    for (line, world), (before, edge, item) in subject.first_spoken.items():
        lacking = needed - world.disclosed - subject.library[line].discloses
        if lacking:
            what = ", ".join(sorted(lacking))
            yield subject.shown(
                before,
                edge,
                RULE,
                item.place,
                f"有一条路，说 {line} 的时候还没有告知：{what}。",
                f"there is a path on which {line} is said before this was disclosed: {what}.",
                "第一个状态先说带 discloses: [ai, recording] 的话。",
                "Let the first state say a line that discloses: [ai, recording].",
            )
