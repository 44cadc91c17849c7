"""Joint meetings: departments around one table, each of which agrees or does not, with minutes."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import House, UnitOfWork, now
from plugins.permits.errors import (
    MeetingNotAllowed,
    MeetingNotFound,
    MeetingUnderWay,
)
from plugins.permits.models import Meeting, MeetingOpinion, Task
from plugins.permits.service.sealing import seal
from plugins.permits.service.seats import take_place
from plugins.permits.service.tasks import (
    check_held,
    check_state,
    list_meetings,
    show_task,
    take_both,
    template_of,
)
from plugins.permits.values.bundles import Mode, TaskTemplate
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import Caller, MeetingView, Opinion, TaskStatus, TaskView


def call_meeting(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int
) -> TaskView:
    """Call the departments that the template invites to a joint meeting on a task.

    Raise `MeetingNotAllowed` for a task that departments decide each for themselves, and
    `MeetingUnderWay`.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application, task = take_both(uow, caller, task_id, version)
    check_held(task, caller)
    template = template_of(application, task)
    if template.mode is not Mode.JOINT_MEETING:
        raise MeetingNotAllowed
    check_state(task, TaskStatus.IN_REVIEW)
    if _open_meeting(uow, task.id) is not None:
        raise MeetingUnderWay
    uow.add(Meeting(task_id=task.id, departments=list(template.invited), called_by=caller.staff_id))
    uow.flush()
    return show_task(house, uow, task, caller)


def give_opinion(
    house: House, uow: UnitOfWork, caller: Caller, meeting_id: UUID, opinion: Opinion, words: str
) -> MeetingView:
    """Say once what the caller's department thinks.

    Raise `MeetingNotFound` for a meeting that is over or to which it is not invited, and
    `MeetingUnderWay` when it has spoken.
    """
    take_place(uow, caller, SeatRole.CLERK, SeatRole.DECIDER)
    meeting = uow.scalar(
        select(Meeting)
        .where(Meeting.id == meeting_id, Meeting.closed_at.is_(None))
        .with_for_update()
    )
    if meeting is None or caller.department not in meeting.departments:
        raise MeetingNotFound
    place = f"{meeting.id}|{caller.department}"
    said = uow.scalar(
        insert(MeetingOpinion)
        .values(
            meeting_id=meeting.id,
            department=caller.department,
            opinion=opinion,
            words_sealed=house.vault.seal(words, place=f"meeting_opinions|words|{place}"),
            given_by=caller.staff_id,
            given_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(MeetingOpinion.department)
    )
    if said is None:
        raise MeetingUnderWay
    (shown,) = (m for m in list_meetings(house, uow, meeting.task_id) if m.id == meeting_id)
    return shown


def close_meeting(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    task_id: UUID,
    version: int,
    minutes: str,
) -> TaskView:
    """Close the meeting that is open with its minutes; whether all agreed is reckoned.

    An invited department that has said nothing has agreed only where the template says so.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application, task = take_both(uow, caller, task_id, version)
    check_held(task, caller)
    meeting = _open_meeting(uow, task.id)
    if meeting is None:
        raise MeetingNotFound
    said = uow.scalars(select(MeetingOpinion).where(MeetingOpinion.meeting_id == meeting.id)).all()
    opinions = {row.department: Opinion(row.opinion) for row in said}
    meeting.is_agreed = all_agree(template_of(application, task), meeting.departments, opinions)
    meeting.minutes_sealed = seal(house, "meetings", "minutes", meeting.id, minutes)
    meeting.closed_by = caller.staff_id
    meeting.closed_at = now()
    uow.flush()
    return show_task(house, uow, task, caller)


def has_agreed(uow: UnitOfWork, task: Task, template: TaskTemplate) -> bool:
    """Say whether a task may be approved: it needs no meeting, or all agreed in the last one."""
    if template.mode is not Mode.JOINT_MEETING:
        return True
    last = select(Meeting).where(Meeting.task_id == task.id).order_by(Meeting.id.desc()).limit(1)
    meeting = uow.scalar(last)
    return meeting is not None and meeting.is_agreed is True


def all_agree(template: TaskTemplate, invited: list[str], opinions: dict[str, Opinion]) -> bool:
    """Say whether every invited department agreed; absence counts as the template says."""
    absent = Opinion.AGREED if template.absent_agrees else Opinion.DISAGREED
    return all(opinions.get(name, absent) is Opinion.AGREED for name in invited)


def _open_meeting(uow: UnitOfWork, task_id: UUID) -> Meeting | None:
    statement = select(Meeting).where(Meeting.task_id == task_id, Meeting.closed_at.is_(None))
    found: Meeting | None = uow.scalar(statement.with_for_update())
    return found
