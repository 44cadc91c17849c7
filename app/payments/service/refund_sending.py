"""An approved refund on its way: sent once, believed when asked, watched once it is back."""

from datetime import timedelta
from uuid import UUID

from app.core.clock import now
from app.core.errors import Unavailable
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.payments.events import (
    ItemClosed,
    RefundApproved,
    RefundFailed,
    RefundQuestioned,
    RefundSucceeded,
)
from app.payments.gateway import (
    KEY_LIFETIME,
    SEARCH_LAG,
    GatewayAmbiguous,
    GatewayFailed,
    GatewayRefund,
    GatewayRefused,
    RefundRequest,
)
from app.payments.models import Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.service.booking import (
    book_refund_done,
    book_refund_failed,
    book_refund_reversed,
)
from app.payments.service.common import PaymentDeps
from app.payments.values import ItemStatus, RefundStatus

log = get_logger("payments")
_ASK = timedelta(seconds=60)
_ASK_AGAIN = timedelta(hours=1)
_WATCH, _WATCHED_FOR = timedelta(days=1), timedelta(days=7)
"""A bank may give money back days after it has taken it: a refund that succeeded is asked about."""

_OVER = frozenset(
    {
        RefundStatus.REQUESTED,
        RefundStatus.DECLINED,
        RefundStatus.FAILED,
        RefundStatus.REVERSED,
    }
)
_FAILED = frozenset({"failed", "canceled"})


def send_refund(
    uow: UnitOfWork, deps: PaymentDeps, event: RefundApproved | RefundQuestioned
) -> None:
    """Send an approved refund, or ask what became of it; running again never sends it twice.

    Raise `Unavailable` while the gateway has not said that it knows of it.
    """
    with uow.phase():
        refund = uow.get_one(Refund, event.refund_id)
        attempt = uow.get_one(PaymentAttempt, refund.attempt_id)
    if refund.status in _OVER:
        return
    is_repeat = refund.status != RefundStatus.APPROVED or (uow.job and uow.job.attempt > 0)
    try:
        answer = _reach_gateway(deps, refund, attempt, is_repeat=bool(is_repeat))
    except GatewayAmbiguous as error:
        with uow.phase():
            refund = uow.lock(Refund, refund.id)
            if refund.status == RefundStatus.APPROVED:
                uow.move(refund, RefundStatus.UNKNOWN, cause="gateway silent")
        raise Unavailable("The gateway has not said what became of the refund.") from error
    except GatewayRefused as error:
        if refund.gateway_refund_id:  # it has taken the refund before: this is no answer
            raise Unavailable("The gateway does not know its own refund.") from error
        answer = _never_made(refund)
        log.exception("refund.refused", refund_id=str(refund.id), code=error.code)
    apply_refund(uow, deps, refund.id, answer)


def _reach_gateway(
    deps: PaymentDeps, refund: Refund, attempt: PaymentAttempt, *, is_repeat: bool
) -> GatewayRefund:
    """Return what the gateway says of a refund; it is sent again only under its own key.

    Where a key is no help any more (its memory is over, or it repeats for ever that it has failed),
    the gateway's list of refunds decides, and one that is not in it has failed. Somebody then sends
    it anew, under another key.
    """
    gateway = deps.gateways.named(attempt.gateway)
    if refund.gateway_refund_id:
        return gateway.fetch_refund(refund.gateway_refund_id)
    intent_id = attempt.intent_id or ""
    age = now() - (refund.decided_at or refund.created_at)
    if is_repeat:
        found = gateway.find_refund(intent_id, refund.id)
        if found is not None:
            return found
        if age > KEY_LIFETIME:
            return _never_made(refund)
    try:
        return gateway.send_refund(
            RefundRequest(refund.gateway_key, refund.id, intent_id, refund.amount)
        )
    except GatewayFailed:
        if is_repeat and age > SEARCH_LAG / deps.policy.pace:
            return _never_made(refund)
        raise


def _never_made(refund: Refund) -> GatewayRefund:
    return GatewayRefund("", "failed", refund.amount)


