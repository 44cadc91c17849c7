"""A delegate's payment: what their mandate has let through before, and whether it lets this."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import func, select

from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.models import Payment, PaymentItem
from app.payments.service.common import PaymentDeps
from app.payments.service.limits import COUNTED
from app.payments.values import Charge, Quote


def check_mandate(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, payment: Payment, quotes: Sequence[Quote]
) -> None:
    """Raise what the mandate refuses when a delegate makes a new payment.

    What counts against its limits is read here, under the lock that the mandate's room takes.
    """
    if payment.mandate_id is None:
        return
    charges = [Charge(quote.service, quote.amount) for quote in quotes]
    deps.allow(uow, who, payment.id, charges, partial(_paid_under, uow, payment.mandate_id))


def _paid_under(uow: UnitOfWork, mandate_id: UUID, since: datetime | None) -> Mapping[str, int]:
    paid = (
        select(PaymentItem.service, func.sum(PaymentItem.amount))
        .join(Payment, Payment.id == PaymentItem.payment_id)
        .where(Payment.mandate_id == mandate_id, Payment.status.in_(COUNTED))
        .group_by(PaymentItem.service)
    )
    if since is not None:
        paid = paid.where(Payment.created_at >= since)
    return {service: int(amount) for service, amount in uow.execute(paid)}
