"""Tables of payments, flags, numbers, consents and times are read as people write them, and are loaded once."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from voicebot.campaign.importing import ImportReport
from voicebot.campaign.importing_columns import read_columns
from voicebot.campaign.importing_news import KINDS, NewsTable, import_news
from voicebot.campaign.importing_table import TableFault
from voicebot.store import Store
from voicebot.store.news_records import SpanKind
from voicebot.store.records import Case, NumberState

MakeCase = Callable[..., Case]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """What the tables say is the same to every database."""
    return f"sqlite:///{tmp_path}/store.db"


async def load(store: Store, file: Path, table: NewsTable, *, looser: bool = False) -> ImportReport:
    rejects = file.with_suffix(".rejected.csv")
    return await import_news(file, table, store.news, by="test", rejects=rejects, looser=looser)


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "news.csv"
    file.write_text(text, encoding=encoding)
    return file


async def test_payments_come_in_once_and_bad_rows_come_back(store: Store, make_case: MakeCase, tmp_path: Path) -> None:
    case = await store.cases.add(make_case(external_id="a-1"))
    text = (
        "合同号,还款流水号,还款金额,入账日期\n"
        'a-1,ｐ－1,"￥1,000.50",2026年11月1日\n'
        "a-1,p-2,300元,20261102\n"
        "a-9,p-3,300,2026-11-02\n"
        "a-1,p-4,-5,2.11.2026\n"
        ",p-5,5,2026-11-02\n"
        "a-1,p-2,300,2026-11-02\n"
    )
    file = written(tmp_path, text, "gb18030")
    report = await load(store, file, NewsTable.PAYMENTS)
    assert (report.added, report.changed, report.unchanged, report.rejected) == (2, 0, 0, 4)
    assert [(fault.line, fault.column) for fault in report.faults] == [
        (4, "case"),
        (5, "amount"),
        (5, "paid_on"),
        (6, "case"),
        (7, "reference"),
    ]
    booked = [(one.reference, one.amount, one.paid_on) for one in await store.news.payments(case.id)]
    assert booked == [("p-2", Decimal(300), date(2026, 11, 2)), ("p-1", Decimal("1000.50"), date(2026, 11, 1))]
    again = await load(store, file, NewsTable.PAYMENTS)
    assert (again.added, again.changed, again.unchanged, again.rejected) == (0, 0, 2, 4)
    after = await store.cases.get(case.id)
    assert after is not None
    assert after.debt.amount_due == Decimal("1050.25")
    with file.with_suffix(".rejected.csv").open(encoding="utf-8-sig", newline="") as source:
        rejected = list(csv.DictReader(source))
    assert [row["合同号"] for row in rejected] == ["a-9", "a-1", "", "a-1"]
    assert "import the case first" in rejected[0]["fault"]
    mended = tmp_path / "mended.csv"
    fixed = file.with_suffix(".rejected.csv").read_text(encoding="utf-8-sig").replace("a-9,p-3", "a-1,p-3")
    mended.write_text(fixed, encoding="utf-8")
    assert (await load(store, mended, NewsTable.PAYMENTS)).added == 1


async def test_a_workbook_of_flags_is_read_and_lifting_needs_to_be_said(
    store: Store, make_case: MakeCase, tmp_path: Path
) -> None:
    case = await store.cases.add(make_case(external_id="a-1"))
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["合同号", "标记", "日期", "备注", "生效"])
    sheet.append(["a-1", "投诉", datetime(2026, 11, 1), "来电投诉", None])  # noqa: DTZ001
    sheet.append(["a-1", "Stop Contact", None, None, "是"])
    sheet.append(["a-1", "高兴", None, None, None])
    file = tmp_path / "flags.xlsx"
    book.save(file)
    report = await load(store, file, NewsTable.FLAGS)
    assert (report.added, report.rejected) == (2, 1)
    assert "the flags are agreement" in report.faults[0].what
    found = await store.cases.get(case.id)
    assert found is not None
    assert {flag.name: flag.note for flag in found.flags} == {"complaint": "来电投诉", "stop_contact": ""}
    lifting = written(tmp_path, "case,flag,in_force\na-1,complaint,解除\n")
    refused = await load(store, lifting, NewsTable.FLAGS)
    assert (refused.rejected, "--looser" in refused.faults[0].what) == (1, True)
    assert (await load(store, lifting, NewsTable.FLAGS, looser=True)).changed == 1
    found = await store.cases.get(case.id)
    assert found is not None
    assert not found.has_flag("complaint")


async def test_numbers_consents_and_times_come_in(store: Store, make_case: MakeCase, tmp_path: Path) -> None:
    case = await store.cases.add(make_case(external_id="a-1"))
    numbers = written(
        tmp_path,
        "合同号,手机号,号码状态,关系\na-1,１３８００００００01,空号,\na-1,13800000002,,亲友\na-1,13800000003,,\n",
    )
    report = await load(store, numbers, NewsTable.NUMBERS)
    assert (report.added, report.changed, report.rejected) == (1, 1, 1)
    consents = written(
        tmp_path,
        "合同号,事项,日期,来源,是否同意\na-1,同意机器人外呼,2026-11-01,合同第8条,是\na-1,委托告知,2026-11-02,告知函,\n"
        "a-1,validation_notice,2026-11-03,letter,\na-1,sms,2026-11-03,,否\n",
    )
    report = await load(store, consents, NewsTable.CONSENTS)
    assert (report.added, report.rejected, report.faults[0].column) == (3, 1, "source")
    times = written(
        tmp_path,
        "合同号,类型,开始,结束,来源\na-1,约定,2026-11-20 22:00,2026/11/20 22:30,录音7\n"
        "a-1,外访,2026年11月21日,2026-11-22,外访单\na-1,blocked,2026-11-20T12:00+08:00,2026-11-20T11:00+08:00,x\n",
    )
    report = await load(store, times, NewsTable.TIMES)
    assert (report.added, report.rejected, report.faults[0].column) == (2, 1, "ends")
    found = await store.cases.get(case.id)
    assert found is not None
    assert [(one.state, one.label) for one in found.debtor.numbers] == [
        (NumberState.INVALID, ""),
        (NumberState.VALID, "third_party"),
    ]
    assert {one.kind: one.granted for one in found.consents} == {
        "robot_call": True,
        "agency_notice": True,
        "validation_notice": True,
    }
    spans = (await store.attempts.history(case.id, "+8613800000001")).spans
    assert [(one.kind, one.starts_at) for one in spans] == [
        (SpanKind.AGREED, datetime(2026, 11, 20, 14, tzinfo=UTC)),
        (SpanKind.VISIT, datetime(2026, 11, 20, 16, tzinfo=UTC)),
    ]


@pytest.mark.parametrize("table", NewsTable)
async def test_a_header_that_lacks_or_misspells_is_refused_whole(
    store: Store, tmp_path: Path, table: NewsTable
) -> None:
    with pytest.raises(TableFault, match=r"unknown columns: colour.*the header lacks .*case"):
        await load(store, written(tmp_path, "colour\nred\n"), table)


async def test_a_mapping_file_names_foreign_columns(store: Store, make_case: MakeCase, tmp_path: Path) -> None:
    await store.cases.add(make_case(external_id="a-1"))
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "columns: {Ref: case, Id: reference, Sum: amount}\nconstants: {paid_on: '2026-11-01'}\n", "utf-8"
    )
    columns = read_columns(mapping, KINDS[NewsTable.PAYMENTS].fields)
    file = written(tmp_path, "Ref,Id,Sum\na-1,p-1,10\n")
    bad = tmp_path / "bad.csv"
    report = await import_news(file, NewsTable.PAYMENTS, store.news, by="t", rejects=bad, columns=columns)
    assert (report.added, bad.exists()) == (1, False)
    mapping.write_text("columns: {Ref: flag}\n", encoding="utf-8")
    with pytest.raises(TableFault, match="voicebot case template --of payments"):
        read_columns(mapping, KINDS[NewsTable.PAYMENTS].fields)
