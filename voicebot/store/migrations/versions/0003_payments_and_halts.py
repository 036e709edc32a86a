"""Payments, agreed and blocked times of a case, where the debtor lives, the emergency stop, reviews of numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_payment_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
        sa.UniqueConstraint("case_id", "reference", name="uq_payment_case_id"),
    )
    op.create_table(
        "case_span",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_case_span_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_case_span"),
        sa.UniqueConstraint("case_id", "kind", "starts_at", "ends_at", name="uq_case_span_case_id"),
    )
    op.create_table(
        "halt",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=200), nullable=True),
        sa.Column("lifted_because", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_halt"),
    )
    op.create_index("ix_halt_lifted_at", "halt", ["lifted_at"])
    op.create_table(
        "caller_review",
        sa.Column("number", sa.String(length=200), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_caller_review"),
    )
    op.add_column("phone_number", sa.Column("approved_by", sa.String(length=200), nullable=True))
    op.add_column("debt_case", sa.Column("paid", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("debt_case", sa.Column("residence", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("debt_case", "residence")
    op.drop_column("debt_case", "paid")
    op.drop_column("phone_number", "approved_by")
    for table in ("caller_review", "halt", "case_span", "payment"):
        op.drop_table(table)
