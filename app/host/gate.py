"""The way into a plug-in and out of it: deadline, places and breaker."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from prometheus_client import Counter

from app.core.deadline import remaining, request_served, within
from app.core.egress import NoAnswer, Reply
from app.core.errors import Conflict, Forbidden, IllegalMove, Invalid, NotFound
from app.host.breaker import PATIENCE, SLOW_SECONDS, Breaker, Bulkhead, Full, Open, Seats
from app.sdk.http import TOTAL_SECONDS, Sender

PLACES = 4
SHARE_OF_THREADS = 4
FEWEST_THREADS_TO_SHARE = 16

CALLS = Counter("plugin_calls_total", "Calls of plug-ins", ["plugin", "call", "outcome"])

T = TypeVar("T")
_inside: ContextVar[str | None] = ContextVar("inside_plugin", default=None)


class Refused(Exception):
    """The call was not made: no place was free in time, or the breaker is open."""


def is_refusal(error: BaseException) -> bool:
    """Say whether a plug-in means no; a broken state machine of its own is not a refusal."""
    said_no = isinstance(error, NotFound | Conflict | Invalid | Forbidden)
    return said_no and not isinstance(error, IllegalMove)


@dataclass(frozen=True, slots=True)
class Gate:
    """One for each provider and process.

    `places` limits the calls in flight, `seats` the request threads that wait for the provider,
    and `share` those that wait for any provider.
    """

    name: str
    breaker: Breaker
    places: Bulkhead
    seats: Seats = field(default_factory=lambda: Seats(PLACES))
    share: Seats | None = None

    def run(
        self,
        what: str,
        seconds: float,
        call: Callable[[], T],
        *,
        in_share: bool = False,
        is_good: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Make one call and return its answer, or raise what it raised, or `Refused`.

        `seconds` bounds the waiting and the call together; the caller's own deadline goes on.
        """
        with within(seconds):
            try:
                with self._admitted(seconds, in_share=in_share):
                    return self._measured(what, call, is_good)
            except (Full, Open) as error:
                CALLS.labels(self.name, what, "refused").inc()
                raise Refused(f"{self.name}: {type(error).__name__.lower()}") from error

    @contextmanager
    def _admitted(self, seconds: float, *, in_share: bool) -> Iterator[None]:
        if self.breaker.is_open():  # nobody waits for a place that is of no use
            raise Open
        request = request_served()
        with ExitStack() as held:
            if request is not None:
                self._take_seat(held, request, seconds)
                if self.share is not None and in_share:
                    held.enter_context(self.share.seat(request, seconds))
            held.enter_context(self.places.place(remaining(seconds)))
            if remaining(seconds) <= 0:
                raise Full
            token = _inside.set(self.name)
            try:
                yield
            finally:
                _inside.reset(token)

    def _take_seat(self, held: ExitStack, request: object, seconds: float) -> None:
        try:
            held.enter_context(self.seats.seat(request, seconds))
        except Full:
            if self.seats.longest() > SLOW_SECONDS:
                self.breaker.turn_away()
            raise

    def _measured(self, what: str, call: Callable[[], T], is_good: Callable[[T], bool]) -> T:
        ticket = self.breaker.enter()
        started = self.breaker.clock()
        went_well = False
        try:
            answer = call()
            went_well = is_good(answer)
        except Exception as error:
            went_well = is_refusal(error)
            raise
        else:
            return answer
        finally:
            is_slow = self.breaker.clock() - started > SLOW_SECONDS
            self.breaker.leave(ticket, went_well=went_well and not is_slow)
            outcome = "failed" if not went_well else "slow" if is_slow else "ok"
            CALLS.labels(self.name, what, outcome).inc()


@dataclass(frozen=True, slots=True)
class Gates:
    """Makes the gates of a process by how many requests it serves at a time.

    One provider is waited for by a quarter of the threads, at least one and at most four. From
    sixteen threads on that quarter is what all of them share, and one provider leaves a seat of it
    to the others.
    """

    threads: int = FEWEST_THREADS_TO_SHARE
    patience: float = PATIENCE
    pace: float = 1.0
    share: Seats | None = None

    @classmethod
    def of(cls, threads: int, patience: float, pace: float) -> "Gates":
        """Return what makes the gates of a process with so many threads."""
        is_shared = threads >= FEWEST_THREADS_TO_SHARE
        share = Seats(threads // SHARE_OF_THREADS, patience) if is_shared else None
        return cls(threads, patience, pace, share)

    @property
    def seats(self) -> int:
        """Return how many request threads may wait for one provider."""
        quarter = self.threads // SHARE_OF_THREADS
        return min(PLACES, max(1, quarter if self.share is None else quarter - 1))

    def make(self, name: str) -> Gate:
        """Return a new gate with everything closed behind it: a breaker that knows nothing yet."""
        breaker = Breaker(name, pace=self.pace)
        seats = Seats(self.seats, self.patience, hopeless=breaker.is_hopeless)
        return Gate(name, breaker, Bulkhead(PLACES), seats, self.share)


@dataclass(frozen=True, slots=True)
class GuardedSender:
    """What a plug-in's `house.http` sends through: its own routes are behind the gate as well."""

    sender: Sender
    gate: Gate

    def request(
        self,
        method: str,
        url: str,
        *,
        connect_seconds: float,
        total_seconds: float,
        body: object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; when the gate is shut, raise `NoAnswer` that cannot have acted."""

        def send() -> Reply:
            return self.sender.request(
                method,
                url,
                connect_seconds=min(connect_seconds, remaining(connect_seconds)),
                total_seconds=remaining(total_seconds),
                body=body,
                headers=headers,
            )

        if _inside.get() == self.gate.name:  # the provider's call holds a place already
            return send()
        try:
            return self.gate.run(
                "http",
                min(total_seconds, TOTAL_SECONDS),
                send,
                in_share=True,
                is_good=lambda reply: reply.status < 500,  # noqa: PLR2004 - their own failure
            )
        except Refused as error:
            raise NoAnswer(str(error), may_have_acted=False) from error
