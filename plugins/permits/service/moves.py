"""The moves of tasks: each is logged so that a program can reckon the time of a task from the log.

Whoever ends a task has locked the row of its application before that of the task.
"""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.sdk import ApplicationStep, House, UnitOfWork, now
from plugins.permits.models import (
    Application,
    Consultation,
    Decision,
    Procedure,
    Supplement,
    Task,
)
from plugins.permits.service.answers import tasks_for
from plugins.permits.service.fees import settle_fees
from plugins.permits.service.news import announce
from plugins.permits.service.sealing import unseal_values
from plugins.permits.service.winding import wind
from plugins.permits.values.applications import ApplicationStatus
from plugins.permits.values.bundles import Bundle, IssuePolicy, Limit, TaskTemplate
from plugins.permits.values.graph import end_of, follow
from plugins.permits.values.tasks import (
    FINAL,
    REFUSED,
    Stage,
    SupplementStatus,
    TaskReason,
    TaskStatus,
)

_LIVE = (SupplementStatus.WANTED, SupplementStatus.ASKED)


def open_tasks(
    uow: UnitOfWork, application: Application, bundle: Bundle, applies: Iterable[TaskTemplate]
) -> None:
    """Open every task of a bundle for an application whose row is locked, and begin what may begin.

    Those that the answers leave out end at once.
    """
    graph = {template.id: template for template in applies}
    for template in bundle.tasks:
        task = Task(
            status=TaskStatus.WAITING,
            application_id=application.id,
            template=template.id,
            department=template.department,
        )
        uow.open_record(
            task,
            cause="accepted",
            template=template.id,
            department=template.department,
            limit_days=template.limit.working_days,
            limit_starts=str(template.limit.starts),
            after=list(graph.get(template.id, template).after),
            after_any=list(graph.get(template.id, template).after_any),
        )
        if template.id not in graph:
            _leave_out(uow, task, TaskReason.CONDITION)
    uow.flush()
    _advance(uow, application, graph.values())


def move_task(
    uow: UnitOfWork,
    task: Task,
    to: TaskStatus,
    cause: str,
    **data: Any,  # noqa: ANN401 - what the event says besides
) -> None:
    """Move a task whose row is locked, and its clock; a task that ends is nobody's any more."""
    uow.move(task, to, cause=cause, **data)
    task.since = now()
    if to is TaskStatus.READY:
        task.ready_at = task.ready_at or task.since
    if to in FINAL:
        task.decided_at = task.since
    if to in FINAL or to in (TaskStatus.READY, TaskStatus.PROPOSED):
        task.holder = task.lease_until = None
    wind(uow, task)


def pause_of(limit: Limit) -> dict[str, Any]:
    """Return what the move into a pause says of its own limit."""
    return {"pause_days": limit.working_days, "pause_starts": str(limit.starts)}


def decide_finally(
    house: House,
    uow: UnitOfWork,
    application: Application,
    task: Task,
    bundle: Bundle,
    decision: Decision,
    cause: str,
) -> None:
    """End a task by a decision and let follow what follows; both rows are locked.

    A refusal in a bundle that is issued together or not at all refuses whatever is open.
    """
    _end(uow, task, decision, cause)
    announce(
        *(house, uow, application, ApplicationStep.DECIDED, task.template),
        outcome=decision.outcome,
    )
    if decision.outcome in REFUSED and bundle.issue is IssuePolicy.ATOMIC:
        for other in lock_open_tasks(uow, application.id):
            _end(uow, other, _refusal_of(other), TaskReason.BUNDLE_REFUSED)
    else:
        answers = unseal_values(
            house, "applications", "answers", application.id, application.answers_sealed
        )
        _advance(uow, application, tasks_for(bundle, answers))
    uow.flush()
    end_matters(uow, application.id)
    settle_fees(uow, application)
    if _count_open(uow, application.id) == 0:
        uow.move(application, ApplicationStatus.ALL_DECIDED, cause="decided")


def end_open_tasks(uow: UnitOfWork, application: Application, cause: str) -> None:
    """Withdraw every task that is open, of an application whose row is locked."""
    for task in lock_open_tasks(uow, application.id):
        move_task(uow, task, TaskStatus.WITHDRAWN, cause)
    uow.flush()
    end_matters(uow, application.id)
    uow.execute(
        update(Supplement)
        .where(
            Supplement.application_id == application.id,
            Supplement.task_id.is_(None),
            Supplement.status.in_(_LIVE),
        )
        .values(status=SupplementStatus.ENDED)
    )


def lock_open_tasks(uow: UnitOfWork, application_id: UUID) -> list[Task]:
    """Return the tasks that are open as they are now, with their rows locked."""
    statement = (
        select(Task)
        .where(Task.application_id == application_id, Task.status.not_in(FINAL))
        .order_by(Task.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    uow.flush()
    return list(uow.scalars(statement))


def end_matters(uow: UnitOfWork, application_id: UUID) -> None:
    """End what was still asked or held in tasks that are over."""
    over = select(Task.id).where(Task.application_id == application_id, Task.status.in_(FINAL))
    for matter in (Consultation, Procedure):
        uow.execute(
            update(matter)
            .where(matter.task_id.in_(over), matter.ended_at.is_(None))
            .values(ended_at=now())
        )
    uow.execute(
        update(Supplement)
        .where(Supplement.task_id.in_(over), Supplement.status.in_(_LIVE))
        .values(status=SupplementStatus.ENDED)
    )


def _advance(uow: UnitOfWork, application: Application, applies: Collection[TaskTemplate]) -> None:
    """Begin the waiting tasks that may begin, and leave out those that never will."""
    statement = select(Task).where(Task.application_id == application.id).order_by(Task.id)
    tasks = {
        task.template: task
        for task in uow.scalars(
            statement.with_for_update().execution_options(populate_existing=True)
        )
    }
    states = {name: TaskStatus(task.status) for name, task in tasks.items()}
    ends = {name: end for name, status in states.items() if (end := end_of(status)) is not None}
    waiting = [name for name, status in states.items() if status is TaskStatus.WAITING]
    steps = follow(applies, ends, waiting)
    for name in steps.blocked:
        _leave_out(uow, tasks[name], TaskReason.PREDECESSOR_REFUSED)
    for name in steps.ready:
        move_task(uow, tasks[name], TaskStatus.READY, "ready")


def _leave_out(uow: UnitOfWork, task: Task, reason: TaskReason) -> None:
    task.reason = reason
    move_task(uow, task, TaskStatus.NOT_APPLICABLE, reason)


def _end(uow: UnitOfWork, task: Task, decision: Decision, cause: str) -> None:
    task.check_move(TaskStatus(decision.outcome))
    uow.add(decision)
    uow.flush()  # the task points at its final line
    task.decision_id = decision.id
    task.reason = decision.reason
    move_task(uow, task, TaskStatus(decision.outcome), cause)


def _refusal_of(task: Task) -> Decision:
    return Decision(
        task_id=task.id,
        stage=Stage.FINAL,
        outcome=TaskStatus.REFUSED,
        reason=TaskReason.BUNDLE_REFUSED,
    )


def _count_open(uow: UnitOfWork, application_id: UUID) -> int:
    statement = select(func.count()).where(
        Task.application_id == application_id, Task.status.not_in(FINAL)
    )
    return uow.scalars(statement).one()
