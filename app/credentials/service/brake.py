"""What the whole city does in one period: counted in one row of PostgreSQL."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.credentials.models import AuthCounter

BRAKE = timedelta(minutes=10)


def count_in_city(uow: UnitOfWork, name: str, period: datetime, most: int) -> bool:
    """Add one in this transaction; False, and nothing added, when the period is full."""
    row = insert(AuthCounter).values(name=name, period=period, count=1)
    return most > 0 and (
        uow.scalar(
            row.on_conflict_do_update(
                index_elements=["name", "period"],
                set_={"count": AuthCounter.count + 1},
                where=AuthCounter.count < most,
            ).returning(AuthCounter.count)
        )
        is not None
    )


def count_failure(uow: UnitOfWork, name: str, most: int) -> None:
    """Count one failure of these ten minutes."""
    count_in_city(uow, name, _period(), most)


def braked_until(uow: UnitOfWork, name: str, most: int) -> datetime | None:
    """Return until when nobody may try, because the whole city fails too often; or None."""
    period = _period()
    found = uow.scalar(
        select(AuthCounter.count).where(AuthCounter.name == name, AuthCounter.period == period)
    )
    return period + BRAKE if found is not None and found >= most else None


def forget_counters(uow: UnitOfWork, before: datetime) -> None:
    """Delete the counts of periods that are over."""
    uow.execute(delete(AuthCounter).where(AuthCounter.period <= before))


def seconds_until(moment: datetime) -> int:
    """Return the whole seconds to wait, at least one."""
    return max(1, int((moment - now()).total_seconds()) + 1)


def _period() -> datetime:
    moment = now()
    return moment - timedelta(
        minutes=moment.minute % 10, seconds=moment.second, microseconds=moment.microsecond
    )
