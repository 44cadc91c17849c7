"""Payments: payments, items, attempts, refunds, receipts and the webhook inbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gateway_events",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=True),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('received', 'applied', 'unmatched', 'ignored')",
            name="state",
        ),
        sa.PrimaryKeyConstraint("source", "event_id", name="pk_gateway_events"),
    )
    op.create_index(
        "ix_gateway_events_received_at", "gateway_events", ["received_at"], unique=False
    )
    op.create_table(
        "payments",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('pending', 'processing', 'succeeded', 'cancelled', 'expired', 'failed')",
            name="status",
        ),
        sa.CheckConstraint("amount between 0 and 200000000000", name="amount"),
        sa.CheckConstraint("refunded_amount between 0 and amount", name="refunded_amount"),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
    )
    op.create_index("ix_payments_citizen_id_id", "payments", ["citizen_id", "id"], unique=False)
    op.create_index(
        "ix_payments_expires_at_open",
        "payments",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status in ('pending', 'processing')"),
    )
    op.create_table(
        "receipt_counters",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", name="pk_receipt_counters"),
    )
    op.create_table(
        "payment_attempts",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("gateway_key", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=True),
        sa.Column("next_action", sa.LargeBinary(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("captured_amount", sa.BigInteger(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mismatch", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('requested', 'open', 'unknown', 'processing', 'succeeded', 'failed', 'cancelled', 'succeeded_late')",
            name="status",
        ),
        sa.CheckConstraint(
            "amount >= 0 and captured_amount between 0 and amount",
            name="captured",
        ),
        sa.CheckConstraint("refunded_amount between 0 and captured_amount", name="refunded"),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name="fk_payment_attempts_payment_id_payments"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_attempts"),
        sa.UniqueConstraint("gateway", "intent_id", name="uq_payment_attempts_gateway_intent_id"),
        sa.UniqueConstraint("gateway_key", name="uq_payment_attempts_gateway_key"),
        sa.UniqueConstraint("payment_id", "number", name="uq_payment_attempts_payment_id_number"),
    )
    op.create_index(
        "ix_payment_attempts_next_ask_at",
        "payment_attempts",
        ["next_ask_at"],
        unique=False,
        postgresql_where=sa.text("next_ask_at is not null"),
    )
    op.create_index(
        "uq_payment_attempts_live",
        "payment_attempts",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text(
            "status in ('requested', 'open', 'processing', 'unknown', 'succeeded')"
        ),
    )
    op.create_table(
        "payment_items",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payable_version", sa.Text(), nullable=False),
        sa.Column("biller_reference", sa.Text(), nullable=True),
        sa.Column("fulfilled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("is_live or status in ('waiting', 'refunded')", name="is_live"),
        sa.CheckConstraint(
            "status in ('waiting', 'due', 'fulfilled', 'unknown', 'rejected', 'under_review', 'refunding', 'refunded', 'refund_failed')",
            name="status",
        ),
        sa.CheckConstraint("amount between 0 and 10000000000", name="amount"),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name="fk_payment_items_payment_id_payments"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_items"),
        sa.UniqueConstraint("payment_id", "line_no", name="uq_payment_items_payment_id_line_no"),
    )
    op.create_index(
        "uq_payment_items_live_payable",
        "payment_items",
        ["service", "reference"],
        unique=True,
        postgresql_where=sa.text("is_live"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name="fk_receipts_payment_id_payments"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.UniqueConstraint("code", name="uq_receipts_code"),
        sa.UniqueConstraint("payment_id", name="uq_receipts_payment_id"),
        sa.UniqueConstraint("series", "number", name="uq_receipts_series_number"),
        info={"append_only": True},
    )
    op.create_table(
        "biller_postings",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_job", sa.BigInteger(), nullable=False),
        sa.Column("claim_attempt", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('idle', 'sending', 'unknown', 'confirmed', 'rejected')",
            name="status",
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["payment_items.id"], name="fk_biller_postings_item_id_payment_items"
        ),
        sa.PrimaryKeyConstraint("item_id", name="pk_biller_postings"),
        sa.UniqueConstraint("plugin", "key", name="uq_biller_postings_plugin_key"),
    )
    op.create_table(
        "refunds",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("client_reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gateway_key", sa.Text(), nullable=False),
        sa.Column("gateway_refund_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('requested', 'approved', 'declined', 'submitted', 'unknown', 'succeeded', 'failed', 'reversed')",
            name="status",
        ),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempts.id"], name="fk_refunds_attempt_id_payment_attempts"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["payment_items.id"], name="fk_refunds_item_id_payment_items"
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name="fk_refunds_payment_id_payments"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        sa.UniqueConstraint(
            "attempt_id", "client_reference", name="uq_refunds_attempt_id_client_reference"
        ),
        sa.UniqueConstraint("gateway_key", name="uq_refunds_gateway_key"),
        sa.UniqueConstraint("gateway_refund_id", name="uq_refunds_gateway_refund_id"),
    )
    op.create_index(
        "ix_refunds_next_ask_at",
        "refunds",
        ["next_ask_at"],
        unique=False,
        postgresql_where=sa.text("next_ask_at is not null"),
    )
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id"], unique=False)
    op.execute(
        "create trigger receipts_is_append_only before update or delete or truncate on receipts "
        "for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
