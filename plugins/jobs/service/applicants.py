"""Those who applied: told how they stand, and what ends with their applications.

What knows nothing of employers' members stands here: closing a vacancy needs it, too.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, and_, select

from app.sdk import House, UnitOfWork, now
from plugins.jobs.models import Application, Interview, Vacancy
from plugins.jobs.service.consents import end_application_shares
from plugins.jobs.values import CloseCause, VacancyStatus
from plugins.jobs.values.applications import (
    ANSWERS,
    LIVING,
    STATE_TITLES,
    ApplicationStatus,
    CancelCause,
    InterviewStatus,
    RefusalReason,
)


def answer_closed_vacancies(house: House, uow: UnitOfWork, vacancies: Sequence[Vacancy]) -> None:
    """Tell those who applied that vacancies were closed alike; the caller holds their locks.

    Where nobody will be hired the applications end. After an expiry they go on, and so does the
    promise to answer them.
    """
    closed = {vacancy.id: vacancy for vacancy in vacancies}
    living = lock_applications(uow, and_(is_living(), Application.vacancy_id.in_(closed)))
    going_on: list[Application] = []
    for one in living:
        vacancy = closed[one.vacancy_id]
        if vacancy.status == VacancyStatus.WITHDRAWN:
            uow.move(one, ApplicationStatus.CANCELLED, cause="vacancy-closed")
            one.reason = _cancel_cause(vacancy.closed_cause)
        elif vacancy.status == VacancyStatus.FILLED:
            refuse(uow, one, RefusalReason.POSITION_FILLED, "vacancy-filled")
        else:
            going_on.append(one)
    for one in going_on:
        title = closed[one.vacancy_id].title
        house.tell(uow, one.letterbox, "vacancy-expired", str(one.id), vacancy=title)
    ended = [one for one in living if one.status not in LIVING]
    end_what_hangs_on(uow, ended, "vacancy-closed")
    uow.flush()
    tell_applicants(house, uow, ended)


def refuse(uow: UnitOfWork, application: Application, reason: RefusalReason, cause: str) -> None:
    """Refuse an application whose row the caller has locked."""
    uow.move(application, ApplicationStatus.REFUSED, cause=cause)
    note_answer(application, ApplicationStatus.REFUSED)
    application.reason = reason


def note_answer(application: Application, status: ApplicationStatus) -> None:
    """Note when an employer first answered; later answers do not count."""
    if status in ANSWERS and application.answered_at is None:
        application.answered_at = now()


def end_applications(
    house: House,
    uow: UnitOfWork,
    applications: Sequence[Application],
    to: ApplicationStatus,
    cause: str,
) -> None:
    """Move locked applications to an end, with what hangs on them, and tell their citizens."""
    for one in applications:
        uow.move(one, to, cause=cause)
    end_what_hangs_on(uow, applications, cause)
    uow.flush()
    tell_applicants(house, uow, applications)


def end_what_hangs_on(uow: UnitOfWork, applications: Iterable[Application], cause: str) -> None:
    """End consents and invitations of applications that have ended."""
    ids = [one.id for one in applications]
    if not ids:
        return
    end_application_shares(uow, ids, cause)
    standing = (
        select(Interview)
        .where(
            Interview.application_id.in_(ids),
            Interview.status.in_([InterviewStatus.INVITED, InterviewStatus.ACCEPTED]),
        )
        .order_by(Interview.id)
        .with_for_update()
    )
    for interview in uow.scalars(standing):
        uow.move(interview, InterviewStatus.CANCELLED, cause=cause)


def tell_applicants(house: House, uow: UnitOfWork, applications: Sequence[Application]) -> None:
    """Tell citizens how their applications stand now."""
    rows = select(Vacancy.id, Vacancy.title).where(
        Vacancy.id.in_({one.vacancy_id for one in applications})
    )
    titles = dict(uow.execute(rows).all())
    for one in applications:
        if one.citizen_reference is None:
            continue
        state = STATE_TITLES[ApplicationStatus(one.status)]
        house.tell(
            uow,
            one.letterbox,
            "application-moved",
            f"{one.id}-{one.version}",
            vacancy=titles[one.vacancy_id],
            state_zh=state["zh"],
            state_en=state["en"],
        )


def is_living() -> ColumnElement[bool]:
    """Return the condition that an application can still become a hire."""
    return Application.status.in_(LIVING)


def check_living(application: Application) -> None:
    """Raise `IllegalMove` (a conflict) for an application that has ended.

    What a hire made obsolete comes back by that hire's end alone.
    """
    if application.status not in LIVING:
        application.check_move(ApplicationStatus.NEW)  # which is no move of any state


def check_hired(application: Application, version: int) -> None:
    """Raise `IllegalMove` (a conflict) for what is no hire, or has moved since that version."""
    if application.status != ApplicationStatus.ACCEPTED or application.version != version:
        application.check_move(ApplicationStatus.NEW)  # which is no move of any state


def lock_applications(uow: UnitOfWork, wanted: ColumnElement[bool]) -> Sequence[Application]:
    """Return applications under their locks and as they are now, in everybody's order."""
    statement = select(Application).where(wanted).order_by(Application.id).with_for_update()
    return uow.scalars(statement.execution_options(populate_existing=True)).all()


def _cancel_cause(closed_cause: str | None) -> CancelCause:
    if closed_cause == CloseCause.EMPLOYER_SUSPENDED:
        return CancelCause.EMPLOYER_SUSPENDED
    is_desk = closed_cause is not None and closed_cause.startswith("desk-")
    return CancelCause.VACANCY_REMOVED if is_desk else CancelCause.VACANCY_WITHDRAWN
