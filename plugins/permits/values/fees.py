"""Fees: what a part of an application costs, until when, and what becomes of the money."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from plugins.permits.values.bundles import FeeReturn, Limit, Starts

SERVICE = "permit-fee"
PAYEE = "shiyan-permit-treasury"
CURRENCY = "CNY"
NOT_PAID = "fee-not-paid"
"""Why an application lapses in which everything was decided."""
ON_ITS_WAY = timedelta(minutes=30)
"""How long money is waited for that was sent in time: longer than a payment of the house lives."""


class FeeStatus(StrEnum):
    """Whether a fee is owed; a void one is asked of nobody any more."""

    OWED = "owed"
    PAID = "paid"
    VOID = "void"
    RETURNING = "returning"
    RETURNED = "returned"


BOOKED = frozenset({FeeStatus.PAID, FeeStatus.RETURNING, FeeStatus.RETURNED})
"""The states of a fee whose money has come."""

RETURN_REASONS = {case: f"permit-{case}" for case in FeeReturn}
"""What the payer reads of money that goes back."""


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """How many working days one has to pay, after how many one is reminded, and who says so."""

    working_days: int
    reminded_after: int
    source: str

    @property
    def payment(self) -> Limit:
        """Return how long one has from the notice on."""
        return Limit(self.working_days, Starts.NEXT_DAY)

    @property
    def reminder(self) -> Limit:
        """Return after how long one is reminded."""
        return Limit(self.reminded_after, Starts.NEXT_DAY)

    @property
    def rest(self) -> Limit:
        """Return how long one has from the reminder on, however late that was told."""
        return Limit(self.working_days - self.reminded_after, Starts.NEXT_DAY)


@dataclass(frozen=True, slots=True)
class FeeView:
    """A fee as it is shown: for which task, how much in minor units, and whether it was paid.

    `due_at` is there once nothing else is waited for; before that one may pay and need not.
    """

    reference: str
    task: str
    amount: int
    currency: str
    status: str
    due_at: datetime | None
    paid_at: datetime | None


def end_fee(status: FeeStatus, case: FeeReturn, returned: tuple[FeeReturn, ...]) -> FeeStatus:
    """Return what becomes of a fee when what it was for was refused or withdrawn.

    Nobody pays any more for what was not granted; what was paid goes back in the cases that the
    template names, and is kept in the others. What has been settled stays as it is.
    """
    if status is FeeStatus.OWED:
        return FeeStatus.VOID
    if status is FeeStatus.PAID and case in returned:
        return FeeStatus.RETURNING
    return status
