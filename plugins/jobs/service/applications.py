"""Applications: sent by citizens, answered by employers, ended by whatever ends them.

Locks are taken in one order by everybody: the employer, the vacancy, applications by id, consents
by id.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import (
    AlreadyApplied,
    ApplicationNotFound,
    AppliesElsewhere,
    TooManyApplications,
    VacancyNotFound,
    VacancyNotOpen,
)
from plugins.jobs.models import Application, Employer, Interview, Vacancy
from plugins.jobs.service.applicants import (
    check_living,
    end_what_hangs_on,
    is_living,
    note_answer,
    tell_applicants,
)
from plugins.jobs.service.closing import close_vacancy, has_enough_applications
from plugins.jobs.service.consents import live_shares_of, share_with_application
from plugins.jobs.service.employers import member_of
from plugins.jobs.service.locks import hold_employer, lock_vacancies
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


def apply_for(
    house: House, uow: UnitOfWork, citizen: Citizen, vacancy_id: UUID, words: str
) -> ApplicationView:
    """Apply for a published vacancy with a copy of one's curriculum.

    Raise `VacancyNotFound`, `VacancyNotOpen`, `AppliesElsewhere`, `CvNotFound`, `AlreadyApplied`
    while an earlier application of this citizen is living, or `TooManyApplications`.
    """
    at = uow.scalar(select(Vacancy.employer_id).where(Vacancy.id == vacancy_id))
    employer = None if at is None else hold_employer(uow, at)
    vacancy = next(iter(lock_vacancies(uow, {vacancy_id})), None)
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
    return show_applications(uow, [application_of(uow, citizen_reference, application_id)])[0]


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
    return show_applications(uow, [application_at(uow, employer_id, application_id)])[0]


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


def application_of(uow: UnitOfWork, citizen_reference: str, application_id: UUID) -> Application:
    """Return one of a citizen's applications, or raise `ApplicationNotFound`."""
    return _one(uow, _of(citizen_reference), application_id)


def application_at(uow: UnitOfWork, employer_id: UUID, application_id: UUID) -> Application:
    """Return what an employer has received, or raise `ApplicationNotFound`."""
    return _one(uow, _at(employer_id), application_id)


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


def _close_by_cap(house: House, uow: UnitOfWork, vacancy: Vacancy) -> None:
    """Close a vacancy that has as many applications as its employer wants to look at."""
    if has_enough_applications(uow, vacancy):
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
