"""One plain form: simplified, half-width, without fillers, dialect in Mandarin, homophones of domain words mended."""

from __future__ import annotations

from pathlib import Path

import pytest

import scripts_library
from voicebot.understanding.dialect import LexiconError, load_dialects, read_lexicon
from voicebot.understanding.normalise import Normaliser, write_numbers


@pytest.fixture(scope="module")
def normaliser() -> Normaliser:
    return Normaliser(load_dialects(Path(scripts_library.__file__).parent))


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("我想申請個性化分期", "我想申请个性化分期"),
        ("１２３４５", "12345"),
        ("环款", "还款"),
        ("减勉利息", "减免利息"),
        ("佢唔喺度", "他不在"),
        ("聽日出糧就還兩千蚊", "明天发工资就还两千块"),
        ("啥子嘛", "什么吧"),
        ("俺没子儿", "我没有钱"),
        ("侬啥人", "你谁"),
        ("晚点call我", "晚点打电话我"),
        ("我冒得工作哒", "我没有工作哒"),
    ],
)
def test_plain_form(normaliser: Normaliser, raw: str, plain: str) -> None:
    assert normaliser.plain(raw) == plain


@pytest.mark.parametrize(
    "text", ["国庆节前还你", "我还欠多少", "有件事想问", "我们见面说", "本金晚点还", "我是做事业的", "感冒得厉害"]
)
def test_real_words_that_sound_alike_stay(normaliser: Normaliser, text: str) -> None:
    assert normaliser.plain(text) == text


def test_fillers_and_stutters_go_and_an_answer_stays(normaliser: Normaliser) -> None:
    assert normaliser.clean("嗯,我我我想,就是说,那个减免一下") == "我想,减免一下"
    assert normaliser.clean("嗯") == "嗯"


def test_numbers_are_written_out() -> None:
    assert write_numbers("还一万二,分三期") == "还12000,分3期"
    assert write_numbers("周五再说一下") == "周五再说一下"


def test_a_broken_lexicon_says_where(tmp_path: Path) -> None:
    broken = tmp_path / "x.yaml"
    broken.write_text("words: [a, b]", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"x\.yaml.*mapping"):
        read_lexicon(broken)


@pytest.mark.parametrize(
    ("text", "paused"),
    [
        ("是我 现在在开会", "是我，现在在开会"),
        ("好 我下周一上午就还 再见", "好，我下周一上午就还，再见"),
        ("我 明天 下午 还 两千", "我 明天 下午 还 两千"),
        ("转 人工", "转 人工"),
        ("我叫 Tom Li", "我叫 Tom Li"),
    ],
)
def test_a_space_between_stretches_of_speech_is_a_pause(normaliser: Normaliser, text: str, paused: str) -> None:
    assert normaliser.with_pauses(text) == paused


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("你联系我老公", "你联系我老公"),
        ("没关系我不急", "没关系我不急"),
        ("我哋同你联系我先", "我们同你联系我先"),
        ("系我本人", "是我本人"),
    ],
)
def test_a_mandarin_word_stays_whole_though_it_holds_a_dialects(raw: str, plain: str) -> None:
    assert load_dialects(Path(scripts_library.__file__).parent).to_mandarin(raw) == plain