def next_refund_ask(deps: PaymentDeps, refund: Refund) -> timedelta | None:
    """Return how long to wait before a refund is asked about again; None when never."""
    if refund.status != RefundStatus.SUCCEEDED:
        return _ASK_AGAIN / deps.policy.pace
    is_watched = now() - (refund.decided_at or refund.created_at) < _WATCHED_FOR
    return _WATCH / deps.policy.pace if is_watched else None


def apply_refund(
    uow: UnitOfWork, deps: PaymentDeps, refund_id: UUID, answer: GatewayRefund
) -> None:
    """Apply what the gateway said of a refund; idempotent, whatever came before, in any order.

    An answer about another amount changes nothing: it is kept for an operator.
    """
    found = uow.get_one(Refund, refund_id)
    payment = uow.lock(Payment, found.payment_id)
    item = uow.lock(PaymentItem, found.item_id) if found.item_id else None
    attempt = uow.lock(PaymentAttempt, found.attempt_id)
    refund = uow.lock(Refund, refund_id)
    if answer.amount != refund.amount:
        log.error("refund.mismatch", refund_id=str(refund.id), amount=answer.amount)
        return
    has_failed = answer.status in _FAILED
    if refund.status == RefundStatus.SUCCEEDED and has_failed:
        _reverse(uow, payment, item, attempt, refund)
    if refund.status in {*_OVER, RefundStatus.SUCCEEDED}:
        return
    if refund.status != RefundStatus.SUBMITTED:
        uow.move(refund, RefundStatus.SUBMITTED, cause="gateway")
    refund.gateway_refund_id = answer.id or None
    if answer.status == "succeeded":
        _finish(uow, payment, item, attempt, refund)
        refund.next_ask_at = now() + _WATCH / deps.policy.pace
    elif has_failed:
        _give_up(uow, item, attempt, refund)
    else:
        refund.next_ask_at = now() + _ASK / deps.policy.pace


def _finish(
    uow: UnitOfWork,
    payment: Payment,
    item: PaymentItem | None,
    attempt: PaymentAttempt,
    refund: Refund,
) -> None:
    fact = RefundSucceeded(refund_id=refund.id)
    uow.move(refund, RefundStatus.SUCCEEDED, cause="gateway", fact=fact)
    book_refund_done(uow, refund, attempt)
    if item is None:
        return
    payment.refunded_amount += refund.amount
    item.refunding_amount -= refund.amount
    item.refunded_amount += refund.amount
    if item.refunded_amount + item.disputed_amount == item.amount:
        item.is_live = False
        closed = ItemClosed(payment_id=payment.id, item_id=item.id)
        uow.move(item, ItemStatus.REFUNDED, cause="gateway", fact=closed)


def _give_up(
    uow: UnitOfWork, item: PaymentItem | None, attempt: PaymentAttempt, refund: Refund
) -> None:
    """Take back the reservation of a refund that the gateway could not make; somebody must look."""
    refund.next_ask_at = None
    uow.move(refund, RefundStatus.FAILED, cause="gateway", fact=RefundFailed(refund_id=refund.id))
    attempt.refunded_amount -= refund.amount
    book_refund_failed(uow, refund, item)
    if item is not None:
        item.refunding_amount -= refund.amount
        if item.status == ItemStatus.REFUNDING:
            uow.move(item, ItemStatus.REFUND_FAILED, cause="gateway")
    log.error("refund.failed", refund_id=str(refund.id))


def _reverse(
    uow: UnitOfWork,
    payment: Payment,
    item: PaymentItem | None,
    attempt: PaymentAttempt,
    refund: Refund,
) -> None:
    """Take in money that had gone back and did not arrive; it is owed to the citizen still."""
    refund.next_ask_at = None
    fact = RefundFailed(refund_id=refund.id)
    uow.move(refund, RefundStatus.REVERSED, cause="gateway", fact=fact)
    attempt.refunded_amount -= refund.amount
    book_refund_reversed(uow, refund, attempt, item)
    if item is not None:
        payment.refunded_amount -= refund.amount
        item.refunded_amount -= refund.amount
        if item.status == ItemStatus.REFUNDED:
            uow.move(item, ItemStatus.UNDER_REVIEW, cause="refund bounced")
        elif item.status == ItemStatus.REFUNDING:
            uow.move(item, ItemStatus.REFUND_FAILED, cause="refund bounced")
    log.error("refund.reversed", refund_id=str(refund.id))
