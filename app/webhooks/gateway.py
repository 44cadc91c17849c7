"""The call of an integrator's endpoint: signed bytes out, a status and a few bytes back."""

import re
from collections.abc import Mapping

from app.core.clock import monotonic
from app.core.egress import Egress, EgressRefused, NoAnswer
from app.webhooks.values import Answer

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 15.0
SHOWN_BYTES = 1024
_LONGEST_ERROR = 100
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Courier:
    """Brings events to endpoints, through the one way out (`app.core.egress`)."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    def may_reach(self, url: str) -> bool:
        """Say whether an address is one that this installation may call, as far as it shows."""
        try:
            self._egress.check(url)
        except EgressRefused:
            return False
        return True

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one event and return what came of it; never raise for what the other side does.

        A redirect is not followed, and is no answer.
        """
        began = monotonic()
        sent = {**headers, "Content-Type": "application/json"}
        try:
            reply = self._egress.request(
                "POST",
                url,
                content=body,
                headers=sent,
                connect_seconds=CONNECT_SECONDS,
                total_seconds=TOTAL_SECONDS,
            )
        except NoAnswer as error:
            reason = "refused" if isinstance(error, EgressRefused) else str(error)
            return Answer(None, _since(began), error=reason[:_LONGEST_ERROR])
        return Answer(reply.status, _since(began), text=_beginning(reply.body) or None)


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)


def _beginning(body: bytes) -> str:
    """Return the first KiB of an answer as text that can be kept and shown."""
    return _CONTROLS.sub("\ufffd", body[:SHOWN_BYTES].decode("utf-8", "replace"))
