"""Certificates in forms that others verify: whose keys signed them, and whom they were shown."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "certificate_seals",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("first_used_at", MOMENT, nullable=False),
        sa.CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint"),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_certificate_seals"),
    )
    op.execute(
        "create trigger certificate_seals_is_append_only before update or delete or truncate"
        " on certificate_seals for each statement execute function refuse_change()"
    )
    op.create_table(
        "certificate_presentations",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("verifier_id", sa.Uuid(), nullable=True),
        sa.Column("verifier_title", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("redeemed_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status in ('offered', 'redeemed', 'expired')", name="status"),
        sa.CheckConstraint(
            "(status = 'redeemed') = (redeemed_at is not null)"
            " and (status = 'redeemed') = (verifier_id is not null)",
            name="redeemed",
        ),
        sa.CheckConstraint(
            "expires_at > created_at and expires_at <= created_at + interval '1 hour'",
            name="expires_at",
        ),
        sa.CheckConstraint("redeemed_at < expires_at", name="redeemed_at"),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.id"],
            name="fk_certificate_presentations_certificate_id_certificates",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_certificate_presentations"),
        sa.UniqueConstraint("token_digest", name="uq_certificate_presentations_token_digest"),
    )
    op.create_index(
        "ix_certificate_presentations_certificate_id_created_at_id",
        "certificate_presentations",
        ["certificate_id", "created_at", "id"],
    )
    op.create_index(
        "ix_certificate_presentations_citizen_id", "certificate_presentations", ["citizen_id"]
    )
    op.create_index(
        "ix_certificate_presentations_expires_at",
        "certificate_presentations",
        ["expires_at"],
        postgresql_where=sa.text("status = 'offered'"),
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
