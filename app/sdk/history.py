"""What has happened to a plug-in's own records: their moves, as the city's event log has them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.db import Stateful
from app.core.events import EventLog
from app.core.unit_of_work import UnitOfWork

MOST_RECORDS = 500
"""Of how many records one call tells."""


@dataclass(frozen=True, slots=True)
class Move:
    """One change of state; `from_state` is None for the first."""

    record_id: UUID
    sequence: int
    from_state: str | None
    to_state: str
    cause: str
    actor: str
    data: Mapping[str, Any]
    at: datetime


def history(uow: UnitOfWork, model: type[Stateful], ids: Collection[UUID]) -> Sequence[Move]:
    """Return every move of some records of one model: record by record, each in its order.

    A plug-in has no other models than its own, so it reads of nobody else's. Moves of this unit of
    work that are not committed yet are among them. Raise `ValueError` beyond 500 records.
    """
    if len(ids) > MOST_RECORDS:
        raise ValueError(f"history tells of at most {MOST_RECORDS} records")
    rows = uow.scalars(
        select(EventLog)
        .where(EventLog.entity == model.ENTITY, EventLog.entity_id.in_(ids))
        .order_by(EventLog.entity_id, EventLog.sequence)
    )
    return [
        Move(
            record_id=row.entity_id,
            sequence=row.sequence,
            from_state=row.from_state,
            to_state=row.to_state,
            cause=row.cause,
            actor=row.actor,
            data=row.data,
            at=row.at,
        )
        for row in rows
    ]
