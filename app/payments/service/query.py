"""Reading payments: a citizen sees their own, with what to do next and how it came about."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_

from app.core.db import owned
from app.core.events import EventLog
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.models import Payment, PaymentAttempt, PaymentItem
from app.payments.service.common import PaymentDeps, open_action, own_payment
from app.payments.values import (
    HIDDEN_MOVES,
    LIVE_ATTEMPTS,
    ItemView,
    PaymentEventView,
    PaymentStatus,
    PaymentView,
    shown_state,
)
from app.receipts import service as receipts


def paid_services(uow: UnitOfWork, payment_id: UUID) -> tuple[UUID, tuple[str, ...]] | None:
    """Return who paid, and for which services; None unless they did it themselves.

    Nobody has used a service whose bill a delegate, a standing order or a guest has paid.
    """
    payment = uow.get_one(Payment, payment_id)
    if payment.mandate_id is not None or payment.origin is not None or payment.by_guest:
        return None
    names = select(PaymentItem.service).where(PaymentItem.payment_id == payment_id)
    return payment.citizen_id, tuple(uow.scalars(names.order_by(PaymentItem.line_no)))


def view_payment(
    uow: UnitOfWork, deps: PaymentDeps, payment_id: UUID, who: Principal
) -> PaymentView:
    """Return a citizen's own payment, or raise `NotFound`."""
    payment = own_payment(uow, payment_id, who)
    return _views(uow, deps, [payment])[0]


def list_payments(
    uow: UnitOfWork, deps: PaymentDeps, citizen_id: UUID, page: PageRequest
) -> Page[PaymentView]:
    """Return a citizen's payments, newest first."""
    statement = select(Payment).where(Payment.citizen_id == citizen_id)
    found = fetch_page(uow, statement, [Payment.id], page, descending=True)
    return Page(_views(uow, deps, found.items), found.next_cursor)


def list_payment_events(
    uow: UnitOfWork, payment_id: UUID, citizen_id: UUID, page: PageRequest
) -> Page[PaymentEventView]:
    """Return the timeline of a citizen's payment, oldest first: every change they can see."""
    owned(uow, Payment, payment_id, citizen_id)
    move = tuple_(EventLog.entity, func.coalesce(EventLog.from_state, ""), EventLog.to_state)
    statement = select(EventLog).where(EventLog.subject_id == payment_id, move.not_in(HIDDEN_MOVES))
    found = fetch_page(uow, statement, [EventLog.at, EventLog.id], page)
    return Page([_event_view(row) for row in found.items], found.next_cursor)


def _event_view(row: EventLog) -> PaymentEventView:
    return PaymentEventView(
        id=row.id,
        entity=row.entity,
        entity_id=row.entity_id,
        sequence=row.sequence,
        from_state=shown_state(row.entity, row.from_state) if row.from_state else None,
        to_state=shown_state(row.entity, row.to_state),
        event=row.event,
        cause=row.cause,
        actor=row.actor.partition(":")[0],
        at=row.at,
    )


def _views(uow: UnitOfWork, deps: PaymentDeps, payments: Sequence[Payment]) -> list[PaymentView]:
    """Return payments with their items in three statements, however many there are."""
    ids = [payment.id for payment in payments]
    items = _read_items(uow, ids)
    attempts = _by_payment(uow, PaymentAttempt, ids)
    paid = [payment.id for payment in payments if payment.status == PaymentStatus.SUCCEEDED]
    codes = receipts.find_codes(uow, paid) if paid else {}
    return [
        PaymentView(
            id=payment.id,
            status=payment.status,
            amount=payment.amount,
            currency=payment.currency,
            refunded_amount=payment.refunded_amount,
            method=payment.method,
            items=[_item_view(item) for item in sorted(items[payment.id], key=_line)],
            next_action=_next_action(deps, payment, attempts[payment.id]),
            receipt_code=codes.get(payment.id),
            created_at=payment.created_at,
            expires_at=payment.expires_at,
        )
        for payment in payments
    ]


def _read_items(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[PaymentItem]]:
    """Return the items of payments, and make the payments as they were at the same moment.

    A reader sees each statement's own moment: read apart, an item could be refunded and the
    payment's refunded amount not know it yet.
    """
    statement = (
        select(PaymentItem, Payment)
        .join(Payment, Payment.id == PaymentItem.payment_id)
        .where(PaymentItem.payment_id.in_(ids))
        .execution_options(populate_existing=True)
    )
    grouped: dict[UUID, list[PaymentItem]] = defaultdict(list)
    for item, payment in uow.execute(statement):
        grouped[payment.id].append(item)
    return grouped


def _by_payment(uow: UnitOfWork, kind: Any, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:  # noqa: ANN401 - a model
    grouped: dict[UUID, list[Any]] = defaultdict(list)
    for row in uow.scalars(select(kind).where(kind.payment_id.in_(ids))):
        grouped[row.payment_id].append(row)
    return grouped


def _line(item: PaymentItem) -> int:
    return item.line_no


def _next_action(deps: PaymentDeps, payment: Payment, attempts: Sequence[PaymentAttempt]) -> Any:  # noqa: ANN401 - JSON
    if payment.status != PaymentStatus.PENDING:
        return None
    live = [attempt for attempt in attempts if attempt.status in LIVE_ATTEMPTS]
    return open_action(deps, live[0]) if live else None


def _item_view(item: PaymentItem) -> ItemView:
    return ItemView(
        id=item.id,
        service=item.service,
        reference=item.reference,
        title=item.title,
        amount=item.amount,
        currency=item.currency,
        refunded_amount=item.refunded_amount,
        status=item.status,
        biller_reference=item.biller_reference,
        fulfilled_at=item.fulfilled_at,
    )
