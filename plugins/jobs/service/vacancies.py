"""Vacancies: posted and changed by members of a verified employer, published once checked.

Locks are taken in this order: employer, vacancy, revision. Whoever posts or publishes holds the
employer's row, so that none of its vacancies appears while it is being suspended.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.sdk import House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import (
    AdvertTerm,
    EmployerNotVerified,
    PositionsTaken,
    RevisionNotFound,
    VacancyClosed,
    VacancyKnown,
    VacancyNotFound,
)
from plugins.jobs.models import Employer, Hire, Vacancy, VacancyRevision, VacancySource
from plugins.jobs.service.adverts import check_advert
from plugins.jobs.service.closing import close_vacancies, close_vacancy
from plugins.jobs.service.employers import (
    acted_for,
    letterboxes_of,
    lock_employer,
    member_of,
)
from plugins.jobs.service.job_posting import write_job_posting
from plugins.jobs.values import (
    LIVE,
    MOST_DAYS_OPEN,
    Advert,
    CloseCause,
    EmployerReason,
    EmployerStatus,
    RevisionReason,
    RevisionStatus,
    RevisionView,
    SourceKind,
    VacancyStatus,
    VacancyView,
    city_today,
    monthly,
    plain_advert,
    read_advert,
    sameness_of,
    searched_words,
    terms_of,
)


def post_vacancy(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, advert: Advert
) -> VacancyView:
    """Post a vacancy as a draft for the desk to check.

    Raise `EmployerNotFound`, `EmployerNotVerified`, `AdvertTerm`, `AdvertRefused`, or
    `VacancyKnown` while the same one is open.
    """
    member_of(uow, citizen_reference, employer_id)
    check_term(advert)
    check_advert(advert)
    employer = _lock_verified(uow, employer_id)
    refuse_same(uow, employer.id, advert)
    vacancy, _ = open_vacancy(uow, employer, advert, cause="member")
    uow.add(
        VacancySource(
            kind=SourceKind.DIRECT,
            source_id=str(vacancy.id),
            vacancy_id=vacancy.id,
            content_digest=vacancy.sameness,
        )
    )
    uow.flush()
    return show_vacancy(uow, vacancy, employer)


def revise_vacancy(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, vacancy_id: UUID, advert: Advert
) -> VacancyView:
    """Propose another wording: it replaces one that waits, and is checked before it counts.

    A published vacancy is shown as it was until then. Raise as `post_vacancy` does, and
    `VacancyNotFound` or `VacancyClosed`.
    """
    member_of(uow, citizen_reference, employer_id)
    check_term(advert)
    check_advert(advert)
    employer = _lock_verified(uow, employer_id)
    vacancy = _lock_own(uow, employer_id, vacancy_id)
    if vacancy.status not in LIVE:
        raise VacancyClosed
    refuse_same(uow, employer.id, advert, but=vacancy.id)
    _refuse_fewer(uow, vacancy.id, advert)
    for waiting in _proposed(uow, vacancy.id):
        uow.move(waiting, RevisionStatus.SUPERSEDED, cause="member")
    uow.flush()
    propose(uow, vacancy, advert, vacancy.revision + 1, cause="member")
    vacancy.revision += 1
    if vacancy.status == VacancyStatus.DRAFT:
        lay(vacancy, employer, advert)
    uow.flush()
    return show_vacancy(uow, vacancy, employer)


def publish_vacancy(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, vacancy_id: UUID
) -> VacancyView:
    """Publish a vacancy that was verified.

    Raise `EmployerNotFound`, `EmployerNotVerified`, `VacancyNotFound`, or `IllegalMove` (a
    conflict) in any other state.
    """
    member_of(uow, citizen_reference, employer_id)
    employer = _lock_verified(uow, employer_id)
    vacancy = _lock_own(uow, employer_id, vacancy_id)
    uow.move(vacancy, VacancyStatus.PUBLISHED, cause="member")
    vacancy.published_at = now()
    uow.flush()
    return show_vacancy(uow, vacancy, employer)


def withdraw_vacancy(
    house: House, uow: UnitOfWork, citizen_reference: str, employer_id: UUID, vacancy_id: UUID
) -> VacancyView:
    """Take a vacancy back for good. Raise `VacancyNotFound` or `IllegalMove` (a conflict)."""
    employer = acted_for(uow, citizen_reference, employer_id)
    vacancy = _lock_own(uow, employer_id, vacancy_id)
    close_vacancy(house, uow, vacancy, VacancyStatus.WITHDRAWN, CloseCause.EMPLOYER_WITHDREW)
    return show_vacancy(uow, vacancy, employer)


def fill_vacancy(
    house: House, uow: UnitOfWork, citizen_reference: str, employer_id: UUID, vacancy_id: UUID
) -> VacancyView:
    """Say that a vacancy is filled. Raise `VacancyNotFound` or `IllegalMove` (a conflict)."""
    employer = acted_for(uow, citizen_reference, employer_id)
    vacancy = _lock_own(uow, employer_id, vacancy_id)
    close_vacancy(house, uow, vacancy, VacancyStatus.FILLED, CloseCause.EMPLOYER_FILLED)
    return show_vacancy(uow, vacancy, employer)


def list_own_vacancies(
    uow: UnitOfWork,
    citizen_reference: str,
    employer_id: UUID,
    page: PageRequest,
    status: str | None,
) -> Page[VacancyView]:
    """Return a page of an employer's vacancies for its members, the first posted first."""
    employer = acted_for(uow, citizen_reference, employer_id)
    statement = select(Vacancy).where(Vacancy.employer_id == employer_id)
    if status is not None:
        statement = statement.where(Vacancy.status == status)
    rows = fetch_page(uow, statement, [Vacancy.posted_at, Vacancy.id], page)
    sources = sources_of(uow, [row.id for row in rows.items])
    shown = [view_of(row, employer.name, sources) for row in rows.items]
    return Page(shown, rows.next_cursor)


