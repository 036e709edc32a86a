"""Changed overrides take effect while calls go on: their file is judged as a whole, and taken or refused."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from compliance_filters.overrides import Override, digest, read_overrides
from compliance_filters.pack import PackError
from voicebot.campaign.policy import ContactPolicy
from voicebot.store.access_protocols import Audit
from voicebot.store.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often the file is looked at. A change is read once two looks in a row have found the same."""
_SUBJECT = "policy:overrides"

_Stamp = tuple[int, int, int] | None
"""When the file was written, its bytes, and which file it is; None while there is none."""


class OverrideWatch:
    """One a worker. What cannot stand is refused and said; what was in force before stays in force.

    Each change, taken or refused, is in the audit log before it counts. The officers are those of the configuration:
    whoever may only write the file can add none.
    """

    def __init__(self, policy: ContactPolicy, file: Path | None, audit: Audit, *, worker_id: str) -> None:
        """`file` is None where the configuration names none."""
        self._policy = policy
        self._file = file
        self._audit = audit
        self._actor = f"worker:{worker_id}"
        self._seen: _Stamp = None
        self._judged: _Stamp = None

    async def watch(self) -> None:
        """Looks after the file until it is cancelled."""
        while self._file is not None:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except StoreUnavailable as away:
                log.warning("changed overrides wait: the store is away", extra={"reason": str(away)})
            except Exception:
                log.exception("a look at the overrides failed; what is in force stays")

    async def look(self) -> None:
        """One look. Raises StoreUnavailable, with nothing changed, where it could not be audited."""
        if self._file is None:
            return
        now = await asyncio.to_thread(_stamp, self._file)
        before, self._seen = self._seen, now
        if now != before or now == self._judged:
            return
        try:
            changes = await asyncio.to_thread(self._judge, self._file)
        except PackError as refusal:
            await self._refuse(refusal.problems)
        else:
            await self._take(changes)
        self._judged = now

    def _judge(self, file: Path) -> tuple[Override, ...]:
        try:
            changes = read_overrides(file)
        except OSError as error:
            raise PackError([f"{file}: {error.strerror or error}; put it back, or name none and restart"]) from error
        self._policy.under(changes).check(f"{file}: overrides")
        return changes

    async def _take(self, changes: tuple[Override, ...]) -> None:
        was, becomes = digest(self._policy.overrides), digest(changes)
        if becomes == was:
            return
        rules = sorted({f"{change.pack} {change.rule}" for change in changes})
        data = {"was": was, "becomes": becomes, "rules": rules}
        await self._audit.append(self._actor, "policy.overrides_taken", _SUBJECT, data)
        self._policy.overrides = changes
        log.info("changed overrides are in force from the next dial on", extra={"overrides_hash": becomes})

    async def _refuse(self, problems: tuple[str, ...]) -> None:
        data = {"in_force": digest(self._policy.overrides), "problems": list(problems)}
        await self._audit.append(self._actor, "policy.overrides_refused", _SUBJECT, data)
        log.error(
            "changed overrides cannot stand; those before them stay in force", extra={"problems": "\n".join(problems)}
        )


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
