"""Orders on their way to a payment: what one pays, once more after its biller was asked."""

from collections.abc import Sequence
from uuid import UUID

from app.sdk import House, Payable, now
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import AlreadyPaid, BillNotFound, OrderClosed, OrderOutdated
from plugins.utilities.models import Order
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.service.order_views import laid_of, orders_of, status_of
from plugins.utilities.service.orders import fetch_bills
from plugins.utilities.values import (
    BILLERS,
    BillerBill,
    BillStatus,
    Laid,
    OrderKind,
    OrderStatus,
    order_reference,
)

_TITLES = {
    OrderKind.PAYMENT: {"zh": "缴费", "en": "payment"},
    OrderKind.TOP_UP: {"zh": "充值", "en": "top-up"},
}


def ask_order(house: House, order_id: UUID, citizen_reference: str) -> Payable:
    """Return what an order pays, once more after its biller was asked.

    Raise `BillNotFound` for somebody else's order, `AlreadyPaid`, `OrderClosed`, or `OrderOutdated`
    when a bill of it does not owe any more what the order lays on it.
    """
    with house.unit_of_work() as uow:
        order = uow.scalar(orders_of(citizen_reference).where(Order.id == order_id))
    if order is None:
        raise BillNotFound
    status = status_of(order)
    if status == OrderStatus.PAID:
        raise AlreadyPaid
    if status in (OrderStatus.REFUSED, OrderStatus.EXPIRED, OrderStatus.REVERSED):
        raise OrderClosed
    laid = laid_of(house, order)
    if laid.bills:
        asked_at = now()
        told = fetch_bills(BillerClient.of(house), order.biller, laid.account)
        with house.unit_of_work() as uow:
            keep_asked(uow, house, told or [], asked_at=asked_at)
        if told is not None and not _still_owes(told, laid):
            raise OrderOutdated
    biller = BILLERS[order.biller]
    titles = _TITLES[OrderKind(order.kind)]
    return Payable(
        reference=order_reference(order.id),
        title={language: f"{biller.title[language]} {titles[language]}" for language in titles},
        amount=order.amount,
        currency=order.currency,
        payee=biller.id,
        due_date=None,
        version=f"{order.currency}-{order.amount}",
        service=biller.service,
    )


def _still_owes(told: Sequence[BillerBill], laid: Laid) -> bool:
    """Say whether each bill still owes at least what is laid on it."""
    asked = {bill.number: bill for bill in told if bill.status != BillStatus.PAID}
    for number, amount in laid.bills:
        bill = asked.get(number)
        if bill is None:
            return False
        whole = bill.amount - bill.paid_amount + (bill.late_fee or 0)
        if amount != whole and (amount > whole or bill.late_fee):
            return False
    return True
