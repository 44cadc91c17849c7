"""Intake: the lead department accepts an application, asks for more once, or does not accept."""

from uuid import UUID

from sqlalchemy import select

from app.sdk import ApplicationStep, House, Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.permits.errors import IntakeOver, PermitApplicationNotFound, PermitVersionStale
from plugins.permits.events import PermitApplicationRead
from plugins.permits.models import Application, Supplement
from plugins.permits.service.answers import tasks_for
from plugins.permits.service.applications import answers_of, end_application
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.fees import mint_fees
from plugins.permits.service.moves import open_tasks, pause_of
from plugins.permits.service.news import announce
from plugins.permits.service.sealing import seal
from plugins.permits.service.seats import take_place
from plugins.permits.service.shown import show_application, show_line, show_supplement
from plugins.permits.service.supplements import ask, check_asked, decline_wanted, judge
from plugins.permits.service.winding import is_accepted_by_silence, wind_intake
from plugins.permits.values.applications import (
    AcceptanceReason,
    ApplicationLine,
    ApplicationStatus,
    ApplicationView,
    NotAcceptedReason,
    SupplementView,
)
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import SUPPLEMENT_LIMIT, Ask, Caller

_ANY_SEAT = tuple(SeatRole)
_AT_DESK = frozenset(ApplicationStatus) - {ApplicationStatus.DRAFT}


def list_desk_applications(
    uow: UnitOfWork, caller: Caller, page: PageRequest, *, status: str | None
) -> Page[ApplicationLine]:
    """Return a page of the applications that a department leads, the first submitted first.

    Without a status those that wait for intake. No citizen is named.
    """
    take_place(uow, caller, *_ANY_SEAT)
    wanted = status or ApplicationStatus.SUBMITTED
    statement = select(Application).where(
        Application.lead == caller.department,
        Application.status == wanted,
        Application.submitted_at.is_not(None),
    )
    rows = fetch_page(uow, statement, [Application.submitted_at, Application.id], page)
    return Page([show_line(row) for row in rows.items], rows.next_cursor)


def read_desk_application(
    house: House, uow: UnitOfWork, caller: Caller, application_id: UUID
) -> ApplicationView:
    """Return an application with its answers to the department that leads it; the trail knows."""
    take_place(uow, caller, *_ANY_SEAT)
    statement = select(Application).where(
        Application.id == application_id,
        Application.lead == caller.department,
        Application.status.in_(_AT_DESK),
        Application.submitted_at.is_not(None),
    )
    application = uow.scalar(statement)
    if application is None:
        raise PermitApplicationNotFound
    uow.record(PermitApplicationRead(application_id=application.id, officer=caller.staff_id))
    return show_application(house, uow, application)


def accept_application(
    house: House, uow: UnitOfWork, caller: Caller, application_id: UUID, version: int
) -> ApplicationView:
    """Accept an application: its tasks are open, and those that wait for nothing may begin.

    What they cost is owed from now on. Whoever comes too late finds that silence has accepted it.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application = _lock(uow, caller, application_id, version)
    application.check_move(ApplicationStatus.ACCEPTED)
    if is_accepted_by_silence(uow, application):
        accept_by_silence(house, uow, application)
    else:
        application.accepted_at = now()
        uow.move(application, ApplicationStatus.ACCEPTED, cause="accepted")
        _begin(house, uow, application)
    return show_application(house, uow, application)


def accept_by_silence(house: House, uow: UnitOfWork, application: Application) -> None:
    """Accept an application of which nothing was said in time, as of the day of its receipt.

    Its row is locked. Administrative Licensing Law, art. 32 (4). The minutes until now stay those
    of the lead department, and the limits of the others begin when they have their tasks.
    """
    received = application.submitted_at
    assert received is not None
    application.accepted_at = received
    application.reason = AcceptanceReason.NOT_TOLD
    uow.move(
        application,
        ApplicationStatus.ACCEPTED,
        cause="deemed",
        reason=application.reason,
        as_of=received.isoformat(),
    )
    _begin(house, uow, application)


def ask_at_intake(
    house: House, uow: UnitOfWork, caller: Caller, application_id: UUID, version: int, wish: Ask
) -> SupplementView:
    """Say once and for all what is missing; a further time waits for a superior of the department.

    Raise `SupplementOpen`, `Invalid` for what the form does not have, and `IntakeOver` once
    silence has accepted the application: as do those who allow it, or do not accept.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application = _lock(uow, caller, application_id, version)
    application.check_move(ApplicationStatus.SUPPLEMENT_REQUIRED)
    _check_time(uow, application)
    bundle = find_bundle(application.bundle, application.bundle_version)
    check_asked(wish, [f.id for f in bundle.fields], [m.id for m in bundle.materials])
    supplement = ask(house, uow, caller, application, None, wish)
    _require(house, uow, application, supplement)
    return show_supplement(house, supplement)


