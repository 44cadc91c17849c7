"""Payments: payments, items, attempts, refunds, receipts and the webhook inbox."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
