import threading
from dataclasses import dataclass

import pytest

from app.host.breaker import Breaker, Bulkhead, Full, Open


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def calls(breaker: Breaker, outcomes: str) -> None:
    """Make one call for each letter: `+` goes well, `-` does not."""
    for outcome in outcomes:
        breaker.leave(breaker.enter(), went_well=outcome == "+")


def is_refused(breaker: Breaker) -> bool:
    try:
        breaker.leave(breaker.enter(), went_well=True)
    except Open:
        return True
    return False


def fail_probe_at(breaker: Breaker, clock: Clock, seconds: float) -> None:
    clock.seconds = seconds
    ticket = breaker.enter()
    assert ticket.is_probe
    breaker.leave(ticket, went_well=False)


@pytest.mark.parametrize(
    ("outcomes", "opens"),
    [
        ("-" * 9, False),
        ("-" * 10, True),
        ("+-" * 5, True),
        ("+" * 6 + "-" * 5, False),
        ("+" * 20 + "-" * 9, False),
        ("+" * 20 + "-" * 10, True),
    ],
)
def test_it_opens_at_half_of_the_last_twenty_and_not_before_ten(
    outcomes: str,
    *,
    opens: bool,
) -> None:
    breaker = Breaker("x", clock=Clock())
    calls(breaker, outcomes)
    assert breaker.is_open() is opens
    assert is_refused(breaker) is opens


def test_what_is_older_than_thirty_seconds_is_forgotten() -> None:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    calls(breaker, "-" * 9)
    clock.seconds = 30.1
    calls(breaker, "-")
    assert not breaker.is_open()


def test_it_stays_open_ten_seconds_give_or_take_a_fifth() -> None:
    for _ in range(50):
        clock = Clock()
        breaker = Breaker("x", clock=clock)
        calls(breaker, "-" * 10)
        clock.seconds = 7.99
        assert breaker.is_open()
        clock.seconds = 12.01
        assert not breaker.is_open()


def test_one_probe_decides_while_others_are_refused() -> None:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    calls(breaker, "-" * 10)
    clock.seconds = 12.01
    probe = breaker.enter()
    assert probe.is_probe
    assert is_refused(breaker)
    breaker.leave(probe, went_well=True)
    assert not breaker.is_open()
    calls(breaker, "-" * 9)  # the failures of before are forgotten
    assert not breaker.is_open()


def test_each_failed_probe_doubles_the_wait_up_to_twenty() -> None:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    calls(breaker, "-" * 10)
    moment = 0.0
    for wait in (10, 20, 20, 20):
        clock.seconds = moment + 0.79 * wait
        assert breaker.is_open()
        moment += 1.21 * wait
        fail_probe_at(breaker, clock, moment)
    clock.seconds += 24.01
    breaker.leave(breaker.enter(), went_well=True)
    calls(breaker, "-" * 10)
    clock.seconds += 12.01
    assert not breaker.is_open()


def test_a_probe_that_never_returns_does_not_keep_it_shut_for_ever() -> None:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    calls(breaker, "-" * 10)
    clock.seconds = 12.01
    breaker.enter()
    clock.seconds += 12.01
    assert breaker.enter().is_probe


def test_calls_from_before_it_opened_do_not_close_it() -> None:
    breaker = Breaker("x", clock=Clock())
    early = breaker.enter()
    calls(breaker, "-" * 10)
    breaker.leave(early, went_well=True)
    assert breaker.is_open()


def test_the_pace_divides_the_wait() -> None:
    clock = Clock()
    breaker = Breaker("x", pace=60, clock=clock)
    calls(breaker, "-" * 10)
    assert breaker.is_open()
    clock.seconds = 0.21
    assert not breaker.is_open()


def test_a_bulkhead_holds_its_places_and_gives_them_back() -> None:
    bulkhead = Bulkhead(2)
    entered, leave = threading.Barrier(3, timeout=20), threading.Event()

    def stay() -> None:
        with bulkhead.place(20):
            entered.wait()
            leave.wait(20)

    threads = [threading.Thread(target=stay) for _ in range(2)]
    for thread in threads:
        thread.start()
    entered.wait()
    with pytest.raises(Full), bulkhead.place(0):
        pass
    waiting = threading.Event()
    got: list[bool] = []

    def wait() -> None:
        waiting.set()
        with bulkhead.place(20):
            got.append(True)

    waiter = threading.Thread(target=wait)
    waiter.start()
    waiting.wait(20)
    leave.set()
    for thread in (*threads, waiter):
        thread.join(20)
    assert got == [True]
    with bulkhead.place(0), bulkhead.place(0):
        pass
