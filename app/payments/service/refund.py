"""Money on its way back: approved under the attempt's lock, sent once, believed when asked."""

from datetime import timedelta
from uuid import UUID

from app.core.clock import now
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.payments.events import ItemClosed, RefundApproved, RefundQuestioned, RefundSucceeded
from app.payments.gateway import (
    KEY_LIFETIME,
    GatewayAmbiguous,
    GatewayRefund,
    GatewayRefused,
    RefundRequest,
)
from app.payments.models import Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.service.booking import (
    book_refund_asked,
    book_refund_done,
    book_refund_failed,
)
from app.payments.service.common import PaymentDeps, lock
from app.payments.values import ItemStatus, RefundStatus

log = get_logger("payments")
_ASK_SECONDS = 60


def approve_refund(
    uow: UnitOfWork,
    payment: Payment,
    attempt: PaymentAttempt,
    *,
    item: PaymentItem | None,
    amount: int,
    reason: str,
    client_reference: str,
) -> Refund:
    """Reserve money of a locked attempt and send it back by a job; for what nobody has to approve.

    The attempt's check refuses more than was captured, its unique key a second refund of the same
    client reference.
    """
    refund_id = new_id()
    attempt.refunded_amount += amount
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        attempt_id=attempt.id,
        item_id=item.id if item else None,
        client_reference=client_reference,
        amount=amount,
        currency=attempt.currency,
        reason=reason,
        gateway_key=f"{attempt.gateway_key}:refund:{refund_id}",
        status=RefundStatus.APPROVED,
    )
    uow.open_record(refund, cause=reason, amount=amount)
    book_refund_asked(uow, refund, item)
    uow.emit(RefundApproved(refund_id=refund.id))
    return refund


def send_refund(
    uow: UnitOfWork, deps: PaymentDeps, event: RefundApproved | RefundQuestioned
) -> None:
    """Send an approved refund, or ask what became of it; running again never sends it twice.

    Raise `Unavailable` while the gateway has not said that it knows of it.
    """
    with uow.phase():
        refund = uow.get_one(Refund, event.refund_id)
        attempt = uow.get_one(PaymentAttempt, refund.attempt_id)
    if refund.status not in {RefundStatus.APPROVED, RefundStatus.UNKNOWN, RefundStatus.SUBMITTED}:
        return
    is_repeat = refund.status != RefundStatus.APPROVED or (uow.job and uow.job.attempt > 0)
    try:
        answer = _reach_gateway(deps, refund, attempt, is_repeat=bool(is_repeat))
    except GatewayAmbiguous as error:
        with uow.phase():
            refund = lock(uow, Refund, refund.id)
            if refund.status == RefundStatus.APPROVED:
                uow.move(refund, RefundStatus.UNKNOWN, cause="gateway silent")
        raise Unavailable("The gateway has not said what became of the refund.") from error
    except GatewayRefused as error:
        answer = GatewayRefund("", "failed", refund.amount)
        log.exception("refund.refused", refund_id=str(refund.id), code=error.code)
    apply_refund(uow, deps, refund.id, answer)


def _reach_gateway(
    deps: PaymentDeps, refund: Refund, attempt: PaymentAttempt, *, is_repeat: bool
) -> GatewayRefund:
    if refund.gateway_refund_id:
        return deps.gateways.named(attempt.gateway).fetch_refund(refund.gateway_refund_id)
    intent_id = attempt.intent_id or ""
    if is_repeat:
        found = deps.gateways.named(attempt.gateway).find_refund(intent_id, refund.id)
        if found is not None:
            return found
        if now() - refund.created_at > KEY_LIFETIME:
            raise GatewayAmbiguous("the key is too old to be sent again")
    return deps.gateways.named(attempt.gateway).send_refund(
        RefundRequest(refund.gateway_key, refund.id, intent_id, refund.amount)
    )


def apply_refund(
    uow: UnitOfWork, deps: PaymentDeps, refund_id: UUID, answer: GatewayRefund
) -> None:
    """Apply what the gateway said of a refund; idempotent."""
    found = uow.get_one(Refund, refund_id)
    payment = lock(uow, Payment, found.payment_id)
    item = lock(uow, PaymentItem, found.item_id) if found.item_id else None
    attempt = lock(uow, PaymentAttempt, found.attempt_id)
    refund = lock(uow, Refund, refund_id)
    if refund.status in {RefundStatus.SUCCEEDED, RefundStatus.FAILED}:
        return
    if refund.status != RefundStatus.SUBMITTED:
        uow.move(refund, RefundStatus.SUBMITTED, cause="gateway")
    refund.gateway_refund_id = answer.id or None
    if answer.status == "succeeded":
        _finish(uow, payment, item, attempt, refund)
    elif answer.status in {"failed", "canceled"}:
        _give_up(uow, item, attempt, refund)
    else:
        refund.next_ask_at = now() + timedelta(seconds=_ASK_SECONDS / deps.policy.pace)


def _finish(
    uow: UnitOfWork,
    payment: Payment,
    item: PaymentItem | None,
    attempt: PaymentAttempt,
    refund: Refund,
) -> None:
    refund.next_ask_at = None
    fact = RefundSucceeded(refund_id=refund.id)
    uow.move(refund, RefundStatus.SUCCEEDED, cause="gateway", fact=fact)
    book_refund_done(uow, refund, attempt)
    if item is None:
        return
    payment.refunded_amount += refund.amount
    item.is_live = False
    closed = ItemClosed(payment_id=payment.id, item_id=item.id)
    uow.move(item, ItemStatus.REFUNDED, cause="gateway", fact=closed)


def _give_up(
    uow: UnitOfWork, item: PaymentItem | None, attempt: PaymentAttempt, refund: Refund
) -> None:
    """Take back the reservation of a refund that the gateway could not make; somebody must look."""
    refund.next_ask_at = None
    uow.move(refund, RefundStatus.FAILED, cause="gateway")
    attempt.refunded_amount -= refund.amount
    book_refund_failed(uow, refund, item)
    if item is not None:
        uow.move(item, ItemStatus.REFUND_FAILED, cause="gateway")
        uow.move(item, ItemStatus.UNDER_REVIEW, cause="refund failed")
    log.error("refund.failed", refund_id=str(refund.id))
