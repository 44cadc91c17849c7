"""The population register."""

from dataclasses import dataclass

from app.core.deadline import remaining
from app.core.egress import Egress, NoAnswer
from app.identity.errors import RegisterUnavailable
from app.identity.values import RegisterAnswer

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 5.0
_OK = 200


@dataclass(frozen=True, slots=True)
class RegisterGateway:
    """Asks the register whether a name and a resident number belong together; changes nothing."""

    egress: Egress
    url: str

    def check(self, name: str, resident_id: str) -> RegisterAnswer:
        """Return what the register says, or raise `RegisterUnavailable`."""
        seconds = remaining(TOTAL_SECONDS)
        try:
            reply = self.egress.request(
                "POST",
                self.url,
                connect_seconds=min(CONNECT_SECONDS, seconds),
                total_seconds=seconds,
                body={"name": name, "resident_id": resident_id},
            )
            if reply.status != _OK:
                raise RegisterUnavailable
            return RegisterAnswer(reply.json()["result"])
        except (NoAnswer, KeyError, TypeError, ValueError) as error:
            raise RegisterUnavailable from error