def find_own_vacancy(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, vacancy_id: UUID
) -> VacancyView:
    """Return a vacancy of an employer that a citizen acts for, or raise `VacancyNotFound`."""
    employer = acted_for(uow, citizen_reference, employer_id)
    return show_vacancy(uow, _own(uow, employer_id, vacancy_id), employer)


def list_revisions(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, vacancy_id: UUID
) -> list[RevisionView]:
    """Return the wordings of a vacancy and what became of each, the first one first."""
    employer = acted_for(uow, citizen_reference, employer_id)
    _own(uow, employer_id, vacancy_id)
    rows = select(VacancyRevision).where(VacancyRevision.vacancy_id == vacancy_id)
    return [
        _show_revision(row, employer.id, employer.name)
        for row in uow.scalars(rows.order_by(VacancyRevision.number))
    ]


def find_vacancy(uow: UnitOfWork, vacancy_id: UUID) -> VacancyView:
    """Return a vacancy that is or was published, or raise `VacancyNotFound`."""
    vacancy = uow.get(Vacancy, vacancy_id)
    if vacancy is None or vacancy.published_at is None:
        raise VacancyNotFound
    return show_vacancy(uow, vacancy, uow.get_one(Employer, vacancy.employer_id))


def find_job_posting(uow: UnitOfWork, vacancy_id: UUID) -> bytes:
    """Return a vacancy that is open as JSON-LD, or raise `VacancyNotFound`."""
    vacancy = uow.get(Vacancy, vacancy_id)
    if vacancy is None or vacancy.status != VacancyStatus.PUBLISHED:
        raise VacancyNotFound
    employer = uow.get_one(Employer, vacancy.employer_id)
    return write_job_posting(show_vacancy(uow, vacancy, employer), employer.credit_code)


