"""A citizen's applications: drafted bit by bit, submitted whole, answered, withdrawn, read."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from app.sdk import (
    ApplicationStep,
    Citizen,
    House,
    Page,
    PageRequest,
    UnitOfWork,
    fetch_page,
    new_id,
    now,
)
from plugins.permits.errors import (
    AnswersClosed,
    AnswersInvalid,
    BundleNotFound,
    NothingApplies,
    PermitApplicationNotFound,
    SupplementLapsed,
    SupplementNotFound,
    TooManyDrafts,
)
from plugins.permits.models import Application, Supplement, Task
from plugins.permits.service.answers import read_answers, tasks_for
from plugins.permits.service.bundles import find_bundle, list_bundles
from plugins.permits.service.completeness import check_materials
from plugins.permits.service.fees import settle_fees
from plugins.permits.service.moves import end_open_tasks, move_task
from plugins.permits.service.news import announce
from plugins.permits.service.sealing import seal, seal_values, unseal_values
from plugins.permits.service.shown import show_application, show_line
from plugins.permits.service.winding import is_lapsed, wind_intake
from plugins.permits.values.applications import (
    MOST_DRAFTS,
    ApplicationLine,
    ApplicationStatus,
    ApplicationView,
    DraftWish,
)
from plugins.permits.values.bundles import Bundle
from plugins.permits.values.tasks import SupplementStatus, TaskStatus

_TABLE = "applications"


def begin_application(
    house: House, uow: UnitOfWork, citizen: Citizen, wish: DraftWish, services: Collection[str]
) -> ApplicationView:
    """Begin a draft of a bundle in its newest version, with the answers there are so far.

    Raise `BundleNotFound`, also where the caller may not act, `AnswersInvalid` naming each field,
    and `TooManyDrafts`.
    """
    bundle = find_bundle(wish.bundle)
    if bundle.service not in services:
        raise BundleNotFound
    answers = read_answers(bundle, wish.answers, partial=True)
    _one_at_a_time(uow, citizen.reference)
    drafts = select(func.count()).where(
        Application.citizen_reference == citizen.reference,
        Application.status == ApplicationStatus.DRAFT,
    )
    if uow.scalars(drafts).one() >= MOST_DRAFTS:
        raise TooManyDrafts(most=MOST_DRAFTS)
    application_id = new_id()
    application = Application(
        id=application_id,
        status=ApplicationStatus.DRAFT,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        bundle=bundle.id,
        bundle_version=bundle.version,
        lead=bundle.lead,
        answers_sealed=seal_values(house, _TABLE, "answers", application_id, answers),
    )
    uow.open_record(application, cause="citizen", bundle=bundle.id, bundle_version=bundle.version)
    uow.flush()
    return show_application(house, uow, application)


def list_applications(
    uow: UnitOfWork,
    citizen_reference: str,
    page: PageRequest,
    services: Collection[str],
    *,
    status: str | None,
) -> Page[ApplicationLine]:
    """Return a page of a citizen's applications, the first begun first."""
    statement = _of(citizen_reference, services)
    if status is not None:
        statement = statement.where(Application.status == status)
    rows = fetch_page(uow, statement, [Application.created_at, Application.id], page)
    return Page([show_line(row) for row in rows.items], rows.next_cursor)


def find_application(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Collection[str],
) -> ApplicationView:
    """Return one of a citizen's applications, or raise `PermitApplicationNotFound`."""
    application = _own(uow, _of(citizen_reference, services), application_id)
    return show_application(house, uow, application)


def save_answers(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    changes: Mapping[str, Any],
    services: Collection[str],
) -> ApplicationView:
    """Put answers into a draft beside those it has; null takes one out.

    Raise `AnswersInvalid` naming each field, and `AnswersClosed` once it was submitted.
    """
    application = _lock(uow, _of(citizen_reference, services), application_id)
    if application.status != ApplicationStatus.DRAFT:
        raise AnswersClosed
    bundle = find_bundle(application.bundle, application.bundle_version)
    merged = merge(answers_of(house, application), changes)
    answers = read_answers(bundle, merged, partial=True)
    keep_answers(house, application, answers)
    uow.flush()
    return show_application(house, uow, application)


def submit_application(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Collection[str],
    *,
    name: str | None = None,
) -> ApplicationView:
    """Hand a draft to the lead department.

    `name` is the verified name of whoever applies, to whom certificates are issued.
    The whole form is checked: raise `AnswersInvalid` naming each field that is missing or wrong,
    `NothingApplies` where no permit is needed, `MaterialsMissing` naming each, and
    `IllegalMove` for what is no draft any more.
    """
    application = _lock(uow, _of(citizen_reference, services), application_id)
    application.check_move(ApplicationStatus.SUBMITTED)
    if application.status != ApplicationStatus.DRAFT:
        raise AnswersClosed("Answer the supplement that was asked for.")
    bundle = find_bundle(application.bundle, application.bundle_version)
    answers = answers_of(house, application)
    _check_whole(bundle, answers)
    check_materials(house, uow, application, bundle, answers)
    application.submitted_at = now()
    application.holder_sealed = seal(house, _TABLE, "holder", application.id, name)
    uow.move(application, ApplicationStatus.SUBMITTED, cause="citizen")
    wind_intake(uow, application)
    announce(house, uow, application, ApplicationStep.SUBMITTED)
    uow.flush()
    return show_application(house, uow, application)


