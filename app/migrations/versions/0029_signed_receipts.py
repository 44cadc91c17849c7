"""Receipts are signed once: what was signed is kept, and the certificates that did it."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = ("receipt_certificates", "receipt_documents")


def upgrade() -> None:
    op.create_table(
        "receipt_certificates",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint"),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_receipt_certificates"),
    )
    op.create_table(
        "receipt_documents",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("form in ('pdf', 'jws')", name="form"),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name="fk_receipt_documents_receipt_id_receipts"
        ),
        sa.ForeignKeyConstraint(
            ["certificate"],
            ["receipt_certificates.fingerprint"],
            name="fk_receipt_documents_certificate_receipt_certificates",
        ),
        sa.PrimaryKeyConstraint("receipt_id", "form", name="pk_receipt_documents"),
    )
    for table in TABLES:
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
