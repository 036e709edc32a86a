"""Events, messages, follow-ups of promises, webhook deliveries, and numbers on which a debtor was verified."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("inbound", sa.Boolean(), nullable=False),
        sa.Column("template", sa.String(length=200), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=True),
        sa.Column("debtor_id", sa.String(length=64), nullable=True),
        sa.Column("call_id", sa.String(length=200), nullable=True),
        sa.Column("promise_id", sa.String(length=64), nullable=True),
        sa.Column("plan_id", sa.String(length=64), nullable=True),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("number_index", sa.String(length=64), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=40), nullable=True),
        sa.Column("provider_id", sa.String(length=200), nullable=True),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_message_case_id"),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name="fk_message_debtor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("key", name="uq_message_key"),
    )
    op.create_table(
        "follow_up",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("promise_id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=500), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name="fk_follow_up_promise_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_follow_up_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_follow_up"),
        sa.UniqueConstraint("promise_id", "kind", name="uq_follow_up_promise_id"),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
        sa.UniqueConstraint("event_id", name="uq_webhook_delivery_event_id"),
    )
    op.create_table(
        "verification",
        sa.Column("debtor_id", sa.String(length=64), nullable=False),
        sa.Column("number_index", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name="fk_verification_debtor_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("debtor_id", "number_index", name="pk_verification"),
    )
    for table, columns in (
        ("message", ["state", "due_at"]),
        ("message", ["debtor_id", "sent_at"]),
        ("message", ["case_id"]),
        ("message", ["provider_id"]),
        ("follow_up", ["state", "due_at"]),
        ("follow_up", ["case_id"]),
        ("webhook_delivery", ["state", "due_at"]),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def downgrade() -> None:
    for table in ("verification", "webhook_delivery", "follow_up", "message", "event"):
        op.drop_table(table)
