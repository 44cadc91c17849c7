"""Disputes: what a payer's bank has taken back, held until it is decided, and lost when it is."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table in ("payment_items", "payment_attempts"):
        op.add_column(table, sa.Column("disputed_amount", sa.BigInteger()))
        op.execute(f"update {table} set disputed_amount = 0")  # noqa: S608 - the names above
        op.alter_column(table, "disputed_amount", nullable=False)
    for table, name, rule in (
        (
            "payment_items",
            "refunds",
            (
                "refunded_amount >= 0 and refunding_amount >= 0 and disputed_amount >= 0 "
                "and refunded_amount + refunding_amount + disputed_amount <= amount"
            ),
        ),
        (
            "payment_items",
            "refunded",
            "status <> 'refunded' or refunded_amount + disputed_amount = amount",
        ),
        (
            "payment_attempts",
            "refunded",
            (
                "refunded_amount >= 0 and disputed_amount >= 0 "
                "and refunded_amount + disputed_amount <= captured_amount"
            ),
        ),
    ):
        op.drop_constraint(f"ck_{table}_{name}", table)
        op.create_check_constraint(name, table, rule)
    _disputes()


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("gateway_dispute_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("held_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence_due_at", MOMENT),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("next_ask_at", MOMENT),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('needs_response', 'under_review', 'won', 'lost', 'withdrawn')",
            name="status",
        ),
        sa.CheckConstraint("amount > 0 and held_amount between 0 and amount", name="amount"),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name="fk_disputes_payment_id_payments"
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempts.id"], name="fk_disputes_attempt_id_payment_attempts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_disputes"),
        sa.UniqueConstraint(
            "gateway", "gateway_dispute_id", name="uq_disputes_gateway_gateway_dispute_id"
        ),
    )
    op.create_index("ix_disputes_payment_id", "disputes", ["payment_id"])
    op.create_index("ix_disputes_attempt_id", "disputes", ["attempt_id"])
    op.create_index("ix_disputes_status_id", "disputes", ["status", "id"])
    op.create_index(
        "ix_disputes_next_ask_at",
        "disputes",
        ["next_ask_at"],
        postgresql_where=sa.text("next_ask_at is not null"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
