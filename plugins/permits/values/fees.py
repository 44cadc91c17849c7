"""Fees: what a part of an application costs, and what becomes of the money."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plugins.permits.values.bundles import FeeReturn

SERVICE = "permit-fee"
PAYEE = "shiyan-permit-treasury"
CURRENCY = "CNY"


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
class FeeView:
    """A fee as it is shown: for which task, how much in minor units, and whether it was paid."""

    reference: str
    task: str
    amount: int
    currency: str
    status: str
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
