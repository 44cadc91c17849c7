"""`make demo`: one line a step against the running service, and an end at the first lie."""

import re

from tests.journeys.house import House, ask_city

DEMO = ("flask", "--app", "wsgi", "demo")


def test_the_demonstration_keeps_every_promise(house: House) -> None:
    shown = house.within(*DEMO)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    lines = shown.stdout.splitlines()
    done = [re.match(r"✓ (\d+) .*\[\d+ ms\]$", line) for line in lines]
    assert [int(match[1]) for match in done if match] == list(range(1, 25))
    assert re.fullmatch(r"完成 All 24 steps are as promised, in \d+\.\d s\.", lines[-1])
    assert len(lines) == 25


def test_it_ends_at_the_first_broken_promise(house: House) -> None:
    ask_city(house.city, "PUT", "/register/behaviour", {"mode": "down"})
    shown = house.within(*DEMO)
    ask_city(house.city, "PUT", "/register/behaviour", {"mode": "ok"})
    assert shown.returncode == 1
    last = shown.stdout.splitlines()[-1]
    assert last.startswith("✗ 4 ")
    assert "expected 422, saw 503" in last
    assert len(shown.stdout.splitlines()) == 4
