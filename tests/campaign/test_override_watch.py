"""A changed file of overrides holds from the next dial on when it can stand, and changes nothing when it cannot."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance_filters.overrides import Officer, OfficerRole, Override, digest, public_key_of, sign
from voicebot.campaign.firm import FirmFacts
from voicebot.campaign.override_watch import OverrideWatch
from voicebot.campaign.policy import ContactPolicy
from voicebot.store import Store, StoreUnavailable
from voicebot.store.records import Case, ContactHistory

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CALLER = "+861066668888"
NUMBER = "+8613800000001"
FIRM = FirmFacts(registered_callers=frozenset({CALLER}), own_caller=CALLER, by_agency=False, assigned=False)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OFFICER = Officer("li", OfficerRole.COMPLIANCE_OFFICER, public_key_of(KEY))
STRICTER = Override(pack="cn", rule="CN-OPS-01", params={"calls_per_day": "1"})
LOOSER = Override(pack="cn", rule="CN-OPS-01", params={"calls_per_day": "600"})
"""Parameters are text, as they are read from a file: the signature is over what was read."""


def signed(change: Override) -> Override:
    return sign(
        change,
        KEY,
        officer="li",
        role=OfficerRole.COMPLIANCE_OFFICER,
        reason="the carrier allows it",
        signed_at=NOW - timedelta(days=1),
        expires_at=NOW + timedelta(days=30),
    )


class Folder:
    """A file of overrides that somebody edits, and a policy that goes by it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.file = folder / "overrides.yaml"
        self.policy = ContactPolicy(FIRM, officers=(OFFICER,))
        self.permit = self.policy.permit
        self.watch = OverrideWatch(self.policy, self.file, store.audit, worker_id="w1")
        self._store = store

    def write(self, *changes: Override) -> None:
        self.write_text(json.dumps({"overrides": [change.model_dump(mode="json") for change in changes]}))

    def write_text(self, text: str) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(self.file)

    async def looks(self, count: int = 2) -> None:
        for _ in range(count):
            await self.watch.look()

    def allows(self, case: Case, calls: int) -> bool:
        """Whether a number that has made so many calls today may make another."""
        shown = (NOW - timedelta(hours=1),) * calls
        known = ContactHistory(case, (), (), (), (), number=NUMBER, at=NOW, halted=False, caller_calls=shown)
        return self.permit(known).allowed

    async def audited(self) -> list[str]:
        return [entry.action for entry in reversed(await self._store.audit.list())]


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Folder:
    return Folder(store, tmp_path)


async def test_a_change_holds_from_the_next_dial_on(
    folder: Folder, store: Store, make_case: Callable[..., Case]
) -> None:
    case = make_case()
    folder.write()
    await folder.looks()
    assert folder.allows(case, calls=1)
    folder.write(STRICTER)
    await folder.looks(1)
    assert folder.allows(case, calls=1), "an edit may be half written: it is read once it rests"
    await folder.looks(1)
    assert not folder.allows(case, calls=1)
    folder.write(signed(LOOSER))
    await folder.looks()
    assert folder.allows(case, calls=550)
    folder.write()
    await folder.looks(4)
    assert not folder.allows(case, calls=550)
    assert await folder.audited() == ["policy.overrides_taken"] * 3
    (last, second, _) = await store.audit.list()
    assert (second.actor, second.data["becomes"]) == ("worker:w1", digest([signed(LOOSER)]))
    assert (last.data["was"], last.data["becomes"]) == (digest([signed(LOOSER)]), None)


@pytest.mark.parametrize("broken", ["overrides: [{pack: cn", "overrides: 7", None])
async def test_what_cannot_be_read_changes_nothing(
    folder: Folder, make_case: Callable[..., Case], broken: str | None
) -> None:
    folder.write(STRICTER)
    await folder.looks()
    if broken is None:
        folder.file.unlink()
    else:
        folder.write_text(broken)
    await folder.looks(4)
    assert not folder.allows(make_case(), calls=1)
    assert await folder.audited() == ["policy.overrides_taken", "policy.overrides_refused"]


async def test_what_is_looser_and_unsigned_or_altered_is_refused_and_said(
    folder: Folder, store: Store, make_case: Callable[..., Case], caplog: pytest.LogCaptureFixture
) -> None:
    case = make_case()
    folder.write(STRICTER)
    await folder.looks()
    altered = signed(LOOSER).model_copy(update={"params": {"calls_per_day": "9000"}})
    for change in (LOOSER, altered):
        folder.write(change)
        with caplog.at_level(logging.ERROR):
            await folder.looks()
        assert not folder.allows(case, calls=1), "those before it stay in force"
        (entry, *_) = await store.audit.list()
        assert entry.action == "policy.overrides_refused"
        assert entry.data["in_force"] == digest([STRICTER])
        assert "CN-OPS-01" in entry.data["problems"][0]
    assert len(caplog.records) == 2
    folder.write(signed(LOOSER))
    await folder.looks()
    assert folder.allows(case, calls=550)


async def test_what_cannot_be_audited_does_not_hold_yet(
    folder: Folder, store: Store, make_case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*args: object, **fields: object) -> None:
        raise StoreUnavailable("away")

    folder.write(STRICTER)
    with monkeypatch.context() as patched:
        patched.setattr(store.audit, "append", away)
        await folder.looks(1)
        with pytest.raises(StoreUnavailable):
            await folder.looks(1)
        assert folder.allows(make_case(), calls=1)
    await folder.looks(1)
    assert not folder.allows(make_case(), calls=1)


async def test_without_a_file_there_is_nothing_to_watch(folder: Folder, store: Store) -> None:
    watch = OverrideWatch(folder.policy, None, store.audit, worker_id="w1")
    await watch.look()
    await watch.watch()
    assert await folder.audited() == []
