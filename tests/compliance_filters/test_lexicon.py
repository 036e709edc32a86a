"""A pattern holds where its words stand in order, as written, by sound or by initials, and nowhere by mere chance."""

from __future__ import annotations

import pytest

from compliance_filters.lexicon import Lexicon
from compliance_filters.normalise import Spelling, normalise
from compliance_filters.patterns import Channel, Match, PatternError

PLAIN = Spelling({}, {})


def found(source: str, text: str, concepts: dict[str, list[str]] | None = None) -> list[Match]:
    lexicon = Lexicon(concepts or {}, ("app",))
    lexicon.add("threat", source, "pattern")
    lexicon.build()
    return lexicon.matches(lexicon.scan(normalise(text, PLAIN)))


def test_words_in_order_hold_and_in_disorder_do_not() -> None:
    assert found("(明天|今天) .. 上门", "我们明天派人上门")
    assert found("(明天|今天) .. 上门", "上门是明天的事") == []


def test_a_concept_stands_for_each_of_its_words() -> None:
    concepts = {"parent": ["爸爸", "妈妈"], "relative": ["<parent>", "叔叔"]}
    assert found("<relative> .. 还钱", "叫你妈妈来还钱", concepts)
    assert found("<relative> .. 还钱", "叫你叔叔来还钱", concepts)


def test_what_must_not_stand_there_undoes_the_pattern() -> None:
    assert found("上门 !(维修|安装)", "下午上门")
    assert found("上门 !(维修|安装)", "师傅上门维修") == []


@pytest.mark.parametrize(
    ("text", "channel"),
    [("我们起诉你", Channel.WRITTEN), ("我们起素你", Channel.SOUND), ("我们要qs你啊", Channel.INITIALS)],
)
def test_a_word_is_known_as_written_by_sound_and_by_initials(text: str, channel: Channel) -> None:
    assert [m.spans[1].channel for m in found("我们 .. 起诉", text)] == [channel]


def test_what_sounds_alike_across_a_comma_is_two_other_words() -> None:
    assert found("我们 .. 起诉", "我们买起素菜")
    assert found("我们 .. 起诉", "我们买不起，素的也行") == []


def test_a_particle_is_no_misspelling_of_a_word() -> None:
    assert found("死骗子", "你这个4骗子")
    assert found("死骗子", "让您先交钱的都是骗子") == []


def test_a_concept_that_is_spoken_of_is_told() -> None:
    lexicon = Lexicon({"relative": ["妈妈", "父母"]}, ())
    lexicon.add("threat", "<relative>", "pattern")
    lexicon.build()
    assert lexicon.holds("relative", lexicon.scan(normalise("叫你父母来", PLAIN)))
    assert not lexicon.holds("relative", lexicon.scan(normalise("您自己来", PLAIN)))
    assert not lexicon.holds("pets", lexicon.scan(normalise("叫你父母来", PLAIN)))


def test_a_circle_of_concepts_is_told_with_its_way() -> None:
    with pytest.raises(PatternError, match="a > b > a"):
        Lexicon({"a": ["<b>"], "b": ["<a>"]}, ())


def test_an_unknown_concept_is_told() -> None:
    with pytest.raises(PatternError, match="no concept named 'uncle'"):
        Lexicon({}, ()).add("threat", "<uncle> .. 还钱", "pattern")
