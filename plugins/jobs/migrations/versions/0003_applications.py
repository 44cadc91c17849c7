"""Curricula and the consents to show them, applications, hires and interviews."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "plugin_jobs"
MOMENT = sa.DateTime(timezone=True)
LIVING = "status in ('new', 'processing', 'postponed', 'pool', 'prior_to_hire')"
REFUSALS = (
    "'position_filled', 'lacks_skills', 'lacks_experience', 'lacks_qualification', 'lacks_licence',"
    " 'overqualified', 'salary_wish', 'working_hours', 'too_far_away', 'starts_too_late',"
    " 'not_reachable', 'missed_interview', 'position_withdrawn', 'other'"
)
CANCELS = (
    "'vacancy_withdrawn', 'vacancy_removed', 'employer_suspended', 'hire_fell_through',"
    " 'hire_denied'"
)


def upgrade() -> None:
    _make_cvs()
    _make_applications()
    _make_shares()
    _make_sights()
    _make_hires()
    _make_interviews()


def _key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{SCHEMA}.{referred}.id"], name=f"fk_{table}_{column}_{referred}"
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), schema=SCHEMA)


def _part(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, table, columns, unique=unique, postgresql_where=sa.text(where), schema=SCHEMA
    )


def _make_cvs() -> None:
    op.create_table(
        "cvs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("cv_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cvs"),
        sa.UniqueConstraint("citizen_reference", name="uq_cvs_citizen_reference"),
        sa.CheckConstraint("edition >= 1", name="edition"),
        schema=SCHEMA,
    )


def _make_applications() -> None:
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("vacancy_id", sa.Uuid(), nullable=False),
        sa.Column("employer_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("obsolete_by", sa.Uuid()),
        sa.Column("applied_at", MOMENT, nullable=False),
        sa.Column("remind_at", MOMENT, nullable=False),
        sa.Column("reminded_at", MOMENT),
        sa.Column("promised_until", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
        sa.UniqueConstraint("id", "vacancy_id", name="uq_applications_id_vacancy_id"),
        _key("applications", "vacancy_id", "vacancies"),
        _key("applications", "employer_id", "employers"),
        _key("applications", "obsolete_by", "applications"),
        sa.CheckConstraint(
            "status in ('new', 'processing', 'postponed', 'pool', 'prior_to_hire', 'accepted',"
            " 'refused', 'cancelled', 'obsolete', 'withdrawn', 'closed_no_answer')",
            name="status",
        ),
        sa.CheckConstraint(
            "(reason is null) = (status not in ('refused', 'cancelled'))"
            f" and (status != 'refused' or reason in ({REFUSALS}))"
            f" and (status != 'cancelled' or reason in ({CANCELS}))",
            name="reason",
        ),
        sa.CheckConstraint(f"citizen_reference is not null or not ({LIVING})", name="citizen"),
        sa.CheckConstraint("remind_at between applied_at and promised_until", name="remind_at"),
        sa.CheckConstraint("(status = 'obsolete') = (obsolete_by is not null)", name="obsolete_by"),
        sa.CheckConstraint("status != 'closed_no_answer' or answered_at is null", name="no_answer"),
        sa.CheckConstraint(
            "status not in ('postponed', 'pool', 'prior_to_hire', 'accepted')"
            " or answered_at is not null",
            name="answered",
        ),
        schema=SCHEMA,
    )
    _part(
        "uq_applications_living",
        "applications",
        ["citizen_reference", "vacancy_id"],
        LIVING,
        unique=True,
    )
    _index("applications", "citizen_reference", "applied_at", "id")
    _index("applications", "employer_id", "applied_at", "id")
    _index("applications", "obsolete_by")
    _part("ix_applications_open", "applications", ["vacancy_id"], LIVING)
    unanswered = "status in ('new', 'processing') and answered_at is null"
    _part(
        "ix_applications_to_remind",
        "applications",
        ["remind_at"],
        f"{unanswered} and reminded_at is null",
    )
    _part("ix_applications_to_close", "applications", ["promised_until"], unanswered)


def _make_shares() -> None:
    op.create_table(
        "cv_shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("employer_id", sa.Uuid()),
        sa.Column("application_id", sa.Uuid()),
        sa.Column("cv_sealed", sa.LargeBinary()),
        sa.Column("edition", sa.Integer()),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_cv_shares"),
        _key("cv_shares", "employer_id", "employers"),
        _key("cv_shares", "application_id", "applications"),
        sa.CheckConstraint("status in ('given', 'withdrawn', 'expired')", name="status"),
        sa.CheckConstraint("kind in ('application', 'employer', 'pool')", name="kind"),
        sa.CheckConstraint("(kind = 'pool') = (employer_id is null)", name="employer"),
        sa.CheckConstraint(
            "(kind = 'application') = (application_id is not null)", name="application"
        ),
        sa.CheckConstraint(
            "(cv_sealed is not null) = (kind = 'application' and status = 'given')", name="copy"
        ),
        sa.CheckConstraint("(cv_sealed is null) = (edition is null)", name="edition"),
        sa.CheckConstraint(
            "expires_at > given_at and expires_at <= given_at + interval '180 days'", name="expiry"
        ),
        sa.CheckConstraint("(status = 'given') = (ended_at is null)", name="ended"),
        sa.CheckConstraint("citizen_reference is not null or status != 'given'", name="citizen"),
        schema=SCHEMA,
    )
    given = "status = 'given'"
    _part(
        "uq_cv_shares_pool",
        "cv_shares",
        ["citizen_reference"],
        f"kind = 'pool' and {given}",
        unique=True,
    )
    _part(
        "uq_cv_shares_employer",
        "cv_shares",
        ["citizen_reference", "employer_id"],
        f"kind = 'employer' and {given}",
        unique=True,
    )
    _part("uq_cv_shares_application", "cv_shares", ["application_id"], given, unique=True)
    _index("cv_shares", "citizen_reference", "given_at", "id")
    _index("cv_shares", "application_id")
    _part(
        "ix_cv_shares_shown", "cv_shares", ["given_at", "id"], f"kind != 'application' and {given}"
    )
    _part("ix_cv_shares_ending", "cv_shares", ["expires_at"], given)


def _make_sights() -> None:
    op.create_table(
        "cv_sights",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text(), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("employer_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cv_sights"),
        _key("cv_sights", "share_id", "cv_shares"),
        _key("cv_sights", "employer_id", "employers"),
        sa.CheckConstraint("edition >= 1", name="edition"),
        schema=SCHEMA,
    )
    _index("cv_sights", "citizen_reference", "seen_at", "id")
    _index("cv_sights", "share_id")


def _make_hires() -> None:
    op.create_table(
        "hires",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("vacancy_id", sa.Uuid(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("open_positions", sa.Integer(), nullable=False),
        sa.Column("hired_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("application_id", name="pk_hires"),
        sa.UniqueConstraint("vacancy_id", "seat", name="uq_hires_vacancy_id_seat"),
        sa.ForeignKeyConstraint(
            ["application_id", "vacancy_id"],
            [f"{SCHEMA}.applications.id", f"{SCHEMA}.applications.vacancy_id"],
            name="fk_hires_application_id_vacancy_id_applications",
        ),
        sa.ForeignKeyConstraint(
            ["vacancy_id", "open_positions"],
            [f"{SCHEMA}.vacancies.id", f"{SCHEMA}.vacancies.open_positions"],
            name="fk_hires_vacancy_id_open_positions_vacancies",
            onupdate="CASCADE",
        ),
        sa.CheckConstraint("seat between 1 and open_positions", name="seat"),
        schema=SCHEMA,
    )


def _make_interviews() -> None:
    op.create_table(
        "interviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("invited_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interviews"),
        _key("interviews", "application_id", "applications"),
        sa.CheckConstraint(
            "status in ('invited', 'accepted', 'declined', 'cancelled')", name="status"
        ),
        sa.CheckConstraint("at > invited_at", name="at"),
        schema=SCHEMA,
    )
    _part(
        "uq_interviews_standing",
        "interviews",
        ["application_id"],
        "status in ('invited', 'accepted')",
        unique=True,
    )
    _index("interviews", "application_id", "invited_at")


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
