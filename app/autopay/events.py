"""Facts of standing orders."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderLookDue(Event):
    """It is time to look for bills of a standing order."""

    name: ClassVar[str] = "autopay_order.look_due"
    order_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionDue(Event):
    """It is time to take a bill's money, or to ask what became of it."""

    name: ClassVar[str] = "autopay_collection.due"
    collection_id: UUID
