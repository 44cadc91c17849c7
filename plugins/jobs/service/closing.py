"""The end of a vacancy: never without a cause, and those who applied are told of it.

One that hires had filled opens again when a hire is undone, as long as it could be open.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from app.sdk import House, UnitOfWork, now
from plugins.jobs.models import Application, Employer, Vacancy, VacancyRevision, VacancySource
from plugins.jobs.service.applicants import answer_closed_vacancies
from plugins.jobs.values import (
    LIVE,
    CloseCause,
    EmployerStatus,
    RevisionStatus,
    VacancyStatus,
    city_today,
)

_BATCH = 100
_ANSWERED_BY_THEMSELVES = (CloseCause.POSITIONS_FILLED, CloseCause.APPLICATIONS_FULL)
"""A hire answers those who applied, and a full list of applications goes on."""


def close_vacancy(
    house: House,
    uow: UnitOfWork,
    vacancy: Vacancy,
    to: VacancyStatus,
    cause: CloseCause,
    officer: UUID | None = None,
) -> None:
    """Close a vacancy whose row the caller has locked, and whatever waits for it.

    Raise `IllegalMove` (a conflict) when its state allows no such end.
    """
    close_vacancies(house, uow, [vacancy], to, cause, officer)


def close_vacancies(
    house: House,
    uow: UnitOfWork,
    vacancies: Sequence[Vacancy],
    to: VacancyStatus,
    cause: CloseCause,
    officer: UUID | None = None,
) -> None:
    """Close many vacancies at once, as `close_vacancy` does one."""
    for vacancy in vacancies:
        uow.move(vacancy, to, cause=cause, officer=officer and str(officer))
        vacancy.closed_at, vacancy.closed_cause = now(), cause
    waiting = select(VacancyRevision).where(
        VacancyRevision.vacancy_id.in_([vacancy.id for vacancy in vacancies]),
        VacancyRevision.status == RevisionStatus.PROPOSED,
    )
    for revision in uow.scalars(waiting.order_by(VacancyRevision.id).with_for_update()):
        uow.move(revision, RevisionStatus.SUPERSEDED, cause=cause)
    uow.flush()
    if cause not in _ANSWERED_BY_THEMSELVES:
        answer_closed_vacancies(house, uow, vacancies)


def reopen_vacancy(uow: UnitOfWork, vacancy: Vacancy, employer: Employer) -> bool:
    """Let a vacancy that hires had filled hire again; say whether it is published again.

    The caller holds its lock and its employer's. After its last day, or with all the applications
    that were wanted, it hires whoever has applied, as others do that were closed so. It stays
    filled when its employer said so, is not verified or advertises the same work anew, and when no
    feed that told of it does so any more.
    """
    is_filled = vacancy.status == VacancyStatus.FILLED
    if not is_filled or vacancy.closed_cause != CloseCause.POSITIONS_FILLED:
        return False
    if employer.status != EmployerStatus.VERIFIED or _is_left_or_known(uow, vacancy):
        return False
    cause: CloseCause | None = None
    if vacancy.valid_through < city_today():
        to, cause = VacancyStatus.EXPIRED, CloseCause.VALID_THROUGH_PASSED
    elif has_enough_applications(uow, vacancy):
        to, cause = VacancyStatus.CLOSED_BY_CAP, CloseCause.APPLICATIONS_FULL
    else:
        to = VacancyStatus.PUBLISHED
    uow.move(vacancy, to, cause="hire-undone")
    vacancy.closed_cause = cause
    vacancy.closed_at = None if cause is None else now()
    uow.flush()
    return cause is None


def has_enough_applications(uow: UnitOfWork, vacancy: Vacancy) -> bool:
    """Say whether a vacancy has as many applications as its employer wants to look at."""
    if vacancy.most_applications is None:
        return False
    received = select(func.count()).where(Application.vacancy_id == vacancy.id)
    return (uow.scalar(received) or 0) >= vacancy.most_applications


def expire_vacancies(house: House) -> None:
    """Close what was valid through a day that is over: a bounded number, each with its cause.

    Rows that another worker has are left to it; what is not reached now comes with the next call.
    """
    today = city_today()
    for _ in range(_BATCH):
        with house.unit_of_work() as uow:
            vacancy = _take_over(uow, today)
            if vacancy is None:
                return
            close_vacancy(
                house, uow, vacancy, VacancyStatus.EXPIRED, CloseCause.VALID_THROUGH_PASSED
            )


def _is_left_or_known(uow: UnitOfWork, vacancy: Vacancy) -> bool:
    """Say whether nobody tells of a vacancy any more, or the same one is open."""
    sources = select(VacancySource.gone_at).where(VacancySource.vacancy_id == vacancy.id)
    gone = uow.scalars(sources).all()
    if gone and all(gone):
        return True
    same = select(Vacancy.id).where(
        Vacancy.sameness == vacancy.sameness, Vacancy.status.in_(LIVE), Vacancy.id != vacancy.id
    )
    return uow.scalar(same) is not None


def _take_over(uow: UnitOfWork, today: date) -> Vacancy | None:
    over = (
        select(Vacancy)
        .where(Vacancy.status.in_(LIVE), Vacancy.valid_through < today)
        .order_by(Vacancy.valid_through, Vacancy.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found: Vacancy | None = uow.scalar(over)
    return found
