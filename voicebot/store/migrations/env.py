"""Run by Alembic. The connection, and its transaction, come from `voicebot.store.migrate`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from voicebot.store.models import Base


def _plain_type(kind: str, thing: Any, _autogen: Any) -> str | Literal[False]:
    """Revisions name SQLAlchemy's own types, so that changing a class of ours never changes an old revision."""
    if kind == "type" and isinstance(thing, TypeDecorator):
        return f"sa.{thing.impl!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    render_as_batch=True,
    render_item=_plain_type,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
