"""What has to be done to the houses before business time is set ahead, and between two files."""

from sqlalchemy import text

from app.audit import service
from app.audit.service import AuditDeps
from app.factory import Rooms

_houses: list[Rooms] = []


def has_house(rooms: Rooms) -> None:
    """Remember a house whose clock tests will set."""
    _houses.append(rooms)


def wind() -> None:
    """Seal the trail of every house: what waits would look hours old, and staff could not act."""
    for rooms in _houses:
        with rooms.units.open(actor="worker:audit.seal") as uow:
            service.seal_due(uow, rooms.deps[AuditDeps])


def forget_failing_jobs() -> None:
    """Take the jobs out of every queue that have failed and would be tried again."""
    for rooms in _houses:
        with rooms.units.open(actor="test") as uow:
            uow.execute(
                text("delete from procrastinate_jobs where status = 'todo' and attempts > 0")
            )
