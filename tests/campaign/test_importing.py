"""An import loads what is right, hands back what is wrong with its reason, and does nothing the second time."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from voicebot.campaign.importing import ImportReport, import_cases
from voicebot.campaign.importing_columns import Columns, read_columns
from voicebot.campaign.importing_table import TableFault
from voicebot.store import Store
from voicebot.store.records import AgeBand, BulkResult, Case, NumberState

HEADER = "合同号,姓名,手机号,机构,应还金额,到期日,发薪日,年龄\n"
TABLE = HEADER + (
    'a-1,王小样,１３８００００００１１;13800000012,示例银行,"￥2,000.50",2026年11月1日,10,67\n'
    "a-2,李示例,13800000013,示例银行,300元,20261102,,30\n"
    "a-3,赵示例,12,示例银行,-1,1.11.2026,32,\n"
)


class Kept:
    """Cases that were handed over, in memory."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    async def add_many(self, cases: Sequence[Case]) -> BulkResult:
        self.cases.extend(cases)
        return BulkResult(len(cases), 0, 0)


def _write(folder: Path, text: str, encoding: str = "utf-8", name: str = "cases.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding=encoding)
    return file


async def _import(file: Path, sink: object, **options: object) -> ImportReport:
    return await import_cases(file, sink, rejects=file.with_suffix(".rejected.csv"), **options)  # type: ignore[arg-type]


def _rejected(file: Path) -> list[dict[str, str]]:
    with file.with_suffix(".rejected.csv").open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


async def test_the_second_import_changes_nothing_and_the_mended_rows_join(store: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, TABLE)
    first = await _import(file, store.cases)
    assert (first.added, first.changed, first.unchanged, first.rejected) == (2, 0, 0, 1)
    before = await store.cases.list()
    again = await _import(file, store.cases)
    assert (again.added, again.changed, again.unchanged, again.rejected) == (0, 0, 2, 1)
    assert await store.cases.list() == before

    (bad,) = _rejected(file)
    assert bad["合同号"] == "a-3"
    for column in ("numbers:", "amount_due:", "due_date:", "payday:"):
        assert column in bad["fault"]
    mended = tmp_path / "mended.csv"
    text = file.with_suffix(".rejected.csv").read_text(encoding="utf-8-sig")
    mended.write_text(text.replace(",12,", ",13800000014,").replace("-1,1.11.2026,32", "1,2026-11-03,31"), "utf-8")
    assert (await _import(mended, store.cases)).added == 1
    assert not mended.with_suffix(".rejected.csv").exists()


async def test_what_people_and_spreadsheets_write_is_understood(store: Store, tmp_path: Path) -> None:
    await _import(_write(tmp_path, TABLE), store.cases)
    cases = {case.external_id: case for case in await store.cases.list()}
    first = cases["a-1"]
    assert [entry.number for entry in first.debtor.numbers] == ["+8613800000011", "+8613800000012"]
    assert (first.debt.amount_due, first.debt.due_date) == (Decimal("2000.50"), date(2026, 11, 1))
    assert (first.payday, first.debtor.age_band) == (10, AgeBand.ELDERLY)
    assert (cases["a-2"].debt.amount_due, cases["a-2"].debt.due_date) == (Decimal("300.00"), date(2026, 11, 2))


async def test_a_changed_row_changes_its_case_and_keeps_the_person(store: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, TABLE)
    await _import(file, store.cases)
    (before,) = [case for case in await store.cases.list() if case.external_id == "a-2"]
    await store.cases.set_number_state("+8613800000013", NumberState.WRONG_PERSON)
    await store.cases.set_flag(before.id, "dispute", by="call:1")
    file.write_text(TABLE.replace("300元", "350元"), encoding="utf-8")
    report = await _import(file, store.cases)
    assert (report.added, report.changed, report.unchanged) == (0, 1, 1)
    after = await store.cases.get(before.id)
    assert after is not None
    assert after.debt.amount_due == Decimal("350.00")
    assert after.debtor.id == before.debtor.id
    assert after.debtor.numbers[0].state is NumberState.WRONG_PERSON
    assert after.has_flag("dispute")


async def test_consents_are_read_and_must_have_a_day(store: Store, tmp_path: Path) -> None:
    text = (
        "external_id,name,numbers,creditor,amount_due,due_date,同意机器人外呼,consent_sms,consent_date,consent_source\n"
        "a-1,王小样,13800000001,示例银行,1,2026-11-01,是,否,2026-10-01,合同第8条\n"
        "a-2,李示例,13800000002,示例银行,1,2026-11-01,是,,,\n"
        "a-3,赵示例,13800000003,示例银行,1,2026-11-01,也许,,2026-10-01,\n"
    )
    file = _write(tmp_path, text)
    report = await _import(file, store.cases)
    assert (report.added, report.rejected) == (1, 2)
    assert [(fault.line, fault.column) for fault in report.faults] == [(3, "consent_date"), (4, "consent_robot_call")]
    (case,) = await store.cases.list()
    assert {consent.kind: consent.granted for consent in case.consents} == {"robot_call": True, "sms": False}
    assert case.consents[0].source == "合同第8条"
    assert (await _import(file, store.cases)).unchanged == 1


async def test_the_state_of_residence_is_one_that_exists(store: Store, tmp_path: Path) -> None:
    text = (
        "external_id,name,numbers,creditor,amount_due,due_date,jurisdiction,state,time_zone,currency\n"
        "a-1,John Sample,(212) 555-0100,Sample Bank,100,2026-11-01,us,ma,America/New_York,USD\n"
        "a-2,John Sample,(212) 555-0101,Sample Bank,100,2026-11-01,us,Mars,America/New_York,USD\n"
        "a-3,John Sample,(212) 555-0102,Sample Bank,100,2026-11-01,us,,America/New_York,USD\n"
    )
    report = await _import(_write(tmp_path, text), store.cases)
    assert [(fault.line, fault.column) for fault in report.faults] == [(3, "residence")]
    assert [case.residence for case in await store.cases.list()] == ["MA", None]


async def test_debtors_with_one_customer_number_are_one_person(store: Store, tmp_path: Path) -> None:
    text = (
        "external_id,debtor_id,name,numbers,creditor,amount_due,due_date\n"
        "a-1,p-1,王小样,13800000001,示例银行,1,2026-11-01\n"
        "a-2,p-1,王小样,13800000002,示例银行,2,2026-11-01\n"
    )
    file = _write(tmp_path, text)
    await _import(file, store.cases)
    one, other = await store.cases.list()
    assert one.debtor.id == other.debtor.id
    assert {entry.number for entry in one.debtor.numbers} == {"+8613800000001", "+8613800000002"}
    assert (await _import(file, store.cases)).unchanged == 2


async def test_gb18030_is_found_out(tmp_path: Path) -> None:
    kept = Kept()
    report = await _import(_write(tmp_path, TABLE.replace("李示例", "李示䶮"), "gb18030"), kept)
    assert report.added == 2
    assert [case.debtor.name for case in kept.cases] == ["王小样", "李示䶮"]


async def test_a_workbook_is_read_as_its_author_sees_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["合同号", "姓名", "手机号", "机构", "应还金额", "到期日"])
    sheet.append(["a-1", "王小样", 13800000001, "示例银行", 2000.5, datetime(2026, 11, 1)])  # noqa: DTZ001
    sheet.append([None, None, None, None, None, None])
    sheet.append(["a-2", "李示例", "13800000002", "示例银行", 0, "2026-11-01"])
    file = tmp_path / "cases.xlsx"
    book.save(file)
    kept = Kept()
    report = await _import(file, kept)
    assert (report.added, report.rejected) == (1, 1)
    assert kept.cases[0].debtor.numbers[0].number == "+8613800000001"
    assert kept.cases[0].debt.amount_due == Decimal("2000.5")
    assert [(fault.line, fault.column) for fault in report.faults] == [(4, "amount_due")]


