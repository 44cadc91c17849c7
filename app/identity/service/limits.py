"""How many codes may be asked for and tried: counted in PostgreSQL, so Redis may be lost.

Numbers and networks are counted from the rows of `challenges` under an advisory lock; what the
whole city does is counted in one row for each period.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import CITY_TIME, now
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.identity.errors import TooManyCodes, TooManyTries
from app.identity.events import PrefixBraked
from app.identity.models import Challenge, SmsPrefix
from app.identity.values import CodeLimits

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
PREFIX_WINDOW, PREFIX_SHARE, PREFIX_BRAKE = 200, 0.2, _HOUR
_WRONG_CODES = "wrong-codes"
_NUMBER_LOCK, _NETWORK_LOCK = 7_301, 7_302


def check_number(uow: UnitOfWork, limits: CodeLimits, phone_index: bytes) -> None:
    """Raise `TooManyCodes` when this number got enough; hold its lock until the commit."""
    _lock(uow, _NUMBER_LOCK, phone_index)
    periods = (
        (1, limits.resend),
        (limits.per_number_hour, _HOUR),
        (limits.per_number_day, _DAY),
    )
    most = max(count for count, _ in periods)
    times = _latest(uow, Challenge.phone_index == phone_index, most)
    for count, period in periods:
        _refuse_if_full(times, count, period)


def check_network(
    uow: UnitOfWork, limits: CodeLimits, phone_index: bytes, address: str, network: str
) -> None:
    """Raise `TooManyCodes` when this network asked often enough, or for too many numbers."""
    _lock(uow, _NETWORK_LOCK, network.encode())
    count = limits.per_network_hour
    _refuse_if_full(_latest(uow, Challenge.network == network, count), count, _HOUR)
    numbers, first = uow.execute(
        select(func.count(Challenge.phone_index.distinct()), func.min(Challenge.created_at)).where(
            Challenge.network == network,
            Challenge.address == address,
            Challenge.phone_index != phone_index,
            Challenge.created_at > now() - _DAY,
        )
    ).one()
    if numbers >= limits.numbers_per_address_day:
        raise TooManyCodes(retry_after=credentials.seconds_until(first + _DAY))


def count_in_prefix(uow: UnitOfWork, prefix: str) -> None:
    """Count one code to a block of numbers; raise `TooManyCodes` while the block gets none.

    Somebody who is paid for each SMS asks for codes that nobody uses. When fewer than a fifth of
    two hundred were, the block gets none for an hour, and two hundred more are looked at then.
    """
    row = insert(SmsPrefix).values(prefix=prefix, sent=0, used=0).on_conflict_do_nothing()
    uow.execute(row)
    block = uow.scalars(
        select(SmsPrefix)
        .where(SmsPrefix.prefix == prefix)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if block.braked_until is not None and block.braked_until > now():
        raise TooManyCodes(retry_after=credentials.seconds_until(block.braked_until))
    block.braked_until = None
    block.sent += 1
    if block.sent < PREFIX_WINDOW:
        return
    if block.used < PREFIX_WINDOW * PREFIX_SHARE:
        block.braked_until = now() + PREFIX_BRAKE
        uow.record(PrefixBraked(result="refused", prefix=prefix))
    block.sent = block.used = 0


def count_use_in_prefix(uow: UnitOfWork, prefix: str) -> None:
    """Count one code of a block that was used."""
    uow.execute(update(SmsPrefix).where(SmsPrefix.prefix == prefix).values(used=SmsPrefix.used + 1))


def count_code(uow: UnitOfWork, most: int) -> None:
    """Count one code of the city's day; raise `TooManyCodes` when the day is full."""
    local = now().astimezone(CITY_TIME)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if not credentials.count_in_city(uow, "codes", day, most):
        raise TooManyCodes(retry_after=credentials.seconds_until(day + _DAY))


def check_brake(uow: UnitOfWork, most: int) -> None:
    """Raise `TooManyTries` while the whole city sees too many wrong codes."""
    until = credentials.braked_until(uow, _WRONG_CODES, most)
    if until is not None:
        raise TooManyTries(retry_after=credentials.seconds_until(until))


def count_wrong_code(uow: UnitOfWork, most: int) -> None:
    """Count one wrong code."""
    credentials.count_failure(uow, _WRONG_CODES, most)


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
        raise TooManyCodes(retry_after=credentials.seconds_until(times[count - 1] + period))


def _lock(uow: UnitOfWork, kind: int, name: bytes) -> None:
    key = int.from_bytes(sha256(name).digest()[:4], signed=True)
    uow.execute(select(func.pg_advisory_xact_lock(kind, key)))
