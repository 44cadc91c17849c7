"""What a bill will cost on days to come, by the same rule by which late fees are reckoned."""

from calendar import monthrange
from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from app.sdk import UnitOfWork
from plugins.utilities.models import Bill
from plugins.utilities.service.bills import own_bill
from plugins.utilities.service.owing import (
    is_expired,
    late_fee_on,
    owed_on,
    reckoned_late_fee,
    today,
)
from plugins.utilities.values import BILLERS, OWED, CostOn, Preview

_DAY = timedelta(days=1)


def preview_costs(
    uow: UnitOfWork,
    citizen_reference: str,
    bill_id: UUID,
    *,
    billers: Collection[str] = BILLERS,
) -> Preview:
    """Return what one of a citizen's bills costs today and later, or raise `BillNotFound`.

    The days are today, the last day to pay (or today, once that is over), the day after it and a
    month after it, and between them the first day that costs something and a new year's first.
    A bill that is not owed has none.
    """
    return preview_bill(own_bill(uow, citizen_reference, bill_id, billers), today())


def preview_bill(bill: Bill, day: date) -> Preview:
    """Return what a bill costs on a day and later, as it stands here."""
    late = reckoned_late_fee(bill, day)
    rule = late.rule if bill.late_fee is not None else None
    days = _days(late.due_date, day, rule.grace_days if rule else 0)
    return Preview(
        bill_id=bill.id,
        currency=bill.currency,
        due_date=late.due_date,
        source=rule.source if rule else None,
        days=[_cost(bill, on) for on in days] if bill.status in OWED else [],
    )


def month_after(day: date) -> date:
    """Return the same day of the next month, or its last one where it has no such day."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)  # noqa: PLR2004
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _days(due: date, day: date, grace_days: int) -> list[date]:
    begins = max(due, day)
    ends = month_after(begins)
    found = {day, begins, begins + _DAY, ends}
    between = (due + _DAY * (grace_days + 1), date(due.year + 1, 1, 1))
    return sorted(found | {one for one in between if begins < one < ends})


def _cost(bill: Bill, on: date) -> CostOn:
    has_rule = bill.late_fee is not None
    late = reckoned_late_fee(bill, on)
    return CostOn(
        on=on,
        owed=owed_on(bill, on),
        late_fee=late_fee_on(bill, on),
        days=late.days if has_rule else 0,
        days_later=late.days_later if has_rule else 0,
        is_capped=late.capped and has_rule,
        can_be_paid=not is_expired(bill, on),
    )
