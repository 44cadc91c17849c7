"""Traffic: where citizens are told of violations, and what they were reminded of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "plugin_traffic"


def upgrade() -> None:
    for table in ("vehicles", "licences", "contests", "reliefs"):
        op.add_column(
            table,
            sa.Column("letterbox", sa.Text(), nullable=False, server_default=""),
            schema=SCHEMA,
        )
    for table in ("vehicles", "licences"):
        op.add_column(table, sa.Column("watched_since", sa.DateTime(timezone=True)), schema=SCHEMA)
        op.create_index(f"ix_{table}_ask_after", table, ["ask_after"], schema=SCHEMA)
    op.create_index(
        "ix_dues_open_pay_by",
        "dues",
        ["pay_by"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "reminders",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pay_by", sa.Date(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reference", "kind", "pay_by", name="pk_reminders"),
        sa.ForeignKeyConstraint(
            ["reference"], [f"{SCHEMA}.dues.reference"], name="fk_reminders_reference_dues"
        ),
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
