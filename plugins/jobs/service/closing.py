"""The end of a vacancy: never without a cause, and those who applied are told of it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from app.sdk import House, UnitOfWork, now
from plugins.jobs.models import Vacancy, VacancyRevision
from plugins.jobs.service.applicants import answer_closed_vacancies
from plugins.jobs.values import LIVE, CloseCause, RevisionStatus, VacancyStatus, city_today

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
