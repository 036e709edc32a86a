"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


TABLES = (
    "agent",
    "api_token",
    "audit",
    "call",
    "debtor",
    "handoff",
    "agent_skill",
    "debt_case",
    "phone_number",
    "suppression",
    "attempt",
    "callback",
    "case_consent",
    "case_flag",
    "plan_request",
    "promise",
)


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("endpoint", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agent"),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
    )
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("direction", sa.String(length=40), nullable=False),
        sa.Column("flow", sa.String(length=200), nullable=False),
        sa.Column("flow_hash", sa.String(length=64), nullable=False),
        sa.Column("pack_hash", sa.String(length=64), nullable=False),
        sa.Column("carrier", sa.String(length=200), nullable=False),
        sa.Column("carrier_call_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("number_index", sa.String(length=64), nullable=True),
        sa.Column("case_id", sa.String(length=64), nullable=True),
        sa.Column("attempt_id", sa.String(length=64), nullable=True),
        sa.Column("worker_id", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("evidence_path", sa.String(length=500), nullable=True),
        sa.Column("evidence_digest", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
    )
    op.create_table(
        "debtor",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("surname", sa.LargeBinary(), nullable=True),
        sa.Column("honorific", sa.String(length=200), nullable=True),
        sa.Column("id_last_four", sa.LargeBinary(), nullable=True),
        sa.Column("age_band", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_debtor"),
        sa.UniqueConstraint("external_id", name="uq_debtor_external_id"),
    )
    op.create_table(
        "handoff",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=True),
        sa.Column("because", sa.String(length=200), nullable=False),
        sa.Column("skill", sa.String(length=40), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("brief", sa.LargeBinary(), nullable=False),
        sa.Column("agent_id", sa.String(length=200), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("talk_seconds", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_handoff"),
    )
    op.create_table(
        "agent_skill",
        sa.Column("agent_id", sa.String(length=200), nullable=False),
        sa.Column("skill", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_agent_skill_agent_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "skill", name="pk_agent_skill"),
    )
    op.create_table(
        "debt_case",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("debtor_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("creditor", sa.String(length=200), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=True),
        sa.Column("amount_due", sa.BigInteger(), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=True),
        sa.Column("minimum_due", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("time_zone", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.Column("dialect", sa.String(length=40), nullable=True),
        sa.Column("jurisdiction", sa.String(length=40), nullable=False),
        sa.Column("risk_tier", sa.String(length=40), nullable=True),
        sa.Column("payday", sa.Integer(), nullable=True),
        sa.Column("preferred_hours", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name="fk_debt_case_debtor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_debt_case"),
        sa.UniqueConstraint("external_id", name="uq_debt_case_external_id"),
    )
    op.create_table(
        "phone_number",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("debtor_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("preferred", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name="fk_phone_number_debtor_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_phone_number"),
        sa.UniqueConstraint("debtor_id", "number_index", name="uq_phone_number_debtor_id"),
    )
    op.create_table(
        "suppression",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("number_index", sa.String(length=64), nullable=True),
        sa.Column("debtor_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name="fk_suppression_debtor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_suppression"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("debtor_id", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=True),
        sa.Column("call_id", sa.String(length=200), nullable=True),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.String(length=64), nullable=False),
        sa.Column("caller_id", sa.String(length=200), nullable=True),
        sa.Column("worker_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_attempt_case_id"),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name="fk_attempt_debtor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        sa.UniqueConstraint("idempotency_key", name="uq_attempt_idempotency_key"),
    )
    op.create_table(
        "callback",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=True),
        sa.Column("call_id", sa.String(length=200), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("because", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_callback_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_callback"),
    )
    op.create_table(
        "case_consent",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_case_consent_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_case_consent"),
        sa.UniqueConstraint("case_id", "kind", "at", name="uq_case_consent_case_id"),
    )
    op.create_table(
        "case_flag",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_case_flag_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_case_flag"),
    )
    op.create_table(
        "plan_request",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=True),
        sa.Column("instalments", sa.Integer(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_plan_request_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_request"),
    )
    op.create_table(
        "promise",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["debt_case.id"], name="fk_promise_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_promise"),
    )
    _create_indexes()
    _forbid_changing_the_audit_log()


def downgrade() -> None:
    # Children before their parents.
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only()")


def _create_indexes() -> None:
    op.create_index("ix_agent_state_state_since", "agent", ["state", "state_since"], unique=False)
    op.create_index("ix_call_attempt_id", "call", ["attempt_id"], unique=False)
    op.create_index("ix_call_case_id", "call", ["case_id"], unique=False)
    op.create_index("ix_call_ended_at_worker_id", "call", ["ended_at", "worker_id"], unique=False)
    op.create_index("ix_call_number_index", "call", ["number_index"], unique=False)
    op.create_index("ix_call_started_at", "call", ["started_at"], unique=False)
    op.create_index("ix_handoff_call_id", "handoff", ["call_id"], unique=False)
    op.create_index("ix_handoff_closed_at_opened_at", "handoff", ["closed_at", "opened_at"], unique=False)
    op.create_index("ix_debt_case_debtor_id", "debt_case", ["debtor_id"], unique=False)
    op.create_index("ix_debt_case_status_id", "debt_case", ["status", "id"], unique=False)
    op.create_index("ix_phone_number_number_index", "phone_number", ["number_index"], unique=False)
    op.create_index("ix_suppression_debtor_id", "suppression", ["debtor_id"], unique=False)
    op.create_index("ix_suppression_number_index", "suppression", ["number_index"], unique=False)
    op.create_index("ix_attempt_campaign_id", "attempt", ["campaign_id"], unique=False)
    op.create_index("ix_attempt_case_id_begun_at", "attempt", ["case_id", "begun_at"], unique=False)
    op.create_index("ix_attempt_debtor_id_begun_at", "attempt", ["debtor_id", "begun_at"], unique=False)
    op.create_index("ix_attempt_number_index_begun_at", "attempt", ["number_index", "begun_at"], unique=False)
    op.create_index("ix_attempt_state_worker_id", "attempt", ["state", "worker_id"], unique=False)
    op.create_index("ix_callback_case_id", "callback", ["case_id"], unique=False)
    op.create_index("ix_callback_state_at", "callback", ["state", "at"], unique=False)
    op.create_index("ix_case_flag_case_id_name", "case_flag", ["case_id", "name"], unique=False)
    op.create_index("ix_case_flag_name", "case_flag", ["name"], unique=False)
    op.create_index("ix_plan_request_case_id", "plan_request", ["case_id"], unique=False)
    op.create_index("ix_promise_case_id", "promise", ["case_id"], unique=False)
    op.create_index("ix_promise_state_due_on", "promise", ["state", "due_on"], unique=False)


def _forbid_changing_the_audit_log() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
