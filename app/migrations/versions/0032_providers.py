"""Providers: whoever provides services, their manifests, names, keys, badges, and one number."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATES = (
    "status in ('applied', 'document_review', 'sandbox', 'conformance_passed', 'canary', 'live', "
    "'suspended', 'offboarding', 'gone')"
)
STANDING = "suspended_from in ('sandbox', 'conformance_passed', 'canary', 'live')"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["provider_id"], ["providers.id"], name=f"fk_{table}_provider_id_providers"
    )


def _providers() -> None:
    op.create_table(
        "providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("status"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("name"),
        _text("transport"),
        sa.Column("client_id", sa.Uuid()),
        sa.Column("manifest_version", sa.Integer()),
        sa.Column("canary_percent", sa.Integer(), nullable=False),
        sa.Column("suspended_from", sa.Text()),
        sa.Column("reason_zh", sa.Text()),
        sa.Column("reason_en", sa.Text()),
        sa.Column("expected_return", MOMENT),
        sa.Column("payables_changed_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_providers"),
        sa.CheckConstraint(STATES, name="status"),
        sa.CheckConstraint("transport in ('in-process', 'remote')", name="transport"),
        sa.CheckConstraint(
            "name ~ '^[a-z][a-z0-9]+(_[a-z0-9]+)*$' and length(name) <= 30", name="name"
        ),
        sa.CheckConstraint(
            "(transport = 'remote') = (client_id is not null) "
            "and (client_id is null) = (manifest_version is null)",
            name="whose",
        ),
        sa.CheckConstraint(
            "transport = 'remote' or status in ('live', 'suspended')", name="in_process"
        ),
        sa.CheckConstraint(
            "(status = 'suspended') = (suspended_from is not null) "
            "and (suspended_from is null) = (reason_zh is null) "
            "and (reason_zh is null) = (reason_en is null) "
            "and (expected_return is null or suspended_from is not null)",
            name="suspended",
        ),
        sa.CheckConstraint(STANDING, name="suspended_from"),
        sa.CheckConstraint("canary_percent between 1 and 100", name="canary_percent"),
        sa.UniqueConstraint("name", name="uq_providers_name"),
    )
    op.create_index("ix_providers_client_id", "providers", ["client_id"])
    op.create_index("ix_providers_created_at_id", "providers", ["created_at", "id"])


def _manifests() -> None:
    op.create_table(
        "provider_manifests",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("digest"),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "number", name="pk_provider_manifests"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
        sa.UniqueConstraint(
            "provider_id", "digest", name="uq_provider_manifests_provider_id_digest"
        ),
        _owner("provider_manifests"),
    )
    op.create_foreign_key(
        "fk_providers_released",
        "providers",
        "provider_manifests",
        ["id", "manifest_version"],
        ["provider_id", "number"],
        deferrable=True,
        initially="DEFERRED",
    )


def _claims_and_keys() -> None:
    op.create_table(
        "provider_claims",
        _text("kind"),
        _text("id"),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_provider_claims"),
        sa.CheckConstraint("kind in ('service', 'payee')", name="kind"),
        _owner("provider_claims"),
    )
    op.create_index("ix_provider_claims_provider_id", "provider_claims", ["provider_id"])
    op.create_table(
        "provider_keys",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        _text("kid"),
        _text("x"),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT),
        sa.PrimaryKeyConstraint("provider_id", "kid", name="pk_provider_keys"),
        sa.CheckConstraint("x ~ '^[A-Za-z0-9_-]{43}$'", name="x"),
        sa.CheckConstraint("retired_at >= added_at", name="retired_at"),
        sa.UniqueConstraint("provider_id", "x", name="uq_provider_keys_provider_id_x"),
        _owner("provider_keys"),
    )


def _pauses() -> None:
    op.create_table(
        "provider_pauses",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        _text("service"),
        _text("reason_zh"),
        _text("reason_en"),
        sa.Column("expected_return", MOMENT),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "service", name="pk_provider_pauses"),
        _owner("provider_pauses"),
    )


def _badges() -> None:
    op.create_table(
        "provider_badges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        _text("manifest_digest"),
        sa.Column("contract", sa.Integer(), nullable=False),
        sa.Column("duties", postgresql.JSONB(), nullable=False),
        _text("jws"),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provider_badges"),
        sa.CheckConstraint("expires_at > issued_at", name="expires_at"),
        sa.CheckConstraint("manifest_digest ~ '^[0-9a-f]{64}$'", name="manifest_digest"),
        sa.UniqueConstraint("jws", name="uq_provider_badges_jws"),
        _owner("provider_badges"),
    )
    op.create_index(
        "ix_provider_badges_provider_id_expires_at",
        "provider_badges",
        ["provider_id", "expires_at"],
    )


def _epoch() -> None:
    epoch = op.create_table(
        "provider_epoch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provider_epoch"),
        sa.CheckConstraint("id = 1", name="id"),
        sa.CheckConstraint("number >= 1", name="number"),
    )
    op.bulk_insert(epoch, [{"id": 1, "number": 1}])


def upgrade() -> None:
    _providers()
    _manifests()
    _claims_and_keys()
    _pauses()
    _badges()
    _epoch()
    for table in ("provider_manifests", "provider_badges"):
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