def list_waiting(uow: UnitOfWork, page: PageRequest) -> Page[RevisionView]:
    """Return a page of the wordings that wait for the desk, the oldest first."""
    waiting = select(VacancyRevision).where(VacancyRevision.status == RevisionStatus.PROPOSED)
    rows = fetch_page(uow, waiting, [VacancyRevision.made_at, VacancyRevision.id], page)
    whose = select(Vacancy.id, Employer.id, Employer.name).join(
        Employer, Employer.id == Vacancy.employer_id
    )
    ids = [row.vacancy_id for row in rows.items]
    names = {
        vacancy: (employer, name)
        for vacancy, employer, name in uow.execute(whose.where(Vacancy.id.in_(ids)))
    }
    shown = [_show_revision(row, *names[row.vacancy_id]) for row in rows.items]
    return Page(shown, rows.next_cursor)


def decide_revision(
    house: House,
    uow: UnitOfWork,
    officer: UUID,
    revision_id: UUID,
    reason: RevisionReason | None,
) -> RevisionView:
    """Let a wording count, or refuse it with a reason, and tell the employer's members.

    The first one that counts makes a draft verified. Raise `RevisionNotFound`, or `IllegalMove` (a
    conflict) when it was decided or replaced before; `EmployerNotVerified`, `VacancyKnown` when it
    cannot count any more.
    """
    found = uow.get(VacancyRevision, revision_id)
    if found is None:
        raise RevisionNotFound
    employer_id = uow.scalars(
        select(Vacancy.employer_id).where(Vacancy.id == found.vacancy_id)
    ).one()
    employer = lock_employer(uow, employer_id)
    vacancy = uow.lock(Vacancy, found.vacancy_id)
    revision = uow.lock(VacancyRevision, revision_id)
    to = RevisionStatus.APPLIED if reason is None else RevisionStatus.REFUSED
    uow.move(revision, to, cause=reason or "verified", officer=str(officer))
    revision.reason, revision.decided_by, revision.decided_at = reason, officer, now()
    if reason is None:
        _apply(uow, vacancy, employer, read_advert(revision.advert), officer)
    uow.flush()
    _tell_decision(house, uow, vacancy, revision)
    return _show_revision(revision, employer.id, employer.name)


def withdraw_by_desk(
    house: House, uow: UnitOfWork, officer: UUID, vacancy_id: UUID, cause: CloseCause
) -> VacancyView:
    """Withdraw a vacancy whatever its employer says, with the desk's reason.

    Raise `VacancyNotFound` or `IllegalMove` (a conflict).
    """
    if uow.get(Vacancy, vacancy_id) is None:
        raise VacancyNotFound
    vacancy = uow.lock(Vacancy, vacancy_id)
    close_vacancy(house, uow, vacancy, VacancyStatus.WITHDRAWN, cause, officer=officer)
    return show_vacancy(uow, vacancy, uow.get_one(Employer, vacancy.employer_id))


def suspend_employer(
    house: House, uow: UnitOfWork, officer: UUID, employer_id: UUID, reason: EmployerReason
) -> Employer:
    """Suspend an employer, and close everything that it advertises in the same transaction.

    Raise `EmployerNotFound` or `IllegalMove` (a conflict).
    """
    employer = lock_employer(uow, employer_id)
    uow.move(employer, EmployerStatus.SUSPENDED, cause=reason, officer=str(officer))
    employer.reason, employer.decided_by = reason, officer
    uow.flush()
    live = (
        select(Vacancy)
        .where(Vacancy.employer_id == employer_id, Vacancy.status.in_(LIVE))
        .order_by(Vacancy.id)
        .with_for_update()
    )
    closing = list(uow.scalars(live))
    close_vacancies(house, uow, closing, VacancyStatus.WITHDRAWN, CloseCause.EMPLOYER_SUSPENDED)
    for letterbox in letterboxes_of(uow, employer.id):
        subject = f"{employer.id}-{employer.version}"
        house.tell(uow, letterbox, "employer-suspended", subject, employer=employer.name)
    return employer


def check_term(advert: Advert) -> None:
    """Raise `AdvertTerm` when an advert's last day is past or too far away."""
    today = city_today()
    if not today <= advert.valid_through <= today + timedelta(days=MOST_DAYS_OPEN):
        raise AdvertTerm(most_days=MOST_DAYS_OPEN)


