"""Where the console reads what happened in a call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from recordings.cipher import KeyRing
from recordings.reading import read_entries
from voicebot.call.board import TimelineEntry
from voicebot.call.engine import CallEngine
from voicebot.store.store import Store


class KeptTimelines:
    """Timelines of live calls from memory, of ended ones from their evidence."""

    def __init__(self, engine: CallEngine, store: Store, root: Path, keys: KeyRing | None) -> None:
        self._engine = engine
        self._store = store
        self._root = root
        self._keys = keys

    async def read(self, call_id: str) -> Sequence[TimelineEntry] | None:
        live = self._engine.entries(call_id)
        if live is not None:
            return live
        call = await self._store.calls.get(call_id)
        if call is None or call.evidence_path is None:
            return None
        return await asyncio.to_thread(self._from_evidence, call_id, self._root / call.evidence_path)

    def _from_evidence(self, call_id: str, folder: Path) -> Sequence[TimelineEntry]:
        return [
            TimelineEntry(call_id, number, entry.media_seconds, entry.at, entry.kind, entry.data)
            for number, entry in enumerate(read_entries(folder, self._keys))
        ]
