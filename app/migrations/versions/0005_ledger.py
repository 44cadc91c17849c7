"""Ledger: accounts, transactions and entries, append-only and zero-sum."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
