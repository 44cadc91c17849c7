"""What became of a payment, for others than its payer: read from the log of changes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select, tuple_

from app.core.events import EventLog
from app.core.unit_of_work import UnitOfWork
from app.payments.models import Payment, PaymentItem, Refund
from app.payments.values import Fact, FactItem


def read_facts(
    uow: UnitOfWork, payment_id: UUID, moves: Collection[tuple[str, str]]
) -> Sequence[Fact]:
    """Return the moves of these kinds (record, to) that a payment has made so far, in their order.

    Each was logged in the transaction that made it. Money that came too late and goes back pays
    for no item and is not among them.
    """
    payment = uow.get_one(Payment, payment_id)
    rows = uow.scalars(
        select(EventLog)
        .where(
            EventLog.subject_id == payment_id,
            tuple_(EventLog.entity, EventLog.to_state).in_(moves),
        )
        .order_by(EventLog.at, EventLog.id)
    ).all()
    items = {
        item.id: FactItem(
            item.id, item.service, item.plugin, item.reference, item.amount, item.currency
        )
        for item in uow.scalars(
            select(PaymentItem)
            .where(PaymentItem.payment_id == payment_id)
            .order_by(PaymentItem.line_no)
        )
    }
    refunds = {
        refund.id: refund
        for refund in uow.scalars(select(Refund).where(Refund.payment_id == payment_id))
    }
    return tuple(_facts(payment, rows, items, refunds))


def payment_of_refund(uow: UnitOfWork, refund_id: UUID) -> UUID:
    """Return the payment that a refund belongs to."""
    return uow.scalars(select(Refund.payment_id).where(Refund.id == refund_id)).one()


def _facts(
    payment: Payment,
    rows: Sequence[EventLog],
    items: Mapping[UUID, FactItem],
    refunds: Mapping[UUID, Refund],
) -> Iterator[Fact]:
    for row in rows:
        refund = refunds.get(row.entity_id)
        concerned: Sequence[FactItem] = tuple(items.values())
        if refund is not None:
            concerned = [items[refund.item_id]] if refund.item_id is not None else []
        elif row.entity == PaymentItem.ENTITY:
            concerned = [items[row.entity_id]]
        if concerned:
            yield Fact(
                id=row.id,
                at=row.at,
                entity=row.entity,
                record_id=row.entity_id,
                sequence=row.sequence,
                state=row.to_state,
                payment_id=payment.id,
                citizen_id=payment.citizen_id,
                items=concerned,
                amount=refund.amount if refund is not None else None,
            )
