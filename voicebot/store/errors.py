"""What can go wrong with the store, for the person who mends it."""

from __future__ import annotations

from voicebot.store.records import Attempt


class StoreUnavailable(Exception):
    """The database is away, locked or unusable: says which, what failed, and how to mend it. Later may work."""


class StoreRefused(ValueError):
    """The database will never take this value: a reference to what is not there, or a text that is too long."""


class UnknownCase(LookupError):
    """There is no case with this id."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"no case has the id {case_id}; list cases with: voicebot case list")
        self.case_id = case_id


class AttemptRefused(Exception):
    """The contact policy did not permit the attempt. The refusal, with its explanation, is recorded as `attempt`."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(f"attempt {attempt.id} was refused by the contact policy")
        self.attempt = attempt
