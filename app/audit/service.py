"""Keeping the trail."""

from collections.abc import Sequence

from app.audit.models import AuditEntry
from app.core.trail import AuditEvent
from app.core.unit_of_work import UnitOfWork


class AuditTrail:
    """Writes audit events into the transaction of whoever tells them."""

    def write(self, uow: UnitOfWork, events: Sequence[AuditEvent]) -> None:
        """Add one row for each event, with the unit's actor, address and request."""
        uow.add_all(
            AuditEntry(
                event=event.name,
                actor=uow.actor,
                subject_id=event.subject,
                result=event.result,
                address=uow.address,
                request_id=uow.request_id,
                details=dict(event.details),
            )
            for event in events
        )
