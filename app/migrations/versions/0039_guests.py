"""Guests: passes for one payable, and payments that were made with one."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "guest_passes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "expires_at > created_at and expires_at <= created_at + interval '1 hour'",
            name="ck_guest_passes_expires_at",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_guest_passes"),
    )
    op.create_index("ix_guest_passes_expires_at", "guest_passes", ["expires_at"])
    op.add_column(
        "payments", sa.Column("by_guest", sa.Boolean(), nullable=False, server_default="false")
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
