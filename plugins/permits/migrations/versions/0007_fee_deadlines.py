"""Until when fees are paid, when one is reminded, and when it was noted that the time is over."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "plugin_permits"


def upgrade() -> None:
    for column in ("due_at", "remind_at", "closed_at"):
        op.add_column("fees", sa.Column(column, sa.DateTime(timezone=True)), schema=SCHEMA)
    op.create_check_constraint(
        "remind_at", "fees", "due_at is not null or remind_at is null", schema=SCHEMA
    )
    op.create_check_constraint(
        "closed_at",
        "fees",
        "closed_at is null or (remind_at is null and closed_at >= due_at)",
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
