"""What is owed for a violation, why its clock stands still, and what goes back."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

SERVICE = "traffic-fine"
PAYEE = "shiyan-treasury"


class DueStatus(StrEnum):
    """What can be said of one thing to pay."""

    OPEN = "open"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


class ReturnState(StrEnum):
    """Whether the house has taken over the return of money."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class PauseCause(StrEnum):
    """Why the clock of the surcharge stands still."""

    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"
    DEFERRAL = "deferral"


@dataclass(frozen=True, slots=True)
class DueView:
    """One thing to pay, with its surcharge of today, or what was paid."""

    reference: str
    number: int
    fine: int
    surcharge: int
    amount: int
    pay_by: date
    status: str
    paid_at: datetime | None
