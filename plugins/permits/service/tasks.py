"""The desk of a department: its tasks, who has which, and what is done before a decision."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from app.sdk import ApplicationStep, House, Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.permits.errors import (
    PermitTaskNotFound,
    PermitVersionStale,
    ProcedureNotAllowed,
    TaskElsewhere,
    TaskHeld,
    TaskNotHeld,
)
from plugins.permits.events import PermitTaskRead
from plugins.permits.models import (
    Application,
    Consultation,
    Decision,
    Meeting,
    MeetingOpinion,
    Procedure,
    Supplement,
    Task,
)
from plugins.permits.service.applications import answers_of
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.moves import move_task, pause_of
from plugins.permits.service.news import announce
from plugins.permits.service.sealing import seal, unseal
from plugins.permits.service.seats import take_place
from plugins.permits.service.shown import show_supplement
from plugins.permits.service.supplements import ask, check_asked, judge
from plugins.permits.values.bundles import Bundle, TaskTemplate
from plugins.permits.values.bundles import Procedure as Kind
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import (
    FINAL,
    HELD,
    LEASE,
    SUPPLEMENT_LIMIT,
    Ask,
    Caller,
    ConsultationView,
    DecisionView,
    Lamp,
    MeetingView,
    ProcedureView,
    SupplementStatus,
    TaskLine,
    TaskStatus,
    TaskView,
)

_ANY_SEAT = tuple(SeatRole)
_WORKERS = (SeatRole.CLERK, SeatRole.DECIDER)


def list_tasks(
    uow: UnitOfWork,
    caller: Caller,
    page: PageRequest,
    *,
    status: str | None,
    lamp: str | None,
    mine: bool,
) -> Page[TaskLine]:
    """Return a page of a department's tasks, those that have been ready for longest first.

    Without a status those that are open and may be worked at. No citizen is named.
    """
    take_place(uow, caller, *_ANY_SEAT)
    statement = select(Task).where(Task.department == caller.department, Task.ready_at.is_not(None))
    if status is not None:
        statement = statement.where(Task.status == status)
    else:
        statement = statement.where(Task.status.not_in(FINAL))
    if lamp is not None:
        statement = statement.where(Task.lamp == lamp)
    if mine:
        statement = statement.where(Task.holder == caller.staff_id, Task.lease_until > now())
    rows = fetch_page(uow, statement, [Task.ready_at, Task.id], page)
    bundles = _bundles_of(uow, [row.application_id for row in rows.items])
    lines = [show_task_line(row, bundles[row.application_id], caller) for row in rows.items]
    return Page(lines, rows.next_cursor)


def read_task(house: House, uow: UnitOfWork, caller: Caller, task_id: UUID) -> TaskView:
    """Return a task of the caller's department with the answers it needs; the trail knows."""
    take_place(uow, caller, *_ANY_SEAT)
    task = uow.scalar(select(Task).where(Task.id == task_id, Task.department == caller.department))
    if task is None:
        raise PermitTaskNotFound
    uow.record(PermitTaskRead(task_id=task.id, officer=caller.staff_id))
    return show_task(house, uow, task, caller)


def claim_task(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int
) -> TaskView:
    """Have a task for as long as one works at it; a second claim of its holder renews the lease.

    Raise `TaskHeld` while another officer has it, `PermitVersionStale`, `IllegalMove`.
    """
    take_place(uow, caller, *_WORKERS)
    task = lock_task(uow, caller, task_id)
    check_free(task, caller)
    _check_version(task, version)
    if task.holder != caller.staff_id or task.lease_until is None or task.lease_until <= now():
        here = TaskStatus(task.status)
        to = here if here in HELD else TaskStatus.CLAIMED
        move_task(uow, task, to, "claimed", officer=str(caller.staff_id))
    hold(task, caller)
    uow.flush()
    return show_task(house, uow, task, caller)


