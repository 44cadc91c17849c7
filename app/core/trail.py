"""What the audit trail is told: who was let in, who was refused, who saw or changed what.

Changes of state have the event log; accesses and acts of security have the trail. There is no third
record. A room declares its events in `events.py` and says `uow.record(…)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal
from uuid import UUID

Result = Literal["done", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """An access or an act of security; ids, codes and counts only, never anything personal.

    `subject` is the citizen whom it concerns, who will read the title in their own activity.
    """

    name: ClassVar[str]
    title_zh: ClassVar[str]
    title_en: ClassVar[str]

    subject: UUID | None = None
    result: Result = "done"

    @property
    def details(self) -> Mapping[str, Any]:
        """Return what this kind of event adds, as JSON values."""
        own = (f.name for f in fields(self) if f.name not in {"subject", "result"})
        values = {name: getattr(self, name) for name in own}
        return {k: str(v) if isinstance(v, UUID) else v for k, v in values.items()}
