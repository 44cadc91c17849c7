"""How many request threads a provider holds, and who waits for one of its seats."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.deadline import serving, within
from app.host.breaker import SLOW_SECONDS, Breaker, Bulkhead, Full, Seats
from app.host.gate import PLACES, Gate, Gates, Refused


@pytest.mark.parametrize(
    ("threads", "seats", "shared"),
    [
        *((1, 1, False), (4, 1, False), (7, 1, False), (8, 2, False), (12, 3, False)),
        *((15, 3, False), (16, 3, True), (19, 3, True), (20, 4, True), (64, 4, True)),
    ],
)
def test_one_provider_is_waited_for_by_a_quarter_and_never_has_the_whole_share(
    threads: int, seats: int, *, shared: bool
) -> None:
    gates = Gates.of(threads, 0.0, 1.0)
    assert gates.seats == seats
    assert seats <= max(1, threads // 4)
    assert (gates.share is not None) is shared
    gate = gates.make("x")
    with ExitStack() as held:
        for request in range(seats):
            held.enter_context(gate.seats.seat(request, 1.0))
        with pytest.raises(Full), gate.seats.seat("one more", 1.0):
            pytest.fail("there was another seat")
        if gate.share is not None:
            for request in range(threads // 4):
                held.enter_context(gate.share.seat(request, 1.0))
            with pytest.raises(Full), gate.share.seat("one more", 1.0):
                pytest.fail("the share was larger")


def test_the_calls_of_one_request_hold_one_seat_until_the_last_is_over() -> None:
    seats = Seats(1, patience=0.0)
    first, second = ExitStack(), ExitStack()
    first.enter_context(seats.seat("mine", 1.0))
    second.enter_context(seats.seat("mine", 1.0))
    first.close()
    with pytest.raises(Full), seats.seat("another's", 1.0):
        pytest.fail("the seat was taken")
    second.close()
    with seats.seat("another's", 1.0):
        pass


class Held:
    """A seat that a thread of its own holds until it is let go."""

    def __init__(self, seats: Seats) -> None:
        self._taken, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(seats,))
        self._thread.start()
        assert self._taken.wait(20)

    def _hold(self, seats: Seats) -> None:
        with seats.seat(self, 20.0):
            self._taken.set()
            self._over.wait(20)

    def let_go(self) -> None:
        self._over.set()
        self._thread.join(20)


@dataclass(eq=False)
class Waiter:
    """Somebody who wants a seat, in a thread of their own."""

    seats: Seats
    got: bool | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._try)
        self.thread.start()

    def _try(self) -> None:
        try:
            with self.seats.seat(self, 20.0):
                self.got = True
        except Full:
            self.got = False

    def outcome(self) -> bool | None:
        self.thread.join(20)
        return self.got


def test_who_waits_while_the_queue_moves_gets_a_seat() -> None:
    seats = Seats(1, patience=20.0)
    held = Held(seats)
    waiters = [Waiter(seats) for _ in range(3)]
    held.let_go()
    assert [waiter.outcome() for waiter in waiters] == [True] * 3


def test_nobody_waits_for_longer_than_nothing_moves() -> None:
    seats = Seats(1, patience=0.05)
    held = Held(seats)
    assert Waiter(seats).outcome() is False  # and not after the 20 seconds that it had
    held.let_go()
    assert Waiter(seats).outcome() is True


class Slow:
    """Two seats at a provider that is well and takes its time, which the test makes pass."""

    def __init__(self, takes: float) -> None:
        self.now = 0.0
        self.seats = Seats(2, patience=0.1, clock=lambda: self.now)
        for _ in range(20):
            with self.seats.seat(object(), 20.0):
                self.now += takes

    def patience(self, waiting: int) -> list[float]:
        """Return for how long each of so many would wait for a queue that does not move."""
        return [round(self.seats._patience_of(one), 2) for one in range(waiting)]  # noqa: SLF001


@pytest.mark.parametrize(
    ("takes", "waits"), [(0.0, 0.1), (0.05, 0.1), (0.4, 0.8), (0.7, 1.4), (1.4, 1.5), (9.0, 1.5)]
)
def test_as_many_as_there_are_seats_wait_for_twice_what_requests_take(
    takes: float, waits: float
) -> None:
    assert Slow(takes).patience(5) == [waits, waits, 0.1, 0.1, 0.1]


def test_who_is_quick_again_is_waited_for_briefly_again() -> None:
    slow = Slow(1.5)
    for _ in range(20):
        with slow.seats.seat(object(), 20.0):
            slow.now += 0.01
    assert slow.patience(1) == [0.1]


def test_who_gets_a_seat_leaves_the_waiting_to_the_next() -> None:
    seats = Slow(0.4).seats
    held = [Held(seats), Held(seats)]
    waiters = [Waiter(seats) for _ in range(2)]
    while len(seats._patient) < 2:  # noqa: SLF001
        time.sleep(0.01)
    for one in held:
        one.let_go()
    assert [waiter.outcome() for waiter in waiters] == [True, True]
    assert not seats._patient  # noqa: SLF001


def test_nobody_waits_beyond_the_callers_deadline() -> None:
    seats = Seats(1, patience=1_000.0)
    held = Held(seats)
    with within(0.05), pytest.raises(Full), seats.seat("mine", 1_000.0):
        pytest.fail("the seat was taken")
    held.let_go()


def test_who_waits_is_sent_away_when_it_becomes_hopeless() -> None:
    asked = threading.Event()
    is_hopeless = False

    def hopeless() -> bool:
        asked.set()
        return is_hopeless

    seats = Seats(2, patience=20.0, hopeless=hopeless)
    first, second = Held(seats), Held(seats)
    waiter = Waiter(seats)
    assert asked.wait(20)
    is_hopeless = True
    third = Waiter(seats)
    assert third.outcome() is False  # at once
    with seats._freed:  # noqa: SLF001 - what a call does that ends
        seats._freed.notify_all()  # noqa: SLF001
    assert waiter.outcome() is False
    first.let_go()
    second.let_go()


class Scene:
    """A gate of one seat at a provider whose time the test makes pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self.breaker = Breaker("x", clock=lambda: self.now)
        self.asked = 0
        seats = Seats(1, hopeless=self.breaker.is_hopeless, clock=lambda: self.now)
        self.gate = Gate("x", self.breaker, Bulkhead(PLACES), seats)

    def call(self, act: Callable[[], Any] = lambda: None) -> bool:
        """Make one request's call and say whether the provider was asked."""
        before = self.asked

        def ask() -> Any:  # noqa: ANN401 - whatever a provider says
            self.asked += 1
            return act()

        with serving(20):
            try:
                self.gate.run("get_payable", 20.0, ask)
            except (Refused, KeyError):
                return self.asked > before
        return True

    def fail(self) -> None:
        """Answer nonsense."""
        raise KeyError

    @contextmanager
    def hanging(self) -> Any:  # noqa: ANN401 - a context manager
        """Let a call be under way for longer than a call may be slow."""
        entered, over = threading.Event(), threading.Event()

        def hang() -> None:
            entered.set()
            over.wait(20)
            raise KeyError

        thread = threading.Thread(target=self.call, args=(hang,))
        thread.start()
        assert entered.wait(20)
        self.now += SLOW_SECONDS + 0.1
        try:
            yield
        finally:
            over.set()
            thread.join(20)


def test_one_slow_call_opens_no_breaker_however_many_it_keeps_away() -> None:
    scene = Scene()
    assert scene.call()
    with scene.hanging():
        assert [scene.call() for _ in range(30)] == [False] * 30
        assert not scene.breaker.is_open()
    assert scene.call()
    assert scene.asked == 3


def test_who_is_turned_away_after_a_failure_and_behind_a_slow_call_opens_it() -> None:
    scene = Scene()
    assert scene.call(scene.fail)
    with scene.hanging():
        assert [scene.call() for _ in range(8)] == [False] * 8
        assert not scene.breaker.is_open()
        assert scene.call() is False
        assert scene.breaker.is_open()
    assert scene.call() is False
    assert scene.asked == 2


def test_who_is_turned_away_behind_a_quick_call_is_no_failure() -> None:
    scene = Scene()
    assert scene.call(scene.fail)
    with scene.hanging():
        scene.now -= SLOW_SECONDS  # it has just begun
        assert [scene.call() for _ in range(30)] == [False] * 30
        assert not scene.breaker.is_open()


def test_a_worker_takes_no_seat() -> None:
    scene = Scene()
    with scene.hanging():
        assert scene.gate.run("get_payable", 20.0, lambda: "said") == "said"
