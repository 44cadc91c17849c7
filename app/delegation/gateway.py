"""The registers of organisations and guardians, and the texts that come to the city's number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.deadline import remaining
from app.core.egress import Egress, NoAnswer
from app.delegation.errors import RegisterSilent
from app.delegation.values import Answer, Person, ReceivedText
from app.notifications.errors import SmsUnavailable

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 5.0
_OK = 200


@dataclass(frozen=True, slots=True)
class Registers:
    """Asks the business register and the population register; changes nothing there.

    Each question names everything that is claimed, and the answer is one word: nobody learns from
    us who the representative of an organisation or the guardian of a child is.
    """

    egress: Egress
    organisations_url: str
    guardians_url: str

    def check_organisation(self, uscc: str, name: str, representative: Person) -> Answer:
        """Say whether code, name and representative belong together, or raise `RegisterSilent`."""
        body = {"uscc": uscc, "name": name, "representative": _person(representative)}
        return self._ask(self.organisations_url, body)

    def check_guardian(self, guardian: Person, child: Person) -> Answer:
        """Say whether a person is a child's guardian, or raise `RegisterSilent`."""
        body = {"guardian": _person(guardian), "child": _person(child)}
        return self._ask(self.guardians_url, body)

    def _ask(self, url: str, body: Mapping[str, Any]) -> Answer:
        seconds = remaining(TOTAL_SECONDS)
        try:
            reply = self.egress.request(
                "POST",
                url,
                connect_seconds=min(CONNECT_SECONDS, seconds),
                total_seconds=seconds,
                body=body,
            )
            if reply.status != _OK:
                raise RegisterSilent
            return Answer(reply.json()["result"])
        except (NoAnswer, KeyError, TypeError, ValueError) as error:
            raise RegisterSilent from error


@dataclass(frozen=True, slots=True)
class SmsAnswers:
    """Fetches the texts that people send to the city's number."""

    egress: Egress
    url: str

    def after(self, number: int) -> Sequence[ReceivedText]:
        """Return the texts after a number of the gateway's, oldest first, a hundred at most.

        Raise `SmsUnavailable` when the gateway does not give them.
        """
        seconds = remaining(TOTAL_SECONDS)
        try:
            reply = self.egress.request(
                "GET",
                f"{self.url}?after={number}&limit=100",
                connect_seconds=min(CONNECT_SECONDS, seconds),
                total_seconds=seconds,
            )
            if reply.status != _OK:
                raise SmsUnavailable
            return [
                ReceivedText(int(item["number"]), str(item["from"]), str(item["text"]))
                for item in reply.json()["items"]
            ]
        except (NoAnswer, KeyError, TypeError, ValueError) as error:
            raise SmsUnavailable from error


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name, "resident_id": person.resident_id}
