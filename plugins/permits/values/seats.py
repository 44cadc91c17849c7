"""Seats: what a member of staff does inside their department."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SeatRole(StrEnum):
    """What somebody is there for: clerks propose, deciders decide, superiors allow exceptions.

    A supervisor reads what a department does and does nothing in it.
    """

    CLERK = "clerk"
    DECIDER = "decider"
    SUPERIOR = "superior"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class SeatView:
    """A seat: whose, of which department, and whether its holder may decide what they proposed."""

    staff_id: UUID
    department: str
    role: str
    decides_alone: bool
    given_at: datetime
