"""The layers under intents: composed turns, segments, wordings by sound, signals, calibration, what changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voicebot.understanding import Context, Expecting, Understander
from voicebot.understanding.intents.calibration import expected_error, fit_temperature, reliability
from voicebot.understanding.intents.composing import composed
from voicebot.understanding.intents.examples import Example
from voicebot.understanding.intents.segments import Segmenter
from voicebot.understanding.intents.signals import signals
from voicebot.understanding.intents.training import Lessons, fit, model_name, previous_model
from voicebot.understanding.intents.wordings import Wordings
from voicebot.understanding.training_run import changes


def test_composed_turns_hold_their_parts_and_are_the_same_each_time() -> None:
    texts = [f"{label}{number}" for label in "甲乙丙丁" for number in range(6)]
    labels = [text[0] for text in texts]
    found = composed(texts, labels)
    assert found == composed(texts, labels)
    assert len(found) == len(texts) // 3
    for text, several in found:
        assert len(set(several)) == len(several) >= 2
        assert all(label in text for label in several)


def test_what_is_said_alone_is_never_composed() -> None:
    texts = ["没话", "按键", "甲", "乙", "丙", "丁"] * 3
    labels = ["silence", "dtmf_choice", "a", "b", "c", "d"] * 3
    assert not {"silence", "dtmf_choice"} & {label for _, several in composed(texts, labels) for label in several}


def sounds_like(text: str) -> dict[str, float]:
    """A scorer that knows two words."""
    if "投诉" in text and "分期" in text:
        return {"complaint_regulator": 0.5, "instalment_request": 0.5}
    if "投诉" in text:
        return {"complaint_regulator": 0.9, "instalment_request": 0.1}
    if "分期" in text:
        return {"complaint_regulator": 0.1, "instalment_request": 0.9}
    return {"complaint_regulator": 0.3, "instalment_request": 0.3, "none": 0.4}


def test_a_turn_without_punctuation_is_divided_where_two_meanings_meet() -> None:
    segmenter = Segmenter(sounds_like)
    assert segmenter.parts("我要投诉能不能分期还") == ["我要投诉", "能不能分期还"]
    assert segmenter.parts("我要投诉你们这些人的态度") == []
    assert segmenter.parts("我要投诉，能不能分期") == ["我要投诉", "能不能分期"]


def test_a_wording_is_known_by_its_letters_its_sound_and_nearly() -> None:
    wordings = Wordings(["我要转人工客服", "下个月再还给你", "好的"], ["ask_human", "vague_promise", "end_call"])
    assert wordings.exact("我要转人工客服。") == "ask_human"
    heard = wordings.heard("我要赚人工客服")
    assert heard is not None
    assert heard.intent == "ask_human"
    near = wordings.near("我要赚人工客户")
    assert near is not None
    assert near.intent == "ask_human"
    assert near.confidence < heard.confidence
    assert wordings.near("今天天气真不错啊") is None
    assert wordings.heard("号的") is None, "too short for its sound to be enough"


def test_a_wording_of_two_intents_is_known_for_neither() -> None:
    assert Wordings(["我知道了吧", "我知道了吧"], ["end_call", "vague_promise"]).exact("我知道了吧") is None


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("我死了你们就满意了吧，我从楼上跳下去", "self_harm_risk"),
        ("等我闭上眼你们就清净了", "self_harm_risk"),
        ("绳子我都买好了", "self_harm_risk"),
        ("没我这个人大家都轻松", "self_harm_risk"),
        ("把我的号从名单里拿掉", "cease_contact"),
        ("我拒绝接听你们的电话", "cease_contact"),
        ("换个能拍板的来", "ask_human"),
        ("懒得跟机器人说", "ask_human"),
        ("这案子由律师全权负责", "attorney_represented"),
        ("他上个月头七都过了", "deceased"),
        ("爸爸不在，我在写作业", "minor_answers"),
    ],
)
def test_words_that_must_not_be_missed(text: str, intent: str) -> None:
    assert intent in {found for found, _, _ in signals(text)}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("最近累得要死", "self_harm_risk"),
        ("我不会想不开的", "self_harm_risk"),
        ("我不想活动", "self_harm_risk"),
        ("他前年跳楼走了", "self_harm_risk"),
        ("现在别打，我在开会", "cease_contact"),
        ("能不能别打折扣", "cease_contact"),
        ("你是真人吗", "ask_human"),
        ("这是人工智能吧", "ask_human"),
        ("你们会发律师函吗", "attorney_represented"),
        ("我没想投诉你们", "complaint_regulator"),
    ],
)
def test_words_that_only_look_like_it(text: str, intent: str) -> None:
    assert intent not in {found for found, _, _ in signals(text)}


def test_reliability_says_how_far_confidence_and_truth_lie_apart() -> None:
    bins = reliability([0.95, 0.95, 0.95, 0.95, 0.55, 0.55], [True, True, True, False, True, False])
    assert [(found.count, found.right) for found in bins] == [(2, 0.5), (4, 0.75)]
    assert expected_error(bins) == pytest.approx((2 * 0.05 + 4 * 0.2) / 6, abs=1e-3)
    assert expected_error([]) == 0.0


def test_the_temperature_makes_an_overconfident_model_modest() -> None:
    logits = np.array([[8.0, 0.0]] * 3 + [[0.0, 8.0]], dtype=np.float32)
    temperature = fit_temperature(logits, [0, 0, 0, 0])
    assert temperature > 2.0
    assert 1 / (1 + np.exp(-8.0 / temperature)) == pytest.approx(0.75, abs=0.02)


WORDS = {"ask_human": "找人工真经理客服", "end_call": "再见拜挂了先", "suspect_scam": "骗子假诈信谁"}


def small_library(more: int = 0) -> list[Example]:
    """Patterns of two signs each, so that some are held out; `more` of them for the first intent."""
    found = []
    for intent, signs in WORDS.items():
        pairs = [one + two for one in signs for two in signs if one != two]
        found += [Example(pair, intent, f"{intent}: {pair}") for pair in pairs[: 24 + more]]
        more = 0
    return found


def test_training_measures_on_patterns_it_has_not_seen_and_says_what_changed(tmp_path: Path) -> None:
    before, after = small_library(), small_library(more=8)
    first = fit(Lessons([example.text for example in before], before), None)
    assert first.record["held_out"]["n"] > 0
    assert first.record["held_out"]["right"] > 0.8
    assert first.record["examples"] == {"ask_human": 24, "end_call": 24, "suspect_scam": 24}
    first.save(tmp_path / "intents-first.npz")
    kept = previous_model(tmp_path, None, "intents-second.npz")
    assert kept is not None
    assert kept.temperature == pytest.approx(first.temperature)
    assert kept.record == first.record
    texts = [example.text for example in after]
    second = fit(Lessons(texts, after), None)
    guessed = [second.labels[int(second.probabilities(text, None).argmax())] for text in texts]
    told = changes(kept, second, texts, [None] * len(texts), guessed)
    assert told["examples"] == {"ask_human": {"before": 24, "after": 32}}
    assert told["right"]["after"] == second.record["held_out"]["right"]
    assert told["read_otherwise_total"] >= 0


def test_turns_of_several_meanings_are_learned_from(tmp_path: Path) -> None:
    examples = small_library()
    texts = [example.text for example in examples]
    several = [("找人再见", ("ask_human", "end_call")), ("经理拜拜", ("ask_human", "end_call"))] * 8
    taught = fit(Lessons(texts, examples, several), None)
    place = {label: number for number, label in enumerate(taught.labels)}
    found = taught.probabilities("找人再见", None)
    assert min(found[place["ask_human"]], found[place["end_call"]]) > 0.3
    assert model_name(Lessons(texts, examples, several), None) != model_name(Lessons(texts, examples), None)


def test_what_is_promised_of_a_day_gone_by_was_paid(engine: Understander, asking: Callable[..., Context]) -> None:
    for text in ("三月二号柜台给的现金，八百块，单子我还留着", "上礼拜四我转的那一千三就是这一期的"):
        meaning = engine.understand(text, asking())
        assert meaning.intents[0].id == "already_paid"
        assert "past_date" in meaning.slots


def test_a_sum_paid_on_a_day_gone_by_is_heard_beside_other_matters(
    engine: Understander, asking: Callable[..., Context]
) -> None:
    found = engine.understand("上个月八号我交过九百了，再打来我就找12378投诉", asking()).intents
    assert {"already_paid", "complaint_regulator"} <= {intent.id for intent in found}


def test_no_model_before_is_no_comparison(tmp_path: Path) -> None:
    assert previous_model(tmp_path, None, "intents-x.npz") is None


def test_digits_that_were_asked_for_mean_nothing_else(engine: Understander, asking: Callable[..., Context]) -> None:
    for text in ("末四位是八八零二", "三个五一个九", "一洞洞七"):
        meaning = engine.understand(text, asking(Expecting.DIGITS))
        assert not meaning.intents
        assert "digits" in meaning.slots


def test_another_person_who_wants_no_calls_refuses_them(engine: Understander, asking: Callable[..., Context]) -> None:
    found = [intent.id for intent in engine.understand("他不在家，我是他爸，你们别老打我电话。", asking()).intents]
    assert found[0] == "third_party_refuses"


def test_a_death_in_the_family_of_one_without_work_is_a_hardship(
    engine: Understander, asking: Callable[..., Context]
) -> None:
    found = {intent.id: intent.confidence for intent in engine.understand("我没工作，我妈又刚去世", asking()).intents}
    assert {"hardship_unemployment", "hardship_disaster_family"} <= set(found)
    assert found.get("deceased", 0.0) < 0.2


@pytest.mark.parametrize("text", ["先帮", "碗里", "再说"])
def test_two_characters_mean_what_is_known_by_heart_or_nothing(
    engine: Understander, asking: Callable[..., Context], text: str
) -> None:
    assert not engine.understand(text, asking()).intents


@pytest.mark.parametrize(
    ("text", "intent"), [("人工", "ask_human"), ("骗子", "suspect_scam"), ("律师", "attorney_represented")]
)
def test_a_known_word_alone_is_enough(
    engine: Understander, asking: Callable[..., Context], text: str, intent: str
) -> None:
    assert engine.understand(text, asking()).intents[0].id == intent


def test_a_stranger_who_wants_no_calls_has_said_both(engine: Understander, asking: Callable[..., Context]) -> None:
    meaning = engine.understand("你打错了，我不认识他，以后别再打了", asking())
    assert {"deny_identity_wrong_number", "cease_contact"} <= {intent.id for intent in meaning.intents}


def test_a_pause_parts_two_meanings(engine: Understander, asking: Callable[..., Context]) -> None:
    meaning = engine.understand("是我本人 我这会儿在开会", asking())
    assert {"confirm_identity", "busy_call_later"} <= {intent.id for intent in meaning.intents}
