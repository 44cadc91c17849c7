"""What happened in the inbox."""

from dataclasses import dataclass
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageQueued(Event):
    """A message stands in an inbox and is to go out by SMS too."""

    name = "message.queued"
    message_id: UUID
    delivery_id: UUID
