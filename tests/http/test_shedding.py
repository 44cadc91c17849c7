"""When the house is crowded: payments go on, listings wait, and nobody waits for long."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from app.core.errors import Unavailable
from app.http import shedding
from app.http.shedding import Lanes


def fill(lanes: Lanes, held: ExitStack, lane: str, count: int) -> None:
    for _ in range(count):
        held.enter_context(lanes.admit(lane))


@pytest.mark.parametrize(
    ("lane", "running"), [("sheddable", 4), ("normal", 6), ("critical", 8), ("critical", 100)]
)
def test_a_lane_is_open_up_to_its_share(lane: str, running: int) -> None:
    lanes = Lanes(threads=8)
    with ExitStack() as held:
        fill(lanes, held, "critical", running if lane == "critical" else running - 1)
        with lanes.admit(lane):
            pass


@pytest.mark.parametrize(("lane", "running"), [("sheddable", 4), ("normal", 6)])
def test_a_full_lane_refuses_and_says_when_to_come_back(lane: str, running: int) -> None:
    lanes = Lanes(threads=8)
    with ExitStack() as held:
        fill(lanes, held, "critical", running)
        with pytest.raises(Unavailable) as refused, lanes.admit(lane):
            pytest.fail("the lane was full")
        assert refused.value.retry_after in range(1, 6)
        with lanes.admit("critical"):
            pass
    with lanes.admit(lane):
        pass


def test_a_slot_that_becomes_free_is_taken_by_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "QUEUE_SECONDS", 60)  # nobody gives up before this test goes on
    lanes = Lanes(threads=2)
    held = ExitStack()
    fill(lanes, held, "critical", 1)
    entered = threading.Event()
    outcome: list[str] = []

    def wait() -> None:
        entered.set()
        try:
            with lanes.admit("sheddable"):
                outcome.append("in")
        except Unavailable:
            outcome.append("refused")

    thread = threading.Thread(target=wait)
    thread.start()
    entered.wait(60)
    held.close()
    thread.join(60)
    assert outcome == ["in"]


def test_who_cannot_go_on_does_not_keep_a_slot_from_who_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shedding, "QUEUE_SECONDS", 4)  # so long this test may take for its lines
    lanes = Lanes(threads=8)
    held = ExitStack()
    fill(lanes, held, "critical", 5)
    last = ExitStack()
    fill(lanes, last, "critical", 1)
    outcome: list[str] = []

    def wait(lane: str) -> None:
        try:
            with lanes.admit(lane):
                outcome.append(lane)
        except Unavailable:
            outcome.append(f"no {lane}")

    # Six run: neither lane is open. When one leaves, the listing still has to wait.
    threads = [threading.Thread(target=wait, args=(lane,)) for lane in ("sheddable", "normal")]
    for thread in threads:
        thread.start()
    last.close()
    for thread in threads:
        thread.join(60)
    held.close()
    assert sorted(outcome) == ["no sheddable", "normal"]


def test_a_slot_comes_back_when_its_request_fails() -> None:
    lanes = Lanes(threads=2)
    for _ in range(20):
        with pytest.raises(RuntimeError), lanes.admit("sheddable"):
            raise RuntimeError
    with lanes.admit("sheddable"):
        pass


def test_one_thread_serves_every_lane() -> None:
    lanes = Lanes(threads=1)
    for lane in ("critical", "normal", "sheddable"):
        with lanes.admit(lane):
            pass


def test_never_more_than_the_share_at_once() -> None:
    lanes = Lanes(threads=8)
    lock, running, most = threading.Lock(), [0], [0]
    gate = threading.Event()

    def work() -> None:
        try:
            with lanes.admit("sheddable"):
                with lock:
                    running[0] += 1
                    most[0] = max(most[0], running[0])
                gate.wait(60)
                with lock:
                    running[0] -= 1
        except Unavailable:
            pass

    run_all([work] * 30, gate, lambda: most[0] >= 4)
    assert most[0] == 4
    assert lanes._running == 0  # noqa: SLF001 - every slot came back


def run_all(
    calls: list[Callable[[], None]], gate: threading.Event, is_full: Callable[[], bool]
) -> None:
    """Run calls side by side and open the gate once it is full, and half a second has passed."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 60
    while not is_full() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.5)
    gate.set()
    for thread in threads:
        thread.join(60)
