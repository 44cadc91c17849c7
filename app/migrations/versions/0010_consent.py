"""Consent: agreements, consents and their feeds, disclosures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
CONSUMER = "consumer ~ '^(app|(plugin|client|department|staff):[A-Za-z0-9._:-]{1,200})$'"
BASES = "('consent', 'contract', 'statutory-duty', 'emergency', 'law')"


def _agreements() -> None:
    op.create_table(
        "agreements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("revision_hash", sa.Text(), nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", "number", name="pk_agreements"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("kind in ('terms', 'notice', 'sharing')", name="kind"),
        sa.CheckConstraint(f"legal_basis in {BASES}", name="legal_basis"),
    )


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("consumer_title", postgresql.JSONB(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("agreement_number", sa.Integer(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("payload_hash", sa.Text()),
        sa.Column("method", sa.Text()),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("signed_at", MOMENT),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.ForeignKeyConstraint(
            ["agreement_id", "agreement_number"],
            ["agreements.id", "agreements.number"],
            name="fk_consents_agreement_id_agreement_number_agreements",
        ),
        sa.UniqueConstraint("consumer", "change", name="uq_consents_consumer_change"),
        sa.CheckConstraint(
            "status in ('draft', 'granted', 'withdrawn', 'expired', 'superseded')", name="status"
        ),
        sa.CheckConstraint(CONSUMER, name="consumer"),
        sa.CheckConstraint(
            "status = 'draft' or (payload_hash is not null and method is not null "
            "and signed_at is not null)",
            name="signed",
        ),
        sa.CheckConstraint(
            "(status in ('withdrawn', 'expired', 'superseded')) = (ended_at is not null)",
            name="end",
        ),
    )
    op.create_index(
        "uq_consents_granted",
        "consents",
        ["citizen_id", "consumer", "agreement_id"],
        unique=True,
        postgresql_where=sa.text("status = 'granted'"),
    )
    op.create_index(
        "ix_consents_citizen_id_created_at_id", "consents", ["citizen_id", "created_at", "id"]
    )
    op.create_index(
        "ix_consents_expires_at",
        "consents",
        ["expires_at"],
        postgresql_where=sa.text("status = 'granted' and expires_at is not null"),
    )
    op.create_table(
        "consent_feeds",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name="pk_consent_feeds"),
    )


def _disclosures() -> None:
    op.create_table(
        "disclosures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("consumer_title", postgresql.JSONB(), nullable=False),
        sa.Column("officer", sa.Text()),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("purpose", postgresql.JSONB(), nullable=False),
        sa.Column("consent_id", sa.Uuid()),
        sa.Column("mandate_id", sa.Uuid()),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("delay_reason", sa.Text()),
        sa.Column("hidden_until", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_disclosures"),
        sa.UniqueConstraint(
            "request_id", "citizen_id", "digest", name="uq_disclosures_request_id_citizen_id_digest"
        ),
        sa.CheckConstraint(CONSUMER, name="consumer"),
        sa.CheckConstraint(f"basis in {BASES}", name="basis"),
        sa.CheckConstraint("(basis = 'consent') = (consent_id is not null)", name="consent"),
        sa.CheckConstraint(
            "delay_reason in ('criminal-investigation', 'national-security', 'court-order')",
            name="delay_reason",
        ),
        sa.CheckConstraint("(delay_reason is null) = (hidden_until is null)", name="delay"),
        sa.CheckConstraint("hidden_until > at", name="hidden_until"),
        sa.CheckConstraint("jsonb_array_length(attributes) > 0", name="attributes"),
    )
    op.create_index("ix_disclosures_citizen_id_at_id", "disclosures", ["citizen_id", "at", "id"])


def upgrade() -> None:
    _agreements()
    _consents()
    _disclosures()
    for table in ("agreements", "disclosures"):
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
