"""Templates are read with the place of every mistake, and every shipped one may be sent whatever its facts are."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from compliance_filters.guard import load_guard
from voicebot.dialog.places import FlowError
from voicebot.messages.templates import Purpose, judged, load_templates, read_templates
from voicebot.messages.writing import Writer

OPT_OUT = {"zh-CN": "回复T", "en-US": "Reply STOP"}


@pytest.mark.parametrize(("language", "jurisdiction"), [("zh-CN", "cn"), ("zh-CN", "hk"), ("en-US", "us")])
def test_the_guard_lets_every_shipped_template_pass(language: str, jurisdiction: str) -> None:
    assert [each.text("en") for each in judged(load_guard(jurisdiction), load_templates(language))] == []


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_every_shipped_template_says_who_writes_and_how_to_stop_it(language: str) -> None:
    templates = load_templates(language)
    assert set(templates) >= {"promise_confirmation", "promise_reminder", "plan_application", "complaint_receipt"}
    for template in templates.values():
        assert "firm.name" in template.names
        assert OPT_OUT[language] in template.text


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_what_is_not_tagged_tells_whoever_reads_it_nothing_of_a_debt(language: str) -> None:
    for template in load_templates(language).values():
        if not template.discloses_debt:
            assert not any(name.startswith(("debt.", "promise.", "debtor.")) for name in template.names)


def write(folder: Path, body: str) -> Path:
    (folder / "mine.yaml").write_text("title: 试\nmessages:\n" + body, encoding="utf-8")
    return folder


def test_a_good_file_is_read(tmp_path: Path) -> None:
    body = "  hello:\n    purpose: receipt\n    text: 【{firm.name}】您好。\n    valid_hours: 5\n"
    template = read_templates(write(tmp_path, body), "zh-CN")["hello"]
    assert (template.purpose, template.valid_hours, template.place.line) == (Purpose.RECEIPT, 5, 3)


@pytest.mark.parametrize(
    ("body", "rule", "says"),
    [
        ("  a:\n    purpose: receipt\n    text: '{firm.nam}'\n", "unknown-fact", "firm.name"),
        ("  a:\n    purpose: receipt\n    text: '{debt.amount_due}'\n", "message-tag", "discloses"),
        (
            "  a:\n    purpose: receipt\n    discloses: [debt]\n    text: '{debtor.id_last_four}'\n",
            "message-tag",
            "Never",
        ),
        ("  a:\n    purpose: advert\n    text: 买一送一\n", "schema", ""),
        ("  a:\n    purpose: receipt\n    text: ''\n", "schema", ""),
    ],
)
def test_a_mistake_is_named_with_its_place_and_remedy(tmp_path: Path, body: str, rule: str, says: str) -> None:
    with pytest.raises(FlowError) as caught:
        read_templates(write(tmp_path, body), "zh-CN")
    (found,) = caught.value.findings
    assert found.place.line >= 3
    assert says in found.text("en")
    if rule != "schema":
        assert found.rule == rule


def test_the_guard_finds_an_untagged_disclosure_and_a_threat(tmp_path: Path) -> None:
    body = (
        "  leak:\n    purpose: receipt\n    text: 您欠银行的钱已经逾期了，请马上还款。\n"
        "  threat:\n    purpose: receipt\n    discloses: [debt]\n    text: 再不还钱就上门找你家人。\n"
        "  fine:\n    purpose: receipt\n    text: 【{firm.name}】您反映的问题已登记。\n"
    )
    templates = read_templates(write(tmp_path, body), "zh-CN")
    found = {each.place.line for each in judged(load_guard("cn"), templates)}
    assert found == {3, 6}


# --- how values are written -------------------------------------------------------------------------------------------
TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("language", "currency", "value", "text"),
    [
        ("zh-CN", "CNY", Decimal("2350.7"), "2350.70元"),
        ("zh-CN", "HKD", Decimal(1000), "1000.00港元"),
        ("zh-CN", "CHF", Decimal(1), "1.00CHF"),
        ("zh-CN", "CNY", date(2026, 11, 5), "11月5日"),
        ("zh-CN", "CNY", date(2027, 1, 5), "2027年1月5日"),
        ("zh-CN", "CNY", datetime(2026, 11, 25, 9, 5, tzinfo=ZoneInfo("Asia/Shanghai")), "11月25日09:05"),
        ("en-US", "USD", Decimal("12350.7"), "$12,350.70"),
        ("en-US", "CHF", Decimal(5), "5.00 CHF"),
        ("en-US", "USD", date(2026, 11, 5), "November 5, 2026"),
        ("zh-CN", "CNY", "4000000000", "4000000000"),
    ],
)
def test_values_are_written_as_people_write_them(language: str, currency: str, value: object, text: str) -> None:
    assert Writer(language, currency, TODAY).write(value) == text  # type: ignore[arg-type]
