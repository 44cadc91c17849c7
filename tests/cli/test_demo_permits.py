"""What `demo-permits` stands on: a clock that is moved, people who wait by it, and its own eyes."""

import base64
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.certificates.service.sd_jwt import make_sd_jwt
from app.cli import demo_permits
from app.cli.demo.story import Broken
from app.cli.demo_permits.certificates import read_credential, status_in
from app.cli.demo_permits.figures import check_owned, compare, recompute
from app.cli.demo_permits.watch import Shift, work_together
from app.core import clock, jose
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


def credential_of(key: dict[str, Any], **claims: object) -> str:
    header = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": key["kid"]}
    return make_sd_jwt(
        {"iss": "https://city.example", "number": "1.2", **claims},
        {"holder_name": "李雷", "matter": "施工"},
        ["holder_name"],
        lambda said: jose.sign(said, header, key),
    )


def test_a_credential_says_what_its_issuer_signed_and_shows_what_its_holder_chose() -> None:
    key = jose.new_key()
    issuer = {"issuer": "https://city.example", "jwks": {"keys": [jose.public_half(key)]}}
    made = credential_of(key)
    claims = read_credential(made, issuer)
    assert (claims["number"], claims["holder_name"]) == ("1.2", "李雷")
    assert "matter" not in claims
    token, disclosure, _ = made.split("~")
    stray = credential_of(key).split("~")[1]  # the same claim with a salt of another credential
    for forged, words in (
        (f"{token}~{stray}~", "has not signed"),
        (f"{token}~{disclosure}~x", "key binding"),
        (credential_of(jose.new_key()), "a signature of the city's"),
        (credential_of(key, iss="https://other.example"), "issuer"),
    ):
        with pytest.raises(Broken, match=words):
            read_credential(forged, issuer)


def test_a_status_is_found_at_its_place_in_the_list() -> None:
    packed = base64.urlsafe_b64encode(zlib.compress(bytes([0b00_01_10_00, 0b00_00_00_01])))
    listed = {"bits": 2, "lst": packed.decode().rstrip("=")}
    assert [status_in(listed, place) for place in range(8)] == [0, 2, 1, 0, 1, 0, 0, 0]


def test_a_house_whose_clock_cannot_be_moved_is_left_alone(
    settings: Settings, rooms: Rooms
) -> None:
    app = Flask(__name__)
    demo_permits.register(app, replace(settings, clock_file=None), rooms)
    done = app.test_cli_runner().invoke(args=["demo-permits"])
    assert done.exit_code == 1
    assert "CLOCK_SHIFT_FILE" in done.output
