"""What payments say of money, as relations for others to join: sets of rows, never a row at a time.

Each is a subquery with named columns. Whoever reconciles joins it within PostgreSQL; nothing is
copied, and no table of payments is known outside.
"""

from sqlalchemy import Subquery, select
from sqlalchemy.orm import aliased

from app.payments.models import BillerPosting, PaymentAttempt, PaymentItem, Refund
from app.payments.values import AttemptStatus

CAPTURE_BOOKINGS = ("payment.captured", "payment.late")
"""Kinds of bookings whose `external_ref` is `gateway:intent`."""
REFUND_BOOKINGS = ("refund.done", "refund.reversed")
"""Kinds of bookings whose `external_ref` is a refund's id."""


def attempts_at(gateway: str) -> Subquery:
    """Return the attempts of a gateway; `is_paid_otherwise`: another one paid for the payment."""
    other = aliased(PaymentAttempt)
    paid_otherwise = (
        select(other.id)
        .where(
            other.payment_id == PaymentAttempt.payment_id,
            other.id != PaymentAttempt.id,
            other.status == AttemptStatus.SUCCEEDED,
        )
        .exists()
    )
    attempts = select(
        PaymentAttempt.id.label("attempt_id"),
        PaymentAttempt.payment_id,
        PaymentAttempt.intent_id,
        PaymentAttempt.method,
        PaymentAttempt.status,
        PaymentAttempt.currency,
        PaymentAttempt.captured_amount,
        PaymentAttempt.created_at,
        paid_otherwise.label("is_paid_otherwise"),
    ).where(PaymentAttempt.gateway == gateway)
    return attempts.subquery()


def refunds_at(gateway: str) -> Subquery:
    """Return the refunds of a gateway's attempts."""
    return (
        select(
            Refund.id.label("refund_id"),
            Refund.gateway_refund_id,
            Refund.payment_id,
            Refund.attempt_id,
            Refund.status,
            Refund.currency,
            Refund.amount,
            Refund.created_at,
            PaymentAttempt.intent_id,
        )
        .join(PaymentAttempt, PaymentAttempt.id == Refund.attempt_id)
        .where(PaymentAttempt.gateway == gateway)
        .subquery()
    )


def postings_to(payee: str) -> Subquery:
    """Return the notices of items to a payee; `posting_reference` is the biller's own number."""
    return (
        select(
            PaymentItem.id.label("item_id"),
            PaymentItem.payment_id,
            PaymentItem.amount,
            PaymentItem.currency,
            PaymentItem.biller_reference.label("posting_reference"),
            PaymentItem.fulfilled_at,
            BillerPosting.status,
            BillerPosting.sent_at,
        )
        .join(BillerPosting, BillerPosting.item_id == PaymentItem.id)
        .where(PaymentItem.payee == payee)
        .subquery()
    )