def judge_at_intake(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    application_id: UUID,
    supplement_id: UUID,
    version: int,
    *,
    allowed: bool,
) -> SupplementView:
    """Allow or decline, as a superior, that a citizen is asked once more at intake."""
    take_place(uow, caller, SeatRole.SUPERIOR)
    application = _lock(uow, caller, application_id, version)
    application.check_move(ApplicationStatus.SUPPLEMENT_REQUIRED)
    if allowed:
        _check_time(uow, application)
    supplement = judge(uow, caller, application, None, supplement_id, allowed=allowed)
    _require(house, uow, application, supplement)
    return show_supplement(house, supplement)


def refuse_intake(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    application_id: UUID,
    version: int,
    reason: NotAcceptedReason,
    words: str,
) -> ApplicationView:
    """Do not accept an application, for a coded reason and in words; or raise `IntakeOver`."""
    take_place(uow, caller, SeatRole.CLERK)
    application = _lock(uow, caller, application_id, version)
    application.check_move(ApplicationStatus.NOT_ACCEPTED)
    _check_time(uow, application)
    application.reason = reason
    application.words_sealed = seal(house, "applications", "words", application.id, words)
    end_application(uow, application, ApplicationStatus.NOT_ACCEPTED, reason)
    announce(house, uow, application, ApplicationStep.REFUSED)
    uow.flush()
    return show_application(house, uow, application)


def _begin(house: House, uow: UnitOfWork, application: Application) -> None:
    """Open the tasks of an application that was accepted, and let their fees be owed."""
    wind_intake(uow, application)
    decline_wanted(uow, application)
    bundle = find_bundle(application.bundle, application.bundle_version)
    answers = answers_of(house, application)
    open_tasks(uow, application, bundle, tasks_for(bundle, answers))
    mint_fees(house, uow, application, bundle, answers)
    uow.move(application, ApplicationStatus.IN_PROGRESS, cause="tasks-opened")
    announce(house, uow, application, ApplicationStep.ACCEPTED)
    uow.flush()


def _check_time(uow: UnitOfWork, application: Application) -> None:
    if is_accepted_by_silence(uow, application):
        raise IntakeOver


def _require(
    house: House, uow: UnitOfWork, application: Application, supplement: Supplement
) -> None:
    if supplement.asked_at is not None:
        uow.move(
            application,
            ApplicationStatus.SUPPLEMENT_REQUIRED,
            cause="supplement",
            **pause_of(SUPPLEMENT_LIMIT),
        )
        wind_intake(uow, application)
        announce(house, uow, application, ApplicationStep.RETURNED)
        uow.flush()


def _lock(uow: UnitOfWork, caller: Caller, application_id: UUID, version: int) -> Application:
    statement = select(Application.id).where(
        Application.id == application_id,
        Application.lead == caller.department,
        Application.submitted_at.is_not(None),
    )
    if uow.scalar(statement) is None:
        raise PermitApplicationNotFound
    application = uow.lock(Application, application_id)
    if application.version != version:
        raise PermitVersionStale(version=application.version)
    return application
