"""What one department asks another: the time of the task goes on meanwhile."""

from uuid import UUID

from sqlalchemy import Select, select

from app.sdk import House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.permits.errors import (
    ConsultationNotFound,
    ConsultationOpen,
    DepartmentNotAsked,
)
from plugins.permits.models import Consultation, Task
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.moves import move_task
from plugins.permits.service.sealing import seal
from plugins.permits.service.seats import take_place
from plugins.permits.service.tasks import (
    check_held,
    check_state,
    show_consultation,
    show_task,
    take_both,
    take_held,
)
from plugins.permits.service.winding import wind
from plugins.permits.values.bundles import Bundle
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import (
    Caller,
    ConsultationView,
    ConsultationWish,
    Opinion,
    TaskStatus,
    TaskView,
)


def consult_department(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    task_id: UUID,
    version: int,
    wish: ConsultationWish,
) -> TaskView:
    """Ask another department that takes part in the bundle; several may be asked at once.

    It is told until when; when that is over, the review goes on without its opinion. Raise
    `DepartmentNotAsked`, `ConsultationOpen`.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application, task = take_both(uow, caller, task_id, version)
    check_held(task, caller)
    check_state(task, TaskStatus.IN_REVIEW, TaskStatus.CONSULTING)
    bundle = find_bundle(application.bundle, application.bundle_version)
    if wish.department not in departments_of(bundle) - {caller.department}:
        raise DepartmentNotAsked
    if uow.scalar(_open(task.id).where(Consultation.department == wish.department)) is not None:
        raise ConsultationOpen
    row = new_id()
    uow.add(
        Consultation(
            id=row,
            task_id=task.id,
            department=wish.department,
            question_sealed=seal(house, "consultations", "question", row, wish.question),
            asked_by=caller.staff_id,
            working_days=wish.working_days,
        )
    )
    uow.flush()
    if task.status == TaskStatus.CONSULTING:
        wind(uow, task)
    else:
        move_task(uow, task, TaskStatus.CONSULTING, "consultation", asked=wish.department)
    uow.flush()
    return show_task(house, uow, task, caller)


def recall_consultations(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int
) -> TaskView:
    """Go on without the answers that have not come."""
    take_place(uow, caller, SeatRole.CLERK)
    task = take_held(uow, caller, task_id, version)
    check_state(task, TaskStatus.CONSULTING)
    for row in uow.scalars(_open(task.id).with_for_update()).all():
        row.ended_at = now()
    move_task(uow, task, TaskStatus.IN_REVIEW, "consultation-recalled")
    uow.flush()
    return show_task(house, uow, task, caller)


def list_consultations(
    house: House, uow: UnitOfWork, caller: Caller, page: PageRequest
) -> Page[ConsultationView]:
    """Return a page of what the caller's department is asked and has not answered."""
    take_place(uow, caller, *SeatRole)
    statement = select(Consultation).where(
        Consultation.department == caller.department, Consultation.ended_at.is_(None)
    )
    rows = fetch_page(uow, statement, [Consultation.asked_at, Consultation.id], page)
    ids = [row.task_id for row in rows.items]
    asking = {
        row.id: row.department
        for row in uow.execute(select(Task.id, Task.department).where(Task.id.in_(ids)))
    }
    views = [show_consultation(house, row, asking[row.task_id]) for row in rows.items]
    return Page(views, rows.next_cursor)


def answer_consultation(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    consultation_id: UUID,
    opinion: Opinion,
    words: str,
) -> ConsultationView:
    """Answer for the caller's department, once; with the last answer the review goes on.

    An opinion that comes late counts until the silence was noted. Raise `ConsultationNotFound` for
    what it was not asked, and for what is over.
    """
    take_place(uow, caller, SeatRole.CLERK, SeatRole.DECIDER)
    mine = select(Consultation).where(
        Consultation.id == consultation_id,
        Consultation.department == caller.department,
        Consultation.ended_at.is_(None),
    )
    found = uow.scalar(mine)
    if found is None:
        raise ConsultationNotFound
    task = uow.lock(Task, found.task_id)
    row = uow.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise ConsultationNotFound
    row.opinion = opinion
    row.answer_sealed = seal(house, "consultations", "answer", row.id, words)
    row.answered_by = caller.staff_id
    row.ended_at = now()
    uow.flush()
    if task.status == TaskStatus.CONSULTING and uow.scalar(_open(task.id)) is None:
        move_task(uow, task, TaskStatus.IN_REVIEW, "consultation-answered")
        uow.flush()
    return show_consultation(house, row, task.department)


def go_on_without(uow: UnitOfWork, task: Task) -> list[Consultation]:
    """End the consultations of a task whose time is over, and return them; the row is locked.

    With the last one the review goes on, without the opinions that have not come.
    """
    late = _open(task.id).where(Consultation.due_at <= now()).order_by(Consultation.id)
    silent = list(uow.scalars(late.with_for_update()))
    for row in silent:
        row.is_silent, row.ended_at = True, now()
    uow.flush()
    if silent:
        is_last = uow.scalar(_open(task.id)) is None
        to = TaskStatus.IN_REVIEW if is_last else TaskStatus.CONSULTING
        move_task(uow, task, to, "consultation-silent", silent=[row.department for row in silent])
    return silent


def departments_of(bundle: Bundle) -> set[str]:
    """Return every department that takes part in a bundle."""
    departments = {bundle.lead}
    for task in bundle.tasks:
        departments |= {task.department, *task.invited}
    return departments


def _open(task_id: UUID) -> Select[Consultation]:
    return select(Consultation).where(
        Consultation.task_id == task_id, Consultation.ended_at.is_(None)
    )
