"""What a citizen owes: from our copy for the overview, from the biller for a payment."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select

from app.sdk import House, Payable, UnitOfWork, now
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import AlreadyPaid, BillExpired, BillNotFound
from plugins.utilities.models import Account, Bill
from plugins.utilities.service.accounts import index_of
from plugins.utilities.service.bills import list_open_bills, refresh_bills
from plugins.utilities.service.mirror import keep_asked, withdraw_bill
from plugins.utilities.service.order_payables import ask_order
from plugins.utilities.service.owing import bill_reference, is_expired, owed_on, today
from plugins.utilities.values import (
    BILLERS,
    Biller,
    BillStatus,
    again_id_of,
    order_id_of,
    split_reference,
)


def list_payables(house: House, citizen_reference: str) -> Sequence[Payable]:
    """Return the open bills of a citizen's accounts, refreshed where our copy is old."""
    refresh_bills(house, citizen_reference)
    with house.unit_of_work() as uow:
        return [_payable(bill) for bill in list_open_bills(uow, citizen_reference)]


def ask_payable(house: House, reference: str, citizen_reference: str) -> Payable:
    """Return what the biller says is owed for a bill right now, or what an order pays.

    Raise `BillNotFound` also for a bill of an account that this citizen has not linked,
    `AlreadyPaid` (also by the reference that the bill had before its biller took a payment back)
    and `BillExpired`; of an order what `ask_order` says.
    """
    order_id = order_id_of(reference)
    if order_id is not None:
        return ask_order(house, order_id, citizen_reference)
    with house.unit_of_work() as uow:
        biller, bill_number = bill_of(uow, reference)
        linked = _linked(uow, citizen_reference, biller)
    if not linked:
        raise BillNotFound
    asked_at = now()
    told = BillerClient.of(house).bill(biller.id, bill_number)
    if told is None:
        with house.unit_of_work() as uow:
            withdraw_bill(uow, biller.id, bill_number, asked_at=asked_at)
        raise BillNotFound
    with house.unit_of_work() as uow:
        number_index = index_of(house, uow, biller.id, told.account)
        last_day = linked.get(number_index, date.min)
        if last_day is not None and told.period_from > last_day:
            raise BillNotFound
        keep_asked(uow, house, [told], asked_at=asked_at)
        bill = uow.scalars(
            select(Bill).where(Bill.biller == biller.id, Bill.biller_reference == bill_number)
        ).one()
    if bill.status == BillStatus.PAID or bill_reference(bill) != reference:
        raise AlreadyPaid
    if is_expired(bill, today()):
        raise BillExpired
    return _payable(bill)


def bill_of(uow: UnitOfWork, reference: str) -> tuple[Biller, str]:
    """Return biller and bill number of a reference of a bill, or raise `BillNotFound`."""
    again_id = again_id_of(reference)
    if again_id is None:
        return split_reference(reference)
    bill = uow.scalar(select(Bill).where(Bill.again_id == again_id))
    if bill is None:
        raise BillNotFound(reason="bill-not-found")
    return BILLERS[bill.biller], bill.biller_reference


def _linked(uow: UnitOfWork, citizen_reference: str, biller: Biller) -> Mapping[bytes, date | None]:
    """Return a citizen's accounts at a biller, each with the last day on which they live there."""
    statement = select(Account.number_index, Account.moved_out_on).where(
        Account.citizen_reference == citizen_reference, Account.biller == biller.id
    )
    return {row.number_index: row.moved_out_on for row in uow.execute(statement)}


def _payable(bill: Bill) -> Payable:
    biller = BILLERS[bill.biller]
    owed = owed_on(bill, today())
    period = f"{bill.period_from:%Y-%m-%d} – {bill.period_to:%Y-%m-%d}"
    return Payable(
        reference=bill_reference(bill),
        title={language: f"{title} {period}" for language, title in biller.bill_title.items()},
        amount=owed,
        currency=bill.currency,
        payee=biller.id,
        due_date=bill.due_date,
        version=f"{bill.currency}-{owed}",
        service=biller.service,
    )
