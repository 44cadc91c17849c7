"""Identity: sessions prove themselves again."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "step_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("challenge_id", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_step_ups"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name="fk_step_ups_session_id_sessions",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("means in ('passkey', 'password')", name="means"),
        sa.CheckConstraint("(means = 'password') = (challenge_id is not null)", name="challenge"),
    )
    op.create_index("ix_step_ups_session_id", "step_ups", ["session_id"])
    op.create_index("ix_step_ups_expires_at", "step_ups", ["expires_at"])


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
