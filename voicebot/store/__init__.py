"""What survives a restart: SQLAlchemy models and Alembic migrations, behind repositories of plain records."""

from voicebot.store.errors import AttemptRefused, StoreRefused, StoreUnavailable, UnknownCase
from voicebot.store.store import Store

__all__ = ["AttemptRefused", "Store", "StoreRefused", "StoreUnavailable", "UnknownCase"]
