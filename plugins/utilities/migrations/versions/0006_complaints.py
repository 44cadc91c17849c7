"""Complaints of bills and orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"
MOMENT = sa.DateTime(timezone=True)
LIVE = "status != 'closed' and citizen_reference is not null"


def upgrade() -> None:
    op.create_table(
        "complaints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("bill_id", sa.Uuid()),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("subject_number", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary()),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("unit", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("answer_sealed", sa.LargeBinary()),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_complaints"),
        sa.ForeignKeyConstraint(
            ["bill_id"], [f"{SCHEMA}.bills.id"], name="fk_complaints_bill_id_bills"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], [f"{SCHEMA}.orders.id"], name="fk_complaints_order_id_orders"
        ),
        sa.CheckConstraint(
            "status in ('registered', 'assigned', 'resolved', 'closed', 'reopened')", name="status"
        ),
        sa.CheckConstraint(
            "ground in ('amount', 'reading', 'tariff', 'payment', 'other')", name="ground"
        ),
        sa.CheckConstraint("outcome in ('upheld', 'partly', 'rejected')", name="outcome"),
        sa.CheckConstraint("(bill_id is null) != (order_id is null)", name="subject"),
        sa.CheckConstraint("status = 'registered' or unit is not null", name="unit"),
        sa.CheckConstraint(
            "status not in ('resolved', 'closed') or outcome is not null", name="resolved"
        ),
        sa.CheckConstraint("(citizen_reference is null) = (words_sealed is null)", name="words"),
        schema=SCHEMA,
    )
    for subject in ("bill", "order"):
        op.create_index(
            f"uq_complaints_live_{subject}",
            "complaints",
            ["citizen_reference", f"{subject}_id"],
            unique=True,
            postgresql_where=sa.text(LIVE),
            schema=SCHEMA,
        )
    op.create_index(
        "ix_complaints_biller_registered_at_id",
        "complaints",
        ["biller", "registered_at", "id"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
