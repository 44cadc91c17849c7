"""Identity: citizens, sessions, challenges, verifications, staff."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), nullable=False)


def _state() -> tuple[sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )


def _citizens() -> None:
    op.create_table(
        "data_keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_data_keys"),
    )
    op.create_table(
        "citizens",
        _id(),
        *_state(),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary()),
        sa.Column("resident_id_sealed", sa.LargeBinary()),
        sa.Column("resident_id_index", sa.LargeBinary()),
        sa.Column("assurance", sa.Text(), nullable=False),
        sa.Column("verified_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_citizens"),
        sa.CheckConstraint("status in ('active', 'locked', 'closed')", name="status"),
        sa.CheckConstraint("assurance in ('basic', 'verified', 'strong')", name="assurance"),
        sa.CheckConstraint(
            "assurance = 'basic' or (resident_id_index is not null and verified_at is not null)",
            name="assurance_is_earned",
        ),
    )
    for column in ("phone_index", "resident_id_index"):
        op.create_index(
            f"uq_citizens_{column}",
            "citizens",
            [column],
            unique=True,
            postgresql_where=sa.text("status <> 'closed'"),
        )


def _challenges() -> None:
    op.create_table(
        "challenges",
        _id(),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("code_sealed", sa.LargeBinary()),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("resend_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_challenges"),
        sa.CheckConstraint("purpose in ('login')", name="purpose"),
        sa.CheckConstraint("tries between 0 and 5", name="tries"),
    )
    for columns in (["phone_index", "created_at"], ["network", "created_at"], ["created_at"]):
        op.create_index(f"ix_challenges_{'_'.join(columns)}", "challenges", columns)
    op.create_table(
        "auth_counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("period", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "period", name="pk_auth_counters"),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        _id(),
        *_state(),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("device_name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("device_digest", sa.LargeBinary(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("idle_until", MOMENT, nullable=False),
        sa.Column("absolute_until", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizens.id"], name="fk_sessions_citizen_id_citizens"
        ),
        sa.CheckConstraint("status in ('active', 'ended')", name="status"),
        sa.CheckConstraint("(status = 'ended') = (ended_at is not null)", name="end"),
    )
    op.create_index(
        "ix_sessions_citizen_id_created_at_id", "sessions", ["citizen_id", "created_at", "id"]
    )
    for column, status in (("idle_until", "active"), ("ended_at", "ended")):
        where = sa.text(f"status = '{status}'")
        op.create_index(f"ix_sessions_{column}", "sessions", [column], postgresql_where=where)
    op.create_table(
        "refresh_tokens",
        _id(),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_tokens"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name="fk_refresh_tokens_session_id_sessions",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("digest", name="uq_refresh_tokens_digest"),
        sa.CheckConstraint("state in ('current', 'parent', 'spent', 'void')", name="state"),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    for state in ("current", "parent"):
        op.create_index(
            f"uq_refresh_tokens_{state}",
            "refresh_tokens",
            ["session_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def _verifications() -> None:
    op.create_table(
        "verifications",
        _id(),
        *_state(),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_verifications"),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizens.id"], name="fk_verifications_citizen_id_citizens"
        ),
        sa.CheckConstraint(
            "status in ('asked', 'verified', 'refused', 'unanswered')",
            name="status",
        ),
        sa.CheckConstraint("source in ('register')", name="source"),
    )
    op.create_index(
        "ix_verifications_citizen_id_asked_at", "verifications", ["citizen_id", "asked_at"]
    )


def _staff() -> None:
    op.create_table(
        "staff",
        _id(),
        *_state(),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("department", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.CheckConstraint("status in ('active', 'ended')", name="status"),
    )
    op.create_table(
        "staff_sessions",
        _id(),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_staff_sessions"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_staff_sessions_staff_id_staff"
        ),
        sa.CheckConstraint("means in ('sandbox')", name="means"),
    )
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])
    op.create_table(
        "integrators",
        _id(),
        *_state(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_integrators"),
        sa.UniqueConstraint("name", name="uq_integrators_name"),
        sa.UniqueConstraint("secret_digest", name="uq_integrators_secret_digest"),
        sa.CheckConstraint("status in ('active', 'ended')", name="status"),
    )


def upgrade() -> None:
    _citizens()
    _challenges()
    _sessions()
    _verifications()
    _staff()


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
