"""What the room takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Section:
    """One thing that was paid for and that its payee has; titles in Chinese and English."""

    item_id: UUID
    service: str
    service_title: Mapping[str, str]
    category: str | None
    payee: str
    payee_title: Mapping[str, str]
    title: Mapping[str, str]
    reference: str
    amount: int
    currency: str
    biller_reference: str | None
    fulfilled_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return the section as it is kept and as machines read it."""
        return {
            "item_id": str(self.item_id),
            "service": self.service,
            "service_title": dict(self.service_title),
            "category": self.category,
            "payee": self.payee,
            "payee_title": dict(self.payee_title),
            "title": dict(self.title),
            "reference": self.reference,
            "amount": self.amount,
            "currency": self.currency,
            "biller_reference": self.biller_reference,
            "fulfilled_at": self.fulfilled_at.isoformat() if self.fulfilled_at else None,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """What a receipt is to say: whose payment it proves, with one section for each item."""

    payment_id: UUID
    citizen_id: UUID
    currency: str
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """One receipt as its citizen sees it."""

    id: UUID
    payment_id: UUID
    series: str
    number: int
    code: str
    amount: int
    currency: str
    sections: Sequence[Mapping[str, Any]]
    issued_at: datetime