@pytest.mark.parametrize("content", [b"no workbook", b"PK\x03\x04"])
async def test_a_broken_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cases.xlsx"
    file.write_bytes(content)
    with pytest.raises(TableFault, match="not an XLSX workbook"):
        await _import(file, Kept())


async def test_a_contract_that_comes_twice_is_loaded_once(tmp_path: Path) -> None:
    rows = [f"a-{n % 7},王小样,13800000001,示例银行,{n + 1},2026-11-01,,\n" for n in range(10)]
    kept = Kept()
    report = await _import(_write(tmp_path, HEADER + "".join(rows)), kept, batch=4)
    assert (len(kept.cases), report.rejected) == (7, 3)
    assert "line 2 already" in report.faults[0].what


async def test_a_row_without_a_contract_number_is_handed_back(tmp_path: Path) -> None:
    report = await _import(_write(tmp_path, HEADER + ",王小样,13800000001,示例银行,1,2026-11-01,,\n"), Kept())
    assert [(fault.line, fault.column) for fault in report.faults] == [(2, "external_id")]


async def test_a_mapping_names_foreign_columns_and_constants(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "columns: {Ref: external_id, Wer: name, Tel: numbers, Summe: amount_due, Fällig: due_date}\n"
        "ignore: [Notiz]\nconstants: {creditor: Example Bank, jurisdiction: uk_eu, currency: GBP}\n",
        encoding="utf-8",
    )
    kept = Kept()
    text = "Ref,Wer,Tel,Summe,Fällig,Notiz\nr-1,Ann Example,020 7946 0000,10,2026-11-01,x\n"
    report = await _import(_write(tmp_path, text), kept, columns=read_columns(mapping))
    assert report.faults == []
    (case,) = kept.cases
    assert (case.debtor.numbers[0].number, case.debt.currency) == ("+442079460000", "GBP")
    assert case.debt.creditor == "Example Bank"


