"""A picture as a citizen is shown it."""

from dataclasses import dataclass, field
from uuid import UUID

PNG = "image/png"


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A marked picture, and the number of the view that stands in it."""

    content: bytes = field(repr=False)
    media_type: str
    view: UUID
