"""Writes an event as RFC 5545 has it; nothing here knows a database."""

from app.sdk import ics_lines, ics_moment, ics_text
from plugins.jobs.values.calendar import CalendarEvent, EventStatus


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
        f"DTSTAMP:{ics_moment(event.changed_at)}",
        f"SEQUENCE:{event.sequence}",
        f"STATUS:{event.status}",
        f"DTSTART:{ics_moment(event.starts_at)}",
        f"DTEND:{ics_moment(event.ends_at)}",
        f"SUMMARY:{ics_text(event.summary)}",
        f"LOCATION:{ics_text(event.place)}",
        f"DESCRIPTION:{ics_text(event.description)}",
        "CLASS:PRIVATE",
        f"TRANSP:{'TRANSPARENT' if is_off else 'OPAQUE'}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return ics_lines(lines)
