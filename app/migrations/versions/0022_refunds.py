"""Refunds decided by two: who asked and who decided, and how much of each item is back."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _items()
    _refunds()


def _items() -> None:
    for name in ("refunding_amount", "refunded_amount"):
        op.add_column("payment_items", sa.Column(name, sa.BigInteger()))
    op.execute(
        "update payment_items set refunded_amount = case status when 'refunded' then amount "
        "else 0 end, refunding_amount = case status when 'refunding' then amount else 0 end"
    )
    for name in ("refunding_amount", "refunded_amount"):
        op.alter_column("payment_items", name, nullable=False)
    op.drop_constraint("ck_payment_items_is_live", "payment_items")
    for name, rule in (
        (
            "is_live",
            (
                "is_live or status in ('waiting', 'refunded', 'under_review', 'refunding', "
                "'refund_failed')"
            ),
        ),
        (
            "refunds",
            (
                "refunded_amount >= 0 and refunding_amount >= 0 "
                "and refunded_amount + refunding_amount <= amount"
            ),
        ),
        ("refunded", "status <> 'refunded' or refunded_amount = amount"),
    ):
        op.create_check_constraint(name, "payment_items", rule)


def _refunds() -> None:
    for column in (
        sa.Column("requested_by", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("declined_because", sa.Text()),
    ):
        op.add_column("refunds", column)
    op.execute(
        "update refunds set requested_by = 'house', decided_by = 'rule:' || reason, "
        "decided_at = created_at"
    )
    op.alter_column("refunds", "requested_by", nullable=False)
    op.create_check_constraint("four_eyes", "refunds", "decided_by <> requested_by")
    op.create_check_constraint(
        "decided", "refunds", "(status = 'requested') = (decided_by is null)"
    )
    op.create_index("ix_refunds_status_id", "refunds", ["status", "id"])


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
