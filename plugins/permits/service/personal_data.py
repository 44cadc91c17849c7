"""The rights of a person over what this plug-in keeps about them."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from app.sdk import House, UnitOfWork
from plugins.permits.models import (
    Application,
    Consultation,
    Decision,
    Meeting,
    MeetingOpinion,
    Procedure,
    Result,
    Supplement,
    Task,
)
from plugins.permits.service.applications import end_application, list_all_applications
from plugins.permits.service.fees import void_fees
from plugins.permits.service.materials import certificates_of, forget_files, list_files
from plugins.permits.service.ratings import forget_rater, list_all_ratings
from plugins.permits.service.sealing import unseal_values
from plugins.permits.values.applications import ApplicationStatus

_OPEN = (
    ApplicationStatus.DRAFT,
    ApplicationStatus.SUBMITTED,
    ApplicationStatus.SUPPLEMENT_REQUIRED,
    ApplicationStatus.IN_PROGRESS,
)


def export_citizen(house: House, citizen_reference: str) -> Mapping[str, object]:
    """Return a citizen's applications with answers, supplements and results, as JSON values.

    Of files what they are, and their SHA-256: what they hold is fetched one by one.
    """
    with house.unit_of_work() as uow:
        applications = list_all_applications(house, uow, citizen_reference)
        ids = [application.id for application in applications]
        ratings = list_all_ratings(house, uow, citizen_reference)
        files = [file for row in ids for file in list_files(house, uow, row)]
        certificates = {str(row): dict(certificates_of(uow, row)) for row in ids}
        results = uow.scalars(select(Result).where(Result.application_id.in_(ids))).all()
    return {
        "applications": [_plain(asdict(application)) for application in applications],
        "certificates": {row: used for row, used in certificates.items() if used},
        "files": [_plain(asdict(file)) for file in files],
        "results": [
            unseal_values(house, "results", "content", row.application_id, row.content_sealed)
            for row in results
        ],
        "ratings": [_plain(asdict(rating)) for rating in ratings],
    }


def erase_citizen(house: House, citizen_reference: str) -> None:
    """Withdraw what is open, and forget whose applications were and every text in them.

    What was decided, when and by which department stays, and leads to nobody.
    """
    with house.unit_of_work() as uow:
        statement = select(Application.id).where(Application.citizen_reference == citizen_reference)
        for application_id in uow.scalars(statement.order_by(Application.id)).all():
            application = uow.lock(Application, application_id)
            if application.status in _OPEN:
                end_application(uow, application, ApplicationStatus.WITHDRAWN, "erased")
            void_fees(uow, application, "erased")  # nobody is there who could pay them
            uow.flush()
            _blank(uow, application)
        forget_rater(uow, citizen_reference)


def _blank(uow: UnitOfWork, application: Application) -> None:
    row: UUID = application.id
    tasks = select(Task.id).where(Task.application_id == row)
    meetings = select(Meeting.id).where(Meeting.task_id.in_(tasks))
    for statement in (
        update(Supplement)
        .where(Supplement.application_id == row)
        .values(words_sealed=None, answer_sealed=None),
        update(Decision)
        .where(Decision.task_id.in_(tasks))
        .values(words_sealed=None, conditions_sealed=None),
        update(Consultation)
        .where(Consultation.task_id.in_(tasks))
        .values(question_sealed=None, answer_sealed=None),
        update(Procedure).where(Procedure.task_id.in_(tasks)).values(result_sealed=None),
        update(MeetingOpinion)
        .where(MeetingOpinion.meeting_id.in_(meetings))
        .values(words_sealed=None),
        update(Meeting).where(Meeting.task_id.in_(tasks)).values(minutes_sealed=None),
        update(Result).where(Result.application_id == row).values(content_sealed=None),
    ):
        uow.execute(statement)
    forget_files(uow, row)
    application.citizen_reference = application.answers_sealed = application.words_sealed = None
    application.holder_sealed = None
    application.letterbox = ""


def _plain(value: object) -> object:
    """Return JSON values: moments in ISO 8601, ids as text."""
    if isinstance(value, date):  # a moment is a day too
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, UUID) else value
