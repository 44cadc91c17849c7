"""Feeds of vacancies: who sends them, and the files that came."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "plugin_jobs"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("feed", name="pk_feeds"),
        schema=SCHEMA,
    )
    op.create_table(
        "feed_clients",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("admitted_by", sa.Text(), nullable=False),
        sa.Column("admitted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("feed", "client_id", name="pk_feed_clients"),
        schema=SCHEMA,
    )
    counts = ("lines", "created", "merged", "updated", "unchanged", "refused", "closed")
    op.create_table(
        "feed_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed_files"),
        sa.CheckConstraint(
            "created + merged + updated + unchanged + refused = lines", name="counts"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_feed_files_feed_taken_at_id",
        "feed_files",
        ["feed", "taken_at", "id"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
