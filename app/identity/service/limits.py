"""How many codes may be asked for and tried: counted in PostgreSQL, so Redis may be lost.

Numbers and networks are counted from the rows of `challenges` under an advisory lock; what the
whole city does is counted in one row for each period.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import CITY_TIME, now
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import TooManyCodes, TooManyTries
from app.identity.models import AuthCounter, Challenge

RESEND = timedelta(seconds=60)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
PER_NUMBER = ((1, RESEND), (5, _HOUR), (10, _DAY))
PER_NETWORK = 20, _HOUR
NUMBERS_PER_ADDRESS = 30
BRAKE = timedelta(minutes=10)
_NUMBER_LOCK, _NETWORK_LOCK = 7_301, 7_302


def network_of(address: str) -> str:
    """Return the network that is counted as one caller: a /24, or a /56 of IPv6."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ip_network(f"{ip}/{24 if ip.version == 4 else 56}", strict=False))  # noqa: PLR2004


def check_number(uow: UnitOfWork, phone_index: bytes) -> None:
    """Raise `TooManyCodes` when this number got enough; hold its lock until the commit."""
    _lock(uow, _NUMBER_LOCK, phone_index)
    most = max(count for count, _ in PER_NUMBER)
    times = _latest(uow, Challenge.phone_index == phone_index, most)
    for count, period in PER_NUMBER:
        _refuse_if_full(times, count, period)


def check_network(uow: UnitOfWork, phone_index: bytes, address: str, network: str) -> None:
    """Raise `TooManyCodes` when this network asked often enough, or for too many numbers."""
    _lock(uow, _NETWORK_LOCK, network.encode())
    count, period = PER_NETWORK
    _refuse_if_full(_latest(uow, Challenge.network == network, count), count, period)
    numbers, first = uow.execute(
        select(func.count(Challenge.phone_index.distinct()), func.min(Challenge.created_at)).where(
            Challenge.network == network,
            Challenge.address == address,
            Challenge.phone_index != phone_index,
            Challenge.created_at > now() - _DAY,
        )
    ).one()
    if numbers >= NUMBERS_PER_ADDRESS:
        raise TooManyCodes(retry_after=_seconds(first + _DAY))


def count_code(uow: UnitOfWork, most: int) -> None:
    """Count one code of the city's day; raise `TooManyCodes` when the day is full."""
    local = now().astimezone(CITY_TIME)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if not _count(uow, "codes", day, most):
        raise TooManyCodes(retry_after=_seconds(day + _DAY))


def check_brake(uow: UnitOfWork, most: int) -> None:
    """Raise `TooManyTries` while the whole city sees too many wrong codes."""
    period = _brake_period()
    found = uow.scalar(
        select(AuthCounter.count).where(
            AuthCounter.name == "wrong-codes", AuthCounter.period == period
        )
    )
    if found is not None and found >= most:
        raise TooManyTries(retry_after=_seconds(period + BRAKE))


def count_wrong_code(uow: UnitOfWork, most: int) -> None:
    """Count one wrong code."""
    _count(uow, "wrong-codes", _brake_period(), most)


def _count(uow: UnitOfWork, name: str, period: datetime, most: int) -> bool:
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


def _brake_period() -> datetime:
    moment = now()
    return moment - timedelta(
        minutes=moment.minute % 10, seconds=moment.second, microseconds=moment.microsecond
    )


def _latest(uow: UnitOfWork, whose: object, most: int) -> list[datetime]:
    return list(
        uow.scalars(
            select(Challenge.created_at)
            .where(whose, Challenge.created_at > now() - _DAY)  # type: ignore[arg-type]
            .order_by(Challenge.created_at.desc())
            .limit(most)
        )
    )


def _refuse_if_full(times: list[datetime], count: int, period: timedelta) -> None:
    if len(times) >= count and times[count - 1] + period > now():
        raise TooManyCodes(retry_after=_seconds(times[count - 1] + period))


def _seconds(until: datetime) -> int:
    return max(1, int((until - now()).total_seconds()) + 1)


def _lock(uow: UnitOfWork, kind: int, name: bytes) -> None:
    key = int.from_bytes(sha256(name).digest()[:4], signed=True)
    uow.execute(select(func.pg_advisory_xact_lock(kind, key)))