def release_task(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int
) -> TaskView:
    """Give a task back for others to claim."""
    task = take_held(uow, caller, task_id, version)
    here = TaskStatus(task.status)
    move_task(uow, task, TaskStatus.READY if here is TaskStatus.CLAIMED else here, "released")
    task.holder = task.lease_until = None
    uow.flush()
    return show_task(house, uow, task, caller)


def begin_review(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int
) -> TaskView:
    """Begin to review a task that one has claimed."""
    task = take_held(uow, caller, task_id, version)
    check_state(task, TaskStatus.CLAIMED)
    move_task(uow, task, TaskStatus.IN_REVIEW, "review")
    uow.flush()
    return show_task(house, uow, task, caller)


def ask_in_review(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int, wish: Ask
) -> TaskView:
    """Ask the citizen for what is missing, once; a further time waits for a superior.

    Raise `SupplementOpen`, `Invalid` for what the task does not need.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application, task = take_both(uow, caller, task_id, version)
    check_held(task, caller)
    check_state(task, TaskStatus.IN_REVIEW)
    template = template_of(application, task)
    check_asked(wish, template.fields, template.materials)
    supplement = ask(house, uow, caller, application, task, wish)
    _pause_for(house, uow, application, task, supplement)
    uow.flush()
    return show_task(house, uow, task, caller)


def judge_in_review(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    task_id: UUID,
    supplement_id: UUID,
    version: int,
    *,
    allowed: bool,
) -> TaskView:
    """Allow or decline, as a superior, that a citizen is asked once more in a task."""
    take_place(uow, caller, SeatRole.SUPERIOR)
    application, task = take_both(uow, caller, task_id, version)
    check_state(task, TaskStatus.IN_REVIEW)
    supplement = judge(uow, caller, application, task, supplement_id, allowed=allowed)
    _pause_for(house, uow, application, task, supplement)
    uow.flush()
    return show_task(house, uow, task, caller)


def begin_procedure(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int, kind: Kind
) -> TaskView:
    """Begin a special procedure that the template allows; the time of the task stands still.

    Raise `ProcedureNotAllowed`.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application, task = take_both(uow, caller, task_id, version)
    check_held(task, caller)
    check_state(task, TaskStatus.IN_REVIEW)
    limit = (template_of(application, task).procedures or {}).get(kind)
    if limit is None:
        raise ProcedureNotAllowed
    uow.add(
        Procedure(
            task_id=task.id,
            kind=kind,
            begun_by=caller.staff_id,
            working_days=limit.working_days,
        )
    )
    uow.flush()
    move_task(uow, task, TaskStatus.SPECIAL_PROCEDURE, kind, **pause_of(limit))
    uow.flush()
    return show_task(house, uow, task, caller)


def end_procedure(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int, result: str
) -> TaskView:
    """End the special procedure that is under way, with what came of it."""
    take_place(uow, caller, SeatRole.CLERK)
    task = take_held(uow, caller, task_id, version)
    check_state(task, TaskStatus.SPECIAL_PROCEDURE)
    open_one = select(Procedure).where(Procedure.task_id == task.id, Procedure.ended_at.is_(None))
    procedure = uow.scalars(open_one.with_for_update()).one()
    procedure.ended_at = now()
    procedure.ended_by = caller.staff_id
    procedure.result_sealed = seal(house, "procedures", "result", procedure.id, result)
    move_task(uow, task, TaskStatus.IN_REVIEW, procedure.kind)
    uow.flush()
    return show_task(house, uow, task, caller)


def take_both(
    uow: UnitOfWork, caller: Caller, task_id: UUID, version: int
) -> tuple[Application, Task]:
    """Lock the application and then the task of the caller's department that was seen so.

    Raise `PermitTaskNotFound` or `PermitVersionStale`.
    """
    found = uow.scalar(
        select(Task.application_id).where(Task.id == task_id, Task.department == caller.department)
    )
    if found is None:
        raise PermitTaskNotFound
    application = uow.lock(Application, found)
    task = uow.lock(Task, task_id)
    _check_version(task, version)
    return application, task


