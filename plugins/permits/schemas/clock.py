"""The wire format of clocks, their export, the calendar and alarms."""

from enum import StrEnum

from app.sdk import PageArgs, Schema, fields
from plugins.permits.values.bundles import Starts
from plugins.permits.values.clock import Alarm, ClockState, Holder
from plugins.permits.values.tasks import Lamp

MOST_REASON = 300


def _one_of(kind: type[StrEnum]) -> fields.validate.OneOf:
    return fields.validate.OneOf([str(member) for member in kind])


class ClockArgs(Schema):
    """By the end of which day everything should be decided; without it there is no plan."""

    finish_by = fields.Date(load_default=None)


class ClockHeldSchema(Schema):
    """How many working minutes somebody has had something in hand.

    `overrun` of them because a procedure took longer than its own limit.
    """

    holder = fields.Text(required=True, validate=[_one_of(Holder)])
    department = fields.Text(required=True, allow_none=True)
    minutes = fields.Integer(required=True)
    overrun = fields.Integer(required=True)


class ClockTaskSchema(Schema):
    """The clock of one task, in working minutes; `remaining` falls below zero when it is late."""

    task = fields.Text(required=True)
    department = fields.Text(required=True)
    state = fields.Text(required=True, attribute="reading.state", validate=[_one_of(ClockState)])
    limit = fields.Integer(required=True, attribute="reading.limit")
    consumed = fields.Integer(required=True, attribute="reading.consumed")
    remaining = fields.Integer(required=True, attribute="reading.remaining")
    starts_at = fields.Moment(required=True, allow_none=True, attribute="reading.starts_at")
    warn_at = fields.Moment(required=True, allow_none=True, attribute="reading.warn_at")
    due_at = fields.Moment(required=True, allow_none=True, attribute="reading.due_at")
    pause_due_at = fields.Moment(required=True, allow_none=True, attribute="reading.pause_due_at")
    lamp = fields.Text(required=True, attribute="reading.lamp", validate=[_one_of(Lamp)])
    is_overdue = fields.Boolean(required=True, attribute="reading.is_overdue")
    is_provisional = fields.Boolean(required=True, attribute="reading.is_provisional")
    held = fields.List(fields.Nested(ClockHeldSchema), required=True)
    silence_at = fields.Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Of the intake: from when on saying nothing is accepting"},
    )


class ClockPathPartSchema(Schema):
    """A stretch of the critical path; for what is not decided `ends` is what its limit says."""

    task = fields.Text(required=True)
    department = fields.Text(required=True)
    begins = fields.Moment(required=True)
    ends = fields.Moment(required=True)
    held = fields.List(fields.Nested(ClockHeldSchema), required=True)


class ClockPlannedTaskSchema(Schema):
    """By when a task has to be decided, and how many minutes its limit leaves it."""

    task = fields.Text(required=True)
    department = fields.Text(required=True)
    finish_by = fields.Moment(required=True)
    minutes = fields.Integer(required=True)


class ClockPlanSchema(Schema):
    """Who has to finish by when; `keeps_limits` says whether nobody has to be quicker than that."""

    finish_by = fields.Moment(required=True)
    window = fields.Integer(required=True)
    longest = fields.Integer(required=True)
    keeps_limits = fields.Boolean(required=True)
    tasks = fields.List(fields.Nested(ClockPlannedTaskSchema), required=True)


class ApplicationClockSchema(Schema):
    """Where the time of an application goes."""

    application_id = fields.UUID(required=True)
    read_at = fields.Moment(required=True)
    calendar_version = fields.Integer(required=True)
    is_provisional = fields.Boolean(required=True)
    ends_at = fields.Moment(required=True)
    held = fields.List(fields.Nested(ClockHeldSchema), required=True)
    tasks = fields.List(fields.Nested(ClockTaskSchema), required=True)
    critical_path = fields.List(fields.Nested(ClockPathPartSchema), required=True)
    plan = fields.Nested(ClockPlanSchema, required=True, allow_none=True)


class ClockLimitSchema(Schema):
    """A limit: so many working days, and when it begins to count."""

    working_days = fields.Integer(required=True)
    starts = fields.Text(required=True, validate=[_one_of(Starts)])


class ClockEventSchema(Schema):
    """A change of state; a pause says its own limit. `at` has six digits after the second."""

    at = fields.Text(required=True)
    from_state = fields.Text(required=True, allow_none=True)
    to_state = fields.Text(required=True)
    cause = fields.Text(required=True)
    pause = fields.Nested(ClockLimitSchema, required=True, allow_none=True)


class ClockExportedTaskSchema(Schema):
    """A task with all that its clock is reckoned from."""

    task = fields.Text(required=True)
    department = fields.Text(required=True)
    limit = fields.Nested(ClockLimitSchema, required=True)
    after = fields.List(fields.Text(), required=True)
    after_any = fields.List(fields.Text(), required=True)
    silence = fields.Nested(ClockLimitSchema, required=True, allow_none=True)
    calendar_version = fields.Integer(required=True)
    events = fields.List(fields.Nested(ClockEventSchema), required=True)


class CalendarEntrySchema(Schema):
    """One line of the calendar's record; the last version of a day counts."""

    version = fields.Integer(required=True)
    day = fields.Date(required=True)
    is_working = fields.Boolean(required=True)
    title = fields.Text(required=True)
    source = fields.Text(required=True, max_length=MOST_REASON)
    notice_year = fields.Integer(required=True, allow_none=True)


class ClockExportSchema(Schema):
    """All that the clocks of an application are reckoned from, for `tools/approval_clock.py`."""

    application_id = fields.UUID(required=True)
    bundle = fields.Text(required=True)
    bundle_version = fields.Integer(required=True)
    read_at = fields.Text(required=True)
    office_hours = fields.List(fields.List(fields.Text()), required=True)
    calendar_version = fields.Integer(required=True)
    days = fields.List(fields.Nested(CalendarEntrySchema), required=True)
    tasks = fields.List(fields.Nested(ClockExportedTaskSchema), required=True)


class CalendarArgs(Schema):
    """Which year."""

    year = fields.QueryInteger(required=True, validate=[fields.validate.Range(2000, 2200)])


class CalendarYearSchema(Schema):
    """The days of a year that are not as the week has them; provisional without a notice."""

    year = fields.Integer(required=True)
    version = fields.Integer(required=True)
    is_provisional = fields.Boolean(required=True)
    days = fields.List(fields.Nested(CalendarEntrySchema), required=True)


class CalendarDayWishSchema(Schema):
    """Whether offices are open on a day, and why it is set."""

    day = fields.Date(required=True)
    is_working = fields.Flag(required=True)
    reason = fields.Text(required=True, max_length=MOST_REASON)


class ClockAlarmArgs(PageArgs):
    """Which alarms: those that somebody has seen, those that nobody has, or all."""

    seen = fields.QueryFlag(load_default=None)


class ClockAlarmSchema(Schema):
    """What was raised about a task: for its department, its lead and the supervisor to see to.

    Of a consultation `department` is the one that was asked, and `asking` the one that asks.
    """

    id = fields.UUID(required=True)
    kind = fields.Text(required=True, validate=[_one_of(Alarm)])
    application_id = fields.UUID(required=True)
    task = fields.Text(required=True)
    department = fields.Text(required=True)
    lead = fields.Text(required=True)
    consultation_id = fields.UUID(required=True, allow_none=True)
    asking = fields.Text(required=True, allow_none=True)
    due_at = fields.Moment(required=True)
    raised_at = fields.Moment(required=True)
    seen_at = fields.Moment(required=True, allow_none=True)
