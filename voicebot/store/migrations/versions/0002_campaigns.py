"""Campaigns, their members, the use of caller numbers, and who works."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("because", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("running_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sa.UniqueConstraint("name", name="uq_campaign_name"),
    )
    op.create_index("ix_campaign_state", "campaign", ["state"])
    op.create_table(
        "campaign_member",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("debtor_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.JSON(), nullable=False),
        sa.Column("number_step", sa.Integer(), nullable=False),
        sa.Column("flow", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("caller", sa.String(length=200), nullable=True),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_member_campaign_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_campaign_member_case_id"),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name="fk_campaign_member_debtor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_campaign_member"),
        sa.UniqueConstraint("campaign_id", "case_id", name="uq_campaign_member_campaign_id"),
        sa.UniqueConstraint("key", name="uq_campaign_member_key"),
    )
    for columns in (
        ["campaign_id", "state", "rank"],
        ["campaign_id", "state", "next_at"],
        ["campaign_id", "first_by"],
        ["state", "claimed_by"],
        ["case_id"],
        ["debtor_id"],
    ):
        op.create_index(f"ix_campaign_member_{'_'.join(columns)}", "campaign_member", columns)
    op.create_table(
        "caller_use",
        sa.Column("number", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", "day", name="pk_caller_use"),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_index("ix_worker_seen_at", "worker", ["seen_at"])
    op.create_index("ix_attempt_campaign_id_begun_at", "attempt", ["campaign_id", "begun_at"])
    op.create_index("ix_attempt_caller_id_begun_at", "attempt", ["caller_id", "begun_at"])


def downgrade() -> None:
    op.drop_index("ix_attempt_campaign_id_begun_at", "attempt")
    op.drop_index("ix_attempt_caller_id_begun_at", "attempt")
    for table in ("worker", "caller_use", "campaign_member", "campaign"):
        op.drop_table(table)
