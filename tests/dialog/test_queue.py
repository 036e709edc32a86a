"""A caller on hold hears their true place, may be called back instead, and is never left alone in danger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.dialog.test_machine import means
from voicebot.dialog.conversation import Conversation
from voicebot.dialog.events import (
    HandoffEnded,
    HandoffOutcome,
    LeaveQueue,
    QueueMoved,
    RequestHandoff,
    Say,
    TimerElapsed,
)

Talk = Callable[..., Conversation]


def waiting(talk: Talk, ahead: int | None = 3, flow: str = "inbound_unknown") -> Conversation:
    """A caller who asked for a human, and who was told a place."""
    conversation = talk(flow)
    conversation.says("转人工", means("ask_human"))
    if ahead is not None:
        conversation.feed(QueueMoved(ahead, conversation.now), "[queue]")
    return conversation


def said(conversation: Conversation) -> list[str]:
    return [action.line for action in conversation.last.decision.actions if isinstance(action, Say)]


@pytest.mark.parametrize(("ahead", "words"), [(3, "前面还有三位"), (2, "前面还有两位"), (0, "马上就轮到您了")])
def test_the_place_is_said_as_it_is_with_the_offer(talk: Talk, ahead: int, words: str) -> None:
    conversation = waiting(talk, ahead)
    (say,) = (action for action in conversation.last.decision.actions if isinstance(action, Say))
    assert words in say.text
    assert "请按一" in say.text
    assert conversation.state.ahead == ahead


def test_between_two_places_a_word_of_comfort(talk: Talk) -> None:
    conversation = waiting(talk)
    conversation.feed(TimerElapsed("hold", conversation.now), "[hold]")
    assert said(conversation) == ["human.still_connecting"]


@pytest.mark.parametrize("intent", [None, "busy_call_later", "callback_time_given", "end_call"])
def test_who_would_rather_not_wait_is_asked_for_a_time(talk: Talk, intent: str | None) -> None:
    conversation = waiting(talk)
    if intent is None:
        conversation.presses("1")
    else:
        conversation.says("我不等了", means(intent))
    actions = conversation.last.decision.actions
    assert isinstance(actions[0], LeaveQueue)
    assert said(conversation) == ["callback.nobody_free"]
    assert conversation.state.ahead is None
    # The search that was left says nothing more to the dialog.
    conversation.feed(HandoffEnded(HandoffOutcome.LEFT_QUEUE, conversation.now + timedelta(seconds=1)), "[late]")
    assert conversation.last.decision.actions == ()


def test_nothing_is_given_up_before_it_was_offered(talk: Talk) -> None:
    conversation = waiting(talk, None)
    conversation.presses("1")
    conversation.says("好的，我等", means("end_call"))
    assert conversation.last.decision.actions == ()
    assert conversation.state.handoff == "asked_for_human"


def test_danger_leaves_the_queue_for_somebody_at_once(talk: Talk) -> None:
    conversation = waiting(talk)
    conversation.says("我不想活了", means("self_harm_risk"))
    actions = conversation.last.decision.actions
    assert isinstance(actions[0], LeaveQueue)
    (request,) = (action for action in actions if isinstance(action, RequestHandoff))
    assert (request.because, request.urgent) == ("self_harm_risk", True)
    conversation.feed(QueueMoved(2, conversation.now), "[queue]")
    assert said(conversation) == ["human.still_connecting"], "nobody in danger hears of a queue"
    conversation.says("我不想活了", means("self_harm_risk"))
    assert conversation.last.decision.actions == (), "somebody is being fetched already"


def test_a_place_that_comes_after_the_wait_is_not_said(talk: Talk) -> None:
    conversation = talk("inbound_unknown")
    conversation.feed(QueueMoved(1, conversation.now), "[queue]")
    assert conversation.last.decision.actions == ()
