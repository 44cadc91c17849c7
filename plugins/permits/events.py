"""What the audit trail is told of permits: who read what, and who got power over it."""

from dataclasses import dataclass
from uuid import UUID

from app.sdk import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitApplicationRead(AuditEvent):
    """An officer of the lead department read an application with its answers."""

    name = "permits.application_read"
    title_zh = "工作人员查阅了许可申请"
    title_en = "An officer read an application for permits"
    application_id: UUID
    officer: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitTaskRead(AuditEvent):
    """An officer read a task with the answers that belong to it."""

    name = "permits.task_read"
    title_zh = "工作人员查阅了许可办理事项"
    title_en = "An officer read a task of an application"
    task_id: UUID
    officer: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitTaskDecided(AuditEvent):
    """An officer decided a task."""

    name = "permits.task_decided"
    title_zh = "工作人员对许可事项作出决定"
    title_en = "An officer decided a task"
    task_id: UUID
    officer: UUID
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitSeatGiven(AuditEvent):
    """Somebody gave a member of staff a seat in a department."""

    name = "permits.seat_given"
    title_zh = "授予了许可审批岗位"
    title_en = "A seat in a department was given"
    officer: UUID
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitSeatTaken(AuditEvent):
    """Somebody took a seat away from a member of staff."""

    name = "permits.seat_taken"
    title_zh = "撤销了许可审批岗位"
    title_en = "A seat in a department was taken away"
    officer: UUID
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitCalendarDaySet(AuditEvent):
    """The supervising department said whether offices are open on a day."""

    name = "permits.calendar_day_set"
    title_zh = "调整了工作日历"
    title_en = "A day of the working calendar was set"
    day: str
    is_working: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitRatingRead(AuditEvent):
    """Somebody who sees to bad ratings read one."""

    name = "permits.rating_read"
    title_zh = "工作人员查阅了服务评价"
    title_en = "An officer read a rating"
    rating_id: UUID
    officer: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitFileRead(AuditEvent):
    """An officer read a file of an application."""

    name = "permits.file_read"
    title_zh = "查阅了申请材料"
    title_en = "A file of an application was read"
    file_id: UUID
    officer: UUID
