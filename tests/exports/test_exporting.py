"""Exports hold every row of their choice once, hide personal data unless a role allows it, and are audited."""

from __future__ import annotations

import asyncio
import csv
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from typer.testing import CliRunner, Result

from recordings.cipher import KeyRing
from voicebot.campaign.plan import Arm, CampaignPlan
from voicebot.cli import app
from voicebot.exports.tables import ExportFault, format_of, open_table
from voicebot.settings import load_settings
from voicebot.store import Store, exporting
from voicebot.store.campaign_records import Campaign
from voicebot.store.exporting import COLUMNS, ExportChoice, ExportKind
from voicebot.store.outgoing import Message, MessageState
from voicebot.store.records import Call, Case, Debt, Debtor, PhoneNumber, Promise

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
NUMBER = "+8613800000001"
SECRETS = ("王小样", "13800000001", "1000", "下周三", "http")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VOICEBOT_EXPORT_TOKEN", raising=False)
    return tmp_path


def in_store(work: Callable[[Store], Awaitable[Any]]) -> Any:
    """Does something in the store that the commands use."""
    settings = load_settings()

    async def run() -> Any:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        async with await Store.open(settings.database, KeyRing.load_or_create(settings.key_file)) as store:
            return await work(store)

    return asyncio.run(run())


async def fill(store: Store) -> None:
    """One case with something of every kind."""
    debtor = Debtor("王小样", numbers=(PhoneNumber(NUMBER),))
    case = await store.cases.add(Case(debtor, Debt("示例银行", Decimal(2350), date(2026, 11, 1)), external_id="c-7"))
    plan = CampaignPlan(arms=(Arm(flow="reminder_first"),)).model_dump(mode="json")
    campaign = await store.campaigns.create(Campaign("november", plan))
    for n, of in enumerate((campaign.id, None)):
        begun = await store.attempts.begin(
            idempotency_key=f"k{n}", case_id=case.id, number=NUMBER, worker_id="w", campaign_id=of, at=NOW
        )
        await store.attempts.finish(begun.attempt.id, disposition="ptp", cause="normal", at=NOW)
    call = Call("inbound", "inbound_callback", NOW, "w", number=NUMBER, case_id=case.id, answered_at=NOW)
    await store.calls.begin(call)
    await store.calls.finish(call.id, ended_at=NOW + timedelta(seconds=90), disposition="served")
    await store.promises.add(Promise(case.id, Decimal(1000), date(2026, 11, 25), words="王小样说下周三还一千"))
    await store.messages.add(
        Message("promise_confirmation", "k", case_id=case.id, number=NUMBER, text="1000元", state=MessageState.SENT)
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments])


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.parametrize(
    ("kind", "count"), [("attempts", 2), ("calls", 1), ("dispositions", 3), ("promises", 1), ("messages", 1)]
)
def test_every_kind_is_written_with_personal_data_hidden(place: Path, kind: str, count: int) -> None:
    in_store(fill)
    result = run(kind, "out.csv")
    assert result.exit_code == 0, result.output
    assert f"{count} rows, personal data masked" in result.stdout
    rows = rows_of(place / "out.csv")
    assert len(rows) == count
    assert list(rows[0]) == list(COLUMNS[ExportKind(kind)])
    assert {row["case_reference"] for row in rows} == {"c-7"}
    text = (place / "out.csv").read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS if secret in text]
    assert stat.S_IMODE((place / "out.csv").stat().st_mode) == 0o600


