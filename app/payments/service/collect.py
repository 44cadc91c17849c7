"""Payments that start while nobody is there: a kept method is charged for one bill."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.errors import Conflict
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.models import Payment, PaymentAttempt
from app.payments.service.common import PaymentDeps, live_attempt
from app.payments.service.saved_methods import saved_for_charge
from app.payments.service.start import begin_payment, open_intent
from app.payments.values import (
    AttemptStatus,
    Collected,
    Method,
    Order,
    OrderLine,
    PaymentStatus,
)


def collect_payment(
    uow: UnitOfWork,
    deps: PaymentDeps,
    citizen_id: UUID,
    line: OrderLine,
    *,
    saved_method_id: UUID,
    origin: str,
) -> Collected:
    """Charge a citizen's kept method for one bill, once for each `origin`; return how it stands.

    Running again with the same origin goes on with the payment that was made. Whoever calls has
    the citizen's standing order with its own bounds: the limits of a session are not asked.
    Raise `SavedMethodUnusable`, or what starting a payment raises.
    """
    payment, attempt = _find(uow, origin)
    if payment is None:
        with uow.phase():
            saved = saved_for_charge(uow, citizen_id, saved_method_id)
        service = deps.registry.service(line.service)
        who = Principal(
            kind="citizen",
            id=citizen_id,
            session_id=saved_method_id,
            assurance=service.assurance,
            stepped_up_at=now(),
        )
        order = Order(items=[line], method=Method.CARD, saved=saved, origin=origin)
        try:
            payment, attempt = begin_payment(uow, deps, who, order)
        except (IntegrityError, Conflict):
            # Beside us somebody may have begun this very one: then it is what holds the bill.
            payment, attempt = _find(uow, origin)
            if payment is None:
                raise
    if attempt is not None and attempt.status == AttemptStatus.REQUESTED:
        open_intent(uow, deps, payment, attempt)
        uow.flush()
    return read_collected(uow, payment.id)


def _find(uow: UnitOfWork, origin: str) -> tuple[Payment | None, PaymentAttempt | None]:
    with uow.phase():
        payment = uow.scalar(select(Payment).where(Payment.origin == origin))
        return payment, live_attempt(uow, payment.id) if payment else None


def read_collected(uow: UnitOfWork, payment_id: UUID) -> Collected:
    """Return how a payment stands that was started while nobody was there."""
    payment = uow.get_one(Payment, payment_id, populate_existing=True)
    attempt = live_attempt(uow, payment_id)
    is_declined = (
        payment.status == PaymentStatus.PENDING
        and attempt is not None
        and attempt.status == AttemptStatus.OPEN
    )
    last = uow.scalar(
        select(PaymentAttempt.decline_code)
        .where(PaymentAttempt.payment_id == payment_id)
        .order_by(PaymentAttempt.number.desc())
        .limit(1)
    )
    return Collected(payment.id, PaymentStatus(payment.status), is_declined, last)