def take_held(uow: UnitOfWork, caller: Caller, task_id: UUID, version: int) -> Task:
    """Lock a task that the caller has, and renew the lease; raise as `take_both`, `TaskNotHeld`."""
    task = lock_task(uow, caller, task_id)
    _check_version(task, version)
    check_held(task, caller)
    return task


def check_state(task: Task, *states: TaskStatus) -> None:
    """Raise `TaskElsewhere` unless a task is in one of these states.

    Taking a task over is a move from its state to the same one, so that legal moves do not say it.
    """
    if task.status not in states:
        raise TaskElsewhere(status=task.status)


def check_held(task: Task, caller: Caller) -> None:
    """Raise `TaskNotHeld` unless the caller has the task now; whoever acts keeps it."""
    if task.holder != caller.staff_id or task.lease_until is None or task.lease_until <= now():
        raise TaskNotHeld
    hold(task, caller)


def hold(task: Task, caller: Caller) -> None:
    """Let the caller have a task from now for the length of a lease."""
    task.holder = caller.staff_id
    task.lease_until = now() + LEASE


def template_of(application: Application, task: Task) -> TaskTemplate:
    """Return what the bundle says of a task."""
    return find_bundle(application.bundle, application.bundle_version).task(task.template)


def show_task_line(task: Task, bundle: Bundle, caller: Caller) -> TaskLine:
    """Return a task as a line of the caller's list."""
    is_held = task.lease_until is not None and task.lease_until > now()
    return TaskLine(
        id=task.id,
        application_id=task.application_id,
        bundle=bundle.id,
        template=task.template,
        title=bundle.task(task.template).title,
        department=task.department,
        status=task.status,
        version=task.version,
        is_mine=is_held and task.holder == caller.staff_id,
        is_held=is_held,
        lease_until=task.lease_until if is_held else None,
        ready_at=task.ready_at,
        due_at=task.due_at,
        lamp=task.lamp,
    )


def show_task(house: House, uow: UnitOfWork, task: Task, caller: Caller) -> TaskView:
    """Return a task with everything in it, and of the answers those that its template names."""
    application = uow.get_one(Application, task.application_id)
    bundle = find_bundle(application.bundle, application.bundle_version)
    fields = bundle.task(task.template).fields
    answers = answers_of(house, application)
    of_task = [
        uow.scalars(select(kind).where(kind.task_id == task.id).order_by(kind.id)).all()
        for kind in (Supplement, Consultation, Procedure, Decision)
    ]
    supplements, consultations, procedures, decisions = of_task
    return TaskView(
        line=show_task_line(task, bundle, caller),
        answers={name: answers[name] for name in fields if name in answers},
        supplements=[show_supplement(house, row) for row in supplements],
        consultations=[show_consultation(house, row, task.department) for row in consultations],
        procedures=[_show_procedure(house, row) for row in procedures],
        meetings=list_meetings(house, uow, task.id),
        decisions=[_show_decision(house, row) for row in decisions],
    )


def show_consultation(house: House, row: Consultation, asking: str) -> ConsultationView:
    """Return a question of one department to another."""
    return ConsultationView(
        id=row.id,
        task_id=row.task_id,
        asking=asking,
        department=row.department,
        question=unseal(house, "consultations", "question", row.id, row.question_sealed),
        asked_at=row.asked_at,
        working_days=row.working_days,
        due_at=row.due_at,
        lamp=_lamp_of(row),
        is_silent=row.is_silent,
        opinion=row.opinion,
        answer=unseal(house, "consultations", "answer", row.id, row.answer_sealed),
        ended_at=row.ended_at,
    )


