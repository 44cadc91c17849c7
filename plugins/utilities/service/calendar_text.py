"""Writes calendars as RFC 5545 has them; nothing here knows a database."""

from collections.abc import Iterable
from datetime import date, datetime

from app.sdk import ics_lines, ics_moment, ics_text
from plugins.utilities.values import DueEvent

_PRODUCT = "-//Wudang//Utility bills 1//ZH"
_NAME = "水电气暖账单到期"
# A calendar must hold something (section 3.4) also when nothing is due.
_CITY_ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:Asia/Shanghai",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0800",
    "TZOFFSETTO:+0800",
    "TZNAME:CST",
    "END:STANDARD",
    "END:VTIMEZONE",
)


def write_calendar(events: Iterable[DueEvent], *, at: datetime) -> bytes:
    """Return a calendar (RFC 5545) of days on which something is due, as it stands at a moment.

    Each event keeps its UID, so that a calendar replaces it; one that is gone was settled. It is
    shown as free time, with an alarm the day before.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{ics_text(_NAME)}",  # RFC 7986, 5.1; the other is how most programs call it
        f"X-WR-CALNAME:{ics_text(_NAME)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",  # RFC 7986, 5.7
        *_CITY_ZONE,
    ]
    for event in events:
        lines += _event(event, at)
    lines.append("END:VCALENDAR")
    return ics_lines(lines)


def _event(event: DueEvent, at: datetime) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{event.id}",
        f"DTSTAMP:{ics_moment(at)}",
        f"LAST-MODIFIED:{ics_moment(event.changed_at)}",
        f"SEQUENCE:{event.edition - 1}",
        f"DTSTART;VALUE=DATE:{_day(event.day)}",
        f"SUMMARY:{ics_text(event.summary)}",
        f"DESCRIPTION:{ics_text(event.description)}",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{ics_text(event.summary)}",
        "TRIGGER:-PT15H",  # nine o'clock of the day before
        "END:VALARM",
        "END:VEVENT",
    ]


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")
