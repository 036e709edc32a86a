"""Ids sort in the order in which they were made."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from voicebot.store.records import new_id


def test_ids_sort_by_the_order_in_which_they_were_made() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))


def test_an_id_is_a_uuid_of_version_7_that_carries_the_time() -> None:
    before = datetime.now(UTC).timestamp()
    made = uuid.UUID(hex=new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert (made.int >> 80) / 1000 == pytest.approx(before, abs=60)


def test_a_clock_that_is_set_back_does_not_put_ids_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    hour_ago = time.time_ns() - 3_600_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: hour_ago)
    assert first < new_id() < new_id()


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: new_id(), range(4_000)))
    assert len(set(ids)) == 4_000
