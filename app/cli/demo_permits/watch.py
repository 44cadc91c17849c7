"""A working day in which nobody waits for the clock: it moves on when everybody else would."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Condition

from app.cli.demo.story import Broken
from app.core.clock import advance, now

_TOGETHER = timedelta(minutes=1)
_PATIENCE_SECONDS = 300.0

Work = Callable[["Shift"], None]


class Shift:
    """People who work side by side, each in a thread, by the clock of a house.

    Whoever would wait says until when. Once all wait, the clock of the house is moved to the
    earliest of these moments: no minute passes while somebody acts, and none is slept through.
    """

    def __init__(self, clock: Path, people: int) -> None:
        self._clock = clock
        self._turn = Condition()
        self._awake = people
        self._asleep: dict[object, datetime] = {}
        self._is_broken = False

    def wait(self, minutes: float) -> None:
        """Be busy for so many minutes; raise `Broken` when somebody else has failed meanwhile."""
        me = object()
        with self._turn:
            self._asleep[me] = now() + timedelta(minutes=minutes)
            self._awake -= 1
            self._move_on()
            woken = self._turn.wait_for(
                lambda: me not in self._asleep or self._is_broken, _PATIENCE_SECONDS
            )
        if self._is_broken or not woken:
            raise Broken("somebody else could not go on")

    def do(self, work: Work) -> None:
        """Work until it is done, and wake the others when it fails."""
        is_done = False
        try:
            work(self)
            is_done = True
        finally:
            with self._turn:
                if is_done:
                    self._awake -= 1
                    self._move_on()
                else:
                    self._is_broken = True
                    self._turn.notify_all()

    def _move_on(self) -> None:
        if self._awake or not self._asleep:
            return
        earliest = min(self._asleep.values())
        advance(self._clock, earliest)
        for who in [w for w, until in self._asleep.items() if until <= earliest + _TOGETHER]:
            del self._asleep[who]
            self._awake += 1
        self._turn.notify_all()


def work_together(clock: Path, works: Sequence[Work]) -> None:
    """Let everybody work until all are done; raise what the first of them raised."""
    shift = Shift(clock, len(works))
    with ThreadPoolExecutor(len(works)) as threads:
        done = [threads.submit(shift.do, work) for work in works]
    failures = [error for each in done if (error := each.exception()) is not None]
    if failures:
        # Those who were only woken by a failure say so; it is the other one that matters.
        raise min(failures, key=lambda error: str(error).startswith("somebody else"))
