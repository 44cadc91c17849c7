"""Asking the gateway what is true of an attempt, and applying the answer; nothing else is money."""

from uuid import UUID

from app.core.clock import now
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.payments.events import ItemDue, PaymentSucceeded
from app.payments.gateway import (
    KEY_LIFETIME,
    SEARCH_LAG,
    GatewayFailed,
    GatewayRefused,
    Intent,
    IntentRequest,
)
from app.payments.models import Payment, PaymentAttempt
from app.payments.service.booking import book_capture, book_late_money
from app.payments.service.common import PaymentDeps, lock_items, next_ask, seal_action
from app.payments.service.refund import approve_refund
from app.payments.values import AttemptStatus, ItemStatus, Method, PaymentStatus, Saved

log = get_logger("payments")

WAITING_INTENT = frozenset(
    {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"}
)
_DONE = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.SUCCEEDED_LATE})


def settle_attempt(uow: UnitOfWork, deps: PaymentDeps, attempt_id: UUID, *, cause: str) -> None:
    """Ask the gateway about an attempt and apply its answer in this unit of work.

    Idempotent, and safe beside itself. Raise `GatewayAmbiguous` when there is no answer.
    """
    with uow.phase():
        attempt = uow.get_one(PaymentAttempt, attempt_id, populate_existing=True)
        payment = uow.get_one(Payment, attempt.payment_id, populate_existing=True)
    if attempt.status in _DONE:
        return
    try:
        intent = learn(deps, payment, attempt)
    except GatewayRefused as error:
        fail_attempt(uow, attempt, cause=f"gateway: {error.code}")
        return
    if intent is not None:
        apply_intent(uow, deps, attempt, intent, cause=cause)


def learn(deps: PaymentDeps, payment: Payment, attempt: PaymentAttempt) -> Intent | None:
    """Return what the gateway says of an attempt, or None when it surely never opened one.

    An opening that was never answered is searched for, and sent again under its own key while the
    gateway surely remembers it: that is the same question, not a second intent. When it only
    repeats that it has failed, its search decides, once that has had time to know: an intent that
    was shown to nobody can be paid by nobody, unless it charges a kept method by itself.
    """
    gateway = deps.gateways.named(attempt.gateway)
    if attempt.intent_id is not None:
        return gateway.fetch_intent(attempt.intent_id)
    found = gateway.find_intent(attempt.id)
    if attempt.status in {AttemptStatus.FAILED, AttemptStatus.CANCELLED}:
        return found
    is_payable = found is None or (
        # A code that was in the lost answer is told again to whoever asks the same again.
        found.status == "requires_action"
        and gateway.next_action(found, Method(attempt.method)) is None
    )
    if not is_payable or now() - attempt.created_at > KEY_LIFETIME:
        return found
    try:
        return gateway.open_intent(request_of(payment, attempt))
    except GatewayFailed:
        is_known = now() - attempt.created_at > SEARCH_LAG / deps.policy.pace
        if found is None and (attempt.saved_method is not None or not is_known):
            raise
        return found
    except GatewayRefused:
        if found is None:
            raise
        return found


def request_of(payment: Payment, attempt: PaymentAttempt) -> IntentRequest:
    """Return the one request that ever opens an attempt's intent: the same each time."""
    return IntentRequest(
        key=attempt.gateway_key,
        payment_id=payment.id,
        attempt_id=attempt.id,
        amount=attempt.amount,
        currency=attempt.currency,
        method=Method(attempt.method),
        return_url=attempt.return_url,
        expires_at=payment.expires_at,
        saved=saved_of(attempt),
    )


def saved_of(attempt: PaymentAttempt) -> Saved | None:
    """Return the kept method that an attempt charges, or None when the citizen is there."""
    if attempt.saved_customer is None or attempt.saved_method is None:
        return None
    return Saved(attempt.gateway, attempt.saved_customer, attempt.saved_method)


def fail_attempt(uow: UnitOfWork, asked: PaymentAttempt, *, cause: str) -> None:
    """End an attempt that the gateway refused to open, and its payment if it still waited."""
    payment = uow.lock(Payment, asked.payment_id)
    attempt = uow.lock(PaymentAttempt, asked.id)
    if attempt.status not in {AttemptStatus.REQUESTED, AttemptStatus.UNKNOWN}:
        return
    uow.move(attempt, AttemptStatus.FAILED, cause=cause)
    attempt.next_ask_at = None
    if payment.status == PaymentStatus.PENDING:
        end_payment(uow, payment, PaymentStatus.FAILED, cause=cause)


def end_payment(uow: UnitOfWork, payment: Payment, to: PaymentStatus, *, cause: str) -> None:
    """Close a locked, pending payment without money; its bills can be paid by another one."""
    for item in lock_items(uow, payment.id):
        item.is_live = False
    uow.move(payment, to, cause=cause)


def apply_intent(
    uow: UnitOfWork, deps: PaymentDeps, asked: PaymentAttempt, intent: Intent, *, cause: str
) -> None:
    """Apply what the gateway said of an attempt's intent; whatever came before, in any order.

    An answer about another intent, amount or currency changes nothing: it is kept for an operator.
    """
    payment = uow.lock(Payment, asked.payment_id)
    attempt = uow.lock(PaymentAttempt, asked.id)
    mismatch = _mismatch(attempt, intent)
    if mismatch is not None:
        attempt.mismatch = mismatch
        log.error("gateway.mismatch", attempt_id=str(attempt.id), mismatch=mismatch)
        return
    attempt.intent_id = intent.id
    attempt.asked_at = now()
    if attempt.status in _DONE:
        return
    if intent.status in WAITING_INTENT:
        _wait(uow, deps, payment, attempt, intent, cause)
    elif intent.status == "processing":
        _process(uow, deps, payment, attempt, cause)
    elif intent.status == "succeeded":
        _succeed(uow, payment, attempt, intent, cause)
    elif intent.status == "canceled":
        _cancel(uow, payment, attempt, cause)
    else:
        attempt.mismatch = f"status {intent.status}"
        log.error("gateway.unknown_status", attempt_id=str(attempt.id), status=intent.status)