def refuse_same(
    uow: UnitOfWork, employer_id: UUID, advert: Advert, but: UUID | None = None
) -> None:
    """Raise `VacancyKnown` while the employer has the same vacancy open.

    The caller holds the employer's row: nobody else opens one meanwhile.
    """
    same = select(Vacancy.id).where(
        Vacancy.sameness == sameness_of(employer_id, advert), Vacancy.status.in_(LIVE)
    )
    if but is not None:
        same = same.where(Vacancy.id != but)
    known = uow.scalar(same)
    if known is not None:
        raise VacancyKnown(vacancy_id=str(known))


def hired_for(uow: UnitOfWork, vacancy_ids: Iterable[UUID]) -> Mapping[UUID, int]:
    """Return the last seat that is taken of each vacancy that somebody was hired for."""
    rows = (
        select(Hire.vacancy_id, func.max(Hire.seat))
        .where(Hire.vacancy_id.in_(list(vacancy_ids)))
        .group_by(Hire.vacancy_id)
    )
    return {vacancy_id: seat or 0 for vacancy_id, seat in uow.execute(rows)}


def open_vacancy(
    uow: UnitOfWork, employer: Employer, advert: Advert, *, cause: str
) -> tuple[Vacancy, VacancyRevision]:
    """Add a draft and its first wording; nothing is flushed."""
    vacancy = Vacancy(
        id=new_id(),
        status=VacancyStatus.DRAFT,
        employer_id=employer.id,
        revision=1,
        posted_at=now(),
    )
    lay(vacancy, employer, advert)
    uow.open_record(vacancy, cause=cause)
    return vacancy, propose(uow, vacancy, advert, 1, cause=cause)


def propose(
    uow: UnitOfWork, vacancy: Vacancy, advert: Advert, number: int, *, cause: str
) -> VacancyRevision:
    """Add a wording of a vacancy that waits to be checked; nothing is flushed."""
    revision = VacancyRevision(
        id=new_id(),
        status=RevisionStatus.PROPOSED,
        vacancy_id=vacancy.id,
        number=number,
        advert=plain_advert(advert),
        made_at=now(),
    )
    uow.open_record(revision, cause=cause)
    return revision


def lay(vacancy: Vacancy, employer: Employer, advert: Advert) -> None:
    """Let a wording count, with all that it is found by."""
    for name in Advert.__dataclass_fields__:
        setattr(vacancy, name, getattr(advert, name))
    vacancy.monthly_from = monthly(advert.pay_from, advert.pay_unit)
    vacancy.monthly_to = monthly(advert.pay_to, advert.pay_unit)
    vacancy.sameness = sameness_of(employer.id, advert)
    vacancy.title_words = searched_words(advert.title)
    vacancy.words = searched_words(advert.title, employer.name, advert.skills)
    vacancy.terms = terms_of(advert, employer.name)


def show_vacancy(uow: UnitOfWork, vacancy: Vacancy, employer: Employer) -> VacancyView:
    """Return a vacancy as it is shown."""
    return view_of(vacancy, employer.name, sources_of(uow, [vacancy.id]))


def view_of(
    vacancy: Vacancy,
    employer_name: str,
    sources: Mapping[UUID, tuple[Mapping[str, str], ...]],
) -> VacancyView:
    """Return a vacancy with its employer's name and the sources that were looked up."""
    return VacancyView(
        id=vacancy.id,
        employer_id=vacancy.employer_id,
        employer_name=employer_name,
        advert=advert_of(vacancy),
        status=vacancy.status,
        revision=vacancy.revision,
        sources=sources.get(vacancy.id, ()),
        posted_at=vacancy.posted_at,
        published_at=vacancy.published_at,
        closed_at=vacancy.closed_at,
        closed_cause=vacancy.closed_cause,
    )


