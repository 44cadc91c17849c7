"""The clock of a task: a pure function of its events, the calendar and a moment.

Anybody who has the three comes to the same, to the minute. Administrative Licensing Law art. 42
and 45: a decision has its working days, and hearings, tests, inspections and expert reviews do not
count into them; what is asked of the applicant does not either. A minute belongs to whoever had the
task when it began; at a moment, those count that are over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from app.sdk import CITY_TIME
from plugins.permits.values.bundles import Limit
from plugins.permits.values.calendar import Calendar, down_to_minute, up_to_minute
from plugins.permits.values.clock import (
    HOLDERS,
    Alarm,
    ClockState,
    Due,
    Duty,
    Holder,
    Reading,
    Segment,
    Step,
)
from plugins.permits.values.tasks import Lamp

WARNING = Fraction(8, 10)
"""The part of a limit from which on its lamp is yellow."""
LAST_WARNING = Fraction(9, 10)
"""The part of a limit from which on one is warned once more that silence decides."""
STANDS = Fraction(1, 10)
"""The part of a limit, in minutes that count, for which a warning has to stand."""


def share_of(limit: int, part: Fraction) -> int:
    """Return a part of so many minutes, the broken minute in full."""
    return -(-limit * part.numerator // part.denominator)


def part_of(limit: Limit, part: Fraction, moment: datetime, calendar: Calendar) -> datetime:
    """Return when a part of a limit is over that begins at a moment and is never paused."""
    minutes = share_of(calendar.limit_minutes(limit), part)
    return calendar.after(calendar.counting_begins(limit, moment), minutes)


def cut_segments(steps: Sequence[Step], calendar: Calendar, moment: datetime) -> list[Segment]:
    """Return who has had a task in hand, from its first step until a moment.

    A procedure that is longer than its own limit is the department's again from then on.
    """
    segments: list[Segment] = []
    ends = [up_to_minute(step.at) for step in steps[1:]]
    for step, end in zip(steps, [*ends, None], strict=True):
        holder = HOLDERS.get(step.status)
        if holder is None:
            break
        begin = up_to_minute(step.at)
        over = calendar.due(step.pause, step.at) if step.pause else None
        if holder is Holder.PROCEDURE and over and over < (end or moment):
            segments.append(Segment(holder, step.status, begin, over))
            segments.append(Segment(Holder.DEPARTMENT, step.status, over, end, is_overrun=True))
        else:
            segments.append(Segment(holder, step.status, begin, end))
    return [segment for segment in segments if segment.begins != segment.ends]


def read_clock(
    steps: Sequence[Step], limit: Limit, calendar: Calendar, moment: datetime
) -> Reading:
    """Return what the clock of a task says at a moment, not before its last step.

    Once the task is decided it says the same for ever.
    """
    last = steps[-1]
    is_over = last.status not in HOLDERS
    segments = cut_segments(steps, calendar, last.at if is_over else moment)
    state = _state(segments, is_over=is_over)
    whole = calendar.limit_minutes(limit)
    begun = _begun_at(steps)
    if begun is None:
        return Reading(state=state, limit=whole)
    starts = calendar.counting_begins(limit, begun)
    until = up_to_minute(last.at) if is_over else down_to_minute(moment)
    counted = _Counted(calendar, _spans(segments, starts), until)
    used_up = counted.reach(whole)
    due_at, warn_at = used_up, counted.reach(share_of(whole, WARNING))
    if state is ClockState.PAUSED and due_at is None:
        due_at = calendar.after(max(until, starts), whole - counted.minutes)
    return Reading(
        state=state,
        limit=whole,
        consumed=counted.minutes,
        starts_at=starts,
        warn_at=warn_at,
        due_at=due_at,
        pause_due_at=_pause_due(last, calendar) if state is ClockState.PAUSED else None,
        lamp=_lamp(counted.minutes, whole),
        is_overdue=counted.is_past(used_up, up_to_minute(last.at if is_over else moment)),
        is_provisional=due_at is not None and _is_provisional(calendar, begun, due_at),
    )


def next_duty(
    steps: Sequence[Step],
    limit: Limit,
    calendar: Calendar,
    moment: datetime,
    *,
    lamp: Lamp,
    given: Mapping[Alarm, datetime],
    is_deemed: bool,
    silence: Limit | None = None,
) -> Due | None:
    """Return what time brings next to a task that is in hand, and when; perhaps long ago.

    `lamp` is how it was shown last, and `given` when alarms were really raised. Silence decides
    only after two warnings, each of which has stood for a tenth of the limit, in minutes that
    count: what a scheduler that was down has missed shifts the decision, and never hurries it
    (docs/adr/0043). Nothing is decided while the clock is paused. That `silence` at intake accepts
    is the law's own rule: of it one is warned as well, and no warning shifts it.
    """
    last, begun = steps[-1], _begun_at(steps)
    if begun is None or last.status not in HOLDERS:
        return None
    segments = cut_segments(steps, calendar, moment)
    spans = _spans(segments, calendar.counting_begins(limit, begun))
    counted = _Counted(calendar, spans, down_to_minute(moment))
    whole = calendar.limit_minutes(limit)
    stands = share_of(whole, STANDS)

    def after(alarm: Alarm) -> int:
        """Return how much is consumed when an alarm that was given has stood long enough."""
        then = down_to_minute(given[alarm])
        return _Counted(calendar, _before(spans, then), then).minutes + stands

    wanted: list[tuple[Duty, datetime | None]] = []
    if lamp is Lamp.GREEN:
        wanted.append((Duty.TURN_YELLOW, counted.reach(share_of(whole, WARNING))))
    elif lamp is Lamp.YELLOW:
        wanted.append((Duty.TURN_RED, counted.reach(whole)))
    if is_deemed and Alarm.WARNING in given and segments[-1].counts:
        if Alarm.LAST_WARNING not in given:
            enough = max(share_of(whole, LAST_WARNING), after(Alarm.WARNING))
            wanted.append((Duty.WARN_AGAIN, counted.reach(enough)))
        else:
            enough = max(whole, after(Alarm.LAST_WARNING))
            wanted.append((Duty.DEEM, counted.reach(enough)))
    if last.pause is not None:
        is_asked = HOLDERS[last.status] is Holder.APPLICANT
        wanted.append((Duty.LAPSE if is_asked else Duty.END_PAUSE, _pause_due(last, calendar)))
    if silence is not None and segments[-1].counts:
        wanted.append((Duty.ACCEPT, calendar.due(silence, last.at)))
        if Alarm.LAST_WARNING not in given:
            wanted.append((Duty.WARN_AGAIN, part_of(silence, LAST_WARNING, last.at, calendar)))
    return first_of(Due(duty, at) for duty, at in wanted if at is not None)


def first_of(dues: Iterable[Due]) -> Due | None:
    """Return what is due first; at the same moment in the order of duties."""
    order = list(Duty)
    return min(dues, key=lambda due: (due.at, order.index(due.duty)), default=None)


def silence_accepts_at(
    steps: Sequence[Step], silence: Limit | None, calendar: Calendar
) -> datetime | None:
    """Return from when on an application counts as accepted that the lead department had last.

    None where no silence counts, and where the citizen had it last: then they were told. Counted
    from when it was handed in, or what was asked for (Administrative Licensing Law, art. 32).
    """
    if silence is None:
        return None
    last = next(step for step in reversed(steps) if step.status in HOLDERS)
    is_told = HOLDERS[last.status] is Holder.APPLICANT
    return None if is_told else calendar.due(silence, last.at)


class _Counted:
    """The minutes of a limit that have gone by."""

    def __init__(
        self,
        calendar: Calendar,
        spans: Sequence[tuple[datetime, datetime | None]],
        until: datetime,
    ) -> None:
        self._calendar = calendar
        self._spans = spans
        ends = [until if end is None else min(end, until) for _, end in spans]
        self.minutes = sum(
            calendar.minutes_between(begin, end)
            for (begin, _), end in zip(spans, ends, strict=True)
        )

    def reach(self, minutes: int) -> datetime | None:
        """Return when so many minutes have gone by, or will if nothing happens; None if never."""
        for begin, end in self._spans:
            if end is None:
                return self._calendar.after(begin, minutes)
            here = self._calendar.minutes_between(begin, end)
            if minutes <= here:
                return self._calendar.after(begin, minutes)
            minutes -= here
        return None

    def is_past(self, used_up: datetime | None, moment: datetime) -> bool:
        """Say whether the clock ran on when nothing was left."""
        return used_up is not None and any(
            used_up < (moment if end is None else end) for _, end in self._spans
        )


def _spans(segments: Sequence[Segment], starts: datetime) -> list[tuple[datetime, datetime | None]]:
    return [
        (max(segment.begins, starts), segment.ends)
        for segment in segments
        if segment.counts and (segment.ends is None or segment.ends > starts)
    ]


def _before(
    spans: Sequence[tuple[datetime, datetime | None]], moment: datetime
) -> list[tuple[datetime, datetime | None]]:
    return [(begin, end) for begin, end in spans if begin < moment]


def _begun_at(steps: Sequence[Step]) -> datetime | None:
    nobody = Holder.NOBODY
    return next((step.at for step in steps if HOLDERS.get(step.status, nobody) != nobody), None)


def _state(segments: Sequence[Segment], *, is_over: bool) -> ClockState:
    if is_over:
        return ClockState.STOPPED
    if segments[-1].holder is Holder.NOBODY:
        return ClockState.WAITING
    return ClockState.RUNNING if segments[-1].counts else ClockState.PAUSED


def _pause_due(step: Step, calendar: Calendar) -> datetime | None:
    return None if step.pause is None else calendar.due(step.pause, step.at)


def _lamp(consumed: int, limit: int) -> Lamp:
    if consumed >= limit:
        return Lamp.RED
    return Lamp.YELLOW if consumed >= share_of(limit, WARNING) else Lamp.GREEN


def _is_provisional(calendar: Calendar, first: datetime, last: datetime) -> bool:
    days = (moment.astimezone(CITY_TIME).date() for moment in (first, last))
    return calendar.is_provisional_between(*days)
