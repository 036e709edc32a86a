"""A line that speaks an account fact is tagged as telling of the debt."""

from collections.abc import Iterator

from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.facts import FACTS
from voicebot.dialog.places import Finding, finding
from voicebot.dialog.wording import blanks

RULE = "debt-tag"


def check(subject: Subject) -> Iterator[Finding]:
    for line in subject.library.lines.values():
        names = {name for text in line.texts for name, _ in blanks(text)}
        telling = sorted(
            name for name in names if (name in FACTS and FACTS[name].account) or name == "promise.remaining"
        )
        if telling and "debt" not in line.discloses:
            yield finding(
                RULE,
                line.place,
                f"话术 {line.id} 说了账户的事实（{'、'.join(telling)}），却没有标 discloses: [debt]。",
                f"line {line.id} speaks account facts ({', '.join(telling)}) and is not tagged discloses: [debt].",
                "加上 discloses: [debt]。",
                "Add discloses: [debt].",
            )
        spoken = sorted(name for name in names if name in FACTS and FACTS[name].personal)
        if spoken:
            yield finding(
                RULE,
                line.place,
                f"话术 {line.id} 念出了用来核对身份的事实（{'、'.join(spoken)}）。",
                f"line {line.id} reads out facts that serve to verify identity ({', '.join(spoken)}).",
                "去掉这个空：核对用的信息只能由对方说。",
                "Take the blank away: only the caller may say what identity is checked by.",
            )
