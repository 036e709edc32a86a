"""Complaints with their deadlines; callbacks that are made or put off; the attempt that an inbound call returns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "complaint",
        sa.Column("id", sa.String(length=240), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("tier", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("respond_by", sa.Date(), nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=True),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("jurisdiction", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=200), nullable=True),
        sa.Column("resolution", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_complaint"),
    )
    op.create_index("ix_complaint_state_answer_by", "complaint", ["state", "answer_by"])
    op.create_index("ix_complaint_reference", "complaint", ["reference"])
    op.create_index("ix_complaint_case_id", "complaint", ["case_id"])
    op.add_column("callback", sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("callback", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("callback", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("callback", sa.Column("outcome", sa.String(length=200), nullable=False, server_default=sa.text("''")))
    op.add_column("call", sa.Column("answers_attempt_id", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("call", "answers_attempt_id")
    for column in ("outcome", "ended_at", "next_at", "tries"):
        op.drop_column("callback", column)
    op.drop_table("complaint")
