"""How much a session may pay before it has to prove more."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import func, select, text

from app.core.clock import CITY_TIME
from app.core.errors import StepUpRequired
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import TooMuchForGuests
from app.payments.models import Payment
from app.payments.values import PaymentPolicy, PaymentStatus

COUNTED = (PaymentStatus.PENDING, PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED)
"""The states in which a payment counts against a limit: it may still move money, or has."""


def check_limits(uow: UnitOfWork, policy: PaymentPolicy, who: Principal, payment: Payment) -> None:
    """Raise `StepUpRequired` when a new payment is above a limit and its session is not stepped up.

    A guest can prove nothing more: `TooMuchForGuests`.
    The day's payments of one citizen are counted one after the other, so that parallel ones cannot
    pass together.
    """
    if who.is_stepped_up:
        return
    if who.kind == "guest":
        if payment.amount > policy.step_up_above:
            raise TooMuchForGuests(limit=policy.step_up_above)
        return
    if payment.amount > policy.step_up_above:
        raise StepUpRequired
    uow.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:citizen, 0))"),
        {"citizen": f"payments|{payment.citizen_id}"},
    )
    paid_today = _paid_since(uow, payment.citizen_id, _start_of_day(payment.created_at))
    if paid_today + payment.amount > policy.daily_limit:
        raise StepUpRequired


def _start_of_day(moment: datetime) -> datetime:
    local = moment.astimezone(CITY_TIME)
    return datetime.combine(local.date(), time.min, CITY_TIME)


def _paid_since(uow: UnitOfWork, citizen_id: UUID, start: datetime) -> int:
    total = select(func.coalesce(func.sum(Payment.amount), 0)).where(
        Payment.citizen_id == citizen_id,
        Payment.created_at >= start,
        Payment.status.in_(COUNTED),
    )
    return int(uow.scalars(total).one())
