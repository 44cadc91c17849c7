"""Reminding citizens of bills: seven, three and one days before they are due, and on the day.

One message a day says all that is due then. Nobody is woken up for it.
"""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import CITY_TIME, House, UnitOfWork, now
from plugins.utilities.models import Account, Bill, Reminder
from plugins.utilities.service.bills import is_lived_in
from plugins.utilities.service.owing import is_expired, owed_on
from plugins.utilities.values import OWED

DAYS_BEFORE = (0, 1, 3, 7)
FIRST_HOUR, LAST_HOUR = 8, 20
"""The hours of the city's day within which somebody is reminded."""
KEPT = timedelta(days=60)
BILLS_DUE = "bills-due"
_BATCH = 200


def remind(house: House) -> None:
    """Tell citizens of bills that are due soon, a bounded number of them; safe to run again."""
    moment = now().astimezone(CITY_TIME)
    if not FIRST_HOUR <= moment.hour < LAST_HOUR:
        return
    day = moment.date()
    with house.unit_of_work() as uow:
        uow.execute(delete(Reminder).where(Reminder.day < day - KEPT))
        rows = uow.execute(_waiting(day)).all()
    for citizen_reference, letterbox in rows:
        with house.unit_of_work() as uow:
            if _claim(uow, citizen_reference, day):
                _tell(house, uow, citizen_reference, letterbox, day)


def _waiting(day: date) -> Select[str, str]:
    """Return the statement of who has something due and was not told today."""
    was_told = exists().where(
        Reminder.citizen_reference == Account.citizen_reference, Reminder.day == day
    )
    return (
        select(Account.citizen_reference, func.max(Account.letterbox))
        .select_from(Bill)
        .join(Bill.account)
        .where(_is_due(day), Account.letterbox != "", is_lived_in(), ~was_told)
        .group_by(Account.citizen_reference)
        .order_by(Account.citizen_reference)
        .limit(_BATCH)
    )


def _claim(uow: UnitOfWork, citizen_reference: str, day: date) -> bool:
    """Say whether this call is the one that tells them; another worker may be as fast."""
    row = {"citizen_reference": citizen_reference, "day": day, "told_at": now()}
    claimed = insert(Reminder).values(row).on_conflict_do_nothing().returning(Reminder.day)
    return uow.scalar(claimed) is not None


def _tell(house: House, uow: UnitOfWork, citizen_reference: str, letterbox: str, day: date) -> None:
    theirs = (
        select(Bill)
        .join(Bill.account)
        .where(_is_due(day), Account.citizen_reference == citizen_reference, is_lived_in())
        .order_by(Bill.due_date)
    )
    bills = [bill for bill in uow.scalars(theirs) if not is_expired(bill, day)]
    if bills:
        house.tell(
            uow,
            letterbox,
            BILLS_DUE,
            day.isoformat(),
            count=len(bills),
            amount=sum(owed_on(bill, day) for bill in bills),
            due_date=bills[0].due_date,
        )


def _is_due(day: date) -> ColumnElement[bool]:
    days = [day + timedelta(days=ahead) for ahead in DAYS_BEFORE]
    return and_(Bill.status.in_(OWED), Bill.due_date.in_(days))
