"""Notifications: the inbox and its deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_messages"),
        sa.UniqueConstraint(
            "citizen_id", "kind", "subject", name="uq_inbox_messages_citizen_id_kind_subject"
        ),
    )
    newest_first = ["citizen_id", "created_at", "id"]
    op.create_index("ix_inbox_messages_citizen_id_created_at_id", "inbox_messages", newest_first)
    op.create_index(
        "ix_inbox_messages_unread",
        "inbox_messages",
        newest_first,
        postgresql_where=sa.text("read_at is null"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["inbox_messages.id"], name="fk_deliveries_message_id_inbox_messages"
        ),
        sa.UniqueConstraint("message_id", "channel", name="uq_deliveries_message_id_channel"),
        sa.CheckConstraint("channel in ('sms')", name="channel"),
        sa.CheckConstraint("status in ('queued', 'sent', 'undeliverable')", name="status"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
