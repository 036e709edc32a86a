"""Why the machine decided what it did, in the languages of authors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One cause. Names that authors write in flows (intents, states, lines) are the same in every language."""

    zh: str
    en: str

    def text(self, locale: str) -> str:
        """In Chinese for zh, else in English."""
        return self.zh if locale == "zh" else self.en


def named(name: str) -> Reason:
    """A name of the flow's language is reason enough: an intent, an event, the id of a route."""
    return Reason(name, name)


def told(reasons: Sequence[Reason], locale: str) -> str:
    """All of them in one line, in the order in which they came about."""
    return ("；" if locale == "zh" else "; ").join(reason.text(locale) for reason in reasons)


WAITING = Reason("正在等人工", "waiting for a human")
NOTHING_WANTED_IS_LEFT = Reason("要确认的内容已经没有了", "what was to be confirmed is gone")
HUNG_UP = Reason("对方挂机", "caller hung up")
HUNG_UP_WAITING = Reason("对方等人工时挂机", "caller hung up while waiting")
HUMAN_TOOK_OVER = Reason("人工接走了", "a human took over")
NOBODY_TOOK_IT = Reason("没有人接这通电话", "nobody took the call")
RATHER_CALLED_BACK = Reason("对方宁愿等回电", "the caller would rather be called back")
SLOTS_UNCLEAR = Reason("说到了要的槽位，但没听出值", "slots unclear")

EVENTS = {
    "started": Reason("接通", "started"),
    "started already": Reason("早已接通", "started already"),
    "over": Reason("通话已结束", "over"),
    "Heard": Reason("听到", "Heard"),
    "Pressed": Reason("按键", "Pressed"),
    "SilenceElapsed": Reason("没出声", "SilenceElapsed"),
    "TimerElapsed": Reason("计时到", "TimerElapsed"),
    "LineHeard": Reason("话放完了", "LineHeard"),
    "CallerGone": Reason("对方不在线", "CallerGone"),
    "HandoffEnded": Reason("转人工有了结果", "HandoffEnded"),
    "QueueMoved": Reason("排队往前走了", "QueueMoved"),
    "LimitReached": Reason("到了通话上限", "LimitReached"),
    "GuardStopped": Reason("话术卫士拦下", "GuardStopped"),
}
"""What set a step going, by the name of the event."""
