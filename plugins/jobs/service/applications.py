"""Applications: sent by citizens, answered by employers, ended by whatever ends them.

Locks are taken in one order by everybody: the employer, the vacancy, applications by id, consents
by id. A hire locks all that it ends before it looks at any of it, so whoever meets it comes before
or after it.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import (
    AlreadyApplied,
    ApplicationNotFound,
    AppliesElsewhere,
    NoPositionLeft,
    TooManyApplications,
    VacancyNotFound,
    VacancyNotOpen,
)
from plugins.jobs.models import Application, Employer, Hire, Interview, Vacancy
from plugins.jobs.service.applicants import (
    check_living,
    end_what_hangs_on,
    is_living,
    lock_applications,
    note_answer,
    refuse,
    tell_applicants,
)
from plugins.jobs.service.closing import close_vacancy
from plugins.jobs.service.consents import live_shares_of, share_with_application
from plugins.jobs.service.employers import member_of
from plugins.jobs.service.locks import hold_employer
from plugins.jobs.values import CloseCause, EmployerStatus, VacancyStatus, city_today
from plugins.jobs.values.applications import (
    ANSWERS,
    CANCEL_TITLES,
    MOST_LIVING,
    REFUSAL_TITLES,
    Answer,
    ApplicationStatus,
    ApplicationView,
    CancelCause,
    InterviewView,
    RefusalReason,
    promise_moments,
)

_HIRING = (VacancyStatus.PUBLISHED, VacancyStatus.EXPIRED, VacancyStatus.CLOSED_BY_CAP)
"""Whoever applied in time can be hired, though nobody else can apply any more."""


def apply_for(
    house: House, uow: UnitOfWork, citizen: Citizen, vacancy_id: UUID, words: str
) -> ApplicationView:
    """Apply for a published vacancy with a copy of one's curriculum.

    Raise `VacancyNotFound`, `VacancyNotOpen`, `AppliesElsewhere`, `CvNotFound`, `AlreadyApplied`
    while an earlier application of this citizen is living, or `TooManyApplications`.
    """
    at = uow.scalar(select(Vacancy.employer_id).where(Vacancy.id == vacancy_id))
    employer = None if at is None else hold_employer(uow, at)
    vacancy = _lock_vacancy(uow, vacancy_id)
    if vacancy is None or employer is None or vacancy.published_at is None:
        raise VacancyNotFound
    is_open = vacancy.status == VacancyStatus.PUBLISHED and vacancy.valid_through >= city_today()
    if not is_open or employer.status != EmployerStatus.VERIFIED:
        raise VacancyNotOpen
    if not vacancy.direct_apply:
        raise AppliesElsewhere
    mine = select(Application.vacancy_id).where(
        Application.citizen_reference == citizen.reference, is_living()
    )
    living = uow.scalars(mine).all()
    if vacancy.id in living:
        raise AlreadyApplied
    if len(living) >= MOST_LIVING:
        raise TooManyApplications
    moment = now()
    remind_at, promised_until = promise_moments(moment, vacancy.response_promise_days)
    application = Application(
        id=new_id(),
        status=ApplicationStatus.NEW,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        vacancy_id=vacancy.id,
        employer_id=vacancy.employer_id,
        applied_at=moment,
        remind_at=remind_at,
        promised_until=promised_until,
    )
    uow.open_record(application, cause="citizen")
    uow.flush()
    share_with_application(house, uow, citizen, application, words)
    _close_by_cap(house, uow, vacancy)
    uow.flush()
    return show_applications(uow, [application])[0]


def list_applications(
    uow: UnitOfWork, citizen_reference: str, page: PageRequest, *, status: str | None
) -> Page[ApplicationView]:
    """Return a page of a citizen's applications, the newest first."""
    statement = _of(citizen_reference)
    if status is not None:
        statement = statement.where(Application.status == status)
    return _page(uow, statement, page)


def find_application(
    uow: UnitOfWork, citizen_reference: str, application_id: UUID
) -> ApplicationView:
    """Return one of a citizen's applications, or raise `ApplicationNotFound`."""
    return show_applications(uow, [_one(uow, _of(citizen_reference), application_id)])[0]


def withdraw_application(
    uow: UnitOfWork, citizen_reference: str, application_id: UUID
) -> ApplicationView:
    """Withdraw an application, and with it what was sent along.

    Raise `ApplicationNotFound`, or `IllegalMove` (a conflict) for one that has ended.
    """
    application = _lock(uow, _of(citizen_reference), application_id)
    uow.move(application, ApplicationStatus.WITHDRAWN, cause="citizen")
    end_what_hangs_on(uow, [application], "application-withdrawn")
    uow.flush()
    return show_applications(uow, [application])[0]


def list_received(
    uow: UnitOfWork,
    citizen_reference: str,
    employer_id: UUID,
    page: PageRequest,
    *,
    status: str | None,
    vacancy_id: UUID | None,
) -> Page[ApplicationView]:
    """Return a page of the applications an employer has received, the newest first.

    Raise `EmployerNotFound` for whoever is no member of it, and while it is not verified.
    """
    member_of(uow, citizen_reference, employer_id)
    statement = _at(employer_id)
    if status is not None:
        statement = statement.where(Application.status == status)
    if vacancy_id is not None:
        statement = statement.where(Application.vacancy_id == vacancy_id)
    return _page(uow, statement, page)


