"""Short replies in words of their own: read where a yes or no was asked, and left alone everywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

import scripts_library
from voicebot.understanding.dialect import load_dialects
from voicebot.understanding.intents.training import SHIPPED
from voicebot.understanding.meaning import Answer, Expecting
from voicebot.understanding.normalise import Normaliser
from voicebot.understanding.replies import AnswersError, Replies, load_replies, replies_file

LIBRARY = Path(scripts_library.__file__).parent


@pytest.fixture(scope="module")
def replies() -> Replies:
    found = load_replies(LIBRARY, Normaliser(load_dialects(LIBRARY)))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("那当然可以了", Answer.YES),
        ("行嘞没问题", Answer.YES),
        ("那可不行啊", Answer.NO),
        ("不用了不用了", Answer.NO),
        ("到时候再看吧", Answer.UNSURE),
    ],
)
def test_a_reply_is_read(replies: Replies, text: str, answer: Answer) -> None:
    assert replies.read(text, Expecting.YES_NO) is answer


@pytest.mark.parametrize("text", ["周五", "两千", "你是谁呀", "再说一遍", "", "啊？", "行吗?"])
def test_what_is_no_answer_stays_one(replies: Replies, text: str) -> None:
    assert replies.read(text, Expecting.YES_NO) is None


def test_nothing_is_read_where_no_yes_or_no_was_asked(replies: Replies) -> None:
    assert replies.read("那当然可以了", Expecting.DATE) is None
    assert replies.read("那当然可以了", Expecting.NOTHING) is None


def test_a_longer_turn_is_not_read_for_a_yes(replies: Replies) -> None:
    assert replies.read("那当然可以了你们明天下午三点以后再打给我", Expecting.YES_NO) is None


def test_the_shipped_model_is_of_these_replies() -> None:
    shipped = [path.name for path in SHIPPED.glob("replies-*.npz")]
    wanted = replies_file(LIBRARY, Normaliser(load_dialects(LIBRARY)))
    assert shipped == [wanted], "run `voicebot nlu train --output` into the folder of trained models"


def test_a_library_without_replies_has_no_model(tmp_path: Path) -> None:
    assert load_replies(tmp_path, Normaliser(load_dialects(LIBRARY))) is None


def test_a_library_of_its_own_is_learned_from(tmp_path: Path) -> None:
    folder = tmp_path / "zh-CN"
    folder.mkdir()
    told = {
        "yes": ["包您满意", "包在我身上", "包没问题"],
        "no": ["门都没有", "窗都没有"],
        "unsure": ["天晓得"],
        "none": ["几点", "哪天"],
    }
    lines = [f'"{label}": [{", ".join(words)}]' for label, words in told.items()]
    (folder / "answers.yaml").write_text("\n".join(lines), encoding="utf-8")
    found = load_replies(tmp_path, Normaliser(load_dialects(LIBRARY)), tmp_path / "kept")
    assert found is not None
    assert found.read("包在我身上", Expecting.YES_NO) is Answer.YES
    assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".npz"]


@pytest.mark.parametrize("text", ["yes: [好]", "- 好", '"yes": [好]\n"no": [不]\nperhaps: [看]\nnone: []'])
def test_an_unusable_file_says_which_and_how_to_mend_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "zh-CN").mkdir()
    (tmp_path / "zh-CN" / "answers.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(AnswersError, match=r"answers\.yaml.*in quotes"):
        load_replies(tmp_path, Normaliser(load_dialects(LIBRARY)))
