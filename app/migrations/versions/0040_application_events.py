"""Integrators are told of applications, too."""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("ck_webhook_events_type", "webhook_events")
    op.create_check_constraint(
        "ck_webhook_events_type",
        "webhook_events",
        "type in ('payment.succeeded', 'payment.item.fulfilled', 'payment.item.rejected', "
        "'payment.item.refunded', 'payment.refund.approved', 'payment.refund.succeeded', "
        "'payment.refund.failed', 'payment.refund.reversed', 'application.submitted', "
        "'application.accepted', 'application.returned', 'application.decided', "
        "'application.completed', 'application.refused', 'application.withdrawn', "
        "'application.lapsed', 'webhook.test')",
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
