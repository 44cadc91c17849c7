"""Receipts without payments: the room asks for ids only."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.core.clock import city_date
from app.factory import Rooms
from app.receipts import service as receipts
from app.receipts.values import Draft, ReceiptView, Reversal, Section


@dataclass(frozen=True)
class Issued:
    """A receipt, and of what it is the proof."""

    payment_id: UUID
    citizen_id: UUID
    items: Sequence[UUID]
    receipt: ReceiptView


def this_year() -> str:
    """Return the city's year; a run of tests may go on into the next one."""
    return city_date()[:4]


def section(amount: int, **changes: Any) -> Section:  # noqa: ANN401 - fields of a section
    """Return a section about a bill of so many fen."""
    values = {
        "item_id": uuid.uuid4(),
        "service": "water-bill",
        "service_title": {"zh": "水费", "en": "Water bill"},
        "category": "living",
        "payee": "shiyan-water",
        "payee_title": {"zh": "十堰市水务集团有限公司", "en": "Shiyan Water Group Co., Ltd."},
        "title": {"zh": "2026年10月水费", "en": "Water, October 2026"},
        "reference": "WB-202610-000001",
        "amount": amount,
        "currency": "CNY",
        "biller_reference": "SY0000000001",
        "fulfilled_at": datetime(2026, 11, 21, 16, 30, 5, tzinfo=UTC),
    }
    return Section(**{**values, **changes})


def issue(
    rooms: Rooms, *sections: Section, payment_id: UUID | None = None, citizen_id: UUID | None = None
) -> Issued:
    """Issue a receipt about some sections (one of 4250 fen) for somebody."""
    payment = payment_id or uuid.uuid4()
    citizen = citizen_id or uuid.uuid4()
    chosen = sections or (section(4250),)
    with rooms.units.open(actor="test") as uow:
        receipts.issue_receipt(uow, Draft(payment, citizen, "CNY", chosen))
    return Issued(payment, citizen, [one.item_id for one in chosen], read(rooms, payment))


def reverse(
    rooms: Rooms,
    issued: Issued,
    amount: int,
    *,
    left: int,
    item: int = 0,
    refund_id: UUID | None = None,
) -> None:
    """Take back so much of one item of a receipt, of which `left` is to stand."""
    refund = refund_id or uuid.uuid4()
    with rooms.units.open(actor="test") as uow:
        receipts.reverse_receipt(
            uow, Reversal(issued.payment_id, refund, issued.items[item], amount, left)
        )


def read(rooms: Rooms, payment_id: UUID) -> ReceiptView:
    """Return the receipt of a payment."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return receipts.read_receipt(uow, payment_id)


def numbers(rooms: Rooms, series: str) -> list[int]:
    """Return the numbers of a series in their order, and check that its counter knows the last."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.scalars(
            text("select number from receipts where series = :s order by number"), {"s": series}
        ).all()
        last = uow.scalar(
            text("select last_number from receipt_counters where series = :s"), {"s": series}
        )
    assert (rows[-1] if rows else None) == last
    return list(rows)
