"""Where a process keeps its snapshot, and notices that a newer one is to be served."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.catalog.service.availability import Offer
from app.catalog.service.snapshot import Snapshot, build_snapshot
from app.catalog.service.versions import read_entries, read_served
from app.core.clock import monotonic
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork, Units

log = get_logger("catalog")
_CHECK_SECONDS = 1.0
_PAUSE_SECONDS = 5.0


class Shelf:
    """Holds one snapshot for every thread of a process.

    At most once in `seconds` one thread asks PostgreSQL for the number that is to be served and for
    what is popular, while the others go on with what is there. With the database away the last
    snapshot is served.
    """

    def __init__(
        self, units: Units, offer: Callable[[], Offer], *, seconds: float = _CHECK_SECONDS
    ) -> None:
        self._units = units
        self._offer = offer
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: tuple[Snapshot, Offer] | None = None
        self._fresh_until = 0.0

    def snapshot(self) -> Snapshot:
        """Return the snapshot to serve; the first caller of a process builds it."""
        held = self._held
        if held is None:
            with self._lock:
                return (self._held or self._refresh())[0]
        if monotonic() >= self._fresh_until and self._lock.acquire(blocking=False):
            try:
                held = self._refresh()
            except SQLAlchemyError as error:
                self._fresh_until = monotonic() + _PAUSE_SECONDS
                log.warning("catalog.check_failed", error=type(error).__name__)
            finally:
                self._lock.release()
        return held[0]

    def _refresh(self) -> tuple[Snapshot, Offer]:
        offer = self._offer()
        with self._units.open(actor="catalog", read_only=True) as uow:
            served = read_served(uow)
            held = self._held
            if held is None or (held[0].version, held[0].ranked, held[1]) != (*served, offer):
                number, ranked = served
                rows = read_entries(uow, number)
                held = build_snapshot(number, rows, offer, ranked), offer
                self._held = held
                log.info("catalog.served", version=number, services=len(held[0].services))
        self._fresh_until = monotonic() + self._seconds
        return held


Paid = tuple[UUID, tuple[str, ...]]
"""A citizen, and the services that they have paid for."""


def nothing_paid(uow: UnitOfWork, payment_id: UUID) -> None:
    """Know of no payment: what a catalogue without a room of payments does."""
    del uow, payment_id


@dataclass(frozen=True, slots=True)
class CatalogDeps:
    """What the catalogue works with; made in the factory.

    `paid` says who paid for what by a payment; None when nobody did it for themselves.
    """

    shelf: Shelf
    paid: Callable[[UnitOfWork, UUID], Paid | None] = nothing_paid
