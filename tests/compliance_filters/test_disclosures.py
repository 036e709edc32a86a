"""What counts is what was heard: a statement is made when its line was played to the end before its deadline."""

from __future__ import annotations

from compliance_filters.disclosures import Disclosure, DisclosureStatus, DisclosureTracker, Missed, Owed

AI = Disclosure(id="ai", rules=("CN-AI-01",), within_played_seconds=8)
RECORDING = Disclosure(id="recording", rules=("CN-REC-01",), within_played_seconds=20, if_missed=Missed.END)
MIRANDA = Disclosure(
    id="mini_miranda", rules=("US-ID-01",), within_played_seconds=10, owed_to=Owed.RIGHT_PARTY, if_missed=Missed.END
)


def test_a_line_heard_to_its_end_in_time_is_made() -> None:
    tracker = DisclosureTracker([AI])
    changes = tracker.heard(5.0, ["ai"], complete=True)
    assert [c.status for c in changes] == [DisclosureStatus.MADE]
    assert tracker.owed() == ()


def test_a_line_cut_short_does_not_count() -> None:
    tracker = DisclosureTracker([AI])
    assert tracker.heard(5.0, ["ai"], complete=False) == []
    assert tracker.status("ai") is DisclosureStatus.PENDING


def test_a_deadline_is_measured_in_audio_played() -> None:
    tracker = DisclosureTracker([AI])
    assert tracker.heard(8.0) == []
    missed = tracker.heard(0.1)
    assert [c.status for c in missed] == [DisclosureStatus.MISSED]
    assert not tracker.must_end()
    late = tracker.heard(3.0, ["ai"], complete=True)
    assert [c.status for c in late] == [DisclosureStatus.LATE]


def test_a_line_that_ends_after_the_deadline_is_late() -> None:
    tracker = DisclosureTracker([AI])
    assert [c.status for c in tracker.heard(9.0, ["ai"], complete=True)] == [DisclosureStatus.LATE]


def test_a_statement_that_ends_the_call_says_so() -> None:
    tracker = DisclosureTracker([AI, RECORDING])
    tracker.heard(21.0)
    assert tracker.must_end()


def test_what_the_right_party_is_owed_runs_from_verification() -> None:
    tracker = DisclosureTracker([MIRANDA])
    assert tracker.heard(60.0) == []
    assert tracker.owed() == ()
    tracker.right_party()
    assert tracker.owed() == (MIRANDA,)
    assert tracker.heard(10.0) == []
    assert [c.status for c in tracker.heard(0.5)] == [DisclosureStatus.MISSED]


def test_the_soonest_deadline_is_owed_first() -> None:
    assert [d.id for d in DisclosureTracker([RECORDING, AI]).owed()] == ["ai", "recording"]
