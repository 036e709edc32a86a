"""The judge of the simulated campaign is judged: a clean pair of records passes, and each kind of wrong is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.campaign import world
from benchmarks.campaign.check import Check
from benchmarks.campaign.run import Options, Record
from benchmarks.campaign.world import BEGINS, SIGNALLED, Reaction
from voicebot.store.campaign_records import Campaign, CampaignState, Member, MemberState
from voicebot.store.records import Attempt, AttemptState

Entry = dict[str, Any]
PEOPLE = [person for person in world.people(60) if person.flag is None and len(person.case_ids) == 1][:24]
ENDS = BEGINS + timedelta(hours=3)


def record(folder: Path) -> tuple[Record, list[Entry]]:
    """Every person rung once, half a second apart, and refused by the network; all wait for the afternoon."""
    entries: list[Entry] = []
    attempts, members = [], []
    for n, person in enumerate(PEOPLE):
        at, (case_id,) = BEGINS + timedelta(seconds=n / 2), person.case_ids
        over, reaction = at + timedelta(seconds=3), list(SIGNALLED)[n % 3]
        how = SIGNALLED[reaction]
        attempts.append(
            Attempt(
                f"a{n}",
                f"k{n}",
                case_id,
                f"d{n}",
                person.numbers[0],
                world.CALLERS[0],
                "w1",
                AttemptState.ENDED,
                at,
                over,
                disposition=how,
                policy={"rules": [{"id": "CN-TIME-01", "verdict": "allow"}]},
            )
        )
        waits = BEGINS + timedelta(hours=7)
        members.append(
            Member("c", case_id, f"d{n}", "f", 1, state=MemberState.WAITING, next_at=waits, attempts=1, reason=how)
        )
        call = {"call_id": f"call-{n}", "at": at.isoformat()}
        entries.append(
            {
                **call,
                "kind": "invite",
                "number": person.numbers[0],
                "attempt": f"a{n}",
                "caller": world.CALLERS[0],
                "reaction": reaction.name,
                "source": 5060,
            }
        )
        entries.append({**call, "kind": "ended", "over": over.isoformat(), "because": how})
    made = Record(
        options=Options(len(PEOPLE), None, 1, 0, 10, 8.0, 1, folder),
        plan=world.plan(10, 8.0),
        people=PEOPLE,
        campaign=Campaign("simulated", {}, state=CampaignState.RUNNING),
        members=members,
        attempts=attempts,
        log=folder / "log.jsonl",
        kills=[],
        live_when_killed=[],
        paid={},
        exit_codes=[0],
        ends=ENDS,
        wall_seconds=1.0,
    )
    return made, entries


def broken(made: Record, entries: list[Entry]) -> set[str]:
    made.log.write_text("\n".join(map(json.dumps, entries)), encoding="utf-8")
    return {verdict.name for verdict in Check(made).verdicts() if verdict.broken}


def test_a_clean_pair_of_records_passes(tmp_path: Path) -> None:
    assert broken(*record(tmp_path)) == set()


def again(entries: list[Entry]) -> None:
    entries.append({**entries[0], "call_id": "again"})


def unrecorded(entries: list[Entry]) -> None:
    entries.append({**entries[0], "call_id": "other", "attempt": "of nobody"})


def at_night(entries: list[Entry]) -> None:
    entries[0]["at"] = (BEGINS + timedelta(hours=15)).isoformat()


def never_rang(entries: list[Entry]) -> None:
    del entries[0]


def shown_as_a_stranger(entries: list[Entry]) -> None:
    entries[0]["caller"] = "+8613800138000"


def never_ended(entries: list[Entry]) -> None:
    for entry in entries:
        entry["over"] = ""


def answered_otherwise(entries: list[Entry]) -> None:
    entries[0]["reaction"] = Reaction.OVERLOADED.name


def called_again_within_the_hour(entries: list[Entry]) -> None:
    entries.append({**entries[0], "call_id": "soon", "at": (BEGINS + timedelta(minutes=30)).isoformat()})


@pytest.mark.parametrize(
    ("doctor", "name"),
    [
        (again, "nobody is dialled twice for one attempt"),
        (unrecorded, "every INVITE was recorded before it"),
        (at_night, "all calls begin between 8 and 22 o'clock"),
        (never_rang, "every attempt rang, or was cut by a kill"),
        (shown_as_a_stranger, "caps of each number shown"),
        (never_ended, "at most 10 calls at a time, all workers together"),
        (answered_otherwise, "what the network answered is what is stored"),
        (called_again_within_the_hour, "caps of each person, over all numbers and cases"),
    ],
)
def test_what_is_wrong_in_the_far_ends_log_is_found(
    tmp_path: Path, doctor: Callable[[list[Entry]], None], name: str
) -> None:
    made, entries = record(tmp_path)
    doctor(entries)
    assert name in broken(made, entries)


def test_what_is_wrong_in_the_store_is_found(tmp_path: Path) -> None:
    made, entries = record(tmp_path)
    assert "every case is in the queue, once" in broken(replace(made, members=made.members[1:]), entries)
    stuck = [replace(made.members[0], state=MemberState.DIALLING), *made.members[1:]]
    assert "every case is final, held with a reason, or scheduled" in broken(replace(made, members=stuck), entries)
    silent = [replace(attempt, policy={}) for attempt in made.attempts]
    assert "every attempt and refusal says why" in broken(replace(made, attempts=silent), entries)
    miscounted = [replace(member, attempts=2) for member in made.members]
    counted = "attempts are counted as made, none beyond the plan's limit"
    assert counted in broken(replace(made, members=miscounted), entries)
    paid = {made.members[5].case_id: BEGINS}
    assert "nobody is called for a case that was paid" in broken(replace(made, paid=paid), entries)
    paused = replace(made.campaign, state=CampaignState.PAUSED)
    assert "it ran by itself" in broken(replace(made, campaign=paused), entries)
