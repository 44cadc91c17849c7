"""Vehicles and licences that citizens link, and the form of their numbers."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

PLATE = r"[\u4e00-\u9fff][A-Z][A-HJ-NP-Z0-9]{5,6}"
ENGINE_TAIL = r"[A-Z0-9]{6}"
FILE_NUMBER = r"[0-9]{12}"


@dataclass(frozen=True, slots=True)
class NewVehicle:
    """A vehicle to link: its plate, and the last six of its engine's number as the proof."""

    plate: str
    engine_tail: str


@dataclass(frozen=True, slots=True)
class LinkedVehicle:
    """A vehicle as the citizen sees it who has linked it."""

    id: UUID
    plate_masked: str
    linked_at: datetime
    refreshed_at: datetime | None
    status: str = "verified"


@dataclass(frozen=True, slots=True)
class LinkedLicence:
    """A driving licence as its holder sees it."""

    id: UUID
    number_masked: str
    licence_class: str
    issued_on: date
    linked_at: datetime
    refreshed_at: datetime | None
    status: str = "verified"
