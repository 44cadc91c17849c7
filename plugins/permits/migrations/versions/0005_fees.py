"""Fees of tasks, and the name of whoever certificates are issued to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "plugin_permits"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("applications", sa.Column("holder_sealed", sa.LargeBinary()), schema=SCHEMA)
    op.create_table(
        "fees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("payment_key", sa.Text()),
        sa.Column("paid_at", MOMENT),
        sa.Column("booked_at", MOMENT),
        sa.Column("return_reason", sa.Text()),
        sa.Column("tried_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_fees"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            [f"{SCHEMA}.applications.id"],
            name="fk_fees_application_id_applications",
        ),
        sa.ForeignKeyConstraint(["task_id"], [f"{SCHEMA}.tasks.id"], name="fk_fees_task_id_tasks"),
        sa.CheckConstraint(
            "status in ('owed', 'paid', 'returned', 'returning', 'void')", name="status"
        ),
        sa.CheckConstraint("reference ~ '^fee[.][0-9a-f]{32}$'", name="reference"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint(
            "(status in ('paid', 'returned', 'returning')) = (payment_key is not null)",
            name="payment_key",
        ),
        sa.CheckConstraint("(payment_key is null) = (paid_at is null)", name="paid_at"),
        sa.CheckConstraint("(payment_key is null) = (booked_at is null)", name="booked_at"),
        sa.CheckConstraint(
            "(status in ('returned', 'returning')) = (return_reason is not null)",
            name="return_reason",
        ),
        schema=SCHEMA,
    )
    for column in ("reference", "task_id", "payment_key"):
        op.create_index(f"uq_fees_{column}", "fees", [column], unique=True, schema=SCHEMA)
    op.create_index("ix_fees_application_id", "fees", ["application_id"], schema=SCHEMA)
    op.create_index(
        "ix_fees_returning",
        "fees",
        ["tried_at", "id"],
        postgresql_where=sa.text("status = 'returning'"),
        schema=SCHEMA,
    )
    op.execute(
        "create trigger fees_move_legally before update of status "
        "on plugin_permits.fees for each row when (old.status is distinct from new.status) "
        "execute function plugin_permits.refuse_illegal_move('permits_fee')"
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
