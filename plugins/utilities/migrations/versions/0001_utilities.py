"""Utilities: linked accounts, bills, postings, bill files, attempts to link."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("holder_name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.Column("ask_after", MOMENT, nullable=False),
        sa.Column("refreshed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint(
            "citizen_reference",
            "biller",
            "number_index",
            name="uq_accounts_citizen_reference_biller_number_index",
        ),
        schema=SCHEMA,
    )
    op.create_table(
        "bills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("biller_reference", sa.Text(), nullable=False),
        sa.Column("account_index", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_at", MOMENT),
        sa.Column("posting_reference", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bills"),
        sa.UniqueConstraint("biller", "biller_reference", name="uq_bills_biller_biller_reference"),
        sa.CheckConstraint("amount between 0 and 10000000000", name="ck_bills_amount"),
        sa.CheckConstraint("period_from <= period_to", name="ck_bills_period"),
        sa.CheckConstraint("(status = 'paid') = (paid_at is not null)", name="ck_bills_paid_at"),
        sa.CheckConstraint("status in ('open', 'paid', 'withdrawn')", name="ck_bills_status"),
        sa.CheckConstraint("source in ('inquiry', 'file')", name="ck_bills_source"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_bills_biller_account_index_due_date_id",
        "bills",
        ["biller", "account_index", "due_date", "id"],
        schema=SCHEMA,
    )
    op.create_table(
        "postings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("biller_reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("answer_reference", sa.Text()),
        sa.Column("answered_at", MOMENT),
        sa.Column("refusal", sa.Text()),
        sa.PrimaryKeyConstraint("key", name="pk_postings"),
        sa.CheckConstraint("amount between 0 and 10000000000", name="ck_postings_amount"),
        sa.CheckConstraint(
            "(state = 'booked') = (answer_reference is not null)", name="ck_postings_answer"
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (refusal is not null)", name="ck_postings_refusal"
        ),
        sa.CheckConstraint(
            "state in ('unsent', 'sent', 'unclear', 'booked', 'refused')",
            name="ck_postings_state",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_postings_biller_biller_reference",
        "postings",
        ["biller", "biller_reference"],
        schema=SCHEMA,
    )
    op.create_table(
        "bill_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bill_files"),
        sa.UniqueConstraint("biller", "digest", name="uq_bill_files_biller_digest"),
        schema=SCHEMA,
    )
    op.create_table(
        "link_allowances",
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("attempts", postgresql.ARRAY(MOMENT), nullable=False),
        sa.PrimaryKeyConstraint("citizen_reference", name="pk_link_allowances"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
