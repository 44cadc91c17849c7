"""The notices beside the code: read strictly, and the same as what others made of them."""

import tomllib
from datetime import date, timedelta
from typing import Any

import chinese_calendar
import pytest

from plugins.permits.service.holidays import (
    FOLDER,
    CalendarFault,
    make_calendar,
    read_notice,
    year_notices,
)

CALENDAR = make_calendar(year_notices())


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_day_of_a_year_is_as_an_independent_library_has_it(year: int) -> None:
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    ours = [day for day in days if CALENDAR.is_working(day)]
    assert ours == [day for day in days if chinese_calendar.is_workday(day)]
    assert not CALENDAR.is_provisional_between(days[0], days[-1])


def test_a_year_without_a_notice_follows_the_weekend_and_says_so() -> None:
    assert CALENDAR.is_working(date(2027, 1, 1))
    assert not CALENDAR.is_working(date(2027, 1, 2))
    assert CALENDAR.is_provisional(date(2027, 1, 1))
    assert CALENDAR.is_provisional_between(date(2026, 12, 31), date(2027, 1, 1))
    assert not CALENDAR.is_provisional_between(date(2026, 12, 30), date(2026, 12, 31))


def test_every_notice_names_its_document() -> None:
    for notice in year_notices():
        assert f"关于{notice.year}年部分节假日安排的通知" in notice.source
        assert "国办发明电" in notice.source


def notice(**changed: object) -> dict[str, Any]:
    holiday = {
        "title": "春节",
        "from": date(2026, 2, 15),
        "to": date(2026, 2, 23),
        "working": [date(2026, 2, 14)],
    } | changed
    return {"year": 2026, "source": "通知", "holidays": [holiday]}


@pytest.mark.parametrize(
    "changed",
    [
        {"to": date(2026, 2, 14), "working": []},
        {"from": date(2025, 2, 15)},
        {"working": [date(2026, 2, 21)]},
        {"working": [date(2026, 2, 26)]},
        {"working": [date(2026, 2, 14), date(2026, 2, 14)]},
    ],
)
def test_a_notice_that_contradicts_itself_is_refused(changed: dict[str, Any]) -> None:
    assert len(read_notice(notice()).days) == 10
    with pytest.raises(CalendarFault):
        read_notice(notice(**changed))


def test_the_folder_holds_the_years_and_the_office_hours() -> None:
    names = {path.name for path in FOLDER.glob("*.toml")}
    assert {"2024.toml", "2025.toml", "2026.toml", "office-hours.toml"} <= names
    for path in FOLDER.glob("[0-9]*.toml"):
        assert tomllib.loads(path.read_text(encoding="utf-8"))["year"] == int(path.stem)
