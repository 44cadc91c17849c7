"""What another system has answered is taken as it is, or not at all."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.sdk import Reader, Unavailable

READ = Reader(Unavailable)


def test_what_is_of_its_form_is_taken() -> None:
    body = {"t": "水", "n": 0, "d": "2028-02-29", "m": "2026-11-29T08:00:00+08:00"}
    assert READ.text(body, "t") == "水"
    assert READ.whole(body, "n", 5) == 0
    assert READ.day(body, "d") == date(2028, 2, 29)
    assert READ.moment(body, "m") == datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", 1, ["x"], "a\0b", "\ud800"])
def test_no_text(value: object) -> None:
    with pytest.raises(Unavailable):
        READ.text({"x": value}, "x")


@pytest.mark.parametrize("value", [None, -1, 6, 1.0, "1", True])
def test_no_whole_number(value: object) -> None:
    with pytest.raises(Unavailable):
        READ.whole({"x": value}, "x", 5)


@pytest.mark.parametrize("value", ["2027-02-29", "tomorrow", 20261129, None])
def test_no_day(value: object) -> None:
    with pytest.raises(Unavailable):
        READ.day({"x": value}, "x")


@pytest.mark.parametrize("value", ["2026-11-29T08:00:00", "2026-11-29", "now", None])
def test_no_moment(value: object) -> None:
    with pytest.raises(Unavailable):
        READ.moment({"x": value}, "x")


def test_what_is_missing_is_of_no_form() -> None:
    empty: dict[str, Any] = {}
    for take in (READ.text, READ.day, READ.moment):
        with pytest.raises(Unavailable):
            take(empty, "x")
