"""Passkeys: whether a maker has signed that a key cannot leave its device."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "passkeys",
        sa.Column("is_bound", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    op.alter_column("passkeys", "is_bound", server_default=None)


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
