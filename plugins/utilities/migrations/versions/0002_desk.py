"""The billers' desk: who may speak for a biller, what was uploaded, what was done to a bill."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "plugin_utilities"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "desk_clients",
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("admitted_by", sa.Text(), nullable=False),
        sa.Column("admitted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("biller", "client_id", name="pk_desk_clients"),
        schema=SCHEMA,
    )
    op.create_table(
        "uploaded_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Integer()),
        sa.Column("updated", sa.Integer()),
        sa.Column("unchanged", sa.Integer()),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploaded_files"),
        sa.UniqueConstraint("biller", "number", name="uq_uploaded_files_biller_number"),
        sa.CheckConstraint(
            "created + updated + unchanged = lines", name="ck_uploaded_files_counts"
        ),
        sa.CheckConstraint("total >= 0", name="ck_uploaded_files_total"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_uploaded_files_biller_taken_at",
        "uploaded_files",
        ["biller", "taken_at"],
        schema=SCHEMA,
    )
    op.create_table(
        "bill_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("biller", sa.Text(), nullable=False),
        sa.Column("biller_reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount_before", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("due_date_before", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bill_changes"),
        sa.CheckConstraint("kind in ('amended', 'withdrawn')", name="ck_bill_changes_kind"),
        sa.CheckConstraint(
            "reason in ('court_settlement', 'write_off', 'correction', 'remission', 'duplicate',"
            " 'other')",
            name="ck_bill_changes_reason",
        ),
        sa.CheckConstraint("amount between 0 and 10000000000", name="ck_bill_changes_amount"),
        sa.CheckConstraint(
            "(kind = 'withdrawn') = (amount = amount_before and due_date = due_date_before)",
            name="ck_bill_changes_change",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_bill_changes_biller_changed_at",
        "bill_changes",
        ["biller", "changed_at"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
