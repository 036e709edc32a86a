"""How often the guard stopped a line in a call: a breaker looks at it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("guard_hits", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("call", "guard_hits")
