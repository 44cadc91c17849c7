"""Indexes for lists that grow: deliveries by client, and questions by the way in they belong to."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_deliveries", sa.Column("client_id", sa.Uuid()))
    op.execute(
        "update webhook_deliveries d set client_id = e.client_id "
        "from webhook_endpoints e where e.id = d.endpoint_id"
    )
    op.alter_column("webhook_deliveries", "client_id", nullable=False)
    op.create_index(
        "ix_webhook_deliveries_client_id_created_at_id",
        "webhook_deliveries",
        ["client_id", "created_at", "id"],
    )
    op.create_index(
        "ix_webhook_deliveries_dead",
        "webhook_deliveries",
        ["client_id", "created_at", "id"],
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_interactions_entry_id",
        "interactions",
        ["entry_id"],
        postgresql_where=sa.text("entry_id is not null"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
