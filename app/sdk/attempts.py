"""Guesses at what only its owner knows: bounded, and forgiven when nobody has answered them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.core.clock import now
from app.core.errors import RateLimited
from app.core.unit_of_work import UnitOfWork
from app.sdk.provider import House

ANSWERED_WINDOW = timedelta(hours=1)
UNANSWERED_WINDOW = timedelta(minutes=1)
"""Longer than a request lives."""


class Attempts(Protocol):
    """A row of the plug-in's own that says until when each attempt counts, the first end first."""

    attempts: list[datetime]


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """How many attempts count at once, how the next is refused, and what says "wrong"."""

    most: int
    refusal: type[RateLimited]
    wrong: tuple[type[Exception], ...]


@contextmanager
def counted_attempt(
    house: House,
    lock: Callable[[UnitOfWork], Attempts],
    limit: AttemptLimit,
    *,
    is_right_free: bool = False,
) -> Iterator[None]:
    """Count the enclosed question of another system as an attempt; `lock` finds and locks the row.

    It is written down, in a transaction of its own, before anybody is asked, so that many at once
    are bounded: one too many raises the limit's refusal with `retry_after` in seconds. What was
    answered counts for an hour, right or wrong, or only wrong where right ones are free. What was
    not, because the other system was away or a process ended, has taught nobody anything and shuts
    nobody out: it counts for a minute.
    """
    with house.unit_of_work() as uow:
        row, moment = lock(uow), now()
        live = [until for until in row.attempts if until > moment]
        if len(live) >= limit.most:
            wait = live[-limit.most] - moment
            raise limit.refusal(retry_after=int(wait.total_seconds()) + 1)
        pending, answered = moment + UNANSWERED_WINDOW, moment + ANSWERED_WINDOW
        row.attempts = sorted([*live, pending])
    try:
        yield
    except limit.wrong:
        _settle(house, lock, pending, [answered])
        raise
    _settle(house, lock, pending, [] if is_right_free else [answered])


def _settle(
    house: House, lock: Callable[[UnitOfWork], Attempts], pending: datetime, until: list[datetime]
) -> None:
    with house.unit_of_work() as uow:
        row = lock(uow)
        left = list(row.attempts)
        if pending in left:  # each takes one of its own away, should two have one moment
            left.remove(pending)
        row.attempts = sorted([*left, *until])
