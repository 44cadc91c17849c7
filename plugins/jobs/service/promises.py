"""What employers promise: an answer in so many days, reminded of before, counted after."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select, update

from app.sdk import House, UnitOfWork, city_date, now
from plugins.jobs.errors import EmployerNotFound
from plugins.jobs.models import Application, Employer
from plugins.jobs.service.applicants import end_applications
from plugins.jobs.service.interviews import tell_members
from plugins.jobs.values import EmployerStatus
from plugins.jobs.values.applications import (
    FEWEST_SCORED,
    SCORED_FOR,
    UNANSWERED,
    AnsweringRecord,
    ApplicationStatus,
)

_BATCH = 200
_EMPLOYERS = 50
_DAY = timedelta(days=1)


def remind_employers(house: House) -> None:
    """Remind employers of answers they promised, one message a day each; safe to run again."""
    with house.unit_of_work() as uow:
        due = select(Application.employer_id).where(_waits_for_reminder()).distinct()
        employers = uow.scalars(due.limit(_EMPLOYERS)).all()
    for employer_id in employers:
        with house.unit_of_work() as uow:
            # Who comes second finds them reminded of: the update looks again after its wait.
            claimed = (
                update(Application)
                .where(Application.employer_id == employer_id, _waits_for_reminder())
                .values(reminded_at=now())
                .returning(Application.id)
            )
            count = len(uow.scalars(claimed).all())
            if count:
                tell_members(
                    house,
                    uow,
                    employer_id,
                    "answers-due",
                    f"{employer_id}-{city_date()}",
                    count=count,
                )


def close_unanswered(house: House) -> None:
    """Close applications that nobody answered as promised, a bounded number of them."""
    with house.unit_of_work() as uow:
        due = (
            select(Application)
            .where(_unanswered(), Application.promised_until <= now())
            .order_by(Application.promised_until)
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        closed = uow.scalars(due).all()
        end_applications(house, uow, closed, ApplicationStatus.CLOSED_NO_ANSWER, "promise-not-kept")


def show_answering(uow: UnitOfWork, employer_id: UUID) -> AnsweringRecord:
    """Return how an employer answers, of the last year; no figures of fewer than five.

    Raise `EmployerNotFound` for one that was never verified.
    """
    employer = uow.get(Employer, employer_id)
    if employer is None or employer.status not in (
        EmployerStatus.VERIFIED,
        EmployerStatus.SUSPENDED,
    ):
        raise EmployerNotFound
    took = func.extract("epoch", Application.answered_at - Application.applied_at)
    in_time = Application.answered_at <= Application.promised_until
    counted = select(
        func.count(),
        func.count(case((in_time, 1))),
        func.percentile_cont(0.5).within_group(took),
    ).where(
        Application.employer_id == employer_id,
        Application.applied_at > now() - SCORED_FOR,
        Application.answered_at.is_not(None)
        | (Application.status == ApplicationStatus.CLOSED_NO_ANSWER),
    )
    total, kept, seconds = uow.execute(counted).one()
    if total < FEWEST_SCORED:
        return AnsweringRecord(employer_id, None, None, None)
    days = None if seconds is None else round(float(seconds) / _DAY.total_seconds(), 1)
    return AnsweringRecord(employer_id, total, kept * 100 // total, days)


def _unanswered() -> ColumnElement[bool]:
    return and_(Application.status.in_(UNANSWERED), Application.answered_at.is_(None))


def _waits_for_reminder() -> ColumnElement[bool]:
    moment = now()
    return and_(
        _unanswered(),
        Application.reminded_at.is_(None),
        Application.remind_at <= moment,
        Application.promised_until > moment,
    )
