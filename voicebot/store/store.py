"""The store: every repository on one database and one journal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType

from sqlalchemy import text

from recordings.cipher import KeyRing
from voicebot.store.access_protocols import Audit, Tokens
from voicebot.store.agents import AgentRepository
from voicebot.store.attempts import AttemptRepository
from voicebot.store.audit import AuditRepository
from voicebot.store.brakes import BrakeRepository
from voicebot.store.callbacks import CallbackRepository
from voicebot.store.calls import CallRepository
from voicebot.store.campaigns import CampaignRepository
from voicebot.store.cases import CaseRepository
from voicebot.store.complaints import ComplaintRepository
from voicebot.store.database import Database
from voicebot.store.deliveries import DeliveryRepository
from voicebot.store.desk_protocols import Agents, Complaints, Handoffs
from voicebot.store.errors import StoreUnavailable
from voicebot.store.events import EventRepository
from voicebot.store.exporting import ExportRepository
from voicebot.store.follow_ups import FollowUpRepository
from voicebot.store.handoffs import HandoffRepository
from voicebot.store.journal import Journal
from voicebot.store.keeping import Keeper
from voicebot.store.messages import MessageRepository
from voicebot.store.migrate import upgrade
from voicebot.store.news import NewsRepository
from voicebot.store.outcomes import PlanRepository, PromiseRepository
from voicebot.store.outgoing_protocols import Deliveries, Events, Exports, FollowUps, Messages
from voicebot.store.protocols import (
    Attempts,
    Brakes,
    Callbacks,
    Calls,
    Campaigns,
    Cases,
    NewsDesk,
    Plans,
    Promises,
    Suppressions,
)
from voicebot.store.suppressions import SuppressionRepository
from voicebot.store.tokens import TokenRepository


class Store:
    """Opened once a process, shared by everything in it."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._keeper = Keeper(database, journal)
        self.cases: Cases = CaseRepository(database, self._keeper)
        self.attempts: Attempts = AttemptRepository(database, self._keeper)
        self.calls: Calls = CallRepository(database, self._keeper)
        self.promises: Promises = PromiseRepository(database, self._keeper)
        self.callbacks: Callbacks = CallbackRepository(database, self._keeper)
        self.complaints: Complaints = ComplaintRepository(database, self._keeper)
        self.plans: Plans = PlanRepository(database, self._keeper)
        self.handoffs: Handoffs = HandoffRepository(database, self._keeper)
        self.agents: Agents = AgentRepository(database)
        self.campaigns: Campaigns = CampaignRepository(database)
        self.tokens: Tokens = TokenRepository(database)
        self.audit: Audit = AuditRepository(database)
        self.suppressions: Suppressions = SuppressionRepository(database, self._keeper)
        self.events: Events = EventRepository(database)
        self.messages: Messages = MessageRepository(database, self._keeper)
        self.follow_ups: FollowUps = FollowUpRepository(database)
        self.deliveries: Deliveries = DeliveryRepository(database)
        self.exports: Exports = ExportRepository(database)
        self.news: NewsDesk = NewsRepository(database)
        self.brakes: Brakes = BrakeRepository(database)

    @classmethod
    async def open(
        cls, url: str, keys: KeyRing | None = None, *, journal: Path | None = None, migrate: bool | None = None
    ) -> Store:
        """Opens the store; a database that is away now may come later.

        `url` is sqlite:///path or postgresql://user@host/name. `keys` seals personal fields; None leaves them readable.
        `journal` is the folder of what the database does not have yet; None keeps that in memory. `migrate` brings the
        tables up to date first; None does so on SQLite only, for on PostgreSQL that is an operator's step.
        Raises StoreUnavailable when the URL is wrong, when migrating fails, or the journal cannot be written.
        """
        database = Database(url, keys)
        try:
            book = await asyncio.to_thread(Journal, journal, keys)
        except OSError as error:
            raise StoreUnavailable(
                f"journal folder {journal} cannot be written: {error.strerror}; give the service's user that right"
            ) from error
        store = cls(database, book)
        try:
            if database.is_sqlite if migrate is None else migrate:
                await upgrade(database)
            if store.pending:
                await store.replay()
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def name(self) -> str:
        """The database's URL without its password."""
        return self._database.name

    @property
    def pending(self) -> int:
        """Kept writes that the database does not have yet: a metric, and 0 in good times."""
        return self._keeper.pending

    async def ping(self) -> None:
        """Asks the database for an answer, for readiness. Raises StoreUnavailable."""
        async with self._database.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def replay(self) -> int:
        """Tries now to bring in the kept writes; gives the number still pending. It also happens by itself."""
        return await self._keeper.replay()

    async def close(self) -> None:
        """Tries to bring in what is pending and lets everything go."""
        await self._keeper.close()
        await self._database.close()

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
