"""Methods that citizens keep at a gateway, and payments that start while nobody is there."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_methods",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("gateway_customer", sa.Text(), nullable=True),
        sa.Column("gateway_setup", sa.Text(), nullable=True),
        sa.Column("gateway_method", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status in ('requested', 'active', 'failed', 'removed')", name="status"),
        sa.CheckConstraint(
            "status <> 'active' or (gateway_customer is not null and gateway_method is not null "
            "and label is not null)",
            name="active",
        ),
        sa.CheckConstraint("label !~ '[0-9]{5}'", name="label_is_short"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_methods"),
        sa.UniqueConstraint(
            "gateway", "gateway_method", name="uq_saved_methods_gateway_gateway_method"
        ),
    )
    op.create_index("ix_saved_methods_citizen_id_id", "saved_methods", ["citizen_id", "id"])
    op.create_index(
        "ix_saved_methods_next_ask_at",
        "saved_methods",
        ["next_ask_at"],
        postgresql_where=sa.text("next_ask_at is not null"),
    )
    op.add_column("payments", sa.Column("origin", sa.Text(), nullable=True))
    op.create_unique_constraint("uq_payments_origin", "payments", ["origin"])
    for name in ("saved_customer", "saved_method", "decline_code"):
        op.add_column("payment_attempts", sa.Column(name, sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_attempts_saved"),
        "payment_attempts",
        "(saved_customer is null) = (saved_method is null)",
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
