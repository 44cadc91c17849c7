"""More time or parts for those in hardship."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from plugins.traffic.values.petitions import PetitionView


class ReliefKind(StrEnum):
    """What somebody in hardship asks for: more time, or parts."""

    DEFERRAL = "deferral"
    INSTALMENTS = "instalments"


class ReliefStatus(StrEnum):
    """How far a request for relief has come."""

    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NewRelief:
    """What somebody in hardship asks for."""

    kind: ReliefKind
    statement: str
    until: date | None
    parts: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliefView(PetitionView):
    """A request to pay later or in parts."""

    until: date | None
    parts: int | None
    asked_at: datetime
