"""Giving a caller to a human: who waits, who is rung, what the human is told, what came of it."""

from voicebot.handoff.brief import BriefFacts, build_brief, facts_of_case, spoken_brief
from voicebot.handoff.desk import HandoffDesk, HandoffStep, HandoffTimes, Step
from voicebot.handoff.queue import Waiting, in_order, turn_has_come

__all__ = [
    "BriefFacts",
    "HandoffDesk",
    "HandoffStep",
    "HandoffTimes",
    "Step",
    "Waiting",
    "build_brief",
    "facts_of_case",
    "in_order",
    "spoken_brief",
    "turn_has_come",
]
