"""No line that tells of the debt before the right party is verified, on any path."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "debt-before-right-party"


def check(subject: Subject) -> Iterator[Finding]:
    for (line, world), (before, edge, item) in subject.first_spoken.items():
        told = subject.library[line]
        if not world.right_party and ("debt" in told.discloses or told.asks_money):
            yield subject.shown(
                before,
                edge,
                RULE,
                item.place,
                f"有一条路，在核实本人之前就说了 {line}。",
                f"there is a path on which {line} is said before the right party is verified.",
                "在它之前加核实身份（check: right_party），或者用 choose: when right_party 分开。",
                "Verify identity before it (check: right_party), or divide the path with choose: when right_party.",
            )
