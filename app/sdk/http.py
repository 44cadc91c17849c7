"""The way out for plug-ins: a deadline on every call and one retry where it can do no harm."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from app.core.deadline import remaining
from app.core.egress import NoAnswer, Reply
from app.core.errors import Unavailable

__all__ = ["HttpClient", "NoAnswer", "Reply"]

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 8.0


class Sender(Protocol):
    """Sends one request to another system (`app.core.egress.Egress`)."""

    def request(
        self,
        method: str,
        url: str,
        *,
        connect_seconds: float,
        total_seconds: float,
        body: object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return whatever answer comes, or raise `NoAnswer`."""


@dataclass(frozen=True, slots=True)
class HttpClient:
    """Calls a biller's system: JSON in and out, any status returned, never a redirect followed."""

    sender: Sender
    total_seconds: float = TOTAL_SECONDS

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Read; tried twice. Raise `Unavailable` when no answer comes in time."""
        try:
            return self._send("GET", url, None, headers)
        except NoAnswer:
            pass
        try:
            return self._send("GET", url, None, headers)
        except NoAnswer as error:
            raise Unavailable(str(error)) from error

    def post(self, url: str, body: object, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Send once. Raise `NoAnswer`, whose `may_have_acted` says what must be asked for."""
        return self._send("POST", url, body, headers)

    def _send(
        self, method: str, url: str, body: object | None, headers: Mapping[str, str] | None
    ) -> Reply:
        seconds = remaining(self.total_seconds)
        if seconds <= 0:
            raise NoAnswer("no time is left", may_have_acted=False)
        return self.sender.request(
            method,
            url,
            connect_seconds=min(CONNECT_SECONDS, seconds),
            total_seconds=seconds,
            body=body,
            headers=headers,
        )
