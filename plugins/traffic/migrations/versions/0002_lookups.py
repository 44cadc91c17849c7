"""Traffic: who may pay a decision that they know two facts of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "plugin_traffic"


def upgrade() -> None:
    op.create_table(
        "lookups",
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("violation_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("citizen_reference", "violation_id", name="pk_lookups"),
        sa.ForeignKeyConstraint(
            ["violation_id"], [f"{SCHEMA}.violations.id"], name="fk_lookups_violation_id_violations"
        ),
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
