"""Firm, machine and recording are known within the first eight seconds."""

from collections.abc import Iterator

from voicebot.dialog.checks.speech_time import spoken_seconds
from voicebot.dialog.checks.subject import Subject
from voicebot.dialog.places import Finding

RULE = "opening-time"
LONGEST = 8.0
"""Seconds, after the packs' max_seconds_to_disclosure."""


def check(subject: Subject) -> Iterator[Finding]:
    wanted = {"ai", "identity"} if subject.flow.direction == "voicemail" else {"ai", "identity", "recording"}
    for parent, edge in subject.exploration.parents.values():
        if parent is not None:
            continue
        told: set[str] = set()
        seconds = 0.0
        for item in edge.spoken:
            line = subject.library[item.line]
            seconds += max(spoken_seconds(subject, text) for text in line.texts)
            told |= line.discloses
            if wanted <= told:
                break
        if wanted <= told and seconds > LONGEST and subject.flow.direction != "voicemail":
            yield subject.shown(
                None,
                edge,
                RULE,
                edge.spoken[0].place,
                f"开场要 {seconds:.1f} 秒才说清是谁、是机器、在录音，上限 {LONGEST:.0f} 秒。",
                f"it takes {seconds:.1f} s to say who calls, that it is a machine and that it records; "
                f"{LONGEST:.0f} s at most.",
                "把开场的话缩短。",
                "Shorten the opening line.",
            )
        elif not wanted <= told:
            yield subject.shown(
                None,
                edge,
                RULE,
                edge.spoken[0].place if edge.spoken else subject.flow.main.place,
                f"对方开口之前，没有说清：{'、'.join(sorted(wanted - told))}。",
                f"before the caller's first turn this is not said: {', '.join(sorted(wanted - told))}.",
                "开场的话要带 discloses: [ai, recording, identity]。",
                "The opening line must disclose: [ai, recording, identity].",
            )
