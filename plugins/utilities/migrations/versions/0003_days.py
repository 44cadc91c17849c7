"""What a biller's day is read by, however many days there have been."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"
INDEXES = {
    "ix_bills_biller_paid_at": ("bills", ["biller", "paid_at"]),
    "ix_postings_biller_sent_at_key": ("postings", ["biller", "sent_at", "key"]),
    "ix_postings_biller_answered_at": ("postings", ["biller", "answered_at"]),
    "ix_postings_biller_answer_reference": ("postings", ["biller", "answer_reference"]),
}


def upgrade() -> None:
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns, schema=SCHEMA)


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
