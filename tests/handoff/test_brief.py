"""The brief tells the human what they need, and nothing that the person on the line may not hear."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from voicebot.call.board import TimelineEntry
from voicebot.dialog.reference import reference_of
from voicebot.handoff.brief import (
    BriefFacts,
    build_brief,
    facts_of_case,
    mask_digits,
    money,
    spoken_brief,
)
from voicebot.store.records import AgeBand, Case, Debt, Debtor, Flag, PhoneNumber

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def entry(sequence: int, kind: str, **data: Any) -> TimelineEntry:
    return TimelineEntry("c1", sequence, float(sequence), AT, kind, data)


def case() -> Case:
    return Case(
        debtor=Debtor("王小样", numbers=(PhoneNumber("+8613800000001"),), age_band=AgeBand.ELDERLY),
        debt=Debt("示例银行", Decimal("2000.00"), date(2026, 11, 1)),
        dialect="四川话",
        flags=(Flag("dispute", AT), Flag("odd_flag", AT)),
    )


TALK = (
    entry(0, "turn.heard", text="喂", mood="calm"),
    entry(1, "turn.heard", text="我身份证尾号是一二三四", mood="annoyed"),
    entry(2, "promise", amount="2000", on="2026-11-27"),
    entry(3, "callback", at="2026-11-21T10:00:00+08:00"),
    entry(4, "plan", instalments=3),
    entry(5, "turn.heard", text="我王小样，给我转人工", mood="angry"),
)


def test_a_verified_debtors_brief_says_who_what_for_and_what_was_agreed() -> None:
    facts = facts_of_case(case(), because="asked_for_human", urgent=True, verified=True)
    brief = build_brief(facts, TALK)
    assert list(brief) == [
        "紧急", "事由", "身份", "姓名", "号码", "债权方", "欠款", "到期日", "年龄", "语言", "标记",
        "承诺", "回电", "分期申请", "情绪", "来电人说",
    ]  # fmt: skip
    assert brief["事由"] == "来电人要求人工"
    assert brief["姓名"] == "王小样"
    assert brief["欠款"] == "2000元"
    assert brief["标记"] == "有争议、odd_flag"
    assert brief["承诺"] == "2026-11-27 还 2000"
    assert brief["情绪"] == "生气"
    assert brief["来电人说"].endswith("给我转人工")


def test_until_the_caller_is_verified_the_brief_keeps_the_debt_to_itself() -> None:
    brief = build_brief(facts_of_case(case(), because="dispute", number="+8613900000002"), TALK)
    text = " ".join(brief.values())
    assert "请先核实身份" in brief["身份"]
    assert brief["姓名"] == "王**"
    assert brief["号码"] == "+*********0002"
    for secret in ("王小样", "示例银行", "2000", "2026-11-01", "2026-11-27", "一二三四"):
        assert secret not in text
    assert {"债权方", "欠款", "到期日", "承诺", "分期申请"}.isdisjoint(brief)


def test_a_caller_nobody_knows_still_has_a_brief() -> None:
    brief = build_brief(facts_of_case(None, because="not_understood"))
    assert brief == {"事由": "机器人没有听懂", "身份": "未核实，请先核实身份，勿透露欠款信息"}


def test_a_reason_without_a_word_of_its_own_is_shown_as_it_is() -> None:
    assert build_brief(BriefFacts(because="something_new"))["事由"] == "something_new"


def test_long_talk_is_shortened() -> None:
    brief = build_brief(BriefFacts(because="complaint", verified=True), [entry(0, "turn.heard", text="我" * 900)])
    assert len(brief["来电人说"]) == 200


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=60), max_size=10), st.integers(0, 700))
def test_the_header_is_plain_ascii_on_one_line_within_its_limit(brief: dict[str, str], limit: int) -> None:
    header = spoken_brief(brief, limit)
    assert len(header) <= limit
    assert header.isascii()
    assert header.isprintable()
    whole = "; ".join(f"{label}:{value}" for label, value in brief.items())
    assert whole.startswith(unquote(header))


def test_the_header_reads_back_as_the_brief() -> None:
    assert unquote(spoken_brief({"事由": "投诉", "情绪": "生气; 100%"})) == "事由:投诉; 情绪:生气; 100%"


def test_long_runs_of_digits_are_masked_in_words_and_in_figures() -> None:
    assert mask_digits("我的号是13800000001") == "我的号是***********"
    assert mask_digits("尾号幺二三四吧") == "尾号****吧"
    assert mask_digits("先还两百，十五号再还300") == "先还两百，十五号再还300"


def test_money_is_written_for_a_person() -> None:
    assert money(Decimal("12.5")) == "12.50元"
    assert money(Decimal("2000"), "USD") == "2000 USD"


def test_a_reference_number_that_the_caller_was_told_stands_in_the_brief() -> None:
    flags = [entry(1, "flag", flag="dispute"), entry(2, "flag", flag="angry")]
    brief = build_brief(BriefFacts(because="dispute"), flags)
    assert brief["受理编号"] == f"{reference_of('c1')}（有争议）"
    assert "受理编号" not in build_brief(BriefFacts(because="dispute"), flags[1:])
