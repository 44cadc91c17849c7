"""What the police's system is told to write down."""

from enum import StrEnum


class OrderKind(StrEnum):
    """What the police's system is told to write down."""

    DECISION = "decision"
    CHANGE = "change"


class OrderState(StrEnum):
    """Whether the police's system has written it down."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
