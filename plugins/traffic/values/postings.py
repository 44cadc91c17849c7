"""How far the news of a payment comes."""

from enum import StrEnum


class PostingState(StrEnum):
    """How far the news of a payment has come; `booked` and `refused` are final."""

    UNSENT = "unsent"
    SENT = "sent"
    BOOKED = "booked"
    REFUSED = "refused"
