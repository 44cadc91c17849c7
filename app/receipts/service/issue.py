"""Issuing: one receipt for each payment, one red letter for each refund of what it is about."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from app.core.clock import now
from app.core.crypto import new_code
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.receipts.events import ReceiptIssued, RedLetterIssued
from app.receipts.models import Receipt
from app.receipts.values import Draft, Reversal, series_of

_CODE_BYTES = 15


def issue_receipt(uow: UnitOfWork, draft: Draft) -> None:
    """Issue the receipt of a payment, whose row the caller holds locked; a second time, nothing."""
    if _find_original(uow, draft.payment_id) is not None:
        return
    _write(
        uow,
        payment_id=draft.payment_id,
        citizen_id=draft.citizen_id,
        amount=sum(section.amount for section in draft.sections),
        currency=draft.currency,
        sections=[section.to_json() for section in draft.sections],
    )
    uow.emit(ReceiptIssued(payment_id=draft.payment_id))


def reverse_receipt(uow: UnitOfWork, reversal: Reversal) -> None:
    """Issue the red letter of a refund, whose payment's row the caller holds locked; once.

    Nothing happens where nothing has to be taken back: there is no receipt, the item is not on it,
    or no more of the item stands on it than is to be left (money that came back to us and was
    returned a second time).
    """
    original = _find_original(uow, reversal.payment_id)
    is_known = uow.scalar(select(Receipt.id).where(Receipt.refund_id == reversal.refund_id))
    if original is None or is_known:
        return
    section = _section_of(original, reversal.item_id)
    if section is None:
        return
    standing = section["amount"] + _taken_back(uow, original, reversal.item_id)
    amount = min(reversal.amount, standing - reversal.left)
    if amount <= 0:
        return
    receipt_id = _write(
        uow,
        payment_id=original.payment_id,
        citizen_id=original.citizen_id,
        original_id=original.id,
        refund_id=reversal.refund_id,
        amount=-amount,
        currency=original.currency,
        sections=[{**section, "amount": -amount}],
    )
    uow.emit(RedLetterIssued(receipt_id=receipt_id, refund_id=reversal.refund_id))


def _find_original(uow: UnitOfWork, payment_id: UUID) -> Receipt | None:
    return uow.scalar(
        select(Receipt).where(Receipt.payment_id == payment_id, Receipt.original_id.is_(None))
    )


def _section_of(receipt: Receipt, item_id: UUID) -> dict[str, Any] | None:
    sections: Sequence[dict[str, Any]] = receipt.content["sections"]
    return next((one for one in sections if one["item_id"] == str(item_id)), None)


def _taken_back(uow: UnitOfWork, original: Receipt, item_id: UUID) -> int:
    """Return what red letters have taken of one item so far, below zero."""
    letters = uow.scalars(select(Receipt).where(Receipt.original_id == original.id))
    sections = (_section_of(letter, item_id) for letter in letters)
    return sum(section["amount"] for section in sections if section)


def _write(
    uow: UnitOfWork,
    *,
    sections: Sequence[Mapping[str, Any]],
    original_id: UUID | None = None,
    **values: Any,  # noqa: ANN401 - columns
) -> UUID:
    """Write a receipt or red letter; PostgreSQL gives its number when the row is laid."""
    moment = now()
    receipt_id = new_id()
    uow.execute(
        insert(Receipt).values(
            id=receipt_id,
            original_id=original_id,
            series=series_of(moment, is_red=original_id is not None),
            code=new_code(_CODE_BYTES),
            content={"sections": sections},
            issued_at=moment,
            **values,
        )
    )
    return receipt_id
