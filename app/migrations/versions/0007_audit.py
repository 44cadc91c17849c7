"""The audit trail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid()),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sa.CheckConstraint("result in ('done', 'refused')", name="result"),
    )
    op.create_index(
        "ix_audit_entries_subject_id_at_id", "audit_entries", ["subject_id", "at", "id"]
    )
    op.create_index("ix_audit_entries_at_id", "audit_entries", ["at", "id"])
    op.execute(
        "create trigger audit_entries_is_append_only before update or delete or truncate "
        "on audit_entries for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
