"""What every use case of the room works with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReceiptsDeps:
    """The collaborators of the room: the address at which anybody checks a receipt."""

    public_url: str