def list_meetings(house: House, uow: UnitOfWork, task_id: UUID) -> list[MeetingView]:
    """Return the joint meetings on a task, the first one first."""
    meetings = uow.scalars(
        select(Meeting).where(Meeting.task_id == task_id).order_by(Meeting.id)
    ).all()
    ids = [meeting.id for meeting in meetings]
    said: dict[UUID, dict[str, str]] = {meeting_id: {} for meeting_id in ids}
    opinions = select(MeetingOpinion).where(MeetingOpinion.meeting_id.in_(ids))
    for row in uow.scalars(opinions):
        said[row.meeting_id][row.department] = row.opinion
    return [
        MeetingView(
            id=meeting.id,
            task_id=task_id,
            departments=meeting.departments,
            opinions=said[meeting.id],
            minutes=unseal(house, "meetings", "minutes", meeting.id, meeting.minutes_sealed),
            is_agreed=meeting.is_agreed,
            called_at=meeting.called_at,
            closed_at=meeting.closed_at,
        )
        for meeting in meetings
    ]


def find_task(uow: UnitOfWork, caller: Caller, task_id: UUID) -> Task:
    """Return a task of the caller's department, or raise `PermitTaskNotFound`."""
    mine = select(Task).where(Task.id == task_id, Task.department == caller.department)
    task: Task | None = uow.scalar(mine)
    if task is None:
        raise PermitTaskNotFound
    return task


def lock_task(uow: UnitOfWork, caller: Caller, task_id: UUID) -> Task:
    """Lock a task of the caller's department, or raise `PermitTaskNotFound`."""
    statement = (
        select(Task)
        .where(Task.id == task_id, Task.department == caller.department)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    task: Task | None = uow.scalar(statement)
    if task is None:
        raise PermitTaskNotFound
    return task


def check_free(task: Task, caller: Caller) -> None:
    """Raise `TaskHeld` while another officer has the task; it does not say who."""
    until = task.lease_until
    if until is not None and until > now() and task.holder != caller.staff_id:
        raise TaskHeld(until=until.isoformat())


def _check_version(task: Task, version: int) -> None:
    if task.version != version:
        raise PermitVersionStale(version=task.version)


def _pause_for(
    house: House, uow: UnitOfWork, application: Application, task: Task, supplement: Supplement
) -> None:
    if supplement.status == SupplementStatus.ASKED:
        pause = pause_of(SUPPLEMENT_LIMIT)
        move_task(uow, task, TaskStatus.SUPPLEMENT_ASKED, "supplement", **pause)
        announce(house, uow, application, ApplicationStep.RETURNED, task.template)


def _bundles_of(uow: UnitOfWork, application_ids: list[UUID]) -> Mapping[UUID, Bundle]:
    statement = select(Application.id, Application.bundle, Application.bundle_version).where(
        Application.id.in_(application_ids)
    )
    return {row.id: find_bundle(row.bundle, row.bundle_version) for row in uow.execute(statement)}


def _lamp_of(row: Consultation) -> Lamp | None:
    """Return how much of its time the answer has used, or had when it was over."""
    if row.warn_at is None or row.due_at is None:
        return None
    moment = row.ended_at or now()
    if moment >= row.due_at:
        return Lamp.RED
    return Lamp.YELLOW if moment >= row.warn_at else Lamp.GREEN


def _show_procedure(house: House, row: Procedure) -> ProcedureView:
    return ProcedureView(
        id=row.id,
        kind=row.kind,
        begun_at=row.begun_at,
        working_days=row.working_days,
        due_at=row.due_at,
        ended_at=row.ended_at,
        result=unseal(house, "procedures", "result", row.id, row.result_sealed),
    )


def _show_decision(house: House, row: Decision) -> DecisionView:
    return DecisionView(
        stage=row.stage,
        outcome=row.outcome,
        reason=row.reason,
        words=unseal(house, "decisions", "words", row.id, row.words_sealed),
        conditions=unseal(house, "decisions", "conditions", row.id, row.conditions_sealed),
        made_at=row.made_at,
    )
