"""Writes an event as RFC 5545 has it: lines of at most 75 octets, texts escaped, times in UTC.

Nothing here knows a database.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from plugins.jobs.values.calendar import CalendarEvent, EventStatus

_MOST_OCTETS = 75
_NEWLINE = "\r\n"
_ESCAPED = (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\n"), ("\r", "\n"), ("\n", "\\n"))


def write_event(event: CalendarEvent) -> bytes:
    """Return an event as a calendar of its own.

    It has no METHOD: it invites nobody (RFC 5546). So DTSTAMP is when the event was changed last
    (3.8.7.2), and the same event is the same octets.
    """
    is_off = event.status == EventStatus.CANCELLED
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Wudang//Jobs 1//ZH",
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        f"UID:{event.id}",
        f"DTSTAMP:{_moment(event.changed_at)}",
        f"SEQUENCE:{event.sequence}",
        f"STATUS:{event.status}",
        f"DTSTART:{_moment(event.starts_at)}",
        f"DTEND:{_moment(event.ends_at)}",
        f"SUMMARY:{_escape(event.summary)}",
        f"LOCATION:{_escape(event.place)}",
        f"DESCRIPTION:{_escape(event.description)}",
        "CLASS:PRIVATE",
        f"TRANSP:{'TRANSPARENT' if is_off else 'OPAQUE'}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "".join(f"{_fold(line)}{_NEWLINE}" for line in lines).encode()


def _escape(text: str) -> str:
    """Return a text as a value of type TEXT (3.3.11)."""
    for plain, escaped in _ESCAPED:
        text = text.replace(plain, escaped)
    return text


def _fold(line: str) -> str:
    """Return a line cut where it is longer than 75 octets, never within a character (3.1)."""
    return f"{_NEWLINE} ".join(_pieces(line))


def _pieces(line: str) -> Iterator[str]:
    piece, octets = "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _MOST_OCTETS:
            yield piece
            piece, octets = "", 1  # the space that a continued line begins with
        piece, octets = piece + character, octets + size
    yield piece


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
