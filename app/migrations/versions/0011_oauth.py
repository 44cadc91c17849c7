"""OAuth: integrators become clients; requests, interactions, grants, codes, tokens, devices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), nullable=False)


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _bytes(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, JSON, nullable=nullable)


def _state() -> tuple[sa.Column[str], sa.Column[int]]:
    return _text("status"), sa.Column("version", sa.Integer(), nullable=False)


def _of(table: str, column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"{target}.id"],
        name=f"fk_{table}_{column}_{target}",
        ondelete="CASCADE" if cascade else None,
    )


def _clients() -> None:
    op.create_table(
        "clients",
        _id(),
        *_state(),
        _text("name"),
        _text("name_en"),
        _text("profile"),
        _text("auth_method"),
        _json("grant_types"),
        _json("redirect_uris"),
        _json("post_logout_uris"),
        _text("backchannel_logout_uri", nullable=True),
        _json("jwks", nullable=True),
        _text("jwks_uri", nullable=True),
        _text("sector"),
        _text("department", nullable=True),
        sa.Column("needs_nonce", sa.Boolean(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
        sa.UniqueConstraint("name", name="uq_clients_name"),
        sa.CheckConstraint(
            "status in ('draft', 'sandbox', 'active', 'suspended', 'retired')", name="status"
        ),
        sa.CheckConstraint("profile in ('fapi', 'plain')", name="profile"),
        sa.CheckConstraint(
            "auth_method in "
            "('private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none')",
            name="auth_method",
        ),
        sa.CheckConstraint(
            "profile = 'plain' or auth_method = 'private_key_jwt'", name="fapi_has_a_key"
        ),
        sa.CheckConstraint(
            "auth_method <> 'private_key_jwt' or (jwks is null) <> (jwks_uri is null)",
            name="keys_in_one_place",
        ),
    )
    op.create_table(
        "client_scopes",
        _uuid("client_id"),
        _text("scope"),
        _moment("expires_at", nullable=True),
        sa.PrimaryKeyConstraint("client_id", "scope", name="pk_client_scopes"),
        _of("client_scopes", "client_id", "clients"),
    )
    op.create_table(
        "client_secrets",
        _id(),
        _uuid("client_id"),
        _bytes("digest"),
        _moment("created_at"),
        _moment("expires_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_client_secrets"),
        sa.UniqueConstraint("digest", name="uq_client_secrets_digest"),
        _of("client_secrets", "client_id", "clients"),
    )
    op.create_index("ix_client_secrets_client_id", "client_secrets", ["client_id"])


def _take_over() -> None:
    """Make clients of the integrators: with the secret, name and scopes that they have."""
    op.execute("""
        insert into clients (id, status, version, name, name_en, profile, auth_method, grant_types,
            redirect_uris, post_logout_uris, sector, needs_nonce, created_at)
        select id, case status when 'active' then 'active' else 'retired' end, version, name, '',
            'plain', 'client_secret_basic', '["client_credentials"]', '[]', '[]', name, false,
            created_at
        from integrators
    """)
    op.execute("""
        insert into client_scopes (client_id, scope)
        select id, jsonb_array_elements_text(scopes) from integrators
    """)
    op.execute("""
        insert into client_secrets (id, client_id, digest, created_at)
        select id, id, secret_digest, created_at from integrators
    """)
    op.drop_table("integrators")


def _questions() -> None:
    op.create_table(
        "pushed_requests",
        _id(),
        _uuid("client_id"),
        _bytes("digest"),
        _bytes("request_sealed"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_pushed_requests"),
        sa.UniqueConstraint("digest", name="uq_pushed_requests_digest"),
        _of("pushed_requests", "client_id", "clients"),
    )
    op.create_index("ix_pushed_requests_expires_at", "pushed_requests", ["expires_at"])
    op.create_table(
        "browser_sessions",
        _id(),
        _bytes("digest"),
        _uuid("citizen_id"),
        _uuid("session_id"),
        _json("amr"),
        _moment("authenticated_at"),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_browser_sessions"),
        sa.UniqueConstraint("digest", name="uq_browser_sessions_digest"),
    )
    op.create_index("ix_browser_sessions_session_id", "browser_sessions", ["session_id"])
    op.create_table(
        "interactions",
        _id(),
        _text("kind"),
        _uuid("client_id", nullable=True),
        _bytes("browser_digest"),
        _bytes("request_sealed"),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("decided_at", nullable=True),
        _text("outcome", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
        _of("interactions", "client_id", "clients"),
        sa.CheckConstraint("kind in ('authorize', 'device', 'logout')", name="kind"),
        sa.CheckConstraint("outcome in ('granted', 'refused')", name="outcome"),
        sa.CheckConstraint("(outcome is null) = (decided_at is null)", name="decision"),
    )
    op.create_index("ix_interactions_expires_at", "interactions", ["expires_at"])


def _grants() -> None:
    op.create_table(
        "grants",
        _id(),
        *_state(),
        _uuid("client_id"),
        _uuid("citizen_id", nullable=True),
        _uuid("actor_id", nullable=True),
        _uuid("mandate_id", nullable=True),
        _uuid("parent_id", nullable=True),
        _uuid("session_id", nullable=True),
        sa.Column("is_offline", sa.Boolean(), nullable=False),
        _json("scopes"),
        _json("id_token_claims"),
        _json("details"),
        _json("amr"),
        _text("acr"),
        _moment("auth_time", nullable=True),
        _text("nonce", nullable=True),
        _text("key_thumbprint", nullable=True),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        _of("grants", "client_id", "clients"),
        _of("grants", "parent_id", "grants"),
        sa.CheckConstraint("status in ('active', 'ended')", name="status"),
        sa.CheckConstraint("(status = 'ended') = (ended_at is not null)", name="end"),
        sa.CheckConstraint("(actor_id is null) = (mandate_id is null)", name="acting"),
        sa.CheckConstraint("citizen_id is not null or session_id is null", name="session"),
    )
    op.create_index("ix_grants_citizen_id_client_id", "grants", ["citizen_id", "client_id"])
    for column in ("session_id", "parent_id", "expires_at"):
        op.create_index(f"ix_grants_{column}", "grants", [column])
    op.create_table(
        "authorization_codes",
        _id(),
        _bytes("digest"),
        _uuid("client_id"),
        _uuid("grant_id"),
        _text("redirect_uri"),
        _text("code_challenge"),
        _text("key_thumbprint", nullable=True),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _text("used_with", nullable=True),
        _bytes("answer_sealed", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_authorization_codes"),
        sa.UniqueConstraint("digest", name="uq_authorization_codes_digest"),
        sa.UniqueConstraint("grant_id", name="uq_authorization_codes_grant_id"),
        _of("authorization_codes", "client_id", "clients"),
        _of("authorization_codes", "grant_id", "grants", cascade=True),
    )
    op.create_table(
        "grant_tokens",
        _id(),
        _uuid("grant_id"),
        _uuid("parent_id", nullable=True),
        _bytes("digest"),
        _text("state"),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_grant_tokens"),
        sa.UniqueConstraint("digest", name="uq_grant_tokens_digest"),
        _of("grant_tokens", "grant_id", "grants", cascade=True),
        sa.CheckConstraint("state in ('current', 'parent', 'spent', 'void')", name="state"),
    )
    op.create_index("ix_grant_tokens_grant_id", "grant_tokens", ["grant_id"])
    for state in ("current", "parent"):
        op.create_index(
            f"uq_grant_tokens_{state}",
            "grant_tokens",
            ["grant_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def _devices() -> None:
    op.create_table(
        "device_codes",
        _id(),
        _bytes("digest"),
        _bytes("user_code_digest"),
        _uuid("client_id"),
        _json("scopes"),
        _uuid("grant_id", nullable=True),
        _text("outcome", nullable=True),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        _moment("polled_at", nullable=True),
        _moment("used_at", nullable=True),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("id", name="pk_device_codes"),
        sa.UniqueConstraint("digest", name="uq_device_codes_digest"),
        sa.UniqueConstraint("user_code_digest", name="uq_device_codes_user_code_digest"),
        _of("device_codes", "client_id", "clients"),
        _of("device_codes", "grant_id", "grants", cascade=True),
        sa.CheckConstraint(
            "case outcome when 'granted' then grant_id is not null "
            "when 'refused' then grant_id is null else outcome is null and grant_id is null end",
            name="outcome",
        ),
    )
    op.create_index("ix_device_codes_expires_at", "device_codes", ["expires_at"])
    op.create_table(
        "user_code_guesses",
        _id(),
        _text("source"),
        _moment("at"),
        sa.PrimaryKeyConstraint("id", name="pk_user_code_guesses"),
    )
    op.create_index("ix_user_code_guesses_source_at", "user_code_guesses", ["source", "at"])
    op.create_index("ix_user_code_guesses_at", "user_code_guesses", ["at"])
    op.create_table(
        "seen_once",
        _bytes("digest"),
        _moment("forget_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_seen_once"),
    )
    op.create_index("ix_seen_once_forget_at", "seen_once", ["forget_at"])


def upgrade() -> None:
    _clients()
    _take_over()
    _questions()
    _grants()
    _devices()


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
