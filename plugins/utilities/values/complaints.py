"""Complaints: what a citizen says is wrong with a bill or an order, and what the biller answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

MOST_WORDS = 1_000


class ComplaintStatus(StrEnum):
    """How far a complaint has come."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"


class Ground(StrEnum):
    """What a complaint is about."""

    AMOUNT = "amount"
    READING = "reading"
    TARIFF = "tariff"
    PAYMENT = "payment"
    OTHER = "other"


class Outcome(StrEnum):
    """What a biller says to a complaint."""

    UPHELD = "upheld"
    PARTLY = "partly"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class NewComplaint:
    """What a citizen complains of: one bill or one order, the ground, and their own words."""

    ground: Ground
    words: str
    bill_id: UUID | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a biller answers."""

    outcome: Outcome
    answer: str


@dataclass(frozen=True, slots=True)
class ComplaintView:
    """A complaint as its citizen and its biller see it; nobody is named in it.

    `evidence` is how the bill explained itself, or how the order stood, when it was registered.
    """

    id: UUID
    biller: str
    bill_id: UUID | None
    order_id: UUID | None
    subject_number: str
    ground: str
    words: str
    evidence: Mapping[str, Any]
    status: str
    unit: str | None
    outcome: str | None
    answer: str | None
    registered_at: datetime
    answered_at: datetime | None