def test_personal_data_needs_an_officer_and_is_audited(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_store(fill)
    refused = run("promises", "out.csv", "--unmasked")
    assert refused.exit_code == 1
    assert "officer" in refused.stderr
    operator = in_store(lambda store: store.tokens.issue("Li", frozenset({"operator"})))
    monkeypatch.setenv("VOICEBOT_EXPORT_TOKEN", operator.secret)
    assert run("promises", "out.csv", "--unmasked").exit_code == 1
    assert not (place / "out.csv").exists()

    officer = in_store(lambda store: store.tokens.issue("Chen", frozenset({"officer"})))
    monkeypatch.setenv("VOICEBOT_EXPORT_TOKEN", officer.secret)
    assert run("promises", "out.csv", "--unmasked").exit_code == 0
    (row,) = rows_of(place / "out.csv")
    assert (row["debtor"], row["amount"], row["words"]) == ("王小样", "1000.00", "王小样说下周三还一千")
    end, begin, *_ = in_store(lambda store: store.audit.list())
    assert (begin.action, end.action, begin.actor) == ("export.begin", "export.end", f"token:Chen:{officer.token.id}")
    assert end.data["unmasked"] is True
    assert end.data["rows"] == 1


def test_parquet_keeps_types(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_store(fill)
    assert run("calls", "out.parquet").exit_code == 0
    (call,) = pyarrow.parquet.read_table(place / "out.parquet").to_pylist()
    assert (call["started_at"], call["talk_seconds"], call["disposition"]) == (NOW, 90.0, "served")
    assert run("promises", "promises.parquet").exit_code == 0
    (promise,) = pyarrow.parquet.read_table(place / "promises.parquet").to_pylist()
    assert (promise["due_on"], promise["partial"], promise["amount"]) == (date(2026, 11, 25), False, None)


def test_a_campaign_and_a_time_narrow_it(place: Path) -> None:
    in_store(fill)
    assert run("attempts", "a.csv", "--campaign", "november").exit_code == 0
    assert [row["campaign"] for row in rows_of(place / "a.csv")] == ["november"]
    assert run("attempts", "b.csv", "--since", "2026-11-20T10:00:01+08:00").exit_code == 0
    assert rows_of(place / "b.csv") == []
    assert run("attempts", "c.csv", "--until", "2026-11-20T10:00:01+08:00").exit_code == 0
    assert len(rows_of(place / "c.csv")) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("people", "out.csv"), "attempts, calls"),
        (("calls", "out.xlsx"), ".csv or .parquet"),
        (("calls", "there.csv"), "never writes over"),
        (("calls", "out.csv", "--since", "yesterday"), "2026-11-20T21:30+08:00"),
        (("calls", "out.csv", "--campaign", "none"), "voicebot campaign list"),
    ],
)
def test_a_mistake_is_said_with_its_remedy(place: Path, arguments: tuple[str, ...], says: str) -> None:
    (place / "there.csv").write_text("mine")
    result = run(*arguments)
    assert result.exit_code != 0
    assert says in result.stderr
    assert (place / "there.csv").read_text() == "mine"
    assert not (place / "out.csv").exists()


def test_it_is_read_page_by_page_without_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 3)

    async def work(store: Store) -> list[str]:
        debtor = Debtor("王小样", numbers=(PhoneNumber(NUMBER),))
        case = await store.cases.add(Case(debtor, Debt("示例银行", Decimal(1), date(2026, 11, 1))))
        for n in range(10):
            await store.promises.add(Promise(case.id, Decimal(n + 1), date(2026, 11, 25)))
        return [str(row["amount"]) async for row in store.exports.rows(ExportKind.PROMISES, ExportChoice())]

    assert in_store(work) == [f"{n}.00" for n in range(1, 11)]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx"])
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    columns = COLUMNS[ExportKind.MESSAGES]
    table = open_table(tmp_path / "t.csv", format_of(tmp_path / "t.csv"), columns)
    table.add(dict.fromkeys(columns) | {"text": text, "number": NUMBER})
    table.close()
    (row,) = rows_of(tmp_path / "t.csv")
    assert row["text"] == f"'{text}"
    assert row["number"] == NUMBER


def test_without_pyarrow_parquet_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ExportFault, match=r"voicebot\[parquet\]"):
        open_table(tmp_path / "t.parquet", format_of(tmp_path / "t.parquet"), COLUMNS[ExportKind.CALLS])
