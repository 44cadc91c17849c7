"""The population register: names, numbers, what belongs to whom, and living faces.

The sandbox city and a real register speak the same HTTP (sandbox/README.md). Whatever is not a
clear answer within the deadline is `RegisterUnavailable`: then nothing has been decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

from app.core.deadline import remaining
from app.core.egress import Egress, NoAnswer
from app.identity.errors import RegisterUnavailable
from app.identity.values import FaceStatus, Holding, RegisterAnswer, RemoteFaceCheck

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 5.0
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RegisterGateway:
    """Asks the register; nothing there changes but the face checks that are begun.

    `url` is where names are checked; the other resources lie beside it.
    """

    egress: Egress
    url: str

    def check(self, name: str, resident_id: str) -> RegisterAnswer:
        """Return whether a name and a number belong together."""
        return self._compare("", {"name": name, "resident_id": resident_id})

    def check_holding(
        self, name: str, resident_id: str, holding: Holding, number: str
    ) -> RegisterAnswer:
        """Return whether a phone, card, account or licence is this person's own."""
        body = {"name": name, "resident_id": resident_id, "kind": holding, "number": number}
        return self._compare("linked-checks", body)

    def open_face_check(self, name: str, resident_id: str, *, key: str) -> RemoteFaceCheck:
        """Begin a check that a living person is this one; the same key begins it once."""
        body = {"name": name, "resident_id": resident_id}
        answer = self._ask("POST", "face-checks", body, key=key)
        return RemoteFaceCheck(_text(answer, "id"), _text(answer, "token"))

    def read_face_check(self, reference: str) -> FaceStatus:
        """Return how a face check stands."""
        answer = self._ask("GET", f"face-checks/{quote(reference, safe='')}")
        try:
            return FaceStatus(_text(answer, "status"))
        except ValueError as error:
            raise RegisterUnavailable from error

    def _compare(self, resource: str, body: Mapping[str, str]) -> RegisterAnswer:
        answer = self._ask("POST", resource, body)
        try:
            return RegisterAnswer(_text(answer, "result"))
        except ValueError as error:
            raise RegisterUnavailable from error

    def _ask(
        self,
        method: str,
        resource: str,
        body: Mapping[str, str] | None = None,
        *,
        key: str | None = None,
    ) -> Any:  # noqa: ANN401 - any JSON value
        seconds = remaining(TOTAL_SECONDS)
        try:
            reply = self.egress.request(
                method,
                urljoin(self.url, resource),
                connect_seconds=min(CONNECT_SECONDS, seconds),
                total_seconds=seconds,
                body=body,
                headers={} if key is None else {"Idempotency-Key": key},
            )
            if reply.status not in {200, 201}:
                raise RegisterUnavailable
            return reply.json()
        except NoAnswer as error:
            raise RegisterUnavailable from error


def _text(answer: Any, member: str) -> str:  # noqa: ANN401 - any JSON value
    """Return a member that has to be a short text, or raise `RegisterUnavailable`."""
    value = answer.get(member) if isinstance(answer, dict) else None
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise RegisterUnavailable
    return value
