"""What the caller may not interrupt is short."""

from collections.abc import Iterator

from voicebot.dialog.checks.speech_time import spoken_seconds
from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding, finding

RULE = "uninterruptible-short"
LONGEST = 16.0
"""Seconds."""


def check(subject: Subject) -> Iterator[Finding]:
    for sheet in subject.flow.sheets.values():
        for state in sheet.states.values():
            if state.interruptible:
                continue
            seconds = sum(
                max(spoken_seconds(subject, text) for text in subject.library[line].texts) for line in state.say
            )
            if seconds > LONGEST:
                yield finding(
                    RULE,
                    state.place,
                    f"状态 {state.name} 不许打断的话要说 {seconds:.0f} 秒，上限 {LONGEST:.0f} 秒。",
                    f"state {state.name} says {seconds:.0f} s that may not be interrupted; "
                    f"at most {LONGEST:.0f} s may be.",
                    "缩短这些话，或去掉 interruptible: false。",
                    "Shorten the lines, or take interruptible: false away.",
                )
