"""Reminding citizens of fines: three days before the last day, and on the day itself.

Nobody is woken up for it. The row of a reminder is its claim: of two workers one says it.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import CITY_TIME, House, UnitOfWork, now
from plugins.traffic.models import Due, Reminder, Violation
from plugins.traffic.service.notices import is_watched, tell_of_due
from plugins.traffic.service.rules import find_rules
from plugins.traffic.values import DueStatus, ViolationStatus

DUE_SOON, SURCHARGE_BEGINS = "fine-due-soon", "surcharge-begins"
SOON = timedelta(days=3)
FIRST_HOUR, LAST_HOUR = 8, 20
"""The hours of the city's day within which somebody is reminded."""
KEPT = timedelta(days=60)
_BATCH = 100
_OWED = (ViolationStatus.PAYABLE, ViolationStatus.DEFERRED, ViolationStatus.INSTALMENTS)


def remind(house: House) -> None:
    """Remind of fines whose last day comes near, a bounded number of them; safe to run again."""
    moment = now().astimezone(CITY_TIME)
    if not FIRST_HOUR <= moment.hour < LAST_HOUR:
        return
    day = moment.date()
    with house.unit_of_work() as uow:
        uow.execute(delete(Reminder).where(Reminder.pay_by < day - KEPT))
    _remind(house, DUE_SOON, day + timedelta(days=1), day + SOON)
    _remind(house, SURCHARGE_BEGINS, day, day)


def _remind(house: House, kind: str, first: date, last: date) -> None:
    with house.unit_of_work() as uow:
        references = uow.scalars(_waiting(kind, first, last)).all()
    for reference in references:
        with house.unit_of_work() as uow:
            due = uow.get_one(Due, reference)
            if _claim(uow, kind, due):
                violation = uow.get_one(Violation, due.violation_id)
                tell_of_due(house, uow, violation, due, kind, **_words(kind, violation, due))


def _waiting(kind: str, first: date, last: date) -> Select[str]:
    """Return the statement of what is open, ends within these days, and nobody was reminded of."""
    was_said = exists().where(
        Reminder.reference == Due.reference, Reminder.pay_by == Due.pay_by, Reminder.kind == kind
    )
    return (
        select(Due.reference)
        .join(Violation, Violation.id == Due.violation_id)
        .where(
            Due.status == DueStatus.OPEN,
            Due.pay_by.between(first, last),
            Violation.status.in_(_OWED),
            is_watched(),
            ~was_said,
        )
        .order_by(Due.pay_by, Due.reference)
        .limit(_BATCH)
    )


def _claim(uow: UnitOfWork, kind: str, due: Due) -> bool:
    row = {"reference": due.reference, "kind": kind, "pay_by": due.pay_by, "told_at": now()}
    claimed = insert(Reminder).values(row).on_conflict_do_nothing().returning(Reminder.kind)
    return uow.scalar(claimed) is not None


def _words(kind: str, violation: Violation, due: Due) -> Mapping[str, str | int | date]:
    if kind == DUE_SOON:
        return {"pay_by": due.pay_by}
    assert violation.served_on is not None
    percent = find_rules().surcharge(violation.served_on).per_day_percent
    return {"tomorrow": due.pay_by + timedelta(days=1), "percent": str(percent)}
