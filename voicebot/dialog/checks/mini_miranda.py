"""Under the US pack, the debtor hears the mini-Miranda before the debt is spoken of."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "mini-miranda"


def check(subject: Subject) -> Iterator[Finding]:
    if subject.flow.policy != "us":
        return
    for (line, world), (before, edge, item) in subject.first_spoken.items():
        told = subject.library[line].discloses
        if "debt" in told and "mini_miranda" not in world.disclosed | told:
            yield subject.shown(
                before,
                edge,
                RULE,
                item.place,
                f"有一条路，说 {line} 之前没有说 mini-Miranda。",
                f"there is a path on which {line} is said before the mini-Miranda.",
                "核实本人之后，先说一句带 discloses: [mini_miranda] 的话。",
                "Once the right party is verified, say a line that discloses: [mini_miranda] first.",
            )
        if "mini_miranda" in told and not world.right_party:
            yield subject.shown(
                before,
                edge,
                RULE,
                item.place,
                f"有一条路，对还没有核实的人说了 mini-Miranda（{line}）。",
                f"there is a path on which the mini-Miranda ({line}) is said to someone not verified.",
                "放到核实本人之后。",
                "Say it after the right party is verified.",
            )
