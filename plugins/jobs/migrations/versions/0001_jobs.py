"""Jobs: employers and who acts for them, vacancies with their wordings and sources."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "plugin_jobs"
MOMENT = sa.DateTime(timezone=True)
LIVE = "status in ('draft', 'verified', 'published')"
PUBLISHED = "status = 'published'"
MEMBER = "status in ('requested', 'active')"
PER_MONTH = "(case pay_unit when 'hour' then 174 else 1 end)"


def upgrade() -> None:
    _make_employers()
    _make_vacancies()
    _index_vacancies()
    _make_wordings()


def _make_employers() -> None:
    op.create_table(
        "employers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("credit_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("verified_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_employers"),
        sa.CheckConstraint(
            "status in ('requested', 'verified', 'suspended', 'refused')", name="status"
        ),
        sa.CheckConstraint(
            "reason in ('code-name-mismatch', 'not-registered', 'not-authorised', 'fraud',"
            " 'charged-applicants', 'discrimination', 'licence-revoked', 'other')",
            name="reason",
        ),
        sa.CheckConstraint("credit_code ~ '^[0-9A-Z]{18}$'", name="credit_code"),
        sa.CheckConstraint(
            "(status in ('refused', 'suspended')) = (reason is not null)", name="why"
        ),
        sa.CheckConstraint(
            "status not in ('verified', 'suspended') or verified_at is not null", name="verified_at"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_employers_living_code",
        "employers",
        ["credit_code"],
        unique=True,
        postgresql_where=sa.text("status != 'refused'"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_employers_status_registered_at_id",
        "employers",
        ["status", "registered_at", "id"],
        schema=SCHEMA,
    )
    op.create_table(
        "employer_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("employer_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_reference", sa.Text()),
        sa.Column("letterbox", sa.Text(), nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_employer_members"),
        sa.ForeignKeyConstraint(
            ["employer_id"],
            [f"{SCHEMA}.employers.id"],
            name="fk_employer_members_employer_id_employers",
        ),
        sa.CheckConstraint("status in ('requested', 'active', 'refused', 'ended')", name="status"),
        sa.CheckConstraint(f"not ({MEMBER}) or citizen_reference is not null", name="citizen"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_employer_members_living",
        "employer_members",
        ["employer_id", "citizen_reference"],
        unique=True,
        postgresql_where=sa.text(MEMBER),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_employer_members_citizen_reference",
        "employer_members",
        ["citizen_reference"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_employer_members_status_joined_at_id",
        "employer_members",
        ["status", "joined_at", "id"],
        schema=SCHEMA,
    )
    op.create_table(
        "employer_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("employer_id", sa.Uuid(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_employer_invitations"),
        sa.ForeignKeyConstraint(
            ["employer_id"],
            [f"{SCHEMA}.employers.id"],
            name="fk_employer_invitations_employer_id_employers",
        ),
        sa.UniqueConstraint("code_digest", name="uq_employer_invitations_code_digest"),
        sa.CheckConstraint("made_at < expires_at", name="expires_at"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_employer_invitations_employer_id_made_at",
        "employer_invitations",
        ["employer_id", "made_at"],
        schema=SCHEMA,
    )


def _make_vacancies() -> None:
    op.create_table(
        "vacancies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("employer_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("employment_type", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("pay_from", sa.BigInteger(), nullable=False),
        sa.Column("pay_to", sa.BigInteger(), nullable=False),
        sa.Column("pay_unit", sa.Text(), nullable=False),
        sa.Column("monthly_from", sa.BigInteger(), nullable=False),
        sa.Column("monthly_to", sa.BigInteger(), nullable=False),
        sa.Column("education", sa.Text(), nullable=False),
        sa.Column("experience_months", sa.Integer(), nullable=False),
        sa.Column("qualifications", sa.Text()),
        sa.Column("skills", sa.Text()),
        sa.Column("open_positions", sa.Integer(), nullable=False),
        sa.Column("most_applications", sa.Integer()),
        sa.Column("response_promise_days", sa.Integer(), nullable=False),
        sa.Column("direct_apply", sa.Boolean(), nullable=False),
        sa.Column("valid_through", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sameness", sa.LargeBinary(), nullable=False),
        sa.Column("title_words", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("terms", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("posted_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT),
        sa.Column("closed_at", MOMENT),
        sa.Column("closed_cause", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_vacancies"),
        sa.ForeignKeyConstraint(
            ["employer_id"], [f"{SCHEMA}.employers.id"], name="fk_vacancies_employer_id_employers"
        ),
        sa.UniqueConstraint("id", "open_positions", name="uq_vacancies_id_open_positions"),
        *_rules_of_vacancies(),
        schema=SCHEMA,
    )


def _rules_of_vacancies() -> list[sa.CheckConstraint]:
    rules = {
        "status": "status in ('draft', 'verified', 'published', 'filled', 'expired', 'withdrawn',"
        " 'closed_by_cap')",
        "employment_type": "employment_type in"
        " ('full_time', 'part_time', 'temporary', 'intern', 'other')",
        "pay_unit": "pay_unit in ('month', 'hour')",
        "education": "education in ('none', 'junior_secondary', 'senior_secondary', 'associate',"
        " 'bachelor', 'master', 'doctor')",
        "closed_cause": "closed_cause in ('positions-filled', 'employer-filled',"
        " 'valid-through-passed', 'employer-withdrew', 'employer-suspended', 'left-the-feed',"
        " 'applications-full', 'desk-fees', 'desk-discrimination', 'desk-false',"
        " 'desk-duplicate', 'desk-other')",
        "pay": "pay_from between 1 and pay_to and pay_to <= 100000000",
        "monthly": f"monthly_from = pay_from * {PER_MONTH} and monthly_to = pay_to * {PER_MONTH}",
        "open_positions": "open_positions >= 1",
        "most_applications": "most_applications >= 1",
        "response_promise_days": "response_promise_days >= 1",
        "experience_months": "experience_months >= 0",
        "revision": "revision >= 1",
        "closed_at": f"({LIVE}) = (closed_at is null)",
        "cause": "(closed_at is null) = (closed_cause is null)",
        "published_at": "status not in ('published', 'filled', 'closed_by_cap')"
        " or published_at is not null",
        "unpublished": "status not in ('draft', 'verified') or published_at is null",
    }
    return [sa.CheckConstraint(rule, name=name) for name, rule in rules.items()]


def _index_vacancies() -> None:
    op.create_index(
        "uq_vacancies_live_sameness",
        "vacancies",
        ["sameness"],
        unique=True,
        postgresql_where=sa.text(LIVE),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_vacancies_employer_id_posted_at_id",
        "vacancies",
        ["employer_id", "posted_at", "id"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_vacancies_to_expire",
        "vacancies",
        ["valid_through", "id"],
        postgresql_where=sa.text(LIVE),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_vacancies_fresh",
        "vacancies",
        ["published_at", "id"],
        postgresql_where=sa.text(PUBLISHED),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_vacancies_pay",
        "vacancies",
        ["monthly_to", "id"],
        postgresql_where=sa.text(PUBLISHED),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_vacancies_terms",
        "vacancies",
        ["terms"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
        postgresql_where=sa.text(PUBLISHED),
        schema=SCHEMA,
    )


def _make_wordings() -> None:
    op.create_table(
        "vacancy_revisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("vacancy_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("advert", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_vacancy_revisions"),
        sa.ForeignKeyConstraint(
            ["vacancy_id"],
            [f"{SCHEMA}.vacancies.id"],
            name="fk_vacancy_revisions_vacancy_id_vacancies",
        ),
        sa.UniqueConstraint("vacancy_id", "number", name="uq_vacancy_revisions_vacancy_id_number"),
        sa.CheckConstraint(
            "status in ('proposed', 'applied', 'refused', 'superseded')", name="status"
        ),
        sa.CheckConstraint(
            "reason in ('fees', 'discrimination', 'wage', 'contact', 'unclear', 'false', 'other')",
            name="reason",
        ),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("(status = 'refused') = (reason is not null)", name="refused"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_vacancy_revisions_proposed",
        "vacancy_revisions",
        ["vacancy_id"],
        unique=True,
        postgresql_where=sa.text("status = 'proposed'"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_vacancy_revisions_waiting",
        "vacancy_revisions",
        ["made_at", "id"],
        postgresql_where=sa.text("status = 'proposed'"),
        schema=SCHEMA,
    )
    op.create_table(
        "vacancy_sources",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("vacancy_id", sa.Uuid(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.PrimaryKeyConstraint("kind", "source_id", name="pk_vacancy_sources"),
        sa.ForeignKeyConstraint(
            ["vacancy_id"],
            [f"{SCHEMA}.vacancies.id"],
            name="fk_vacancy_sources_vacancy_id_vacancies",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_vacancy_sources_vacancy_id", "vacancy_sources", ["vacancy_id"], schema=SCHEMA
    )


def downgrade() -> None:
    raise NotImplementedError("the house goes forward only")