def find_received(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, application_id: UUID
) -> ApplicationView:
    """Return an application that an employer has received.

    Raise as `list_received` does, and `ApplicationNotFound`.
    """
    member_of(uow, citizen_reference, employer_id)
    return show_applications(uow, [_one(uow, _at(employer_id), application_id)])[0]


def answer_application(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    employer_id: UUID,
    application_id: UUID,
    answer: Answer,
) -> ApplicationView:
    """Move an application as an employer's member decides, and tell its citizen what it says.

    Raise as `find_received` does, or `IllegalMove`. A hire is `hire_applicant`'s.
    """
    member_of(uow, citizen_reference, employer_id)
    application = _lock(uow, _at(employer_id), application_id)
    check_living(application)
    uow.move(application, answer.status, cause="employer")
    note_answer(application, answer.status)
    if answer.status == ApplicationStatus.REFUSED:
        application.reason = answer.reason
        end_what_hangs_on(uow, [application], "application-refused")
    uow.flush()
    if answer.status in ANSWERS:
        tell_applicants(house, uow, [application])
    return show_applications(uow, [application])[0]


def hire_applicant(
    house: House, uow: UnitOfWork, citizen_reference: str, employer_id: UUID, application_id: UUID
) -> ApplicationView:
    """Hire somebody: a position is filled, and their other applications are obsolete.

    The last position fills the vacancy, and whoever else applied is told so. Raise as
    `find_received` does, `VacancyNotOpen`, `NoPositionLeft`, or `IllegalMove`.
    """
    member_of(uow, citizen_reference, employer_id)
    wanted = _one(uow, _at(employer_id), application_id)
    applicant = wanted.citizen_reference
    vacancy = _lock_vacancy(uow, wanted.vacancy_id)
    assert vacancy is not None
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


def cancel_hire(
    house: House, uow: UnitOfWork, citizen_reference: str, employer_id: UUID, application_id: UUID
) -> ApplicationView:
    """Say that a hire fell through: the position is free again while its vacancy is not filled.

    What the hire made obsolete is looked at again where the vacancies are open. Raise as
    `find_received` does, or `IllegalMove`.
    """
    member_of(uow, citizen_reference, employer_id)
    wanted = _one(uow, _at(employer_id), application_id)
    return _undo_hire(house, uow, wanted, CancelCause.HIRE_FELL_THROUGH)


def deny_hire(
    house: House, uow: UnitOfWork, citizen_reference: str, application_id: UUID
) -> ApplicationView:
    """Say that one was not hired, whatever the employer says; undone as `cancel_hire` does.

    Raise `ApplicationNotFound`, or `IllegalMove`.
    """
    wanted = _one(uow, _of(citizen_reference), application_id)
    return _undo_hire(house, uow, wanted, CancelCause.HIRE_DENIED)


def lock_received(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, application_id: UUID
) -> Application:
    """Return an application that an employer has received, locked; raise as `find_received`."""
    member_of(uow, citizen_reference, employer_id)
    return _lock(uow, _at(employer_id), application_id)


def show_applications(
    uow: UnitOfWork, applications: Sequence[Application]
) -> list[ApplicationView]:
    """Return applications as both sides see them, however many by the same few statements."""
    ids = [one.id for one in applications]
    titles = dict(
        uow.execute(
            select(Vacancy.id, Vacancy.title).where(
                Vacancy.id.in_({one.vacancy_id for one in applications})
            )
        ).all()
    )
    names = dict(
        uow.execute(
            select(Employer.id, Employer.name).where(
                Employer.id.in_({one.employer_id for one in applications})
            )
        ).all()
    )
    shares = live_shares_of(uow, ids)
    interviews = _latest_interviews(uow, ids)
    return [
        ApplicationView(
            id=one.id,
            vacancy_id=one.vacancy_id,
            vacancy_title=titles[one.vacancy_id],
            employer_id=one.employer_id,
            employer=names[one.employer_id],
            status=one.status,
            reason=one.reason,
            reason_title=_reason_title(one),
            applied_at=one.applied_at,
            promised_until=one.promised_until,
            answered_at=one.answered_at,
            share_id=shares.get(one.id),
            interview=interviews.get(one.id),
        )
        for one in applications
    ]


def list_all_applications(uow: UnitOfWork, citizen_reference: str) -> list[ApplicationView]:
    """Return every application of a citizen."""
    mine = _of(citizen_reference).order_by(Application.applied_at, Application.id)
    return show_applications(uow, uow.scalars(mine).all())


def show_interview(interview: Interview) -> InterviewView:
    """Return an invitation as both sides see it."""
    return InterviewView(
        id=interview.id,
        application_id=interview.application_id,
        status=interview.status,
        at=interview.at,
        place=interview.place,
        invited_at=interview.invited_at,
    )


