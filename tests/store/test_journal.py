"""The journal gives back what was written and not done, whatever its process died of."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.cipher import KeyRing
from voicebot.store.journal import Journal


@pytest.fixture(params=["sealed", "plain"])
def ring(request: pytest.FixtureRequest) -> KeyRing | None:
    return KeyRing.generate() if request.param == "sealed" else None


def die(journal: Journal) -> None:
    """Lets the file go as a killed process does: nothing is tidied up."""
    journal._pending["kept"] = None  # type: ignore[index, assignment]
    journal.close()


def test_what_was_not_done_is_taken_over_in_order(tmp_path: Path, ring: KeyRing | None) -> None:
    first = Journal(tmp_path, ring)
    entries = [first.append("promise.add", f'{{"n":{n},"words":"两千"}}'.encode()) for n in range(4)]
    first.done(entries[1].n)
    die(first)
    second = Journal(tmp_path, ring)
    assert [entry.value for entry in second.pending()] == [entries[n].value for n in (0, 2, 3)]
    assert [path.name for path in tmp_path.glob("*.journal")] == [str(second.path and second.path.name)]
    for entry in second.pending():
        second.done(entry.n)
    assert len(second) == 0
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_live_process_keeps_its_own(tmp_path: Path, ring: KeyRing | None) -> None:
    first = Journal(tmp_path, ring)
    first.append("promise.add", b"{}")
    second = Journal(tmp_path, ring)
    assert len(second) == 0
    second.close()
    first.close()
    third = Journal(tmp_path, ring)
    assert len(third) == 1
    third.close()


def test_a_torn_last_line_is_passed_over(tmp_path: Path, ring: KeyRing | None) -> None:
    first = Journal(tmp_path, ring)
    first.append("promise.add", b'{"n":1}')
    assert first.path is not None
    whole = first.path.stat().st_size
    first.append("promise.add", b'{"n":2}')
    text = first.path.read_bytes()
    die(first)
    for end in range(whole, len(text)):
        path = tmp_path / "old.journal"
        for each in tmp_path.glob("*.journal"):
            each.unlink()
        path.write_bytes(text[:end])
        taken = Journal(tmp_path, ring)
        values = [entry.value for entry in taken.pending()]
        # The last byte is the line's end; without it the line itself is whole.
        assert values[:1] == [b'{"n":1}']
        assert len(values) == 1 or end == len(text) - 1
        taken.close()


def test_a_long_journal_is_emptied_when_nothing_is_pending(tmp_path: Path, ring: KeyRing | None) -> None:
    journal = Journal(tmp_path, ring)
    entry = journal.append("promise.add", b"x" * (1 << 20))
    journal.done(entry.n)
    assert journal.path is not None
    assert journal.path.stat().st_size == 0
    journal.append("promise.add", b"{}")
    assert journal.path.stat().st_size < 200 + 200
    journal.close()


def test_without_a_folder_it_lives_in_memory() -> None:
    journal = Journal(None)
    entry = journal.append("promise.add", b"{}")
    assert journal.pending() == [entry]
    journal.done(entry.n)
    journal.close()


def test_without_its_key_a_sealed_journal_is_left_for_later(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    first = Journal(tmp_path, ring)
    first.append("promise.add", b"{}")
    die(first)
    with pytest.raises(Exception, match="key"):
        Journal(tmp_path, None)
    again = Journal(tmp_path, ring)
    assert len(again) == 1
    again.close()