def advert_of(vacancy: Vacancy) -> Advert:
    """Return the wording that counts."""
    return Advert(**{name: getattr(vacancy, name) for name in Advert.__dataclass_fields__})


def sources_of(
    uow: UnitOfWork, vacancy_ids: Iterable[UUID]
) -> Mapping[UUID, tuple[Mapping[str, str], ...]]:
    """Return where each of some vacancies was told of, in one statement."""
    rows = (
        select(VacancySource.vacancy_id, VacancySource.kind, VacancySource.source_id)
        .where(VacancySource.vacancy_id.in_(list(vacancy_ids)), VacancySource.gone_at.is_(None))
        .order_by(VacancySource.first_seen_at, VacancySource.kind, VacancySource.source_id)
    )
    found: dict[UUID, tuple[Mapping[str, str], ...]] = {}
    for vacancy_id, kind, source_id in uow.execute(rows):
        found[vacancy_id] = (*found.get(vacancy_id, ()), {"kind": kind, "id": source_id})
    return found


def _apply(
    uow: UnitOfWork, vacancy: Vacancy, employer: Employer, advert: Advert, officer: UUID
) -> None:
    if employer.status != EmployerStatus.VERIFIED:
        raise EmployerNotVerified
    refuse_same(uow, employer.id, advert, but=vacancy.id)
    _refuse_fewer(uow, vacancy.id, advert)
    lay(vacancy, employer, advert)
    if vacancy.status == VacancyStatus.DRAFT:
        uow.move(vacancy, VacancyStatus.VERIFIED, cause="desk", officer=str(officer))


def _refuse_fewer(uow: UnitOfWork, vacancy_id: UUID, advert: Advert) -> None:
    """Raise `PositionsTaken` for a wording with fewer positions than people were hired for."""
    hired = hired_for(uow, [vacancy_id]).get(vacancy_id, 0)
    if advert.open_positions < hired:
        raise PositionsTaken(hired=hired)


def _tell_decision(
    house: House, uow: UnitOfWork, vacancy: Vacancy, revision: VacancyRevision
) -> None:
    said = ("未通过审核", "was refused") if revision.reason else ("已通过审核", "was verified")
    for letterbox in letterboxes_of(uow, vacancy.employer_id):
        house.tell(
            uow,
            letterbox,
            "vacancy-decided",
            str(revision.id),
            vacancy=vacancy.title,
            outcome_zh=said[0],
            outcome_en=said[1],
        )


def _lock_verified(uow: UnitOfWork, employer_id: UUID) -> Employer:
    employer = lock_employer(uow, employer_id)
    if employer.status != EmployerStatus.VERIFIED:
        raise EmployerNotVerified
    return employer


def _own(uow: UnitOfWork, employer_id: UUID, vacancy_id: UUID) -> Vacancy:
    found: Vacancy | None = uow.scalar(
        select(Vacancy).where(Vacancy.id == vacancy_id, Vacancy.employer_id == employer_id)
    )
    if found is None:
        raise VacancyNotFound
    return found


def _lock_own(uow: UnitOfWork, employer_id: UUID, vacancy_id: UUID) -> Vacancy:
    _own(uow, employer_id, vacancy_id)
    return uow.lock(Vacancy, vacancy_id)


def _proposed(uow: UnitOfWork, vacancy_id: UUID) -> list[VacancyRevision]:
    waiting = (
        select(VacancyRevision)
        .where(
            VacancyRevision.vacancy_id == vacancy_id,
            VacancyRevision.status == RevisionStatus.PROPOSED,
        )
        .with_for_update()
    )
    return list(uow.scalars(waiting))


def _show_revision(
    revision: VacancyRevision, employer_id: UUID, employer_name: str
) -> RevisionView:
    return RevisionView(
        id=revision.id,
        vacancy_id=revision.vacancy_id,
        employer_id=employer_id,
        employer_name=employer_name,
        number=revision.number,
        status=revision.status,
        advert=read_advert(revision.advert),
        reason=revision.reason,
        made_at=revision.made_at,
    )
