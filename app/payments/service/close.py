"""Ending or redirecting a pending payment: the gateway is asked before anything is closed."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import func, select

from app.core.clock import now
from app.core.errors import ActingNotAllowed
from app.core.logs import get_logger
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import GatewayUnavailable, PaymentNotPending
from app.payments.events import AttemptQuestioned
from app.payments.gateway import GatewayAmbiguous, GatewayRefused
from app.payments.models import Payment, PaymentAttempt, PaymentItem
from app.payments.service.collect import read_collected
from app.payments.service.common import PaymentDeps, live_attempt, own_payment
from app.payments.service.query import view_payment
from app.payments.service.quote import find_change
from app.payments.service.settle import (
    WAITING_INTENT,
    apply_intent,
    end_payment,
    fail_attempt,
    learn,
    settle_attempt,
)
from app.payments.service.start import add_attempt, check_method, open_intent
from app.payments.values import LIVE_ATTEMPTS, Collected, Method, PaymentStatus, PaymentView

log = get_logger("payments")


def cancel_payment(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, payment_id: UUID
) -> PaymentView:
    """Cancel a citizen's pending payment; cancelling a cancelled one changes nothing.

    Raise `PaymentNotPending` when the money is moving or has come, `GatewayUnavailable` when the
    gateway cannot say.
    """
    with uow.phase():
        payment = own_payment(uow, payment_id, who)
    if payment.status != PaymentStatus.CANCELLED:
        _close_or_refuse(uow, deps, payment_id, PaymentStatus.CANCELLED)
    return view_payment(uow, deps, payment_id, who)


def retry_payment(
    uow: UnitOfWork,
    deps: PaymentDeps,
    who: Principal,
    payment_id: UUID,
    method: Method,
    return_url: str | None,
) -> PaymentView:
    """Start afresh with another method: the intent before is cancelled first.

    Raise `PaymentNotPending` when the payment cannot be paid any more, or the money is moving. The
    bills are asked for again: when they are not what was agreed to, the payment is cancelled, the
    bills are free at once, and `BillChanged` or `BillWithdrawn` says why.
    """
    check_method(deps, method, return_url)
    with uow.phase():
        payment = own_payment(uow, payment_id, who)
    if payment.expires_at <= now():
        raise PaymentNotPending(payment_status=payment.status)
    with uow.phase():
        _check_services(uow, who, payment)
    change = find_change(uow, deps, who, payment_id)
    _end_attempt_or_refuse(uow, deps, payment_id)
    with uow.phase():
        payment = uow.lock(Payment, payment_id)
        if payment.status != PaymentStatus.PENDING or live_attempt(uow, payment_id):
            raise PaymentNotPending(payment_status=payment.status)
        if change is not None:
            end_payment(uow, payment, PaymentStatus.CANCELLED, cause=change.code)
    if change is not None:
        raise change
    with uow.phase():
        payment = uow.lock(Payment, payment_id)
        if payment.status != PaymentStatus.PENDING or live_attempt(uow, payment_id):
            raise PaymentNotPending(payment_status=payment.status)
        last = select(func.max(PaymentAttempt.number)).where(
            PaymentAttempt.payment_id == payment_id
        )
        number = (uow.scalar(last) or 0) + 1
        payment.method = method
        attempt = add_attempt(uow, deps, payment, method, return_url, number=number)
    open_intent(uow, deps, payment, attempt)
    return view_payment(uow, deps, payment_id, who)


def _check_services(uow: UnitOfWork, who: Principal, payment: Payment) -> None:
    """Refuse a delegate from whose mandate a service of the payment was taken meanwhile."""
    if who.mandate is None:
        return
    items = select(PaymentItem.service).where(PaymentItem.payment_id == payment.id)
    if not all(who.mandate.allows("pay", service) for service in uow.scalars(items)):
        raise ActingNotAllowed


def question_attempt(uow: UnitOfWork, deps: PaymentDeps, event: AttemptQuestioned) -> None:
    """Ask about an attempt because it is time to; past its payment's end, close both.

    A gateway that is silent is asked again later.
    """
    with uow.phase():
        attempt = uow.get_one(PaymentAttempt, event.attempt_id)
        payment = uow.get_one(Payment, attempt.payment_id)
    try:
        if payment.status == PaymentStatus.PENDING and payment.expires_at <= now():
            expire_payment(uow, deps, payment.id)
        else:
            settle_attempt(uow, deps, attempt.id, cause=event.cause)
    except GatewayAmbiguous as error:
        log.warning("gateway.silent", attempt_id=str(attempt.id), error=str(error))


def expire_payment(uow: UnitOfWork, deps: PaymentDeps, payment_id: UUID) -> None:
    """Close a payment whose time is over, once the gateway has confirmed that no money comes.

    Raise `GatewayAmbiguous` when it does not answer: the payment stays open and is asked again.
    """
    end_attempt(uow, deps, payment_id, cause="expiry")
    payment = uow.lock(Payment, payment_id)
    is_over = payment.expires_at <= now() and payment.status == PaymentStatus.PENDING
    if is_over and live_attempt(uow, payment_id) is None:
        end_payment(uow, payment, PaymentStatus.EXPIRED, cause="expiry")


def abandon_payment(uow: UnitOfWork, deps: PaymentDeps, payment_id: UUID) -> Collected:
    """End a payment for which nobody is there to act, and return what it turned out to be.

    Raise `GatewayUnavailable` when the gateway cannot say: nothing has been closed.
    """
    with suppress(PaymentNotPending):
        _close_or_refuse(uow, deps, payment_id, PaymentStatus.CANCELLED)
    uow.flush()
    return read_collected(uow, payment_id)


def _close_or_refuse(
    uow: UnitOfWork, deps: PaymentDeps, payment_id: UUID, to: PaymentStatus
) -> None:
    _end_attempt_or_refuse(uow, deps, payment_id)
    payment = uow.lock(Payment, payment_id)
    if payment.status != PaymentStatus.PENDING or live_attempt(uow, payment_id):
        raise PaymentNotPending(payment_status=payment.status)
    end_payment(uow, payment, to, cause="citizen")


def _end_attempt_or_refuse(uow: UnitOfWork, deps: PaymentDeps, payment_id: UUID) -> None:
    try:
        end_attempt(uow, deps, payment_id, cause="citizen")
    except GatewayAmbiguous as error:
        raise GatewayUnavailable from error


def end_attempt(uow: UnitOfWork, deps: PaymentDeps, payment_id: UUID, *, cause: str) -> None:
    """Cancel the intent of a payment's live attempt, and commit whatever it turned out to be.

    Afterwards the attempt is cancelled, or processing or succeeded because the money was faster.
    """
    with uow.phase():
        payment = uow.get_one(Payment, payment_id, populate_existing=True)
        attempt = live_attempt(uow, payment_id)
    if attempt is None:
        return
    intent = None
    try:
        intent = learn(deps, payment, attempt)
        if intent is not None and intent.status in WAITING_INTENT:
            intent = deps.gateways.named(attempt.gateway).cancel_intent(intent.id)
    except GatewayRefused as error:
        cause = f"gateway: {error.code}"
    with uow.phase():
        if intent is not None:
            apply_intent(uow, deps, attempt, intent, cause=cause)
        elif attempt.status in LIVE_ATTEMPTS:
            fail_attempt(uow, attempt, cause=cause)
