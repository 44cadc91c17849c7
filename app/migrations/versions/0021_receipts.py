"""Receipts are a room of their own: each names its citizen, none points into payments."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("fk_receipts_payment_id_payments", "receipts", type_="foreignkey")
    op.add_column("receipts", sa.Column("citizen_id", sa.Uuid(), nullable=True))
    op.execute("alter table receipts disable trigger receipts_is_append_only")
    op.execute(
        "update receipts set citizen_id = "
        "(select citizen_id from payments where payments.id = payment_id)"
    )
    op.execute("alter table receipts enable trigger receipts_is_append_only")
    op.alter_column("receipts", "citizen_id", nullable=False)
    op.create_index(
        "ix_receipts_citizen_id_issued_at_id", "receipts", ["citizen_id", "issued_at", "id"]
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
