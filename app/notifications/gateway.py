"""The SMS gateway."""

from dataclasses import dataclass

from app.core.deadline import remaining
from app.core.egress import Egress, NoAnswer
from app.notifications.errors import SmsRefused, SmsUnavailable

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 5.0
_TAKEN = range(200, 300)
_FINAL = frozenset({400, 404, 422})


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """Sends texts; one key is one message, however often it is sent."""

    egress: Egress
    url: str

    def send(self, *, to: str, text: str, key: str) -> None:
        """Hand one text to the gateway.

        Raise `SmsUnavailable` when it is not known to have taken it (send again with the same
        key), and `SmsRefused` when it never will.
        """
        seconds = remaining(TOTAL_SECONDS)
        try:
            reply = self.egress.request(
                "POST",
                self.url,
                connect_seconds=min(CONNECT_SECONDS, seconds),
                total_seconds=seconds,
                body={"to": to, "text": text},
                headers={"Idempotency-Key": key},
            )
        except NoAnswer as error:
            raise SmsUnavailable from error
        if reply.status in _FINAL:
            raise SmsRefused(f"The gateway answered {reply.status}.")
        if reply.status not in _TAKEN:
            raise SmsUnavailable(f"The gateway answered {reply.status}.")
