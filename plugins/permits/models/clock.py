"""The calendar's record, the clocks of tasks and intakes, and the alarms they raise."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import APPEND_ONLY, Stateful, new_id, now
from plugins.permits.models.base import SCHEMA, Base, one_of
from plugins.permits.values.clock import Alarm
from plugins.permits.values.tasks import Lamp


class CalendarDay(Base):
    """What was said of a day, by a notice or at the desk; the last line of a day counts.

    Lines stay, and `version` counts them: the calendar of any earlier version can be made again.
    """

    __tablename__ = "calendar_days"
    __table_args__ = (
        CheckConstraint("(notice_year is null) != (set_by is null)", name="origin"),
        Index(
            "uq_calendar_days_notice",
            "notice_year",
            "day",
            unique=True,
            postgresql_where="notice_year is not null",
        ),
        {"info": APPEND_ONLY},
    )

    version: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    day: Mapped[date]
    is_working: Mapped[bool]
    title: Mapped[str]
    source: Mapped[str]
    notice_year: Mapped[int | None]
    set_by: Mapped[UUID | None]
    set_at: Mapped[datetime] = mapped_column(default=now)


class Clock(Stateful, Base):
    """The clock of a task, or of an intake (then `task_id` is null); its state is its lamp.

    It has the id of what it belongs to. `next_at` is when time brings something to it next, and
    `calendar_version` what its dates are reckoned by; of one that has stopped neither changes. A
    lamp goes back only because the calendar was changed; a change that moves nothing but the date
    is a move to the same lamp.
    """

    ENTITY: ClassVar = "permits_clock"
    FIRST: ClassVar = frozenset({Lamp.GREEN})
    MOVES: ClassVar = {
        Lamp.GREEN: frozenset({Lamp.GREEN, Lamp.YELLOW}),
        Lamp.YELLOW: frozenset({Lamp.GREEN, Lamp.YELLOW, Lamp.RED}),
        Lamp.RED: frozenset({Lamp.GREEN, Lamp.YELLOW, Lamp.RED}),
    }

    __tablename__ = "clocks"
    __table_args__ = (
        one_of("status", Lamp),
        CheckConstraint("stopped_at is null or next_at is null", name="stopped"),
        CheckConstraint("task_id is null or task_id = id", name="task_id"),
        CheckConstraint("task_id is not null or application_id = id", name="application_id"),
        Index("ix_clocks_next_at", "next_at", "id", postgresql_where="next_at is not null"),
        Index(
            "ix_clocks_calendar_version",
            "calendar_version",
            "id",
            postgresql_where="stopped_at is null",
        ),
        Index(None, "application_id"),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.applications.id"))
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.tasks.id"))
    warn_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    calendar_version: Mapped[int] = mapped_column(BigInteger)

    @property
    def subject_id(self) -> UUID:
        """Return the application, whose timeline shows the lamps of its tasks."""
        return self.application_id


class ClockAlarm(Base):
    """What was really raised about a clock, and when: each kind once, whatever happens later.

    An alarm of a consultation is one of the clock of the task that asks, each kind once for each
    consultation; `department` is then the one that was asked, and `asking` the one that asks.
    """

    __tablename__ = "clock_alarms"
    __table_args__ = (
        Index(
            "uq_clock_alarms_clock_id_kind",
            "clock_id",
            "kind",
            unique=True,
            postgresql_where="consultation_id is null",
        ),
        Index(
            "uq_clock_alarms_consultation_id_kind",
            "consultation_id",
            "kind",
            unique=True,
            postgresql_where="consultation_id is not null",
        ),
        CheckConstraint("(consultation_id is null) = (asking is null)", name="asking"),
        one_of("kind", Alarm),
        CheckConstraint("(seen_by is null) = (seen_at is null)", name="seen_at"),
        Index(None, "raised_at", "id"),
        Index(None, "lead", "raised_at", "id"),
        Index(None, "department", "raised_at", "id"),
        Index(
            "ix_clock_alarms_asking_raised_at_id",
            "asking",
            "raised_at",
            "id",
            postgresql_where="asking is not null",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    clock_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.clocks.id"))
    kind: Mapped[str]
    application_id: Mapped[UUID]
    task: Mapped[str]
    department: Mapped[str]
    lead: Mapped[str]
    consultation_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.consultations.id"))
    asking: Mapped[str | None]
    due_at: Mapped[datetime]
    raised_at: Mapped[datetime] = mapped_column(default=now)
    seen_by: Mapped[UUID | None]
    seen_at: Mapped[datetime | None]
