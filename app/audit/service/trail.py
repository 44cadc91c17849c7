"""Writing the trail: gap-free numbers for each writer, and a code that proves who wrote."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import insert

from app.audit.models import AuditEntry
from app.audit.service.leaves import mac_of, plain_details
from app.core.clock import now
from app.core.ids import new_id
from app.core.trail import AuditEvent
from app.core.unit_of_work import UnitOfWork

_SALT = 16
_KINDS = ("citizen", "staff", "integrator", "anonymous")


@dataclass(slots=True)
class _Lane:
    """One writer: its rows are numbered 1, 2, 3 … in the order in which they were committed."""

    writer: UUID = field(default_factory=new_id)
    sequence: int = 0


class AuditTrail:
    """Writes audit events into the transaction of whoever tells them.

    A lane carries one transaction at a time and counts on only when that has committed. One whose
    transaction failed, or of which nobody knows how it ended, is never used again: so no number is
    ever burnt, and a gap in a writer's numbers is a row that somebody has taken away.
    """

    def __init__(self, mac_key: bytes) -> None:
        self._mac_key = mac_key
        self._idle: list[_Lane] = []
        self._lock = threading.Lock()

    @contextmanager
    def writing(self, uow: UnitOfWork, events: Sequence[AuditEvent]) -> Iterator[None]:
        """Add one row for each event; the enclosed lines are the commit and nothing else.

        The rows come last, because from here to the commit the sealer waits for this transaction.
        """
        with self._lock:
            lane = self._idle.pop() if self._idle else _Lane()
        uow.flush()
        rows = [
            self._row(uow, event, lane, number)
            for number, event in enumerate(events, lane.sequence + 1)
        ]
        uow.execute(insert(AuditEntry), rows)
        yield
        lane.sequence += len(rows)
        with self._lock:
            self._idle.append(lane)

    def _row(
        self, uow: UnitOfWork, event: AuditEvent, lane: _Lane, sequence: int
    ) -> dict[str, object]:
        row = {
            "id": new_id(),
            "at": now(),
            "actor": uow.actor,
            "actor_kind": kind_of(uow.actor),
            "event": event.name,
            "subject_id": event.subject,
            "result": event.result,
            "address": uow.address,
            "request_id": uow.request_id,
            "details": plain_details(event.details),
            "writer": lane.writer,
            "sequence": sequence,
            "salt": os.urandom(_SALT),
        }
        return {**row, "mac": mac_of(self._mac_key, row)}


def kind_of(actor: str) -> str:
    """Return what kind of actor a name stands for: who is not let in by a token is the system."""
    kind = actor.partition(":")[0]
    return kind if kind in _KINDS else "system"