@pytest.mark.parametrize(
    ("text", "said"),
    [("columns: {a: colour}", "no field colour"), ("colums: {}", "colums"), ("a: [", "not YAML")],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TableFault, match=said):
        read_columns(file)


def test_a_header_is_refused_with_everything_that_is_wrong() -> None:
    with pytest.raises(TableFault) as refused:
        Columns().bind(["姓名", "name", "颜色"])
    said = str(refused.value)
    assert "unknown columns: 颜色" in said
    assert "name comes twice, from 姓名, name" in said
    assert "lacks amount_due, creditor, due_date, external_id, numbers" in said


async def test_what_came_before_a_break_in_the_file_stays(tmp_path: Path) -> None:
    good = "".join(f"a-{n},王小样,13800000001,示例银行,1,2026-11-01,,\n" for n in range(5))
    kept = Kept()
    with pytest.raises(TableFault, match="line 7"):
        await _import(_write(tmp_path, HEADER + good + 'a-9,"王'), kept, batch=2)
    assert len(kept.cases) == 4


async def test_progress_is_told_after_every_batch(tmp_path: Path) -> None:
    rows = "".join(f"a-{n},王小样,13800000001,示例银行,1,2026-11-01,,\n" for n in range(10))
    shares: list[tuple[int, float]] = []
    file = _write(tmp_path, HEADER + rows)
    await _import(file, Kept(), batch=4, progress=lambda report, share: shares.append((report.loaded, share)))
    assert [loaded for loaded, _ in shares] == [4, 8, 10]
    assert shares[-1][1] == 1.0


async def test_the_file_of_bad_rows_is_for_its_owner_only(tmp_path: Path) -> None:
    file = _write(tmp_path, TABLE)
    await _import(file, Kept())
    assert file.with_suffix(".rejected.csv").stat().st_mode & 0o777 == 0o600
