"""Traffic: objections know the offence, so that similar ones are found without their violations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "plugin_traffic"


def upgrade() -> None:
    op.add_column("contests", sa.Column("offence_code", sa.Text()), schema=SCHEMA)
    op.execute(
        f"update {SCHEMA}.contests c set offence_code = v.offence_code"  # noqa: S608 - a constant
        f" from {SCHEMA}.violations v where v.id = c.violation_id"
    )
    op.alter_column("contests", "offence_code", nullable=False, schema=SCHEMA)
    op.create_index(
        "ix_contests_similar",
        "contests",
        ["offence_code", "decided_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("decided_at is not null"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
