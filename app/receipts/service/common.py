"""What every use case of the room works with."""

from dataclasses import dataclass

from app.core.unit_of_work import Units
from app.receipts.service.seal import Seal


@dataclass(frozen=True, slots=True)
class ReceiptsDeps:
    """The collaborators of the room: the address at which anybody asks, and the seal."""

    public_url: str
    seal: Seal
    units: Units
