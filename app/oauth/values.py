"""The states of a client."""

from enum import StrEnum


class ClientStatus(StrEnum):
    """The states of an integrator."""

    ACTIVE = "active"
    ENDED = "ended"
