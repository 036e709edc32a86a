"""`voicebot evidence`: what an officer types, and what it answers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import wave
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recordings import CallEvidence, CallSummary, KeyRing, Side
from recordings.writer import WriterThread
from voicebot.store import Store
from voicebot.store.records import Case, CaseStatus, Debt, Debtor

Invoke = Callable[..., Result]
STARTED = datetime(2020, 1, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs a command with the embedded defaults below an empty folder."""
    for name in [name for name in os.environ if name.startswith("VOICEBOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VOICEBOT_WORKER__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    from voicebot.cli import app

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["evidence", *(str(each) for each in arguments)])

    return run


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.load_or_create(tmp_path / "data" / "keys.json")


@pytest.fixture
def recorded(tmp_path: Path, ring: KeyRing, writer: WriterThread) -> Callable[..., Path]:
    """Records a finished call where the configuration looks for it."""

    def make(call_id: str = "call-1", case_id: str | None = None, root: Path | None = None) -> Path:
        async def record() -> Path:
            evidence = CallEvidence.open(
                root or tmp_path / "data" / "recordings", call_id, keys=ring, started_at=STARTED, writer=writer
            )
            evidence.write_audio(Side.CALLER, b"\1\0" * 8000, 0.0)
            evidence.write_entry("turn.heard", 61.25, STARTED, {"text": "我下周五还两千"})
            await evidence.close(CallSummary(case_id=case_id))
            return evidence.folder

        return asyncio.run(record())

    return make


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_verify_says_valid_or_where_it_breaks(invoke: Invoke, recorded: Callable[..., Path]) -> None:
    folder = recorded()
    good = invoke("verify", folder, "--json")
    assert good.exit_code == 0
    answer = json.loads(good.stdout)
    assert (answer["valid"], answer["broken_at"], answer["reason"]) == (True, None, None)
    assert invoke("verify", folder / "audio-0.vba").stdout.startswith("valid")

    spoil(folder / "timeline-0.jsonl")
    bad = invoke("verify", folder, "--json")
    answer = json.loads(bad.stdout)
    assert bad.exit_code == 0
    assert answer["valid"] is False
    assert answer["broken_at"].startswith("timeline-0.jsonl")
    assert answer["reason"]
    words = invoke("verify", folder, "--exit-code")
    assert words.exit_code == 1
    assert "BROKEN" in words.stdout
    assert "timeline-0.jsonl" in words.stdout


def test_verify_reads_a_folder_of_many_calls(invoke: Invoke, recorded: Callable[..., Path]) -> None:
    folders = [recorded(f"call-{n}") for n in range(3)]
    spoil(folders[1] / "audio-0.vba")
    answer = json.loads(invoke("verify", folders[0].parent.parent, "--json").stdout)
    assert (answer["valid"], answer["n"]) == (False, 3)
    assert [call["valid"] for call in answer["calls"]] == [True, False, True]
    assert "call-1" in answer["broken_at"]
    assert "2 of 3" in invoke("verify", folders[0].parent.parent).stdout


def test_verify_of_nothing_is_unusable_input(invoke: Invoke, tmp_path: Path) -> None:
    missing = invoke("verify", tmp_path / "missing", "--json")
    assert missing.exit_code == 2
    assert missing.stdout == ""
    assert "does not exist" in missing.stderr
    empty = json.loads(invoke("verify", tmp_path, "--json").stdout)
    assert (empty["valid"], empty["reason"]) == (False, "there is no evidence here")


def test_verify_works_without_keys(invoke: Invoke, recorded: Callable[..., Path], tmp_path: Path) -> None:
    folder = shutil.copytree(recorded(), tmp_path / "elsewhere" / "call")
    (tmp_path / "data" / "keys.json").unlink()
    assert json.loads(invoke("verify", folder, "--json").stdout)["valid"] is True
    spoil(folder / "audio-0.vba")
    assert json.loads(invoke("verify", folder, "--json").stdout)["valid"] is False


def test_show_prints_the_timeline(invoke: Invoke, recorded: Callable[..., Path], tmp_path: Path) -> None:
    folder = recorded()
    shown = invoke("show", folder)
    assert shown.exit_code == 0
    assert "01:01.250" in shown.stdout
    assert "我下周五还两千" in shown.stdout
    entry = json.loads(invoke("show", folder, "--json").stdout)["entries"][0]
    assert (entry["kind"], entry["media_seconds"], entry["data"]) == ("turn.heard", 61.25, {"text": "我下周五还两千"})
    assert invoke("show", tmp_path).exit_code == 2
    (tmp_path / "data" / "keys.json").unlink()
    without = invoke("show", folder)
    assert without.exit_code == 2
    assert "give its key file with --keys" in without.stderr


def test_export_writes_a_wav_and_notes_it(
    invoke: Invoke, recorded: Callable[..., Path], tmp_path: Path, ring: KeyRing
) -> None:
    folder, target = recorded(), tmp_path / "out.wav"
    done = invoke("export", folder, "--wav", target)
    assert done.exit_code == 0, done.output
    with wave.open(str(target)) as file:
        assert (file.getnchannels(), file.getnframes()) == (2, 8000)

    async def audit() -> list[tuple[str, str]]:
        async with await Store.open(f"sqlite:///{tmp_path}/data/voicebot.db", ring) as store:
            return [(entry.action, entry.subject) for entry in await store.audit.list()]

    assert asyncio.run(audit()) == [("evidence.export", "call:call-1")]
    spoil(folder / "manifest.json")
    refused = invoke("export", folder, "--wav", tmp_path / "second.wav")
    assert refused.exit_code == 1
    assert "--unverified" in refused.stderr
    assert not (tmp_path / "second.wav").exists()
    assert invoke("export", folder, "--wav", tmp_path / "second.wav", "--unverified").exit_code == 0


def test_recover_brings_home_and_closes(invoke: Invoke, recorded: Callable[..., Path], tmp_path: Path) -> None:
    recorded()
    assert "Nothing to recover" in invoke("recover").stdout
    spooled = recorded("spooled", root=tmp_path / "data" / "spool")
    (spooled / "manifest.json").unlink()
    done = invoke("recover", "--json")
    assert done.exit_code == 0, done.output
    home = tmp_path / "data" / "recordings" / "2020-01-02" / "spooled"
    assert [each["path"] for each in json.loads(done.stdout)] == [str(home), str(home)]
    assert json.loads(invoke("verify", home, "--json").stdout)["calls"][0]["recovered"] is True


def test_purge_asks_the_store_which_cases_are_open(
    invoke: Invoke, recorded: Callable[..., Path], tmp_path: Path, ring: KeyRing
) -> None:
    debtor = Debtor("王小样")
    debt = Debt("示例银行", Decimal(1), date(2019, 1, 1))
    opened, closed = Case(debtor, debt), Case(debtor, debt)

    async def prepare() -> None:
        async with await Store.open(f"sqlite:///{tmp_path}/data/voicebot.db", ring) as store:
            for case in (opened, closed):
                await store.cases.add(case)
            long_ago = datetime.now(UTC) - timedelta(days=3000)
            await store.cases.set_status(closed.id, CaseStatus.CLOSED, at=long_ago)

    asyncio.run(prepare())
    of_open, of_closed = recorded("of-open", opened.id), recorded("of-closed", closed.id)
    held = recorded("held", closed.id)
    assert invoke("hold", held, "--by", "officer", "--reason", "court").exit_code == 0
    assert invoke("hold", held, "--by", "officer", "--reason", "court").exit_code == 1

    # The manifests were closed just now, so the floor of 183 days keeps them all.
    kept = invoke("purge", "--older-than", "5y", "--json")
    assert kept.exit_code == 0, kept.output
    assert [each["deleted"] for each in json.loads(kept.stdout)] == [False] * 3
    reasons = {Path(each["path"]).name: each["reason"] for each in json.loads(kept.stdout)}
    assert "case is open" in reasons["of-open"]
    assert "legal hold" in reasons["held"]
    assert "its time ends on" in reasons["of-closed"]
    assert of_open.exists()
    assert of_closed.exists()
    assert invoke("release", held, "--by", "officer").exit_code == 0
    assert "0 of 3" in invoke("purge", "--dry-run").stdout


@pytest.mark.parametrize("days", ["30d", "soon", "-1"])
def test_purge_refuses_too_few_days_or_nonsense(invoke: Invoke, days: str) -> None:
    refused = invoke("purge", f"--older-than={days}")
    assert refused.exit_code == 2
    assert "at least 183 days" in refused.stderr or "not understood" in refused.stderr


def test_purge_deletes_nothing_without_the_store(invoke: Invoke, recorded: Callable[..., Path], tmp_path: Path) -> None:
    folder = recorded()
    (tmp_path / "data" / "voicebot.db").write_bytes(b"damaged" * 1000)
    refused = invoke("purge")
    assert refused.exit_code == 2
    assert "Nothing was deleted" in refused.stderr
    assert folder.exists()


def test_rotating_the_key_keeps_the_old_evidence_readable(
    invoke: Invoke, recorded: Callable[..., Path], tmp_path: Path, ring: KeyRing
) -> None:
    folder = recorded()
    done = invoke("rotate-key")
    assert done.exit_code == 0, done.output
    assert "has 2 keys" in done.stdout
    rotated = KeyRing.load(tmp_path / "data" / "keys.json")
    assert rotated.active.id != ring.active.id
    assert invoke("show", folder).exit_code == 0
    assert json.loads(invoke("verify", folder, "--json").stdout)["valid"] is True
    missing = invoke("rotate-key", "--keys", tmp_path / "none.json")
    assert missing.exit_code == 2
    assert "does not exist" in missing.stderr
