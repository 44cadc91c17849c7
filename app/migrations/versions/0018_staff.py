"""Staff: offices that are kept apart, roles, invitations, sessions, four eyes, elevations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
OFFICE_OF = (
    "case role when 'system-admin' then 'system' when 'security-admin' then 'security' "
    "when 'auditor' then 'audit' else 'operations' end"
)


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), nullable=False)


def _state() -> tuple[sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )


def _append_only(table: str) -> None:
    op.execute(
        f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
        "for each statement execute function refuse_change()"
    )


def _members() -> None:
    for name, kind in (("login", sa.Text()), ("office", sa.Text()), ("last_seen_at", MOMENT)):
        op.add_column("staff", sa.Column(name, kind))
    op.execute(f"update staff set office = {OFFICE_OF}")  # noqa: S608 - the constant above
    op.alter_column("staff", "office", nullable=False)
    op.drop_constraint("ck_staff_status", "staff")
    for name, rule in (
        ("status", "status in ('invited', 'active', 'suspended', 'ended')"),
        ("office", "office in ('system', 'security', 'audit', 'operations')"),
        ("login", "login ~ '^[a-z][a-z0-9._-]{2,39}$'"),
    ):
        op.create_check_constraint(name, "staff", rule)
    op.create_unique_constraint("uq_staff_login", "staff", ["login"])
    op.create_unique_constraint("uq_staff_id_office", "staff", ["id", "office"])
    op.create_index("ix_staff_created_at_id", "staff", ["created_at", "id"])
    op.create_table(
        "staff_roles",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "role", name="pk_staff_roles"),
        sa.ForeignKeyConstraint(
            ["staff_id", "office"],
            ["staff.id", "staff.office"],
            name="fk_staff_roles_staff_id_office_staff",
        ),
        sa.CheckConstraint(f"office = {OFFICE_OF}", name="role_fits_office"),
    )
    op.execute(
        "insert into staff_roles (staff_id, role, office, granted_at) "
        "select id, role, office, created_at from staff"
    )
    op.drop_column("staff", "role")
    op.create_table(
        "staff_invitations",
        _id(),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_staff_invitations"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_staff_invitations_staff_id_staff"
        ),
        sa.UniqueConstraint("token_digest", name="uq_staff_invitations_token_digest"),
    )
    op.create_index(
        "uq_staff_invitations_open",
        "staff_invitations",
        ["staff_id"],
        unique=True,
        postgresql_where=sa.text("used_at is null"),
    )


def _sessions() -> None:
    for name, kind in (
        ("status", sa.Text()),
        ("version", sa.Integer()),
        ("second_factor", sa.Text()),
        ("password_expired", sa.Boolean()),
        ("secret_digest", sa.LargeBinary()),
        ("last_seen_at", MOMENT),
        ("idle_until", MOMENT),
        ("stepped_up_at", MOMENT),
    ):
        op.add_column("staff_sessions", sa.Column(name, kind))
    op.execute(
        "update staff_sessions set version = 1, password_expired = false, "
        "status = case when ended_at is null then 'active' else 'ended' end, "
        "last_seen_at = created_at, idle_until = expires_at"
    )
    for name in ("status", "version", "password_expired", "last_seen_at", "idle_until"):
        op.alter_column("staff_sessions", name, nullable=False)
    op.drop_constraint("ck_staff_sessions_means", "staff_sessions")
    for name, rule in (
        ("means", "means in ('sandbox', 'password')"),
        ("status", "status in ('waiting', 'active', 'ended')"),
        ("end", "(status = 'ended') = (ended_at is not null)"),
        (
            "second_factor_always",
            "status <> 'active' or means = 'sandbox' or second_factor is not null",
        ),
        ("second_factor", "second_factor in ('totp', 'passkey')"),
        ("absolute", "expires_at <= created_at + interval '8 hours'"),
    ):
        op.create_check_constraint(name, "staff_sessions", rule)
    op.create_unique_constraint(
        "uq_staff_sessions_secret_digest", "staff_sessions", ["secret_digest"]
    )
    op.drop_index("ix_staff_sessions_staff_id", "staff_sessions")
    op.create_index(
        "ix_staff_sessions_staff_id_created_at_id",
        "staff_sessions",
        ["staff_id", "created_at", "id"],
    )
    op.create_index(
        "uq_staff_sessions_one_is_open",
        "staff_sessions",
        ["staff_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active' and means <> 'sandbox'"),
    )


def _requests() -> None:
    op.create_table(
        "staff_requests",
        _id(),
        *_state(),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff_requests"),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff.id"], name="fk_staff_requests_requested_by_staff"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff.id"], name="fk_staff_requests_decided_by_staff"
        ),
        sa.CheckConstraint(
            "status in ('requested', 'approved', 'executed', 'rejected', 'expired')",
            name="status",
        ),
        sa.CheckConstraint("decided_by <> requested_by", name="four_eyes"),
        sa.CheckConstraint(
            "(status in ('approved', 'executed', 'rejected')) = (decided_by is not null)",
            name="decided_by_somebody",
        ),
        sa.CheckConstraint("(decided_by is null) = (decided_at is null)", name="decided_at"),
        sa.CheckConstraint("expires_at <= created_at + interval '24 hours'", name="one_day"),
    )
    op.create_index("ix_staff_requests_created_at_id", "staff_requests", ["created_at", "id"])
    op.create_index(
        "ix_staff_requests_open",
        "staff_requests",
        ["expires_at"],
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.create_table(
        "staff_elevations",
        _id(),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff_elevations"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_staff_elevations_staff_id_staff"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["staff_requests.id"],
            name="fk_staff_elevations_request_id_staff_requests",
        ),
        sa.UniqueConstraint("request_id", name="uq_staff_elevations_request_id"),
        sa.CheckConstraint(
            "ends_at > begins_at and ends_at <= begins_at + interval '60 minutes'",
            name="one_hour",
        ),
    )
    op.create_index(
        "ix_staff_elevations_staff_id_ends_at", "staff_elevations", ["staff_id", "ends_at"]
    )
    _append_only("staff_elevations")


def _unmaskings() -> None:
    op.create_table(
        "staff_unmaskings",
        _id(),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff_unmaskings"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_staff_unmaskings_staff_id_staff"
        ),
        sa.CheckConstraint(
            "attribute in ('phone', 'name', 'resident_id', 'masked')", name="attribute"
        ),
    )
    op.create_index("ix_staff_unmaskings_staff_id_at", "staff_unmaskings", ["staff_id", "at"])
    _append_only("staff_unmaskings")


def upgrade() -> None:
    _members()
    _sessions()
    _requests()
    _unmaskings()


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
