"""Invitations to interviews: an employer names time and place, the citizen accepts or declines."""

from uuid import UUID

from sqlalchemy import select

from app.sdk import House, UnitOfWork, new_id, now
from plugins.jobs.errors import InterviewInThePast, InterviewNotFound, InterviewStands
from plugins.jobs.models import Application, Interview, Vacancy
from plugins.jobs.service.applicants import check_living
from plugins.jobs.service.applications import lock_received, show_interview
from plugins.jobs.service.employers import letterboxes_of
from plugins.jobs.values.applications import (
    ApplicationStatus,
    InterviewStatus,
    InterviewView,
    NewInterview,
)

_STANDING = (InterviewStatus.INVITED, InterviewStatus.ACCEPTED)


def invite_applicant(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    employer_id: UUID,
    application_id: UUID,
    wanted: NewInterview,
) -> InterviewView:
    """Invite an applicant to an interview; that is an answer, and a new one is looked at by it.

    Raise `EmployerNotFound`, `ApplicationNotFound`, `InterviewInThePast`, `InterviewStands` while
    an earlier invitation does, or `IllegalMove` for an application that has ended.
    """
    application = lock_received(uow, citizen_reference, employer_id, application_id)
    check_living(application)
    moment = now()
    if wanted.at <= moment:
        raise InterviewInThePast
    if application.status == ApplicationStatus.NEW:
        uow.move(application, ApplicationStatus.PROCESSING, cause="invitation")
    standing = select(Interview).where(
        Interview.application_id == application.id, Interview.status.in_(_STANDING)
    )
    for earlier in uow.scalars(standing.with_for_update()):
        if earlier.at > moment:
            raise InterviewStands
        uow.move(earlier, InterviewStatus.CANCELLED, cause="invited-again")
    uow.flush()
    application.answered_at = application.answered_at or moment
    interview = Interview(
        id=new_id(),
        status=InterviewStatus.INVITED,
        application_id=application.id,
        at=wanted.at,
        place=wanted.place,
        invited_at=moment,
    )
    uow.open_record(interview, cause="employer")
    uow.flush()
    house.tell(
        uow,
        application.letterbox,
        "interview-invited",
        str(interview.id),
        vacancy=_title(uow, application),
        at=interview.at,
    )
    return show_interview(interview)


def answer_invitation(
    house: House, uow: UnitOfWork, citizen_reference: str, interview_id: UUID, *, comes: bool
) -> InterviewView:
    """Accept or decline an invitation, and tell the employer's members.

    Raise `InterviewNotFound`, `InterviewInThePast`, or `IllegalMove`.
    """
    whose = (
        select(Application)
        .join(Interview, Interview.application_id == Application.id)
        .where(Interview.id == interview_id, Application.citizen_reference == citizen_reference)
    )
    # The application first, as everybody: whoever ends it ends its invitations, too.
    application = uow.scalar(whose.with_for_update(of=Application))
    if application is None:
        raise InterviewNotFound
    interview = uow.lock(Interview, interview_id)
    if interview.at <= now():
        raise InterviewInThePast
    to = InterviewStatus.ACCEPTED if comes else InterviewStatus.DECLINED
    uow.move(interview, to, cause="citizen")
    uow.flush()
    tell_members(
        house,
        uow,
        application.employer_id,
        "interview-answered",
        f"{interview.id}-{interview.version}",
        vacancy=_title(uow, application),
        answer_zh="接受" if comes else "婉拒",
        answer_en="accepted" if comes else "declined",
    )
    return show_interview(interview)


def tell_members(
    house: House, uow: UnitOfWork, employer_id: UUID, kind: str, subject: str, **params: str | int
) -> None:
    """Tell whoever acts for an employer something."""
    for letterbox in letterboxes_of(uow, employer_id):
        if letterbox:
            house.tell(uow, letterbox, kind, subject, **params)


def _title(uow: UnitOfWork, application: Application) -> str:
    return uow.scalars(select(Vacancy.title).where(Vacancy.id == application.vacancy_id)).one()
