"""How a calendar is written: lines, texts and moments as RFC 5545 has them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

_MOST_OCTETS = 75
_NEWLINE = "\r\n"
_ESCAPED = (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\n"), ("\r", "\n"), ("\n", "\\n"))


def ics_lines(lines: Iterable[str]) -> bytes:
    """Return content lines in UTF-8, each folded at 75 octets and never in a character (3.1)."""
    return "".join(f"{f'{_NEWLINE} '.join(_pieces(line))}{_NEWLINE}" for line in lines).encode()


def ics_text(text: str) -> str:
    """Return a text as a value of type TEXT, any kind of newline in it as one (3.3.11)."""
    for plain, escaped in _ESCAPED:
        text = text.replace(plain, escaped)
    return text


def ics_moment(moment: datetime) -> str:
    """Return a moment as a DATE-TIME in UTC (3.3.5)."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _pieces(line: str) -> Iterator[str]:
    piece, octets = "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _MOST_OCTETS:
            yield piece
            piece, octets = "", 1  # the space that a continued line begins with
        piece, octets = piece + character, octets + size
    yield piece
