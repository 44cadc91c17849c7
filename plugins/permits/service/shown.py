"""Applications as they are shown to their citizen and to the lead department."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from app.sdk import House, UnitOfWork
from plugins.permits.models import Application, Decision, Result, Supplement, Task
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.fees import show_fees
from plugins.permits.service.sealing import unseal, unseal_values
from plugins.permits.values.applications import (
    REMEDY_TERMS,
    ApplicationLine,
    ApplicationView,
    ResultView,
    SupplementView,
    TaskBrief,
)
from plugins.permits.values.bundles import Bundle
from plugins.permits.values.tasks import REFUSED, Stage, SupplementStatus

_TOLD = (SupplementStatus.ASKED, SupplementStatus.ANSWERED, SupplementStatus.ENDED)


def show_application(house: House, uow: UnitOfWork, application: Application) -> ApplicationView:
    """Return an application with its tasks and what was asked; no officer is named in it."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    row = application.id
    return ApplicationView(
        id=row,
        bundle=bundle.id,
        bundle_version=bundle.version,
        title=bundle.title,
        service=bundle.service,
        lead=bundle.lead,
        status=application.status,
        version=application.version,
        answers=unseal_values(house, "applications", "answers", row, application.answers_sealed),
        created_at=application.created_at,
        submitted_at=application.submitted_at,
        accepted_at=application.accepted_at,
        due_at=application.due_at,
        ended_at=application.ended_at,
        reason=application.reason,
        words=unseal(house, "applications", "words", row, application.words_sealed),
        tasks=list_briefs(house, uow, application.id, bundle),
        supplements=[
            show_supplement(house, one) for one in _asked_of(uow, application.id) if one.asked_at
        ],
        fees=show_fees(uow, row),
        result=_result_of(house, uow, row),
    )


def show_line(application: Application) -> ApplicationLine:
    """Return an application as a line of a list."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    return ApplicationLine(
        id=application.id,
        bundle=bundle.id,
        title=bundle.title,
        service=bundle.service,
        status=application.status,
        version=application.version,
        created_at=application.created_at,
        submitted_at=application.submitted_at,
        due_at=application.due_at,
        ended_at=application.ended_at,
    )


def list_briefs(
    house: House, uow: UnitOfWork, application_id: UUID, bundle: Bundle
) -> Sequence[TaskBrief]:
    """Return the tasks of an application in the order of their bundle."""
    tasks = uow.scalars(select(Task).where(Task.application_id == application_id)).all()
    final = final_lines(uow, [task.id for task in tasks])
    by_template = {task.template: task for task in tasks}
    return [
        _brief(house, bundle, task, final.get(task.id))
        for template in bundle.tasks
        if (task := by_template.get(template.id)) is not None
    ]


def final_lines(uow: UnitOfWork, task_ids: Sequence[UUID]) -> Mapping[UUID, Decision]:
    """Return what was decided in each of many tasks."""
    statement = select(Decision).where(
        Decision.task_id.in_(task_ids), Decision.stage == Stage.FINAL
    )
    return {line.task_id: line for line in uow.scalars(statement)}


def show_supplement(house: House, supplement: Supplement) -> SupplementView:
    """Return what was asked of a citizen."""
    row = supplement.id
    return SupplementView(
        id=row,
        application_id=supplement.application_id,
        task_id=supplement.task_id,
        number=supplement.number,
        department=supplement.department,
        words=unseal(house, "supplements", "words", row, supplement.words_sealed),
        fields=supplement.fields,
        materials=supplement.materials,
        status=supplement.status,
        is_defect=supplement.is_defect,
        asked_at=supplement.asked_at,
        due_at=supplement.due_at,
        answered_at=supplement.answered_at,
        answer=unseal(house, "supplements", "answer", row, supplement.answer_sealed),
    )


def _result_of(house: House, uow: UnitOfWork, row: UUID) -> ResultView | None:
    result = uow.get(Result, row)
    if result is None:
        return None
    content = unseal_values(house, "results", "content", row, result.content_sealed)
    return ResultView(content, result.digest, result.made_at)


def _asked_of(uow: UnitOfWork, application_id: UUID) -> Sequence[Supplement]:
    statement = select(Supplement).where(
        Supplement.application_id == application_id, Supplement.status.in_(_TOLD)
    )
    return uow.scalars(statement.order_by(Supplement.id)).all()


def _brief(house: House, bundle: Bundle, task: Task, final: Decision | None) -> TaskBrief:
    words = conditions = None
    if final is not None:
        words = unseal(house, "decisions", "words", final.id, final.words_sealed)
        conditions = unseal(house, "decisions", "conditions", final.id, final.conditions_sealed)
    return TaskBrief(
        id=task.id,
        template=task.template,
        title=bundle.task(task.template).title,
        department=task.department,
        status=task.status,
        reason=task.reason,
        since=task.since,
        ready_at=task.ready_at,
        due_at=task.due_at,
        decided_at=task.decided_at,
        words=words,
        conditions=conditions,
        remedies=remedies_of(task.status),
    )


def remedies_of(status: str) -> Mapping[str, str]:
    """Return what a citizen can do against the end of a task, and how long."""
    return {str(k): v for k, v in REMEDY_TERMS.items()} if status in REFUSED else {}
