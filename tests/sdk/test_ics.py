"""What calendars read is written as RFC 5545 has it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from app.sdk import ics_lines, ics_moment, ics_text

HEAD = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//1//EN", "BEGIN:VEVENT", "UID:1")
WORDS = st.text(st.characters(exclude_categories=["C"]) | st.sampled_from("\\;,:\n"), max_size=200)


@given(WORDS)
def test_any_text_is_read_back_by_another_parser_from_lines_of_75_octets(text: str) -> None:
    raw = ics_lines([*HEAD, f"SUMMARY:{ics_text(text)}", "END:VEVENT", "END:VCALENDAR"])
    lines = raw.split(b"\r\n")
    assert lines.pop() == b""
    for line in lines:
        line.decode()  # no character was cut
        assert b"\n" not in line
        assert len(line) <= 75
    (event,) = Calendar.from_ical(raw).walk("VEVENT")
    assert str(event["SUMMARY"]) == text


def test_every_kind_of_newline_is_one() -> None:
    assert ics_text("a\r\nb\rc\nd") == "a\\nb\\nc\\nd"


def test_a_moment_is_written_in_utc() -> None:
    assert ics_moment(datetime(2026, 12, 1, 7, 30, tzinfo=ZoneInfo("Asia/Shanghai"))) == (
        "20261130T233000Z"
    )
