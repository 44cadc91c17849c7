"""Credentials: passwords, passkeys, recovery codes, one-time codes, and what is counted."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
OWNER = "owner_kind in ('citizen', 'staff')"


def _owned(table: str, *columns: sa.Column[Any]) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.CheckConstraint(OWNER, name="owner_kind"),
    ]


def _passwords() -> None:
    op.create_table(
        "passwords",
        *_owned(
            "passwords",
            sa.Column("hash", sa.Text(), nullable=False),
            sa.Column("policy", sa.Text(), nullable=False),
            sa.Column("may_stand_alone", sa.Boolean(), nullable=False),
            sa.Column("set_at", MOMENT, nullable=False),
            sa.Column("replaced_at", MOMENT),
        ),
        sa.CheckConstraint("policy in ('citizen', 'operator')", name="policy"),
    )
    op.create_index(
        "uq_passwords_current",
        "passwords",
        ["owner_kind", "owner_id"],
        unique=True,
        postgresql_where=sa.text("replaced_at is null"),
    )
    op.create_index(
        "ix_passwords_owner_kind_owner_id_set_at", "passwords", ["owner_kind", "owner_id", "set_at"]
    )


def _passkeys() -> None:
    op.create_table(
        "passkeys",
        *_owned(
            "passkeys",
            sa.Column("credential_id", sa.LargeBinary(), nullable=False),
            sa.Column("public_key", sa.LargeBinary(), nullable=False),
            sa.Column("sign_count", sa.BigInteger(), nullable=False),
            sa.Column("is_synced", sa.Boolean(), nullable=False),
            sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("last_used_at", MOMENT),
        ),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
        sa.CheckConstraint("sign_count >= 0", name="sign_count"),
    )
    op.create_index("ix_passkeys_owner_kind_owner_id", "passkeys", ["owner_kind", "owner_id"])
    op.create_table(
        "passkey_ceremonies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge_digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.Text()),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_passkey_ceremonies"),
        sa.UniqueConstraint("challenge_digest", name="uq_passkey_ceremonies_challenge_digest"),
        sa.CheckConstraint("purpose in ('register', 'login', 'step-up', 'reset')", name="purpose"),
        sa.CheckConstraint("(owner_kind is null) = (owner_id is null)", name="owner"),
    )
    op.create_index("ix_passkey_ceremonies_created_at", "passkey_ceremonies", ["created_at"])


def _codes() -> None:
    op.create_table(
        "recovery_codes",
        *_owned(
            "recovery_codes",
            sa.Column("ordinal", sa.Integer(), nullable=False),
            sa.Column("hash", sa.Text(), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("used_at", MOMENT),
        ),
        sa.UniqueConstraint(
            "owner_kind",
            "owner_id",
            "ordinal",
            name="uq_recovery_codes_owner_kind_owner_id_ordinal",
        ),
        sa.CheckConstraint("ordinal between 0 and 9", name="ordinal"),
    )
    op.create_table(
        "totps",
        *_owned(
            "totps",
            sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
            sa.Column("last_step", sa.Integer(), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("confirmed_at", MOMENT),
        ),
        sa.UniqueConstraint("owner_kind", "owner_id", name="uq_totps_owner_kind_owner_id"),
    )


def _guesses() -> None:
    op.create_table(
        "guess_counters",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("consecutive", sa.Integer(), nullable=False),
        sa.Column("touched_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("account", "means", name="pk_guess_counters"),
        sa.CheckConstraint("consecutive between 0 and 100", name="consecutive"),
        sa.CheckConstraint("means in ('password', 'recovery-code', 'totp')", name="means"),
    )
    op.create_index("ix_guess_counters_touched_at", "guess_counters", ["touched_at"])
    op.create_table(
        "guesses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_guesses"),
    )
    op.create_index(
        "ix_guesses_account_means_source_at", "guesses", ["account", "means", "source", "at"]
    )
    op.create_index("ix_guesses_at", "guesses", ["at"])


def upgrade() -> None:
    _passwords()
    _passkeys()
    _codes()
    _guesses()


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
