"""Delegation: organisations, mandates and their scopes, guardianships, and what delegates did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("representative_id", sa.Uuid(), nullable=False),
        sa.Column("uscc_index", sa.LargeBinary(), nullable=False),
        sa.Column("uscc_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status = 'claimed' or decided_at is not null", name="decision"),
        sa.CheckConstraint("status in ('claimed', 'active', 'suspended', 'closed')", name="status"),
        sa.PrimaryKeyConstraint("id", name="pk_organisations"),
    )
    op.create_index(
        "ix_organisations_representative_id_created_at_id",
        "organisations",
        ["representative_id", "created_at", "id"],
    )
    op.create_index(
        "uq_organisations_claim",
        "organisations",
        ["representative_id", "uscc_index"],
        unique=True,
        postgresql_where=sa.text("status = 'claimed'"),
    )
    op.create_index(
        "uq_organisations_uscc_index",
        "organisations",
        ["uscc_index"],
        unique=True,
        postgresql_where=sa.text("status in ('active', 'suspended')"),
    )


def _mandates() -> None:
    op.create_table(
        "mandates",
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=True),
        sa.Column("delegate_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("for_organisation", sa.Boolean(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("consent_evidence", sa.Text(), nullable=True),
        sa.Column("counter_reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("attestation", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(consent = 'counter') = (counter_reason_sealed is not null)", name="counter"
        ),
        sa.CheckConstraint(
            "(status in ('expired', 'revoked', 'superseded', 'declined')) = (ended_at is not null)",
            name="end",
        ),
        sa.CheckConstraint("consent in ('app', 'sms', 'counter')", name="consent"),
        sa.CheckConstraint("named in ('principal', 'delegate')", name="named"),
        sa.CheckConstraint(
            "status <> 'awaiting_principal' or delegate_id is not null", name="delegate_agreed"
        ),
        sa.CheckConstraint(
            "status in ('drafted', 'awaiting_principal', 'active', 'expired', 'revoked', 'superseded', 'declined')",
            name="status",
        ),
        sa.CheckConstraint(
            "status not in ('active', 'expired', 'superseded') or (principal_id is not null and delegate_id is not null and starts_at is not null and expires_at is not null and attestation is not null and consent is not null)",
            name="begun",
        ),
        sa.CheckConstraint("days in (1, 31, 182, 365)", name="days"),
        sa.CheckConstraint(
            "extract(epoch from expires_at - starts_at) = days * 86400", name="term_is_exact"
        ),
        sa.CheckConstraint(
            "not for_organisation or organisation_id is not null", name="organisation"
        ),
        sa.CheckConstraint("octet_length(attestation) = 32", name="attestation"),
        sa.CheckConstraint("principal_id <> delegate_id", name="two"),
        sa.CheckConstraint("principal_id is not null or delegate_id is not null", name="somebody"),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name="fk_mandates_organisation_id_organisations",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mandates"),
    )
    op.create_index("ix_mandates_delegate_id_id", "mandates", ["delegate_id", "id"])
    op.create_index("ix_mandates_drafted_by_created_at", "mandates", ["drafted_by", "created_at"])
    op.create_index(
        "ix_mandates_expires_at_active",
        "mandates",
        ["expires_at"],
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index("ix_mandates_organisation_id_id", "mandates", ["organisation_id", "id"])
    op.create_index("ix_mandates_phone_index_created_at", "mandates", ["phone_index", "created_at"])
    op.create_index("ix_mandates_principal_id_id", "mandates", ["principal_id", "id"])
    op.create_index(
        "uq_mandates_active",
        "mandates",
        ["principal_id", "delegate_id", "organisation_id", "for_organisation"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "uq_mandates_open",
        "mandates",
        ["drafted_by", "named", "phone_index", "organisation_id", "for_organisation"],
        unique=True,
        postgresql_where=sa.text("status in ('drafted', 'awaiting_principal')"),
        postgresql_nulls_not_distinct=True,
    )


def _mandate_scopes() -> None:
    op.create_table(
        "mandate_scopes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("actions", postgresql.JSONB(), nullable=False),
        sa.Column("cap_per_day", sa.BigInteger(), nullable=True),
        sa.Column("cap_total", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "not actions ? 'pay' or coalesce(cap_per_day, cap_total) is not null",
            name="pay_has_a_cap",
        ),
        sa.CheckConstraint("cap_per_day between 1 and 200000000000", name="cap_per_day"),
        sa.CheckConstraint("cap_total between 1 and 200000000000", name="cap_total"),
        sa.CheckConstraint(
            'jsonb_array_length(actions) > 0 and actions <@ \'["view", "book", "pay", "submit"]\'',
            name="actions",
        ),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["mandates.id"], name="fk_mandate_scopes_mandate_id_mandates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mandate_scopes"),
        sa.UniqueConstraint("mandate_id", "service", name="uq_mandate_scopes_mandate_id_service"),
    )


def _guardianships() -> None:
    op.create_table(
        "guardianships",
        sa.Column("guardian_id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("child_index", sa.LargeBinary(), nullable=False),
        sa.Column("child_name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("child_sees_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(status = 'ended') = (ended_at is not null)", name="end"),
        sa.CheckConstraint("ending in ('of-age', 'court', 'staff')", name="ending"),
        sa.CheckConstraint("source in ('register', 'counter')", name="source"),
        sa.CheckConstraint("status in ('active', 'ended')", name="status"),
        sa.CheckConstraint("(ended_at is null) = (ending is null)", name="ending_is_said"),
        sa.CheckConstraint("child_sees_at < ends_at", name="ages"),
        sa.CheckConstraint("guardian_id <> child_id", name="two"),
        sa.PrimaryKeyConstraint("id", name="pk_guardianships"),
    )
    op.create_index("ix_guardianships_child_id_id", "guardianships", ["child_id", "id"])
    op.create_index("ix_guardianships_child_index", "guardianships", ["child_index"])
    op.create_index(
        "ix_guardianships_ends_at_active",
        "guardianships",
        ["ends_at"],
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index("ix_guardianships_guardian_id_id", "guardianships", ["guardian_id", "id"])
    op.create_index(
        "uq_guardianships_active",
        "guardianships",
        ["guardian_id", "child_index"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )


def _claim_tries() -> None:
    op.create_table(
        "claim_tries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claim_tries"),
    )
    op.create_index("ix_claim_tries_at", "claim_tries", ["at"])
    op.create_index("ix_claim_tries_citizen_id_at", "claim_tries", ["citizen_id", "at"])


def _delegate_acts() -> None:
    op.create_table(
        "delegate_acts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("power_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("services", postgresql.JSONB(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("action in ('view', 'book', 'pay', 'submit')", name="action"),
        sa.CheckConstraint("amount between 0 and 200000000000", name="amount"),
        sa.PrimaryKeyConstraint("id", name="pk_delegate_acts"),
        info={"append_only": True},
    )
    op.create_index("ix_delegate_acts_power_id_id", "delegate_acts", ["power_id", "id"])
    op.create_index(
        "ix_delegate_acts_subject_id",
        "delegate_acts",
        ["subject_id"],
        postgresql_where=sa.text("subject_id is not null"),
    )


def _payments() -> None:
    op.add_column("payments", sa.Column("mandate_id", sa.Uuid()))
    op.create_index(
        "ix_payments_mandate_id",
        "payments",
        ["mandate_id", "created_at"],
        postgresql_where=sa.text("mandate_id is not null"),
    )


def upgrade() -> None:
    _organisations()
    _mandates()
    _mandate_scopes()
    _guardianships()
    _claim_tries()
    _delegate_acts()
    _payments()


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
