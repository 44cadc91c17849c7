"""How much was used in a bill's period, and how that compares with the periods before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from app.sdk import NotFound, UnitOfWork
from plugins.utilities.models import Account, Bill
from plugins.utilities.service.bills import is_lived_in
from plugins.utilities.service.tariff import Usual, compare, used_between
from plugins.utilities.values import (
    BILLERS,
    BillStatus,
    Consumed,
    Doubt,
    MeterStatus,
    read_detail,
)

MOST_PERIODS = 60
_COMPARED = 12
"""How many periods before are looked at: a year of months, so that each season is in it."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a bill says was used, and what its meter does; None with the reason where it cannot."""

    told: Decimal | None
    read: Decimal | None
    unit: str | None
    doubt: Doubt | None

    @property
    def quantity(self) -> Decimal | None:
        """Return what counts: the meter's figure, else the biller's."""
        return self.told if self.read is None else self.read


def used_of(bill: Bill) -> Used:
    """Return what was used in the period of a bill."""
    detail = read_detail(bill.detail)
    told = sum((step.quantity for step in detail.steps), Decimal(0)) if detail.steps else None
    reading = detail.reading
    if reading is None:
        return Used(told, None, None, Doubt.NO_READING)
    if reading.status != MeterStatus.WORKING:
        return Used(told, None, reading.unit, Doubt.METER_NOT_WORKING)
    try:
        read = used_between(reading.previous, reading.current, digits=reading.digits)
    except ValueError:
        return Used(told, None, reading.unit, Doubt.READINGS_GO_BACKWARDS)
    return Used(told, read, reading.unit, None)


def usual_before(uow: UnitOfWork, bill: Bill) -> Usual:
    """Return how the use of a bill compares with the same account's twelve periods before it."""
    before = select(Bill).where(
        Bill.biller == bill.biller,
        Bill.account_index == bill.account_index,
        Bill.period_to < bill.period_from,
        Bill.status != BillStatus.WITHDRAWN,
    )
    rows = uow.scalars(before.order_by(Bill.period_from.desc()).limit(_COMPARED)).all()
    return _compare(bill, rows)


def list_consumption(
    uow: UnitOfWork,
    citizen_reference: str,
    account_id: UUID,
    *,
    billers: Collection[str] = BILLERS,
) -> list[Consumed]:
    """Return what was used and what it cost, the oldest of the last sixty periods first.

    Raise `NotFound` for an account that is not the citizen's.
    """
    account = uow.scalar(
        select(Account).where(
            Account.id == account_id,
            Account.citizen_reference == citizen_reference,
            Account.biller.in_(billers),
        )
    )
    if account is None:
        raise NotFound
    theirs = (
        select(Bill)
        .join(Bill.account)
        .where(Account.id == account.id, is_lived_in(), Bill.status != BillStatus.WITHDRAWN)
    )
    latest = theirs.order_by(Bill.period_from.desc(), Bill.id.desc()).limit(MOST_PERIODS)
    bills = uow.scalars(latest).all()[::-1]
    return [_consumed(bill, bills) for bill in bills]


def _consumed(bill: Bill, bills: Sequence[Bill]) -> Consumed:
    before = [one for one in bills if one.period_to < bill.period_from][-_COMPARED:]
    used, usual = used_of(bill), _compare(bill, before)
    return Consumed(
        bill_id=bill.id,
        period_from=bill.period_from,
        period_to=bill.period_to,
        quantity=used.quantity,
        unit=used.unit,
        amount=bill.amount,
        currency=bill.currency,
        usual=usual.median,
        is_unusual=usual.is_unusual,
    )


def _compare(bill: Bill, before: Sequence[Bill]) -> Usual:
    quantity = used_of(bill).quantity
    known = [used_of(one).quantity for one in before]
    if quantity is None:
        return Usual(None, is_unusual=False)
    return compare(quantity, [one for one in known if one is not None])
