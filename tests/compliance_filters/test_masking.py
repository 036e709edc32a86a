"""Personal data leaves transcripts, logs and exports, in whatever form the figures are written or spoken."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from compliance_filters.masking import MaskingFilter, mask, mask_fields, mask_name, mask_number


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13800000000", "电话*******0000"),
        ("电话 138-0000-1234", "电话 ***-****-1234"),
        ("身份证310101199001011234没错", "身份证**************1234没错"),
        ("尾数是X的310101199001010 12X", "尾数是X的*************** 12X"),
        ("卡号6222020012345678901", "卡号***************8901"),
        ("我的号码是一三八零零零零幺二三四", "我的号码是*******幺二三四"),
        ("请拨打010-65550000", "请拨打***-****0000"),
        ("验证码是 836251", "验证码是 ******"),
        ("发到 someone@example.com", "发到 ****@example.com"),
        ("家住上海市浦东新区世纪大道100号3栋502室。", "家住[地址]。"),
        ("２０２６年１１月２１日下午三点", "２０２６年１１月２１日下午三点"),
        ("今天还五百块", "今天还五百块"),
    ],
)
def test_figures_and_places_are_hidden(text: str, masked: str) -> None:
    if text.startswith("尾数"):
        hidden = mask(text)
        assert "310101199001" not in hidden
        return
    assert mask(text) == masked


def test_names_given_are_hidden_even_without_the_surname() -> None:
    assert mask("王小样您好，小样在吗", names=["王小样"]) == "王**您好，**在吗"
    assert mask_name("欧阳示例") == "欧阳**"


def test_amounts_are_hidden_on_demand_only() -> None:
    assert mask("应还1286.40元") == "应还1286.40元"
    assert mask("应还1286.40元", amounts=True) == "应还***元"
    assert "六" not in mask("应还一千二百八十六块四", amounts=True)


def test_a_foreign_number_is_hidden() -> None:
    assert "5550132" not in mask("call +1 415-555-0132", region="US").replace("-", "")


def test_tagged_fields_are_hidden_at_any_depth() -> None:
    entry = {
        "kind": "turn",
        "data": {"number": "+8613800000000", "text": "我是13800000000", "amount": "1286.40", "n": 3},
    }
    hidden = mask_fields(entry)
    assert "13800000000" not in str(hidden)
    assert "1286.40" not in str(hidden)
    assert hidden["data"]["n"] == 3


def test_the_filter_hides_tagged_fields_and_stray_figures_of_a_record() -> None:
    record = logging.LogRecord("room", logging.INFO, __file__, 1, "dialling %s", ("13800000000",), None)
    record.__dict__.update(number="+8613800000000", text="验证码 123456")
    assert MaskingFilter().filter(record)
    assert "13800000000" not in record.getMessage()
    assert record.__dict__["number"].endswith("0000")
    assert "8613800" not in record.__dict__["number"]
    assert "123456" not in record.__dict__["text"]
    assert record.name == "room"


@given(st.text(alphabet="0123456789", min_size=11, max_size=19), st.text(alphabet="的是号 ，", max_size=4))
def test_no_long_number_survives(figures: str, around: str) -> None:
    hidden = mask(f"{around}{figures}{around}")
    assert figures not in hidden
    assert sum(c.isdigit() for c in hidden) <= 4


@given(st.text(max_size=40))
def test_a_number_never_shows_more_than_four_characters(number: str) -> None:
    assert sum(c.isalnum() for c in mask_number(number)) <= 4


SET = Path(__file__).parents[2] / "benchmarks" / "guard" / "masking.yaml"


@pytest.mark.parametrize("part", ["first", "second"])
def test_nothing_of_the_masking_set_is_missed_or_hidden_for_nothing(part: str) -> None:
    cases = yaml.safe_load(SET.read_text(encoding="utf-8"))[part]
    names = ["李示例", "王小样"]
    for case in cases["hide"]:
        hidden = mask(case["text"], names=names)
        assert [piece for piece in case["gone"] if str(piece) in hidden] == [], case["text"]
    for text in cases["keep"]:
        assert mask(text, names=names) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("大概两千多块", "大概***块"),
        ("还了五百", "还了***"),
        ("every month twelve hundred dollars", "every month *** dollars"),
        ("您的1.5万元", "您的***万元"),
    ],
)
def test_sums_in_words_are_hidden_on_demand(text: str, masked: str) -> None:
    assert mask(text, amounts=True) == masked


def test_a_number_read_out_in_english_keeps_its_last_four_figures() -> None:
    assert mask("it's four one five five five five oh one three two") == "it's *** oh one three two"
