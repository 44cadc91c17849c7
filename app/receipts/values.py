"""What the room takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.core.clock import city_date

RED = "R"
"""What the series of red letters has behind the year."""


def series_of(moment: datetime, *, is_red: bool) -> str:
    """Return the series of what is issued at a moment: the year of the city's calendar."""
    return city_date(moment)[:4] + (RED if is_red else "")


class ReceiptStatus(StrEnum):
    """What is left of a receipt, worked out from its red letters; or that it is one itself."""

    ISSUED = "issued"
    PARTLY_REVERSED = "partly_reversed"
    REVERSED = "reversed"
    RED_LETTER = "red_letter"


class Form(StrEnum):
    """How a receipt is signed: as a PDF, or as JSON (a compact JWS)."""

    PDF = "pdf"
    JWS = "jws"


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


def receipt_number(series: str, number: int) -> str:
    """Return a receipt's number as people read it: WD-2026-00000017."""
    return f"WD-{series}-{number:08d}"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a receipt is to say: whose payment it proves, with one section for each item."""

    payment_id: UUID
    citizen_id: UUID
    currency: str
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a refund takes back: so much of one item, of which `left` is to stand afterwards."""

    payment_id: UUID
    refund_id: UUID
    item_id: UUID
    amount: int
    left: int


@dataclass(frozen=True, slots=True)
class ReversalView:
    """A red letter as the receipt that it takes back names it; the amount is below zero."""

    id: UUID
    series: str
    number: int
    code: str
    amount: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """One receipt or red letter as its citizen sees it.

    `standing_amount` is what red letters have left of a receipt; of a red letter nothing stands.
    `signature` is the receipt as a JWS, where it was asked for.
    """

    id: UUID
    payment_id: UUID
    original_id: UUID | None
    original_number: str | None
    status: ReceiptStatus
    series: str
    number: int
    code: str
    amount: int
    standing_amount: int
    currency: str
    sections: Sequence[Mapping[str, Any]]
    reversals: Sequence[ReversalView]
    issued_at: datetime
    signature: str | None = None


class Part(StrEnum):
    """What a year's receipts are summed up by."""

    CATEGORY = "category"
    SERVICE = "service"
    PAYEE = "payee"


@dataclass(frozen=True, slots=True)
class YearTotal:
    """What some sections of a year's receipts come to; `reversed_amount` is zero or below."""

    id: str | None
    title: Mapping[str, str] | None
    receipts: int
    red_letters: int
    issued_amount: int
    reversed_amount: int

    @property
    def amount(self) -> int:
        """Return what is left; below zero when more was taken back this year than was issued."""
        return self.issued_amount + self.reversed_amount


@dataclass(frozen=True, slots=True)
class YearSummary:
    """What a citizen's receipts of one year of the city come to."""

    year: int
    currency: str
    as_of: datetime
    total: YearTotal
    by_category: Sequence[YearTotal]
    by_service: Sequence[YearTotal]
    by_payee: Sequence[YearTotal]


@dataclass(frozen=True, slots=True)
class Validity:
    """What anybody learns who knows a receipt's code and amount; nothing is known otherwise."""

    status: ReceiptStatus | None = None
    standing_amount: int | None = None

    @property
    def valid(self) -> bool:
        """Say whether the receipt is genuine and something of it stands."""
        return self.status in {ReceiptStatus.ISSUED, ReceiptStatus.PARTLY_REVERSED}
