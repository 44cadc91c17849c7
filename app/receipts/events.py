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
