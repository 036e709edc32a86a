"""Whether words spoken over the bot are a turn or only a sign of listening. Pure."""

from __future__ import annotations

import re
from enum import Enum

_LISTENING = re.compile(
    r"^(?:[嗯恩唔哦噢喔啊呃哎欸诶额]+|对+|是+|是的|对的|好+|好的|行|行行行|哦哦|知道了?|听到了?|明白了?|喂+|"
    r"m+|u+h+|h+m+|yeah|yes|ok|okay|right|uh huh|mhm|i see)$",
    re.IGNORECASE,
)
_PUNCTUATION = re.compile(r"[\s，。！？、,.!?~…—-]+")


class Overlap(Enum):
    """What to do with words that were spoken while the bot was speaking."""

    BACKCHANNEL = "backchannel"
    """A sign of listening: the bot goes on."""
    TURN = "turn"
    """The caller wants the floor now."""
    LATER = "later"
    """The line must be heard to its end; the words are kept until then."""


def judge(text: str, *, interruptible: bool, asks: bool, remaining_seconds: float) -> Overlap:
    """Judges `text`, spoken over a line that `remaining_seconds` are left of (0 when its end is not known to be near).

    `asks` says that the line ends with a question: near its end a bare "对" is already the answer.
    """
    listening = bool(_LISTENING.match(_PUNCTUATION.sub("", text)))
    if listening and asks and remaining_seconds <= 1.2:
        return Overlap.LATER
    if listening:
        return Overlap.BACKCHANNEL
    return Overlap.TURN if interruptible else Overlap.LATER
