"""Whether words spoken over the bot are a turn or only a sign of listening. Pure."""

from __future__ import annotations

import re
from enum import Enum

_LISTENING = re.compile(
    r"^(?:[嗯恩唔哦噢喔啊呃哎欸诶额喂]|对[啊呀]?|是[啊呀]?|[是对]的|没错|好[的吧]?|行[吧]?|可以[的吧]?|没问题|谢谢[你您]?|"
    r"我?(?:知道|听到|听见|明白|了解|懂|清楚)[了啦]?|收到|这样[啊子]?|你说|您说|说吧|您?请讲|你?继续|"
    r"m+|u+h+|h+m+|yeah|yes|yep|ok|okay|right|sure|i see|got it|go on)+$",
    re.IGNORECASE,
)
_PUNCTUATION = re.compile(r"[\s，。！？、,.!?~…—-]+")


_UNCLEAR = 2
"""Characters up to which words that may be misheard do not take the floor."""


class Overlap(Enum):
    """What to do with words that were spoken while the bot was speaking."""

    BACKCHANNEL = "backchannel"
    """A sign of listening: the bot goes on."""
    TURN = "turn"
    """The caller wants the floor now."""
    LATER = "later"
    """The line must be heard to its end; the words are kept until then."""


def only_listening(text: str) -> bool:
    """The words say nothing but "I am listening"."""
    return bool(_LISTENING.match(_PUNCTUATION.sub("", text)))


def judge(text: str, *, interruptible: bool, asks: bool, remaining_seconds: float, confident: bool = True) -> Overlap:
    """Judges `text`, spoken over a line that `remaining_seconds` are left of (0 when its end is not known to be near).

    One or two characters that are not `confident` are taken for a sign of listening.

    `asks` says that the line ends with a question: near its end a bare "对" is already the answer.
    """
    listening = only_listening(text) or (not confident and len(_PUNCTUATION.sub("", text)) <= _UNCLEAR)
    if listening and asks and remaining_seconds <= 1.2:
        return Overlap.LATER
    if listening:
        return Overlap.BACKCHANNEL
    return Overlap.TURN if interruptible else Overlap.LATER