def _mismatch(attempt: PaymentAttempt, intent: Intent) -> str | None:
    amount = attempt.amount if intent.amount is None else intent.amount
    ours = (attempt.amount, attempt.currency, str(attempt.id))
    theirs = (amount, intent.currency, intent.attempt_id)
    if ours != theirs:
        return f"amount, currency or attempt: {theirs}"
    if attempt.intent_id not in {None, intent.id}:
        return f"intent {intent.id}"
    if intent.status == "succeeded" and intent.amount_received != attempt.amount:
        return f"received {intent.amount_received}"
    return None


def _wait(  # the citizen has to act
    uow: UnitOfWork,
    deps: PaymentDeps,
    payment: Payment,
    attempt: PaymentAttempt,
    intent: Intent,
    cause: str,
) -> None:
    if attempt.status in {AttemptStatus.FAILED, AttemptStatus.CANCELLED}:
        return
    if attempt.status != AttemptStatus.OPEN:
        uow.move(attempt, AttemptStatus.OPEN, cause=cause, decline_code=intent.decline_code)
    if payment.status == PaymentStatus.PROCESSING:
        uow.move(payment, PaymentStatus.PENDING, cause=cause)
    attempt.decline_code = intent.decline_code
    action = deps.gateways.named(attempt.gateway).next_action(intent, Method(attempt.method))
    if action is not None:  # a code is told once, when it is asked for
        attempt.next_action = seal_action(deps, attempt, action)
    _ask_again(deps, payment, attempt)


def _process(
    uow: UnitOfWork, deps: PaymentDeps, payment: Payment, attempt: PaymentAttempt, cause: str
) -> None:
    if attempt.status in {AttemptStatus.FAILED, AttemptStatus.CANCELLED}:
        return
    _pass_open(uow, attempt, cause)
    if attempt.status != AttemptStatus.PROCESSING:
        uow.move(attempt, AttemptStatus.PROCESSING, cause=cause)
    if payment.status == PaymentStatus.PENDING:
        uow.move(payment, PaymentStatus.PROCESSING, cause=cause)
    attempt.next_action = None
    _ask_again(deps, payment, attempt)


def _succeed(
    uow: UnitOfWork,
    payment: Payment,
    attempt: PaymentAttempt,
    intent: Intent,
    cause: str,
) -> None:
    attempt.captured_amount = intent.amount_received
    attempt.captured_at = now()
    attempt.next_ask_at = None
    attempt.next_action = None
    if attempt.status in {AttemptStatus.FAILED, AttemptStatus.CANCELLED}:
        return_late_money(uow, attempt, cause=cause)
        return
    _pass_open(uow, attempt, cause)
    uow.move(attempt, AttemptStatus.SUCCEEDED, cause=cause)
    book_capture(uow, attempt, lock_items(uow, payment.id))
    complete_payment(uow, payment, cause=cause)


def complete_payment(uow: UnitOfWork, payment: Payment, *, cause: str) -> None:
    """Mark a locked payment as paid and its items as due; everything after follows by jobs."""
    if payment.status == PaymentStatus.PENDING:
        uow.move(payment, PaymentStatus.PROCESSING, cause=cause)
    fact = PaymentSucceeded(payment_id=payment.id)
    uow.move(payment, PaymentStatus.SUCCEEDED, cause=cause, fact=fact)
    for item in lock_items(uow, payment.id):
        uow.move(item, ItemStatus.DUE, cause=cause, fact=ItemDue(item_id=item.id))


def _cancel(uow: UnitOfWork, payment: Payment, attempt: PaymentAttempt, cause: str) -> None:
    if attempt.status not in {AttemptStatus.FAILED, AttemptStatus.CANCELLED}:
        _pass_open(uow, attempt, cause)
        uow.move(attempt, AttemptStatus.CANCELLED, cause=cause)
    if payment.status == PaymentStatus.PROCESSING:
        uow.move(payment, PaymentStatus.PENDING, cause=cause)
    attempt.next_ask_at = None
    attempt.next_action = None


def return_late_money(uow: UnitOfWork, attempt: PaymentAttempt, *, cause: str) -> None:
    """Take in money that came after its attempt had ended, and send it back at once."""
    uow.move(attempt, AttemptStatus.SUCCEEDED_LATE, cause=cause)
    book_late_money(uow, attempt)
    approve_refund(
        uow,
        attempt,
        item=None,
        amount=attempt.captured_amount,
        reason="late",
        client_reference="late",
    )


def _pass_open(uow: UnitOfWork, attempt: PaymentAttempt, cause: str) -> None:
    """Let an attempt whose opening was not recorded yet pass through open."""
    if attempt.status == AttemptStatus.REQUESTED:
        uow.move(attempt, AttemptStatus.OPEN, cause=cause)


def _ask_again(deps: PaymentDeps, payment: Payment, attempt: PaymentAttempt) -> None:
    attempt.next_ask_at = next_ask(deps.policy, payment, attempt.asks)
