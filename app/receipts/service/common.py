"""What every use case of the room works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.core.papers.seal import Seal
from app.core.unit_of_work import Units


@dataclass(frozen=True, slots=True)
class ReceiptsDeps:
    """The collaborators of the room; anybody checks a receipt at `public_url`."""

    public_url: str
    seal: Seal
    units: Units
    category_titles: Callable[[], Mapping[str, Mapping[str, str]]]
