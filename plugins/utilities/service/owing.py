"""What of a bill is owed on a day: its amount, what being late costs, without what was paid."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from app.sdk import CITY_TIME, now
from plugins.utilities.models import Bill
from plugins.utilities.service.apportionment import Owed, apportion
from plugins.utilities.service.late_fee import LateFee, reckon_late_fee
from plugins.utilities.service.terms import find_terms
from plugins.utilities.values import (
    OWED,
    BillStatus,
    Standing,
    again_reference,
    read_detail,
    reference_of,
)

LATE_FEE = "late-fee"
WHOLE = "bill"
"""The heads of what no line of a bill says: what being late costs, and a bill without lines."""
_LAST = 10**6


def city_day_of(moment: datetime) -> date:
    """Return the day of the city's clock on which a moment falls."""
    return moment.astimezone(CITY_TIME).date()


def today() -> date:
    """Return the day of the city's clock."""
    return city_day_of(now())


def bill_reference(bill: Bill) -> str:
    """Return the reference by which a bill is paid: another one once its biller took that back."""
    if bill.again_id is not None:
        return again_reference(bill.again_id)
    return reference_of(bill.biller, bill.biller_reference)


def late_fee_on(bill: Bill, day: date) -> int:
    """Return what is added to a bill on a day, in fen; nothing where its biller adds nothing.

    The biller's own figure counts for the day on which it was told. For later days it is reckoned
    by the rule in force.
    """
    if bill.late_fee is None or bill.status not in OWED:
        return 0
    if city_day_of(bill.seen_at) >= day:
        return bill.late_fee
    return reckoned_late_fee(bill, day).amount


def reckoned_late_fee(bill: Bill, day: date) -> LateFee:
    """Return what being late costs on a day by the biller's rule, whatever the biller says.

    What was paid of the bill is not late.
    """
    terms, unpaid = find_terms(bill.biller), bill.amount - bill.paid_amount
    return reckon_late_fee(unpaid, bill.due_date, day, terms.late_fees, terms.closed_days)


def owed_on(bill: Bill, day: date) -> int:
    """Return what is to be paid for a bill on a day, in fen; nothing when it is paid or gone."""
    if bill.status not in OWED:
        return 0
    return bill.amount - bill.paid_amount + late_fee_on(bill, day)


def is_expired(bill: Bill, day: date) -> bool:
    """Say whether an unpaid bill can no longer be paid as it is."""
    return bill.status in OWED and bill.expires_on is not None and bill.expires_on < day


def standing_on(bill: Bill, day: date) -> Standing:
    """Return where a bill stands on a day: its status, and what the calendar makes of it."""
    if bill.status not in OWED:
        return Standing(bill.status)
    if is_expired(bill, day):
        return Standing.EXPIRED
    # A late fee may only begin after a grace; a bill is overdue from the day after it was due.
    return Standing.OVERDUE if bill.due_date < day else Standing(bill.status)


def owed_lines(bills: Iterable[Bill], day: date) -> list[Owed]:
    """Return the lines of bills that are still owed on a day, and what being late costs as one.

    What was paid of a bill is taken from its lines as it was laid on them. A bill whose lines do
    not add up to its amount is one line.
    """
    return [line for bill in bills for line in _lines(bill, day)]


def _lines(bill: Bill, day: date) -> list[Owed]:
    if bill.status not in OWED:
        return []
    number, begins = bill.biller_reference, bill.period_from
    heads = dict[str, Owed]()
    for line in sorted(read_detail(bill.detail).lines, key=lambda line: line.order):
        first = heads.get(line.head, Owed(number, begins, line.order, line.head, 0))
        heads[line.head] = replace(first, amount=first.amount + line.amount)
    told = list(heads.values())
    if not told or sum(line.amount for line in told) != bill.amount:
        told = [Owed(number, begins, 0, WHOLE, bill.amount)]
    if bill.status == BillStatus.PARTIALLY_PAID:
        paid = {part.head: part.amount for part in apportion(bill.paid_amount, told).parts}
        told = [replace(o, amount=o.amount - paid.get(o.head, 0)) for o in told]
    fee = late_fee_on(bill, day)
    return [*told, *([Owed(number, begins, _LAST, LATE_FEE, fee)] if fee else [])]
