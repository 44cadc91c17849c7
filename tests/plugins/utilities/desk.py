"""A biller's own system for tests: a client that staff has admitted, and what it sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.http.server import Server
from plugins.utilities.service.bill_file import HEADER
from tests.factories import bearer, staff_token
from tests.oauth.support import RelyingParty, plain

SCOPES = (
    "utilities.bills.manage",
    "utilities.postings.read",
    "utilities.complaints.answer",
    "utilities.postings.reverse",
)


@dataclass(frozen=True)
class Desk:
    """A client in its own name, at the desk of one biller."""

    party: RelyingParty
    biller: str

    @property
    def id(self) -> UUID:
        """Return the client's id."""
        return UUID(self.party.client_id)

    @property
    def auth(self) -> Mapping[str, str]:
        """Return the header with a token that was just given."""
        fields = {"grant_type": "client_credentials", "scope": " ".join(SCOPES)}
        answer = self.party.post("/oauth/token", fields)
        assert answer.status_code == 200, answer.text
        return bearer(answer.json["access_token"])

    def post(self, what: str, body: object, biller: str | None = None) -> TestResponse:
        """Send JSON to the desk."""
        path = f"/v1/utilities/desk/billers/{biller or self.biller}/{what}"
        return self.party.http.post(path, json=body, headers=self.auth)

    def send(self, what: str, raw: bytes, **query: str) -> TestResponse:
        """Send a file to the desk."""
        return self.party.http.post(
            f"/v1/utilities/desk/billers/{self.biller}/{what}",
            data=raw,
            query_string=query,
            headers=self.auth,
            content_type="text/csv",
        )

    def get(self, what: str, biller: str | None = None, **query: str) -> TestResponse:
        """Read from the desk."""
        path = f"/v1/utilities/desk/billers/{biller or self.biller}/{what}"
        return self.party.http.get(path, query_string=query, headers=self.auth)


def admit(
    client: FlaskClient, rooms: Rooms, desk: Desk, biller: str | None = None, method: str = "put"
) -> TestResponse:
    """Let staff say that a client speaks for a biller."""
    path = f"/v1/utilities/billers/{biller or desk.biller}/clients/{desk.id}"
    headers = bearer(staff_token(rooms, "security-admin"))
    answer: TestResponse = client.open(path, method=method.upper(), headers=headers)
    return answer


def open_desk(app: Server, client: FlaskClient, rooms: Rooms, biller: str = "shiyan-water") -> Desk:
    """Return a fresh client that speaks for a biller."""
    desk = Desk(plain(app, rooms, scopes=SCOPES), biller)
    answer = admit(client, rooms, desk)
    assert answer.status_code == 200, answer.text
    return desk


def yuan(fen: int) -> str:
    """Return fen as files write them."""
    return f"{fen // 100}.{fen % 100:02d}"


def bill_file(
    number: str,
    bills: Sequence[tuple[str, str, int]],
    *,
    biller: str = "shiyan-water",
    day: str = "2026-11-29",
    due: str = "2026-12-07",
) -> str:
    """Return a file of bills: account, the biller's number, and fen of each."""
    lines = [f"账单文件,{number},{biller},{day}", ",".join(HEADER)]
    lines += [
        f"{account},张伟,{bill},2026-10-01,2026-10-31,{yuan(fen)},{due}"
        for account, bill, fen in bills
    ]
    lines.append(f"合计,{len(bills)},{yuan(sum(fen for _, _, fen in bills))}")
    return "\r\n".join(lines) + "\r\n"
