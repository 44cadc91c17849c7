"""Calls of clients, for their developers to look at."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client_requests",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.PrimaryKeyConstraint("request_id", name="pk_client_requests"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name="fk_client_requests_client_id_clients"
        ),
        sa.CheckConstraint("operation ~ '^[A-Z]+ /[^?[:space:]]*$'", name="operation"),
        sa.CheckConstraint("status between 100 and 599", name="status"),
        sa.CheckConstraint("milliseconds >= 0", name="milliseconds"),
        sa.CheckConstraint("code ~ '^[a-z][a-z0-9_-]{0,63}$'", name="code"),
    )
    op.create_index(
        "ix_client_requests_client_id_at_request_id",
        "client_requests",
        ["client_id", "at", "request_id"],
    )
    op.create_index("ix_client_requests_at", "client_requests", ["at"])


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
