"""What `demo-permits` stands on: a clock that is moved, people who wait by it, and its own eyes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.cli import demo_permits
from app.cli.demo.story import Broken
from app.cli.demo_permits.figures import check_owned, compare, recompute
from app.cli.demo_permits.watch import Shift, work_together
from app.core import clock
from app.factory import Rooms
from config.settings import Settings, SettingsInvalid
from tests.conftest import World

AT = "2026-03-04T09:30:00Z"
HALF_AN_HOUR = timedelta(minutes=30)
EXPORT: dict[str, Any] = {
    "read_at": AT,
    "office_hours": [["09:00", "12:00"], ["13:00", "17:00"]],
    "calendar_version": 1,
    "days": [],
    "tasks": [
        {
            "task": "intake",
            "department": "water-bureau",
            "limit": {"working_days": 1, "starts": "at_once"},
            "after": [],
            "after_any": [],
            "calendar_version": 1,
            "events": [
                {"at": at, "from_state": before, "to_state": state, "cause": "x", "pause": None}
                for at, before, state in (
                    ("2026-03-03T03:30:20.000000Z", None, "submitted"),
                    ("2026-03-04T02:00:00.000000Z", "submitted", "accepted"),
                )
            ],
        }
    ],
}
"""Tuesday 11:31 to 12:00, 13:00 to 17:00 and Wednesday 09:00 to 10:00 in Beijing: 329 minutes."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Return a file that this process takes its time from."""
    made = tmp_path / "clock-shift"
    made.write_text("0", encoding="ascii")
    clock.follow(made)
    yield made
    clock.travel(timedelta(0))


def said_by_the_city() -> dict[str, Any]:
    said = recompute(EXPORT, AT)
    return {**said, "read_at": AT, "held": said["critical_path"][0]["held"]}


def test_who_follows_a_file_is_where_it_was_moved_to_and_never_goes_back(file: Path) -> None:
    begun = clock.now()
    clock.advance(file, begun + HALF_AN_HOUR)
    ahead = clock.now() - datetime.now(UTC)
    assert timedelta(minutes=29) < ahead <= HALF_AN_HOUR
    clock.advance(file, begun)
    assert clock.now() >= begun + HALF_AN_HOUR
    clock.travel(timedelta(0))
    assert clock.now() < begun + HALF_AN_HOUR


def test_only_a_sandbox_follows_a_file(world: World, file: Path, tmp_path: Path) -> None:
    given = {**world.env, "CLOCK_SHIFT_FILE": str(file)}
    assert Settings.from_env(given).clock_file == file
    for wrong, words in (
        ({"PROFILE": "production"}, "CLOCK_SHIFT_FILE is for PROFILE=sandbox only"),
        ({"CLOCK_SHIFT_SECONDS": "60"}, "not both"),
        ({"CLOCK_SHIFT_FILE": str(tmp_path / "absent")}, "must name a file that holds seconds"),
    ):
        with pytest.raises(SettingsInvalid, match=words):
            Settings.from_env({**given, **wrong})
    file.write_text("nan", encoding="ascii")
    with pytest.raises(SettingsInvalid, match="must name a file that holds seconds"):
        Settings.from_env(given)


def test_nobody_sleeps_and_the_clock_moves_when_all_wait(file: Path) -> None:
    begun = clock.now()
    seen: list[tuple[str, int]] = []

    def works(name: str, *minutes: int) -> Any:  # noqa: ANN401 - a callable
        def work(shift: Shift) -> None:
            for each in minutes:
                shift.wait(each)
                seen.append((name, round((clock.now() - begun) / timedelta(minutes=1))))

        return work

    work_together(file, [works("quick", 10, 10, 10), works("slow", 25)])
    assert seen == [("quick", 10), ("quick", 20), ("slow", 25), ("quick", 30)]


def test_who_fails_wakes_the_others_and_is_the_one_that_is_named(file: Path) -> None:
    def fails(shift: Shift) -> None:
        shift.wait(5)
        raise Broken("expected 200, saw 500")

    def waits(shift: Shift) -> None:
        shift.wait(60)

    with pytest.raises(Broken, match="expected 200, saw 500"):
        work_together(file, [waits, fails, waits])


def test_figures_that_agree_are_counted_and_one_minute_more_is_seen() -> None:
    said = said_by_the_city()
    found = compare(said, EXPORT)
    assert (found.city, found.offline, found.difference) == (329, 329, 0)
    assert check_owned(said, EXPORT) == 329
    said["tasks"][0]["consumed"] += 1
    with pytest.raises(Broken, match="difference 1; the first: 330 and 329"):
        compare(said, EXPORT)


@pytest.mark.parametrize("where", ["path", "task"])
def test_a_minute_that_nobody_owns_is_seen(where: str) -> None:
    said = said_by_the_city()
    held = [{**said["held"][0], "minutes": 328}]
    if where == "path":
        said["held"] = held
    else:
        said["tasks"][0]["held"] = held
    with pytest.raises(Broken, match="with an owner: expected 329, saw 328"):
        check_owned(said, EXPORT)


def test_a_house_whose_clock_cannot_be_moved_is_left_alone(
    settings: Settings, rooms: Rooms
) -> None:
    app = Flask(__name__)
    demo_permits.register(app, replace(settings, clock_file=None), rooms)
    done = app.test_cli_runner().invoke(args=["demo-permits"])
    assert done.exit_code == 1
    assert "CLOCK_SHIFT_FILE" in done.output
