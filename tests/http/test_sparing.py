"""One of a kind in a minute; what was held back is counted, and nothing grows without end."""

from app.http.sparing import PER_WINDOW, SECONDS, Sparing


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_passes_and_the_next_says_how_many_were_held_back() -> None:
    clock = Clock()
    sparing = Sparing(clock)
    assert sparing.take("token", "a") == 0
    assert [sparing.take("token", "a") for _ in range(7)] == [None] * 7
    assert sparing.take("token", "b") == 0
    clock.now += SECONDS
    assert sparing.take("token", "a") == 7
    clock.now += SECONDS
    assert sparing.take("token", "a") == 0


def test_all_kinds_together_have_a_limit() -> None:
    clock = Clock()
    sparing = Sparing(clock)
    taken = [sparing.take("token", str(n)) for n in range(PER_WINDOW * 3)]
    assert taken.count(0) == PER_WINDOW
    assert taken[PER_WINDOW:] == [None] * PER_WINDOW * 2
    clock.now += SECONDS
    assert sparing.take("token", "other") == 0


def test_a_known_kind_over_the_limit_is_still_counted() -> None:
    clock = Clock()
    sparing = Sparing(clock)
    assert sparing.take("known") == 0
    clock.now += SECONDS
    for n in range(PER_WINDOW):
        sparing.take(str(n))
    assert sparing.take("known") is None
    clock.now += SECONDS
    assert sparing.take("known") == 1
