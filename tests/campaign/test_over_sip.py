"""A small campaign over simulated SIP answers, by the whole engine, killed midway: nobody is lost, nobody called twice.

The same as `python -m benchmarks.campaign`, with few cases and one working morning. Judged by the store and by the far
end's own log; and the judge is judged: what it must find in a doctored log, it finds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.campaign.check import Check, read_log
from benchmarks.campaign.run import Options, Record, Run
from benchmarks.campaign.world import Reaction
from voicebot.store.campaign_records import MemberState

# A machine that is busy with other things takes its time to start two whole engines, one after the other.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("campaign over SIP")]
CASES = 40
Entry = dict[str, Any]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("campaign")
    options = Options(CASES, database=None, workers=1, kills=1, concurrency=20, rate=8.0, days=0.15, folder=folder)
    return asyncio.run(Run(options, lambda said: None).make())


def broken(record: Record) -> set[str]:
    return {verdict.name for verdict in Check(record).verdicts() if verdict.broken}


def test_every_invariant_holds_after_a_kill_in_the_middle(record: Record) -> None:
    for verdict in Check(record).verdicts():
        assert not verdict.broken, verdict
    assert len(record.members) == CASES
    assert record.live_when_killed[0] >= 5
    rang = read_log(record.log.read_text(encoding="utf-8"))
    # Not a world in which everybody does the same: the network refused some, and people answered others.
    assert {invite.reaction for invite in rang} >= {Reaction.ANSWERS, Reaction.RINGS_ON, Reaction.BUSY}
    right, _ = Check(record).understood()
    assert right > 0, "no conversation came to the end that its person wanted"


def first_invite(entries: list[Entry]) -> Entry:
    return next(entry for entry in entries if entry["kind"] == "invite")


def again(entries: list[Entry]) -> None:
    entries.append({**first_invite(entries), "call_id": "again"})


def unrecorded(entries: list[Entry]) -> None:
    entries.append({**first_invite(entries), "call_id": "other", "attempt": "of nobody"})


def at_night(entries: list[Entry]) -> None:
    one = first_invite(entries)
    one["at"] = (datetime.fromisoformat(one["at"]) + timedelta(hours=15)).isoformat()


def never_rang(entries: list[Entry]) -> None:
    entries.remove(first_invite(entries[::-1]))


def with_a_strange_number(entries: list[Entry]) -> None:
    first_invite(entries)["caller"] = "+8613800138000"


def all_at_once(entries: list[Entry]) -> None:
    for entry in entries:
        entry["over"] = ""


@pytest.mark.parametrize(
    ("doctor", "name"),
    [
        (again, "nobody is dialled twice for one attempt"),
        (unrecorded, "every INVITE was recorded before it"),
        (at_night, "all calls begin between 8 and 22 o'clock"),
        (never_rang, "every attempt rang, or was cut by a kill"),
        (with_a_strange_number, "caps of each number shown"),
        (all_at_once, "at most 20 calls at a time, all workers together"),
    ],
)
def test_the_judge_finds_what_is_wrong_in_the_far_ends_log(
    record: Record, tmp_path: Path, doctor: Callable[[list[Entry]], None], name: str
) -> None:
    entries = [json.loads(line) for line in record.log.read_text(encoding="utf-8").splitlines()]
    doctor(entries)
    log = tmp_path / "doctored.jsonl"
    log.write_text("\n".join(json.dumps(entry) for entry in entries), encoding="utf-8")
    assert name in broken(replace(record, log=log))


def test_the_judge_finds_what_is_wrong_in_the_store(record: Record) -> None:
    lost = replace(record, members=record.members[1:])
    assert "every case is in the queue, once" in broken(lost)
    plain = next(member for member in record.members if member.state is MemberState.WAITING)
    for_nothing = replace(plain, state=MemberState.HELD, reason="not permitted: CN-OPS-01")
    assert "who is held is held for what they said or are" in broken(replace(record, members=[for_nothing]))
    stuck = replace(record.members[0], state=MemberState.DIALLING)
    assert "every case is final, held with a reason, or scheduled" in broken(
        replace(record, members=[stuck, *record.members[1:]])
    )
    silent = [replace(attempt, policy={}) for attempt in record.attempts]
    assert "every attempt and refusal says why" in broken(replace(record, attempts=silent))
    miscounted = [replace(member, attempts=member.attempts + 1) for member in record.members]
    assert "attempts are counted as made, none beyond the plan's limit" in broken(replace(record, members=miscounted))
