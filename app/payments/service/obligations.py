"""What is open between a citizen and the billers: money on its way in, out, or not told yet."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import func, or_, select

from app.core.unit_of_work import UnitOfWork
from app.payments.models import (
    Dispute,
    Payment,
    PaymentAttempt,
    PaymentItem,
    Refund,
    SavedMethod,
)
from app.payments.values import (
    KEPT_METHODS,
    LIVE_ATTEMPTS,
    OPEN_DISPUTES,
    OPEN_ITEMS,
    ItemStatus,
    PaymentStatus,
    RefundStatus,
)

_OPEN_ITEMS = (
    ItemStatus.DUE,
    ItemStatus.UNKNOWN,
    ItemStatus.REJECTED,
    ItemStatus.UNDER_REVIEW,
    ItemStatus.REFUNDING,
    ItemStatus.REFUND_FAILED,
)
_OPEN_REFUNDS = (
    RefundStatus.REQUESTED,
    RefundStatus.APPROVED,
    RefundStatus.SUBMITTED,
    RefundStatus.UNKNOWN,
)


def count_untold(uow: UnitOfWork, provider: str, services: Collection[str] | None = None) -> int:
    """Return how many items of a provider (of these services, if given) it may have to be told of.

    Also of those that nobody has paid yet, but still may.
    """
    statement = select(func.count()).where(
        PaymentItem.plugin == provider, PaymentItem.status.in_(OPEN_ITEMS), PaymentItem.is_live
    )
    if services is not None:
        statement = statement.where(PaymentItem.service.in_(services))
    return uow.scalars(statement).one()


def count_open(uow: UnitOfWork, citizen_id: UUID) -> Mapping[str, int]:
    """Return how much of a citizen's money is not over, and what may move more of it, by kind.

    A payment is open, too, while an attempt of it may still move money. Kinds that have none are
    left out.
    """
    live = select(PaymentAttempt.payment_id).where(PaymentAttempt.status.in_(LIVE_ATTEMPTS))
    mine = select(Payment.id).where(Payment.citizen_id == citizen_id)
    payments = select(func.count()).where(
        Payment.citizen_id == citizen_id,
        or_(
            Payment.status.in_((PaymentStatus.PENDING, PaymentStatus.PROCESSING)),
            Payment.id.in_(live),
        ),
    )
    items = select(func.count()).where(
        PaymentItem.payment_id.in_(mine), PaymentItem.status.in_(_OPEN_ITEMS)
    )
    refunds = select(func.count()).where(
        Refund.payment_id.in_(mine), Refund.status.in_(_OPEN_REFUNDS)
    )
    kept = select(func.count()).where(
        SavedMethod.citizen_id == citizen_id, SavedMethod.status.in_(KEPT_METHODS)
    )
    disputes = select(func.count()).where(
        Dispute.payment_id.in_(mine), Dispute.status.in_(OPEN_DISPUTES)
    )
    found = {
        "payments-open": uow.scalars(payments).one(),
        "bills-not-settled": uow.scalars(items).one(),
        "refunds-in-flight": uow.scalars(refunds).one(),
        "payment-methods-kept": uow.scalars(kept).one(),
        "disputes-open": uow.scalars(disputes).one(),
    }
    return {code: count for code, count in found.items() if count}
