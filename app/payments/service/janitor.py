"""What is looked for on a schedule: attempts to ask about, payments past their end, old keys."""

from datetime import timedelta

from sqlalchemy import delete, select

from app.core.clock import now
from app.core.idempotency import IdempotencyKey
from app.core.unit_of_work import UnitOfWork
from app.payments.events import AttemptQuestioned, DisputeQuestioned, RefundQuestioned
from app.payments.models import Dispute, Payment, PaymentAttempt, Refund
from app.payments.service.common import PaymentDeps, next_ask
from app.payments.service.fulfil import review_stuck_items
from app.payments.service.refund_sending import next_refund_ask
from app.payments.service.settle import end_payment
from app.payments.values import LIVE_ATTEMPTS, PaymentStatus

BATCH = 100
TICK_SECONDS = 2


def question_due(uow: UnitOfWork, deps: PaymentDeps) -> None:
    """Queue a question for each attempt, refund and dispute that is due, and set the next time.

    Safe beside itself: rows that another worker holds are skipped.
    """
    moment = now()
    attempts = uow.scalars(
        select(PaymentAttempt)
        .where(PaymentAttempt.next_ask_at <= moment)
        .order_by(PaymentAttempt.next_ask_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    for attempt in attempts:
        payment = uow.get_one(Payment, attempt.payment_id)
        attempt.asks += 1
        attempt.next_ask_at = next_ask(deps.policy, payment, attempt.asks)
        uow.emit(AttemptQuestioned(attempt_id=attempt.id, cause="schedule"))
    refunds = uow.scalars(
        select(Refund)
        .where(Refund.next_ask_at <= moment)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    for refund in refunds:
        refund.asks += 1
        wait = next_refund_ask(deps, refund)
        refund.next_ask_at = moment + wait if wait is not None else None
        uow.emit(RefundQuestioned(refund_id=refund.id))
    disputes = uow.scalars(
        select(Dispute)
        .where(Dispute.next_ask_at <= moment)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    for dispute in disputes:
        dispute.next_ask_at = moment + timedelta(hours=1) / deps.policy.pace
        uow.emit(DisputeQuestioned(attempt_id=dispute.attempt_id))
    _expire_abandoned(uow)


def _expire_abandoned(uow: UnitOfWork) -> None:
    """Close payments past their end that have no attempt left to ask about."""
    live = select(PaymentAttempt.id).where(
        PaymentAttempt.payment_id == Payment.id, PaymentAttempt.status.in_(LIVE_ATTEMPTS)
    )
    overdue = uow.scalars(
        select(Payment)
        .where(
            Payment.status == PaymentStatus.PENDING,
            Payment.expires_at <= now(),
            ~live.exists(),
        )
        .order_by(Payment.expires_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    for payment in list(overdue):
        end_payment(uow, payment, PaymentStatus.EXPIRED, cause="expiry")


def sweep(uow: UnitOfWork) -> None:
    """Hand stuck items to a person, and forget keys whose time is over."""
    review_stuck_items(uow)
    uow.execute(delete(IdempotencyKey).where(IdempotencyKey.expires_at < now()))
