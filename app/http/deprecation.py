"""The end of an operation, said on each of its answers long before (RFC 9745, RFC 8594)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from werkzeug.http import http_date


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since which day an operation should not be used, from which on it may be gone, and why.

    `link` is a page that says what to use instead. Days begin at midnight UTC.
    """

    since: date
    sunset: date
    link: str

    def __post_init__(self) -> None:
        if self.sunset < self.since:
            raise ValueError("an operation cannot end before it is deprecated (RFC 9745, 4)")

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what each answer says: `Deprecation`, `Sunset`, and where to read on."""
        return {
            "Deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "Sunset": http_date(_midnight(self.sunset)),
            "Link": f'<{self.link}>; rel="deprecation"; type="text/html"',
        }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
