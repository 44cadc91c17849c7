"""Writes calendars as RFC 5545 has them: lines of at most 75 octets, texts escaped.

Nothing here knows a database.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from plugins.utilities.values import DueEvent

MOST_OCTETS = 75
_NEWLINE = "\r\n"
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
        f"NAME:{escape(_NAME)}",  # RFC 7986, 5.1; the other is how most programs call it
        f"X-WR-CALNAME:{escape(_NAME)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",  # RFC 7986, 5.7
        *_CITY_ZONE,
    ]
    for event in events:
        lines += _event(event, at)
    lines.append("END:VCALENDAR")
    return "".join(fold(line) + _NEWLINE for line in lines).encode()


def escape(text: str) -> str:
    """Return a text as a value of type TEXT (section 3.3.11)."""
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text


def fold(line: str) -> str:
    """Return a line cut where it is longer than 75 octets, never within a character (3.1)."""
    return f"{_NEWLINE} ".join(_pieces(line))


def _pieces(line: str) -> Iterator[str]:
    piece, octets = "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > MOST_OCTETS:
            yield piece
            piece, octets = "", 1  # the space that a continued line begins with
        piece, octets = piece + character, octets + size
    yield piece


def _event(event: DueEvent, at: datetime) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{event.id}",
        f"DTSTAMP:{_moment(at)}",
        f"LAST-MODIFIED:{_moment(event.changed_at)}",
        f"SEQUENCE:{event.edition - 1}",
        f"DTSTART;VALUE=DATE:{_day(event.day)}",
        f"SUMMARY:{escape(event.summary)}",
        f"DESCRIPTION:{escape(event.description)}",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{escape(event.summary)}",
        "TRIGGER:-PT15H",  # nine o'clock of the day before
        "END:VALARM",
        "END:VEVENT",
    ]


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
