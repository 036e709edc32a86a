"""Every fact that a flow's lines speak is one that the flow asks the case for."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding, finding
from voicebot.dialog.wording import COMPUTED, blanks

RULE = "line-facts"
_DERIVED = {"debtor.surname": "debtor.name", "debtor.honorific": "debtor.name"}


def check(subject: Subject) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for (line, _), (_, _, item) in subject.first_spoken.items():
        for text in subject.library[line].texts:
            for name, _ in blanks(text):
                if (line, name) in told or _known(name, subject):
                    continue
                told.add((line, name))
                yield finding(
                    RULE,
                    item.place,
                    f"话术 {line} 要说 {{{name}}}，流程没有要这个事实。",
                    f"line {line} speaks {{{name}}}, and the flow does not ask the case for it.",
                    f"在 facts 里加上 {name}，或换一句不用它的话。",
                    f"Add {name} to facts, or say a line that does without.",
                )


def _known(name: str, subject: Subject) -> bool:
    if name.startswith("slot.") or name in COMPUTED:
        return True
    return _DERIVED.get(name, name) in subject.flow.facts
