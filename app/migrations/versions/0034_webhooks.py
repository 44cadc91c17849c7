"""Webhooks to integrators: endpoints, keys, feeds of events, deliveries and their attempts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("events", postgresql.JSONB(), nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("free_at", MOMENT, nullable=False),
        sa.Column("slow_failures", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status in ('active', 'disabled', 'removed')", name="status"),
        sa.CheckConstraint("scheme in ('v1a', 'v1')", name="scheme"),
        sa.CheckConstraint(
            "(status = 'disabled') = (disabled_because is not null)", name="disabled"
        ),
        sa.CheckConstraint("slow_failures >= 0", name="slow_failures"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoints"),
    )
    op.create_index("ix_webhook_endpoints_client_id_id", "webhook_endpoints", ["client_id", "id"])
    op.create_table(
        "webhook_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name="fk_webhook_keys_endpoint_id_webhook_endpoints",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_keys"),
    )
    op.create_index(
        "uq_webhook_keys_current",
        "webhook_keys",
        ["endpoint_id"],
        unique=True,
        postgresql_where=sa.text("expires_at is null"),
    )
    op.create_index(
        "uq_webhook_keys_leaving",
        "webhook_keys",
        ["endpoint_id"],
        unique=True,
        postgresql_where=sa.text("expires_at is not null"),
    )
    op.create_table(
        "webhook_topics",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "service", name="pk_webhook_topics"),
    )
    op.create_index("ix_webhook_topics_service", "webhook_topics", ["service"])
    op.create_table(
        "webhook_feeds",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("0 <= forgotten and forgotten <= last", name="forgotten"),
        sa.PrimaryKeyConstraint("client_id", name="pk_webhook_feeds"),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("happened_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "type in ('payment.succeeded', 'payment.item.fulfilled', 'payment.item.rejected', "
            "'payment.item.refunded', 'payment.refund.approved', 'payment.refund.succeeded', "
            "'payment.refund.failed', 'payment.refund.reversed', 'webhook.test')",
            name="type",
        ),
        sa.CheckConstraint("position > 0", name="position"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["webhook_feeds.client_id"],
            name="fk_webhook_events_client_id_webhook_feeds",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_events"),
        sa.UniqueConstraint("client_id", "position", name="uq_webhook_events_client_id_position"),
        sa.UniqueConstraint("client_id", "source_id", name="uq_webhook_events_client_id_source_id"),
    )
    op.create_index("ix_webhook_events_created_at", "webhook_events", ["created_at"])
    op.create_index("ix_webhook_events_citizen_id", "webhook_events", ["citizen_id"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint("state in ('pending', 'delivered', 'dead')", name="state"),
        sa.CheckConstraint("(state = 'pending') = (next_at is not null)", name="next_at"),
        sa.CheckConstraint("(state = 'pending') = (finished_at is null)", name="finished_at"),
        sa.CheckConstraint("0 <= tries and tries <= attempts", name="tries"),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["webhook_events.id"],
            name="fk_webhook_deliveries_event_id_webhook_events",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name="fk_webhook_deliveries_endpoint_id_webhook_endpoints",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint(
            "event_id", "endpoint_id", name="uq_webhook_deliveries_event_id_endpoint_id"
        ),
    )
    op.create_index(
        "ix_webhook_deliveries_endpoint_id_created_at_id",
        "webhook_deliveries",
        ["endpoint_id", "created_at", "id"],
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "next_at", "position"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("number > 0", name="number"),
        sa.CheckConstraint("octet_length(answer) <= 4096", name="answer"),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name="fk_webhook_attempts_delivery_id_webhook_deliveries",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_webhook_attempts"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
