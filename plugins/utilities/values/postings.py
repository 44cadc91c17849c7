"""News of payments on their way to a biller."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PostingState(StrEnum):
    """How far the news of a payment has come.

    `sent` is on its way, or no answer came; `unclear` was answered with something that says
    nothing; `unsent` has surely had no effect. `refused` is final, and `booked` is
    until the biller takes it back: `reversed`.
    """

    UNSENT = "unsent"
    SENT = "sent"
    UNCLEAR = "unclear"
    BOOKED = "booked"
    REFUSED = "refused"
    REVERSED = "reversed"


CONFIRMED = (PostingState.BOOKED, PostingState.REVERSED)
"""The states of a posting that its biller has confirmed, whatever it said later."""


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A payment of ours that a biller has booked: its own number of it, and our key."""

    posting_reference: str
    key: str
    bill_number: str
    amount: int
    at: datetime
