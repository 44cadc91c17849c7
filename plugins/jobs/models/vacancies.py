"""Vacancies, their wordings and where they came from."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, now
from plugins.jobs.models.base import Base, one_of
from plugins.jobs.values import (
    HOURS_A_MONTH,
    MOST_PAY,
    CloseCause,
    Education,
    EmploymentType,
    PayUnit,
    RevisionReason,
    RevisionStatus,
    VacancyStatus,
)

_PER_MONTH = f"(case pay_unit when 'hour' then {HOURS_A_MONTH} else 1 end)"
_PUBLISHED = "status = 'published'"
_LIVE = "status in ('draft', 'verified', 'published')"


class Vacancy(Stateful, Base):
    """A vacancy: the wording that counts, and what it is found by.

    `open_positions` is how many are wanted in all. `sameness` is equal for adverts of the same
    work at the same employer, one of which is live. `*words` and `terms` are what searches look in;
    `monthly_from` and `monthly_to` are the pay as pays are compared.
    """

    ENTITY: ClassVar = "jobs_vacancy"
    FIRST: ClassVar = frozenset({VacancyStatus.DRAFT})
    MOVES: ClassVar = {
        VacancyStatus.DRAFT: frozenset(
            {VacancyStatus.VERIFIED, VacancyStatus.WITHDRAWN, VacancyStatus.EXPIRED}
        ),
        VacancyStatus.VERIFIED: frozenset(
            {VacancyStatus.PUBLISHED, VacancyStatus.WITHDRAWN, VacancyStatus.EXPIRED}
        ),
        VacancyStatus.PUBLISHED: frozenset(
            {
                VacancyStatus.FILLED,
                VacancyStatus.EXPIRED,
                VacancyStatus.WITHDRAWN,
                VacancyStatus.CLOSED_BY_CAP,
            }
        ),
        # Whoever applied in time can be hired after the last day, and after the last application.
        VacancyStatus.EXPIRED: frozenset({VacancyStatus.FILLED}),
        VacancyStatus.CLOSED_BY_CAP: frozenset({VacancyStatus.FILLED}),
        # A hire that is undone leaves a position open.
        VacancyStatus.FILLED: frozenset(
            {VacancyStatus.PUBLISHED, VacancyStatus.EXPIRED, VacancyStatus.CLOSED_BY_CAP}
        ),
    }

    __tablename__ = "vacancies"
    __table_args__ = (
        one_of("status", VacancyStatus),
        one_of("employment_type", EmploymentType),
        one_of("pay_unit", PayUnit),
        one_of("education", Education),
        one_of("closed_cause", CloseCause),
        CheckConstraint(f"pay_from between 1 and pay_to and pay_to <= {MOST_PAY}", name="pay"),
        CheckConstraint(
            f"monthly_from = pay_from * {_PER_MONTH} and monthly_to = pay_to * {_PER_MONTH}",
            name="monthly",
        ),
        CheckConstraint("open_positions >= 1", name="open_positions"),
        UniqueConstraint("id", "open_positions"),
        CheckConstraint("most_applications >= 1", name="most_applications"),
        CheckConstraint("response_promise_days >= 1", name="response_promise_days"),
        CheckConstraint("experience_months >= 0", name="experience_months"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint(f"({_LIVE}) = (closed_at is null)", name="closed_at"),
        CheckConstraint("(closed_at is null) = (closed_cause is null)", name="cause"),
        CheckConstraint(
            "status not in ('published', 'filled', 'closed_by_cap') or published_at is not null",
            name="published_at",
        ),
        CheckConstraint(
            "status not in ('draft', 'verified') or published_at is null", name="unpublished"
        ),
        Index("uq_vacancies_live_sameness", "sameness", unique=True, postgresql_where=_LIVE),
        Index(None, "employer_id", "posted_at", "id"),
        Index("ix_vacancies_to_expire", "valid_through", "id", postgresql_where=_LIVE),
        Index("ix_vacancies_fresh", "published_at", "id", postgresql_where=_PUBLISHED),
        Index("ix_vacancies_pay", "monthly_to", "id", postgresql_where=_PUBLISHED),
        Index(
            "ix_vacancies_terms",
            "terms",
            postgresql_using="gin",
            # A list of what was added last would be read from end to end by every search.
            postgresql_with={"fastupdate": "off"},
            postgresql_where=_PUBLISHED,
        ),
    )

    employer_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    title: Mapped[str]
    description: Mapped[str]
    employment_type: Mapped[str]
    district: Mapped[str]
    address: Mapped[str | None]
    pay_from: Mapped[int] = mapped_column(BigInteger)
    pay_to: Mapped[int] = mapped_column(BigInteger)
    pay_unit: Mapped[str]
    monthly_from: Mapped[int] = mapped_column(BigInteger)
    monthly_to: Mapped[int] = mapped_column(BigInteger)
    education: Mapped[str]
    experience_months: Mapped[int]
    qualifications: Mapped[str | None]
    skills: Mapped[str | None]
    open_positions: Mapped[int]
    most_applications: Mapped[int | None]
    response_promise_days: Mapped[int]
    direct_apply: Mapped[bool]
    valid_through: Mapped[date]
    revision: Mapped[int] = mapped_column(default=1)
    sameness: Mapped[bytes]
    title_words: Mapped[str]
    words: Mapped[str]
    terms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    posted_at: Mapped[datetime] = mapped_column(default=now)
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_cause: Mapped[str | None]


class VacancyRevision(Stateful, Base):
    """One wording of a vacancy: proposed, and applied once it was checked; one waits at a time."""

    ENTITY: ClassVar = "jobs_revision"
    FIRST: ClassVar = frozenset({RevisionStatus.PROPOSED})
    MOVES: ClassVar = {
        RevisionStatus.PROPOSED: frozenset(
            {RevisionStatus.APPLIED, RevisionStatus.REFUSED, RevisionStatus.SUPERSEDED}
        ),
    }

    __tablename__ = "vacancy_revisions"
    __table_args__ = (
        one_of("status", RevisionStatus),
        one_of("reason", RevisionReason),
        UniqueConstraint("vacancy_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(status = 'refused') = (reason is not null)", name="refused"),
        Index(
            "uq_vacancy_revisions_proposed",
            "vacancy_id",
            unique=True,
            postgresql_where="status = 'proposed'",
        ),
        Index(
            "ix_vacancy_revisions_waiting",
            "made_at",
            "id",
            postgresql_where="status = 'proposed'",
        ),
    )

    vacancy_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.vacancies.id"))
    number: Mapped[int]
    advert: Mapped[dict[str, Any]]
    reason: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    made_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the vacancy, whose timeline shows what became of its wordings."""
        return self.vacancy_id


class VacancySource(Base):
    """Where a vacancy was told of: its employer's own entry, or a feed's; each is there once.

    `content_digest` says whether a feed tells the same again. One that a full feed no longer
    names is `gone_at`.
    """

    __tablename__ = "vacancy_sources"
    __table_args__ = (Index(None, "vacancy_id"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    vacancy_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.vacancies.id"))
    content_digest: Mapped[bytes]
    first_seen_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    gone_at: Mapped[datetime | None]
