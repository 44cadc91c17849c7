"""Private addresses at which calendars read what is due."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("citizen_reference", name="pk_feeds"),
        sa.UniqueConstraint("secret_digest", name="uq_feeds_secret_digest"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