def answer_supplement(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    supplement_id: UUID,
    words: str,
    changes: Mapping[str, Any],
    services: Collection[str],
) -> ApplicationView:
    """Answer what was asked, with the fields that it named; the time of the task runs on.

    Raise `SupplementNotFound` when nothing of the kind is asked now, `SupplementLapsed` when its
    time is over, `AnswersInvalid` for fields
    that were not asked about, or where another answer would need other permits.
    """
    application = _lock(uow, _of(citizen_reference, services), application_id)
    supplement = uow.scalar(
        select(Supplement)
        .where(
            Supplement.id == supplement_id,
            Supplement.application_id == application.id,
            Supplement.status == SupplementStatus.ASKED,
        )
        .with_for_update()
    )
    if supplement is None or supplement.asked_at is None:
        raise SupplementNotFound
    if is_lapsed(uow, supplement.asked_at):
        raise SupplementLapsed
    if changes:
        _change_as_asked(house, application, supplement, changes)
    supplement.status = SupplementStatus.ANSWERED
    supplement.answered_at = now()
    supplement.answer_sealed = seal(house, "supplements", "answer", supplement.id, words)
    if supplement.task_id is None:
        bundle = find_bundle(application.bundle, application.bundle_version)
        _check_whole(bundle, answers_of(house, application))
        application.submitted_at = now()
        uow.move(application, ApplicationStatus.SUBMITTED, cause="supplement-answered")
        wind_intake(uow, application)
        announce(house, uow, application, ApplicationStep.SUBMITTED)
    else:
        task = uow.lock(Task, supplement.task_id)
        move_task(uow, task, TaskStatus.IN_REVIEW, "supplement-answered")
    uow.flush()
    return show_application(house, uow, application)


def withdraw_application(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Collection[str],
) -> ApplicationView:
    """Take an application back, with everything in it that is not decided.

    Raise `IllegalMove` once everything is decided: what was decided is then issued.
    """
    application = _lock(uow, _of(citizen_reference, services), application_id)
    end_application(uow, application, ApplicationStatus.WITHDRAWN, "withdrawn")
    announce(house, uow, application, ApplicationStep.WITHDRAWN)
    uow.flush()
    return show_application(house, uow, application)


def lapse_application(
    house: House, uow: UnitOfWork, application: Application, reason: str | None = None
) -> None:
    """Let an application lapse whose row is locked, for a reason that its citizen reads.

    Without one, what was asked was not answered in time.
    """
    application.reason = reason
    end_application(uow, application, ApplicationStatus.LAPSED, reason or "lapsed")
    announce(house, uow, application, ApplicationStep.LAPSED)


def end_application(
    uow: UnitOfWork, application: Application, to: ApplicationStatus, cause: str
) -> None:
    """End an application whose row is locked, withdraw its open tasks, and settle its fees."""
    application.check_move(to)
    end_open_tasks(uow, application, cause)
    application.ended_at = now()
    uow.move(application, to, cause=cause)
    settle_fees(uow, application)
    wind_intake(uow, application)


def answers_of(house: House, application: Application) -> Mapping[str, Any]:
    """Return the answers of an application."""
    return unseal_values(house, _TABLE, "answers", application.id, application.answers_sealed)


def keep_answers(house: House, application: Application, answers: Mapping[str, Any]) -> None:
    """Seal the answers of an application whose row is locked."""
    application.answers_sealed = seal_values(house, _TABLE, "answers", application.id, answers)
    application.saved_at = now()


def merge(answers: Mapping[str, Any], changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return answers with changes put over them; null takes one out."""
    return {name: value for name, value in {**answers, **changes}.items() if value is not None}


def list_all_applications(
    house: House, uow: UnitOfWork, citizen_reference: str
) -> list[ApplicationView]:
    """Return every application of a citizen, with what was asked and decided in it."""
    mine = select(Application).where(Application.citizen_reference == citizen_reference)
    return [show_application(house, uow, row) for row in uow.scalars(mine).all()]


def _change_as_asked(
    house: House, application: Application, supplement: Supplement, changes: Mapping[str, Any]
) -> None:
    bundle = find_bundle(application.bundle, application.bundle_version)
    strange = sorted(changes.keys() - set(supplement.fields))
    if supplement.fields or supplement.task_id is not None:
        _refuse(strange, "This field was not asked about.")
    before = answers_of(house, application)
    answers = read_answers(bundle, merge(before, changes))
    needs = [[task.id for task in tasks_for(bundle, a)] for a in (before, answers)]
    if supplement.task_id is not None and needs[0] != needs[1]:
        _refuse(sorted(changes), "By this answer other permits would be needed.")
    keep_answers(house, application, answers)


def _refuse(names: Collection[str], message: str) -> None:
    if names:
        raise AnswersInvalid(
            errors=[{"pointer": f"/answers/{name}", "message": message} for name in names]
        )


def _check_whole(bundle: Bundle, answers: Mapping[str, Any]) -> None:
    whole = read_answers(bundle, answers)
    if not tasks_for(bundle, whole):
        raise NothingApplies


def _of(citizen_reference: str, services: Collection[str]) -> Select[Application]:
    """Return the statement of a citizen's applications: whose they are stands in its WHERE."""
    bundles = [bundle.id for bundle in list_bundles() if bundle.service in services]
    return select(Application).where(
        Application.citizen_reference == citizen_reference, Application.bundle.in_(bundles)
    )


def _own(uow: UnitOfWork, whose: Select[Application], application_id: UUID) -> Application:
    statement = whose.where(Application.id == application_id)
    found: Application | None = uow.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise PermitApplicationNotFound
    return found


def _lock(uow: UnitOfWork, whose: Select[Application], application_id: UUID) -> Application:
    return _own(uow, whose.with_for_update(), application_id)


def _one_at_a_time(uow: UnitOfWork, citizen_reference: str) -> None:
    """Let one draft of a citizen be begun after the other, so that they can be counted."""
    key = func.hashtextextended(f"permits|{citizen_reference}", 0)
    uow.execute(select(func.pg_advisory_xact_lock(key)))
