"""Evidence is kept as long as the rules say, not a day less; deletion is certified; a legal hold stops it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.canonical import Fault
from recordings.deletion import place_hold, purge, read_certificates, release_hold
from recordings.manifest import MANIFEST, read_manifest
from recordings.retention import Facts, RetentionPolicy, decide

ENDED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
POLICY = RetentionPolicy(days=1826, floor_days=183)
DAY = timedelta(days=1)
Record = Callable[..., Awaitable[Path]]


def test_a_call_without_a_case_goes_after_its_days() -> None:
    due = ENDED + 1826 * DAY
    assert not decide(POLICY, Facts(ENDED), due - timedelta(seconds=1)).delete
    assert decide(POLICY, Facts(ENDED), due).delete
    assert decide(POLICY, Facts(ENDED), ENDED).due == due


def test_the_days_count_from_the_end_of_the_case() -> None:
    closed = ENDED + 400 * DAY
    facts = Facts(ENDED, has_case=True, case_closed_at=closed)
    assert not decide(POLICY, facts, ENDED + 1826 * DAY).delete
    assert decide(POLICY, facts, closed + 1826 * DAY).delete


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts(ENDED, on_hold=True), "legal hold"),
        (Facts(ENDED, has_case=True), "case is open"),
        (Facts(ENDED, has_case=True, case_closed_at=ENDED, reasons_to_keep=("promise",)), "promise and the debt"),
    ],
)
def test_some_evidence_is_kept_however_old(facts: Facts, reason: str) -> None:
    fate = decide(POLICY, facts, ENDED + 36500 * DAY)
    assert not fate.delete
    assert fate.due is None
    assert reason in fate.reason


def test_a_settled_promise_goes_with_its_case() -> None:
    facts = Facts(ENDED, has_case=True, case_closed_at=ENDED, settled=True, reasons_to_keep=("promise",))
    assert decide(POLICY, facts, ENDED + 1826 * DAY).delete


@given(
    days=st.integers(183, 4000),
    closed=st.none() | st.integers(-2000, 4000),
    has_case=st.booleans(),
    settled=st.booleans(),
    hold=st.booleans(),
    keep=st.sets(st.sampled_from(["promise", "complaint", "other"])),
    at=st.integers(-100, 9000),
)
def test_nothing_goes_before_the_floor_under_a_hold_or_while_its_case_is_open(
    days: int, closed: int | None, has_case: bool, settled: bool, hold: bool, keep: set[str], at: int
) -> None:
    facts = Facts(ENDED, has_case, None if closed is None else ENDED + closed * DAY, settled, tuple(keep), hold)
    policy = RetentionPolicy(days=days, floor_days=183)
    now = ENDED + at * DAY
    fate = decide(policy, facts, now)
    if fate.delete:
        assert not hold
        assert at >= 183
        assert not (has_case and closed is None)
        assert now - ENDED >= days * DAY or (has_case and closed is not None and now >= ENDED + (closed + days) * DAY)
        assert decide(policy, facts, now + DAY).delete
    assert not decide(policy, replace(facts, on_hold=True), now).delete


def test_a_policy_below_its_floor_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 183 days"):
        RetentionPolicy(days=30)


async def test_purge_certifies_deletes_and_respects_holds(record: Record, tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    old, held = await record(None, "old"), await record(None, "held")
    digest = read_manifest(old / MANIFEST).digest
    place_hold(held, by="officer", reason="(2026)示例01号", at=ENDED)
    with pytest.raises(FileExistsError):
        place_hold(held, by="officer", reason="again", at=ENDED)
    broken = await record(None, "broken")
    (broken / MANIFEST).unlink()
    later = datetime.now(UTC) + 1827 * DAY

    def facts(manifest: object) -> Facts:
        return Facts(ENDED)

    rehearsed = list(purge(root, POLICY, facts, now=later, by="officer", rehearse=True))
    assert not any(each.deleted for each in rehearsed)
    assert {each.path.name: each.fate.delete for each in rehearsed} == {"old": True, "held": False, "broken": False}
    done = list(purge(root, POLICY, facts, now=later, by="officer"))
    assert [each.call_id for each in done if each.deleted] == ["old"]
    assert not old.exists()
    assert held.exists()
    assert broken.exists()
    assert [(each["call_id"], each["digest"]) for each in read_certificates(root)] == [("old", digest)]

    assert release_hold(held)
    assert not release_hold(held)
    assert [each.call_id for each in purge(root, POLICY, facts, now=later, by="officer") if each.deleted] == ["held"]
    assert [each["call_id"] for each in read_certificates(root)] == ["old", "held"]


async def test_a_changed_certificate_is_found(record: Record, tmp_path: Path) -> None:
    await record(None, "old")
    root = tmp_path / "evidence"
    list(purge(root, POLICY, lambda _: Facts(ENDED), now=ENDED + 3000 * DAY, by="officer"))
    path = root / "deletions.jsonl"
    path.write_bytes(path.read_bytes().replace(b"officer", b"nobody!"))
    with pytest.raises(Fault, match="chain breaks"):
        list(read_certificates(root))
