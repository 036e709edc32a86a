"""After stop-contact, a lawyer, a death, a child, a risk or a dispute, no path leads back to asking for money."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "money-after-stop"

STOPPING = frozenset(
    {
        "self_harm_risk",
        "deceased",
        "minor_answers",
        "attorney_represented",
        "cease_contact",
        "third_party_refuses",
        "dispute_debt",
        "complaint_regulator",
        "hardship_illness",
        "hardship_disaster_family",
        "crying_distress",
    }
)
"""Intents after which money is not asked for again in the call."""


def check(subject: Subject) -> Iterator[Finding]:
    for (line, world), (before, edge, item) in subject.first_spoken.items():
        if world.closed and subject.library[line].asks_money:
            yield subject.shown(
                before,
                edge,
                RULE,
                item.place,
                f"有一条路，放下还款之后又说 {line}，问起了钱。",
                f"there is a path on which {line} asks for money after money was closed.",
                "放下之后只登记、转人工、道别，不要 resume 回原来的问题。",
                "After that only register, hand over or say goodbye; do not resume the question.",
            )
    exploration = subject.exploration
    for world, edges in exploration.edges.items():
        for edge in edges:
            stopping = sorted(edge.heard & STOPPING)
            if stopping and not (edge.to.closed or edge.to.over or edge.to.party == "third_party"):
                yield subject.shown(
                    world,
                    edge,
                    RULE,
                    edge.place,
                    f"听到 {stopping[0]} 之后，没有放下还款（money: closed）。",
                    f"after {stopping[0]} money is not closed.",
                    "在它去的状态里写 set: {money: closed}。",
                    "Write set: {money: closed} in the state it leads to.",
                )
