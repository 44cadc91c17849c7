"""Standing orders, their collections, and the kind of agreement they are made under."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_agreements_kind"), "agreements")
    op.create_check_constraint(
        op.f("ck_agreements_kind"),
        "agreements",
        "kind in ('terms', 'notice', 'sharing', 'standing_order')",
    )
    op.create_table(
        "autopay_orders",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=False),
        sa.Column("cap_per_bill", sa.BigInteger(), nullable=False),
        sa.Column("cap_per_month", sa.BigInteger(), nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('active', 'paused', 'inactive', 'cancelled_by_payer', "
            "'cancelled_by_payee', 'expired')",
            name="status",
        ),
        sa.CheckConstraint("cap_per_bill between 1 and 10000000000", name="cap_per_bill"),
        sa.CheckConstraint("cap_per_month >= cap_per_bill", name="cap_per_month"),
        sa.CheckConstraint("notice_days between 1 and 10", name="notice_days"),
        sa.CheckConstraint("failures >= 0", name="failures"),
        sa.PrimaryKeyConstraint("id", name="pk_autopay_orders"),
    )
    op.create_index(
        "uq_autopay_orders_living",
        "autopay_orders",
        ["citizen_id", "service"],
        unique=True,
        postgresql_where=sa.text("status in ('active', 'paused', 'inactive')"),
    )
    op.create_index("ix_autopay_orders_citizen_id_id", "autopay_orders", ["citizen_id", "id"])
    op.create_index(
        "ix_autopay_orders_next_look_at",
        "autopay_orders",
        ["next_look_at"],
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "autopay_collections",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payable_version", sa.Text(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("charge_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_amount", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('announced', 'held', 'skipped', 'charging', 'succeeded', 'failed', "
            "'abandoned')",
            name="status",
        ),
        sa.CheckConstraint("amount between 1 and 10000000000", name="amount"),
        sa.CheckConstraint("tries >= 0", name="tries"),
        sa.CheckConstraint("reason is not null or status <> 'held'", name="held"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["autopay_orders.id"],
            name="fk_autopay_collections_order_id_autopay_orders",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_autopay_collections"),
    )
    op.create_index(
        "uq_autopay_collections_bill",
        "autopay_collections",
        ["service", "reference"],
        unique=True,
        postgresql_where=sa.text("status not in ('skipped', 'abandoned')"),
    )
    op.create_index("ix_autopay_collections_order_id_id", "autopay_collections", ["order_id", "id"])
    op.create_index(
        "ix_autopay_collections_payment_id",
        "autopay_collections",
        ["payment_id"],
        postgresql_where=sa.text("payment_id is not null"),
    )
    op.create_index(
        "ix_autopay_collections_next_at",
        "autopay_collections",
        ["next_at"],
        postgresql_where=sa.text("next_at is not null"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
