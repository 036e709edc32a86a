"""The person on a demo telephone answers what was said, however the recogniser wrote it down."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from voicebot.demo.person import Person
from voicebot.demo.script import Reply, TelephoneScript

REPLIES = (
    Reply(when=("请问是本人吗", "是王小样吗"), say="是我。"),
    Reply(when=("身份证后四位",), say="一二", press="34"),
    Reply(when=("还可以吗", "您看可以吗"), say="可以。", at_most=2),
    Reply(when=("再见",), hang_up=True),
)


def test_a_phrase_is_known_inside_a_longer_sentence() -> None:
    reply = Person(REPLIES).hear("您好，这里是示例银行的智能客服，请问是本人吗？")
    assert reply is not None
    assert reply.say == "是我。"


def test_a_phrase_is_known_by_its_sound() -> None:
    reply = Person(REPLIES).hear("请说一下您的身分正后四味数字")
    assert reply is not None
    assert reply.press == "34"


def test_other_sentences_are_left_alone() -> None:
    assert Person(REPLIES).hear("本次通话会被录音。") is None
    assert Person(REPLIES).hear("") is None


def test_a_phrase_may_come_in_two_pieces() -> None:
    person = Person(REPLIES)
    assert person.hear("请告诉我您的身份证") is None
    reply = person.hear("后四位")
    assert reply is not None
    assert reply.press == "34"


def test_a_reply_is_given_as_often_as_it_may_be() -> None:
    person = Person(REPLIES)
    given = [person.hear("您看可以吗") for _ in range(4)]
    assert [reply.say if reply else None for reply in given] == ["可以。", "可以。", None, None]


def test_a_reply_without_phrases_answers_whatever_is_heard() -> None:
    assert Person((Reply(say="喂？"),)).hear("随便什么") is not None


def test_a_script_in_which_nobody_acts_is_refused() -> None:
    with pytest.raises(ValidationError, match="neither speaks nor ends"):
        TelephoneScript(name="x", number="1", port=5060, rtp_ports=(20000, 20010))
