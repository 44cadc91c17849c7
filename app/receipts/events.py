"""Facts of the room: what was issued."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptIssued(Event):
    """A payment has its receipt."""

    name: ClassVar[str] = "receipt.issued"
    payment_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RedLetterIssued(Event):
    """A refund took back a receipt, or a part of it."""

    name: ClassVar[str] = "red_letter.issued"
    receipt_id: UUID
    refund_id: UUID