def _undo_hire(
    house: House, uow: UnitOfWork, wanted: Application, cause: CancelCause
) -> ApplicationView:
    """Cancel a hire and all that it did, as far as that can be undone."""
    obsolete = Application.obsolete_by == wanted.id
    also = uow.scalars(select(Application.vacancy_id).where(obsolete)).all()
    vacancies = {one.id: one for one in _lock_vacancies(uow, {wanted.vacancy_id, *also})}
    touched = lock_applications(uow, or_(Application.id == wanted.id, obsolete))
    hired = next(one for one in touched if one.id == wanted.id)
    uow.move(hired, ApplicationStatus.CANCELLED, cause=str(cause))
    hired.reason = cause
    end_what_hangs_on(uow, [hired], "hire-cancelled")
    uow.execute(delete(Hire).where(Hire.application_id == hired.id))
    revived = [
        one
        for one in touched
        if one.id != hired.id
        and one.vacancy_id in vacancies
        and vacancies[one.vacancy_id].status == VacancyStatus.PUBLISHED
    ]
    revived = _without_newer(uow, revived)
    for one in revived:
        _revive(uow, one)
    uow.flush()
    tell_applicants(house, uow, [hired, *revived])
    return show_applications(uow, [hired])[0]


def _without_newer(uow: UnitOfWork, revived: Sequence[Application]) -> list[Application]:
    """Leave out where the citizen has applied anew in the meantime."""
    newer = set(
        uow.scalars(
            select(Application.vacancy_id).where(
                is_living(),
                Application.vacancy_id.in_([one.vacancy_id for one in revived]),
                Application.citizen_reference.in_([one.citizen_reference for one in revived]),
            )
        )
    )
    return [one for one in revived if one.vacancy_id not in newer]


def _revive(uow: UnitOfWork, application: Application) -> None:
    """Let an obsolete application be looked at again; a promise that was not kept begins anew."""
    uow.move(application, ApplicationStatus.PROCESSING, cause="hire-cancelled")
    application.obsolete_by = None
    if application.answered_at is None:
        days = (application.promised_until - application.applied_at).days
        application.remind_at, application.promised_until = promise_moments(now(), days)
        application.reminded_at = None


def _close_by_cap(house: House, uow: UnitOfWork, vacancy: Vacancy) -> None:
    """Close a vacancy that has as many applications as its employer wants to look at."""
    if vacancy.most_applications is None:
        return
    received = select(func.count()).where(Application.vacancy_id == vacancy.id)
    if (uow.scalar(received) or 0) >= vacancy.most_applications:
        close_vacancy(
            house, uow, vacancy, VacancyStatus.CLOSED_BY_CAP, CloseCause.APPLICATIONS_FULL
        )


def _latest_interviews(uow: UnitOfWork, applications: Sequence[UUID]) -> dict[UUID, InterviewView]:
    latest = (
        select(Interview)
        .where(Interview.application_id.in_(applications))
        .ext(distinct_on(Interview.application_id))
        .order_by(Interview.application_id, Interview.invited_at.desc(), Interview.id.desc())
    )
    return {one.application_id: show_interview(one) for one in uow.scalars(latest)}


def _reason_title(application: Application) -> Mapping[str, str] | None:
    if application.reason is None:
        return None
    if application.status == ApplicationStatus.REFUSED:
        return REFUSAL_TITLES[RefusalReason(application.reason)]
    return CANCEL_TITLES[CancelCause(application.reason)]


def _of(citizen_reference: str) -> Select[Application]:
    """Return the statement of a citizen's applications: whose they are stands in its WHERE."""
    return select(Application).where(Application.citizen_reference == citizen_reference)


def _at(employer_id: UUID) -> Select[Application]:
    """Return the statement of what an employer received; whoever was erased is nobody there."""
    return select(Application).where(
        Application.employer_id == employer_id, Application.citizen_reference.is_not(None)
    )


def _page(
    uow: UnitOfWork, statement: Select[Application], page: PageRequest
) -> Page[ApplicationView]:
    order = [Application.applied_at, Application.id]
    rows = fetch_page(uow, statement, order, page, descending=True)
    return Page(show_applications(uow, rows.items), rows.next_cursor)


def _one(uow: UnitOfWork, whose: Select[Application], application_id: UUID) -> Application:
    found: Application | None = uow.scalar(whose.where(Application.id == application_id))
    if found is None:
        raise ApplicationNotFound
    return found


def _lock(uow: UnitOfWork, whose: Select[Application], application_id: UUID) -> Application:
    return _one(uow, whose.with_for_update(), application_id)


def _lock_vacancy(uow: UnitOfWork, vacancy_id: UUID) -> Vacancy | None:
    return next(iter(_lock_vacancies(uow, {vacancy_id})), None)


def _lock_vacancies(uow: UnitOfWork, vacancies: set[UUID]) -> Sequence[Vacancy]:
    statement = (
        select(Vacancy).where(Vacancy.id.in_(vacancies)).order_by(Vacancy.id).with_for_update()
    )
    return uow.scalars(statement.execution_options(populate_existing=True)).all()
