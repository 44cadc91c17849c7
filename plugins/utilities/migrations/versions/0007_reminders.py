"""Reminders of what is due, and where a citizen is told of bills."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"


def upgrade() -> None:
    op.add_column(
        "accounts",
        sa.Column("letterbox", sa.Text(), nullable=False, server_default=""),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_bills_owed",
        "bills",
        ["due_date"],
        postgresql_where=sa.text("status in ('open', 'partially_paid')"),
        schema=SCHEMA,
    )
    op.create_table(
        "reminders",
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("citizen_reference", "day", name="pk_reminders"),
        schema=SCHEMA,
    )
    op.create_index("ix_reminders_day", "reminders", ["day"], schema=SCHEMA)


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
