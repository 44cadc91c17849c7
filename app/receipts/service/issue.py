"""Issuing a receipt: once for each payment, with the next number of its series."""

import base64
import os

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import city_date, now
from app.core.unit_of_work import UnitOfWork
from app.receipts.events import ReceiptIssued
from app.receipts.models import Receipt, ReceiptCounter
from app.receipts.values import Draft

_CODE_BYTES = 15


def issue_receipt(uow: UnitOfWork, draft: Draft) -> None:
    """Issue the receipt of a payment, whose row the caller holds locked; a second time, nothing."""
    if uow.scalar(select(Receipt.id).where(Receipt.payment_id == draft.payment_id)):
        return
    moment = now()
    series = city_date(moment)[:4]
    uow.add(
        Receipt(
            payment_id=draft.payment_id,
            citizen_id=draft.citizen_id,
            series=series,
            number=_next_number(uow, series),
            code=base64.b32encode(os.urandom(_CODE_BYTES)).decode().lower(),
            amount=sum(section.amount for section in draft.sections),
            currency=draft.currency,
            content={"sections": [section.to_json() for section in draft.sections]},
            issued_at=moment,
        )
    )
    uow.emit(ReceiptIssued(payment_id=draft.payment_id))


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
