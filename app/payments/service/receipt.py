"""Receipts: one for each payment once it is known what its billers have, numbered without gaps."""

import base64
import hmac
import os
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import city_date, now
from app.core.db import owned
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import ReceiptNotReady
from app.payments.events import ItemClosed, ReceiptIssued
from app.payments.models import Payment, PaymentItem, Receipt, ReceiptCounter
from app.payments.service.common import PaymentDeps, lock, lock_items
from app.payments.service.receipt_pdf import ReceiptPage
from app.payments.values import OPEN_ITEMS, ItemStatus, PaymentStatus

_CODE_BYTES = 15


def issue_receipt(uow: UnitOfWork, deps: PaymentDeps, event: ItemClosed) -> None:
    """Issue a payment's receipt when no item is open and one at least was fulfilled; once."""
    payment = lock(uow, Payment, event.payment_id)
    items = lock_items(uow, payment.id)
    if payment.status != PaymentStatus.SUCCEEDED or any(i.status in OPEN_ITEMS for i in items):
        return
    fulfilled = [item for item in items if item.status == ItemStatus.FULFILLED]
    exists = uow.scalar(select(Receipt.id).where(Receipt.payment_id == payment.id))
    if not fulfilled or exists:
        return
    moment = now()
    series = city_date(moment)[:4]
    uow.add(
        Receipt(
            payment_id=payment.id,
            series=series,
            number=_next_number(uow, series),
            code=base64.b32encode(os.urandom(_CODE_BYTES)).decode().lower(),
            amount=sum(item.amount for item in fulfilled),
            currency=payment.currency,
            content={"sections": [_section(deps, item) for item in fulfilled]},
            issued_at=moment,
        )
    )
    uow.emit(ReceiptIssued(payment_id=payment.id))


def _next_number(uow: UnitOfWork, series: str) -> int:
    """Take the next number of a series under its row's lock: a rollback gives it back."""
    statement = (
        insert(ReceiptCounter)
        .values(series=series, last_number=1)
        .on_conflict_do_update(
            index_elements=["series"], set_={"last_number": ReceiptCounter.last_number + 1}
        )
        .returning(ReceiptCounter.last_number)
    )
    return uow.scalars(statement).one()


def _section(deps: PaymentDeps, item: PaymentItem) -> dict[str, Any]:
    service = deps.registry.services.get(item.service)
    payee = deps.registry.payees.get(item.payee)
    return {
        "item_id": str(item.id),
        "service": item.service,
        "service_title": dict(service.title) if service else item.title,
        "payee": item.payee,
        "payee_title": dict(payee.title) if payee else {"zh": item.payee, "en": item.payee},
        "title": item.title,
        "reference": item.reference,
        "amount": item.amount,
        "currency": item.currency,
        "biller_reference": item.biller_reference,
        "fulfilled_at": item.fulfilled_at.isoformat() if item.fulfilled_at else None,
    }


def read_receipt(uow: UnitOfWork, payment_id: UUID, citizen_id: UUID) -> Receipt:
    """Return the receipt of a citizen's own payment, or raise `ReceiptNotReady`."""
    owned(uow, Payment, payment_id, citizen_id)
    receipt = uow.scalar(select(Receipt).where(Receipt.payment_id == payment_id))
    if receipt is None:
        raise ReceiptNotReady
    return receipt


def receipt_page(deps: PaymentDeps, receipt: Receipt) -> ReceiptPage:
    """Return what the PDF of a receipt shows; the same for the same receipt, for ever."""
    query = f"amount={receipt.amount}"
    return ReceiptPage(
        series=receipt.series,
        number=receipt.number,
        code=receipt.code,
        issued_at=receipt.issued_at,
        amount=receipt.amount,
        currency=receipt.currency,
        sections=receipt.content["sections"],
        verify_url=f"{deps.policy.public_url}/v1/receipts/{receipt.code}/validity?{query}",
    )


def is_receipt_valid(uow: UnitOfWork, code: str, amount: int) -> bool:
    """Say whether a receipt with this code is about this amount; nothing else is told."""
    receipt = uow.scalar(select(Receipt).where(Receipt.code == code))
    known = receipt.amount if receipt else -1
    return hmac.compare_digest(str(known), str(amount))
