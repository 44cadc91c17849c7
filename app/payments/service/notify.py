"""What a payer is told, and when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.unit_of_work import UnitOfWork
from app.notifications.service import tell
from app.notifications.values import Kind, Params
from app.payments.events import (
    DisputeClosed,
    DisputeOpened,
    PaymentSucceeded,
    RefundApproved,
    RefundDeclined,
    RefundFailed,
    RefundSucceeded,
)
from app.payments.models import Dispute, Payment, PaymentItem, Refund
from app.payments.service.common import PaymentDeps
from app.payments.values import HOUSE
from app.receipts import service as receipts
from app.receipts.events import ReceiptIssued, RedLetterIssued

_WHOLE_ATTEMPTS = {
    "late": {"service_zh": "超时支付", "service_en": "a payment that came too late"},
    "duplicate": {"service_zh": "重复扣款", "service_en": "a payment that was taken twice"},
}


def tell_payment_received(uow: UnitOfWork, deps: PaymentDeps, event: PaymentSucceeded) -> None:
    """Tell the payer that the money has come."""
    payment = uow.get_one(Payment, event.payment_id)
    if payment.amount:
        params = _params(uow, deps, payment.id, payment.amount)
        _tell(uow, payment, "payment-received", str(payment.id), params)


def tell_receipt_issued(uow: UnitOfWork, deps: PaymentDeps, event: ReceiptIssued) -> None:
    """Tell the payer that there is a receipt."""
    payment = uow.get_one(Payment, event.payment_id)
    receipt = receipts.read_receipt(uow, payment.id)
    params = _params(uow, deps, payment.id, receipt.amount) | {"code": receipt.code}
    _tell(uow, payment, "receipt-issued", str(payment.id), params)


def tell_receipt_reversed(uow: UnitOfWork, deps: PaymentDeps, event: RedLetterIssued) -> None:
    """Tell the payer that a receipt was taken back, or a part of it, and by which red letter."""
    refund = uow.get_one(Refund, event.refund_id)
    payment = uow.get_one(Payment, refund.payment_id)
    letter = receipts.read_red_letter(uow, event.receipt_id)
    params = _params(uow, deps, payment.id, -letter.amount, refund.item_id) | {"code": letter.code}
    _tell(uow, payment, "receipt-reversed", str(letter.id), params)


def tell_item_refused(uow: UnitOfWork, deps: PaymentDeps, event: RefundApproved) -> None:
    """Tell the payer that a biller refused an item and its money comes back by itself."""
    refund = uow.get_one(Refund, event.refund_id)
    if refund.item_id is not None and refund.reason == "rejected":
        payment = uow.get_one(Payment, refund.payment_id)
        params = _params(uow, deps, payment.id, refund.amount, refund.item_id)
        _tell(uow, payment, "payment-refunded-item", str(refund.id), params)


def tell_dispute_opened(uow: UnitOfWork, deps: PaymentDeps, event: DisputeOpened) -> None:
    """Tell the payer that their bank disputes a payment, and what that means."""
    _tell_dispute(uow, deps, event.dispute_id, "dispute-opened")


def tell_dispute_closed(uow: UnitOfWork, deps: PaymentDeps, event: DisputeClosed) -> None:
    """Tell the payer that a dispute of their bank's is decided."""
    _tell_dispute(uow, deps, event.dispute_id, "dispute-closed")


def _tell_dispute(uow: UnitOfWork, deps: PaymentDeps, dispute_id: UUID, kind: Kind) -> None:
    dispute = uow.get_one(Dispute, dispute_id)
    payment = uow.get_one(Payment, dispute.payment_id)
    params = _params(uow, deps, payment.id, dispute.amount)
    _tell(uow, payment, kind, str(dispute.id), params)


def tell_refund_approved(uow: UnitOfWork, deps: PaymentDeps, event: RefundApproved) -> None:
    """Tell the payer that money is on its way that others asked back, or that was taken twice."""
    refund = uow.get_one(Refund, event.refund_id)
    is_news = refund.requested_by != HOUSE or refund.reason == "duplicate"
    if is_news and not refund.client_reference.startswith("retry:"):
        _tell_refund(uow, deps, refund, "refund-approved")


def tell_refund_declined(uow: UnitOfWork, deps: PaymentDeps, event: RefundDeclined) -> None:
    """Tell the payer, if it was they who asked, that their request was declined."""
    refund = uow.get_one(Refund, event.refund_id)
    if refund.requested_by.startswith("citizen:"):
        _tell_refund(uow, deps, refund, "refund-declined")


def tell_refund_failed(uow: UnitOfWork, deps: PaymentDeps, event: RefundFailed) -> None:
    """Tell the payer that money has not arrived, and that we look after it."""
    _tell_refund(uow, deps, uow.get_one(Refund, event.refund_id), "refund-delayed")


def tell_refund_succeeded(uow: UnitOfWork, deps: PaymentDeps, event: RefundSucceeded) -> None:
    """Tell the payer that money went back."""
    _tell_refund(uow, deps, uow.get_one(Refund, event.refund_id), "refund-succeeded")


def _tell_refund(uow: UnitOfWork, deps: PaymentDeps, refund: Refund, kind: Kind) -> None:
    payment = uow.get_one(Payment, refund.payment_id)
    if refund.reason in _WHOLE_ATTEMPTS:
        params: Params = {"amount": refund.amount, **_WHOLE_ATTEMPTS[refund.reason]}
    else:
        params = _params(uow, deps, payment.id, refund.amount, refund.item_id)
    _tell(uow, payment, kind, str(refund.id), params)


def _tell(uow: UnitOfWork, payment: Payment, kind: Kind, subject: str, params: Params) -> None:
    """Tell the payer, unless it was a guest: nobody knows where they would read it."""
    if not payment.by_guest:
        tell(uow, payment.citizen_id, kind, subject, params)


def _params(
    uow: UnitOfWork,
    deps: PaymentDeps,
    payment_id: UUID,
    amount: int,
    item_id: UUID | None = None,
) -> dict[str, str | int | datetime]:
    """Return an amount and the names of the services it is about."""
    statement = (
        select(PaymentItem.service)
        .where(PaymentItem.payment_id == payment_id)
        .order_by(PaymentItem.line_no)
    )
    if item_id is not None:
        statement = statement.where(PaymentItem.id == item_id)
    names = list(dict.fromkeys(uow.scalars(statement)))
    services = [deps.registry.services.get(name) for name in names]
    titles = [service.title for service in services if service is not None]
    return {
        "amount": amount,
        "service_zh": "、".join(title["zh"] for title in titles) or "缴费",
        "service_en": ", ".join(title["en"] for title in titles) or "payment",
    }
