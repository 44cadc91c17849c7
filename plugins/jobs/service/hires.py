"""Hires: a position is filled once, and for some weeks a hire can be undone.

Locks are taken in everybody's order: the employer (where a vacancy may open again), vacancies by
id, applications by id, consents by id. Whatever a hire or its undoing ends or brings back is locked
before any of it is looked at, so whoever meets it comes before or after it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.sdk import House, UnitOfWork, now
from plugins.jobs.errors import HireFinal, NoPositionLeft, VacancyNotOpen
from plugins.jobs.models import Application, Hire, Vacancy
from plugins.jobs.service.applicants import (
    check_hired,
    end_what_hangs_on,
    is_living,
    lock_applications,
    note_answer,
    refuse,
    tell_applicants,
)
from plugins.jobs.service.applications import (
    application_at,
    application_of,
    show_applications,
)
from plugins.jobs.service.closing import close_vacancy, reopen_vacancy
from plugins.jobs.service.employers import lock_employer, member_of
from plugins.jobs.service.interviews import tell_members
from plugins.jobs.service.locks import lock_vacancies
from plugins.jobs.values import CloseCause, VacancyStatus
from plugins.jobs.values.applications import (
    CANCEL_TITLES,
    STATE_TITLES,
    ApplicationStatus,
    ApplicationView,
    CancelCause,
    RefusalReason,
    promise_moments,
    read_undo_term,
)

_HIRING = (VacancyStatus.PUBLISHED, VacancyStatus.EXPIRED, VacancyStatus.CLOSED_BY_CAP)
"""Whoever applied in time can be hired, though nobody else can apply any more."""


def hire_applicant(
    house: House, uow: UnitOfWork, citizen_reference: str, employer_id: UUID, application_id: UUID
) -> ApplicationView:
    """Hire somebody: a position is filled, and their other applications are obsolete.

    The last position fills the vacancy, and whoever else applied is told so. Raise as
    `find_received` does, `VacancyNotOpen`, `NoPositionLeft`, or `IllegalMove`.
    """
    member_of(uow, citizen_reference, employer_id)
    wanted = application_at(uow, employer_id, application_id)
    applicant = wanted.citizen_reference
    (vacancy,) = lock_vacancies(uow, {wanted.vacancy_id})
    taken = set(uow.scalars(select(Hire.seat).where(Hire.vacancy_id == vacancy.id)))
    seat = next((n for n in range(1, vacancy.open_positions + 1) if n not in taken), None)
    if vacancy.status == VacancyStatus.FILLED or seat is None:
        raise NoPositionLeft
    if vacancy.status not in _HIRING:
        raise VacancyNotOpen
    fills = len(taken) + 1 == vacancy.open_positions
    touched = lock_applications(
        uow,
        or_(
            Application.id == wanted.id,
            and_(is_living(), Application.citizen_reference == applicant),
            *([and_(is_living(), Application.vacancy_id == vacancy.id)] if fills else []),
        ),
    )
    hired = next(one for one in touched if one.id == wanted.id)
    uow.move(hired, ApplicationStatus.ACCEPTED, cause="employer")
    note_answer(hired, ApplicationStatus.ACCEPTED)
    uow.add(
        Hire(
            application_id=hired.id,
            vacancy_id=vacancy.id,
            seat=seat,
            open_positions=vacancy.open_positions,
            hired_at=now(),
        )
    )
    # Somebody erased in this moment has no other applications that could be found.
    others = [one for one in touched if one.id != hired.id]
    elsewhere = [one for one in others if one.citizen_reference == applicant]
    for one in elsewhere:
        uow.move(one, ApplicationStatus.OBSOLETE, cause="hired-elsewhere")
        one.obsolete_by = hired.id
    beaten = [one for one in others if one.citizen_reference != applicant]
    for one in beaten:
        refuse(uow, one, RefusalReason.POSITION_FILLED, "vacancy-filled")
    end_what_hangs_on(uow, others, "hire")
    if fills:
        close_vacancy(house, uow, vacancy, VacancyStatus.FILLED, CloseCause.POSITIONS_FILLED)
    uow.flush()
    tell_applicants(house, uow, touched)
    return show_applications(uow, [hired])[0]


def undo_hire(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    employer_id: UUID,
    application_id: UUID,
    reason: CancelCause,
) -> ApplicationView:
    """Undo a hire as an employer's member, within the time of the setting `hire_undo_days`.

    The position is free again, and a vacancy that hires had filled is open again (as
    `reopen_vacancy` does). Whoever was marked by mistake is looked at again; any other reason
    cancels the application. What the hire made obsolete comes back where the vacancies are open.
    Raise as `find_received` does, `HireFinal`, or `IllegalMove` for what is no hire.
    """
    member_of(uow, citizen_reference, employer_id)
    return _undo(house, uow, application_at(uow, employer_id, application_id), reason, "employer")


def undo_own_hire(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    reason: CancelCause,
) -> ApplicationView:
    """Say that one was not hired, or does not come; undone as `undo_hire` does.

    Raise `ApplicationNotFound`, `HireFinal`, or `IllegalMove`.
    """
    wanted = application_of(uow, citizen_reference, application_id)
    return _undo(house, uow, wanted, reason, "citizen")


def _undo(
    house: House, uow: UnitOfWork, wanted: Application, reason: CancelCause, by: str
) -> ApplicationView:
    """Undo a hire and all that it did, as far as that can be undone."""
    seen = wanted.version
    employer = lock_employer(uow, wanted.employer_id)
    obsolete = Application.obsolete_by == wanted.id
    also = uow.scalars(select(Application.vacancy_id).where(obsolete)).all()
    vacancies = {one.id: one for one in lock_vacancies(uow, {wanted.vacancy_id, *also})}
    vacancy = vacancies[wanted.vacancy_id]
    touched = lock_applications(uow, or_(Application.id == wanted.id, obsolete))
    hired = next(one for one in touched if one.id == wanted.id)
    # Whoever was faster may have hired anew, and made others obsolete than those locked here.
    check_hired(hired, seen)
    hire = uow.get_one(Hire, hired.id)
    until = hire.hired_at + read_undo_term(house.settings)
    if until <= now():
        raise HireFinal(until=until.isoformat())
    uow.delete(hire)
    is_open_again = reopen_vacancy(uow, vacancy, employer)
    open_elsewhere = [
        one
        for one in touched
        if one.id != hired.id and vacancies[one.vacancy_id].status == VacancyStatus.PUBLISHED
    ]
    revived = _without_newer(uow, open_elsewhere)
    is_looked_at = (
        reason == CancelCause.HIRED_BY_MISTAKE
        and vacancy.status in _HIRING
        and bool(_without_newer(uow, [hired]))
    )
    if is_looked_at:
        uow.move(hired, ApplicationStatus.PROCESSING, cause=reason, by=by)
    else:
        uow.move(hired, ApplicationStatus.CANCELLED, cause=reason, by=by)
        hired.reason = reason
        end_what_hangs_on(uow, [hired], "hire-undone")
    for one in revived:
        _revive(uow, one)
    uow.flush()
    _tell_both(house, uow, hired, vacancy, reason)
    tell_applicants(house, uow, revived)
    if is_open_again:
        _tell_who_came_too_late(house, uow, vacancy)
    return show_applications(uow, [hired])[0]


def _without_newer(uow: UnitOfWork, revived: Sequence[Application]) -> list[Application]:
    """Leave out where the citizen has applied anew in the meantime, or was erased."""
    newer = set(
        uow.scalars(
            select(Application.vacancy_id).where(
                is_living(),
                Application.vacancy_id.in_([one.vacancy_id for one in revived]),
                Application.citizen_reference.in_([one.citizen_reference for one in revived]),
            )
        )
    )
    return [
        one for one in revived if one.citizen_reference is not None and one.vacancy_id not in newer
    ]


def _revive(uow: UnitOfWork, application: Application) -> None:
    """Let an obsolete application be looked at again; a promise that was not kept begins anew."""
    uow.move(application, ApplicationStatus.PROCESSING, cause="hire-undone")
    application.obsolete_by = None
    if application.answered_at is None:
        days = (application.promised_until - application.applied_at).days
        application.remind_at, application.promised_until = promise_moments(now(), days)
        application.reminded_at = None


def _tell_both(
    house: House, uow: UnitOfWork, hired: Application, vacancy: Vacancy, reason: CancelCause
) -> None:
    """Tell the citizen and the employer's members that a hire was undone, and why."""
    subject = f"{hired.id}-{hired.version}"
    why, state = CANCEL_TITLES[reason], STATE_TITLES[ApplicationStatus(hired.status)]
    told = {"vacancy": vacancy.title, "reason_zh": why["zh"], "reason_en": why["en"]}
    if hired.citizen_reference is not None:
        states = {"state_zh": state["zh"], "state_en": state["en"]}
        house.tell(uow, hired.letterbox, "hire-undone", subject, **told, **states)
    tell_members(house, uow, hired.employer_id, "position-free", subject, **told)


def _tell_who_came_too_late(house: House, uow: UnitOfWork, vacancy: Vacancy) -> None:
    """Tell those who were refused because a vacancy was full that it is open again.

    Their applications stay ended, as do the consents that went with them.
    """
    beaten = (
        select(Application.letterbox)
        .where(
            Application.vacancy_id == vacancy.id,
            Application.status == ApplicationStatus.REFUSED,
            Application.reason == RefusalReason.POSITION_FILLED,
            Application.citizen_reference.is_not(None),
        )
        .ext(distinct_on(Application.citizen_reference))
        .order_by(Application.citizen_reference, Application.id.desc())
    )
    subject = f"{vacancy.id}-{vacancy.version}"
    for letterbox in uow.scalars(beaten).all():
        house.tell(uow, letterbox, "vacancy-open-again", subject, vacancy=vacancy.title)
