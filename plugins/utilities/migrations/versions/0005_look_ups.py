"""Look-ups of other people's accounts, and moving out of one's own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("moved_out_on", sa.Date()), schema=SCHEMA)
    op.create_table(
        "look_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary()),
        sa.Column("is_found", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_look_ups"),
        sa.CheckConstraint("is_found = (number_sealed is not null)", name="found"),
        schema=SCHEMA,
    )
    for column in ("citizen_reference", "number_index"):
        op.create_index(
            f"ix_look_ups_{column}_asked_at", "look_ups", [column, "asked_at"], schema=SCHEMA
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
