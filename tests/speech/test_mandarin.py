"""What is written and what is said: 还 as the verb, polyphones of the trade, figures, letters, sandhi, clauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.speech.mandarin import cardinal, clauses, spell_out, syllables


def said(text: str) -> str:
    return " ".join(f"{one.pinyin}{one.tone}" for clause in clauses(text) for one in clause.syllables)


@pytest.mark.parametrize(
    "text",
    [
        "怎么还", "还款", "还了", "我下个月还", "分期还", "还两千", "还清", "还多少", "还三千块", "没钱还",
        "先还一部分",
        "还不上", "还不了", "还得起吗", "什么时候还呢", "还5000", "按时还", "还我钱", "尽快归还", "一次还完", "还本金",
    ],
)  # fmt: skip
def test_the_verb_to_repay_is_huan(text: str) -> None:
    assert "huan2" in said(text).split()
    assert "hai2" not in said(text).split()


@pytest.mark.parametrize(
    "text",
    [
        "还有",
        "还没",
        "还在吗",
        "还要多久",
        "还差五百",
        "您还欠款三千元",
        "还不了解",
        "还一直没来",
        "还是不行",
        "还不知道",
        "还可以",
        "还剩",
    ],
)
def test_the_adverb_is_hai(text: str) -> None:
    assert "hai2" in said(text).split()
    assert "huan2" not in said(text).split()


def test_both_readings_in_one_sentence() -> None:
    assert said("还没还清还有还款") == "hai2 mei2 huan2 qing1 hai2 you3 huan2 kuan3"


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("发卡行", "fa1 ka3 hang2"),
        ("不行", "bu4 xing2"),
        ("重新", "chong2 xin1"),
        ("重要", "zhong4 yao4"),
        ("延长", "yan2 chang2"),
        ("家长", "jia1 zhang3"),
        ("还了", "huan2 le5"),
        ("还不了", "huan2 bu4 liao3"),
        ("协调", "xie2 tiao2"),
        ("调查", "diao4 cha2"),
        ("数额", "shu4 e2"),
        ("利率", "li4 lv4"),
        ("我得走了", "wo2 dei2 zou3 le5"),
    ],
)
def test_polyphones_of_the_trade(text: str, reading: str) -> None:
    assert said(text) == reading


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3,050.50元", "三千零五十点五零元"),
        ("20000元", "两万元"),
        ("10天", "十天"),
        ("110", "一百一十"),
        ("1001000元", "幺零零幺零零零元"),
        ("尾号1234", "尾号幺二三四"),
        ("15%", "百分之十五"),
        ("2026-11-21", "二零二六年十一月二十一日"),
        ("12:30", "十二点三十分"),
        ("9:05", "九点零五分"),
        ("2个月", "两个月"),
        ("3-5天", "三到五天"),
        ("¥300", "三百元"),
        ("１２天", "十二天"),
    ],
)
def test_figures_are_read(written: str, spoken: str) -> None:
    assert spell_out(written) == spoken


def test_latin_letters_are_named() -> None:
    assert said("APP") == "ei1 pi4 pi4"


@pytest.mark.parametrize(
    ("text", "reading"), [("不要", "bu2 yao4"), ("一下", "yi2 xia4"), ("第一次", "di4 yi1 ci4"), ("你好", "ni2 hao3")]
)
def test_sandhi(text: str, reading: str) -> None:
    assert said(text) == reading


def test_long_stretches_are_cut_between_words() -> None:
    text = "我们注意到您的账户目前存在一笔逾期未结清的款项希望您能够在方便的时候与我们取得联系商量一个合适的还款安排"
    found = clauses(text)
    assert len(found) > 1
    assert sum(len(clause.syllables) for clause in found) == len(text)
    assert max(len(clause.syllables) for clause in found) < 34


def test_nothing_to_say_is_no_clause() -> None:
    assert clauses(" 。，！… ") == []


@given(st.integers(0, 10**12))
def test_every_number_has_words(number: int) -> None:
    words = cardinal(str(number))
    assert words
    assert set(words) <= set("零一二两三四五六七八九十百千万亿")
    assert "零零" not in words


@given(st.text(max_size=60))
def test_any_text_becomes_syllables_the_voice_has(text: str) -> None:
    for clause in clauses(text):
        for one in clause.syllables:
            assert one.pinyin.isascii()
            assert one.pinyin.isalpha()
            assert one.tone in range(1, 6)
            assert clause.pause >= 0


def test_unknown_marks_are_left_out() -> None:
    assert syllables("☎→🙂") == []
