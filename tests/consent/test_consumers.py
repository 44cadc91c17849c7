"""A client asks about consents to itself: whether one holds now, and what has changed."""

from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from app.consent import service
from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from tests.conftest import World
from tests.consent.support import grant, make_agreement
from tests.factories import bearer, log_in, staff_token
from tests.oauth.support import RelyingParty, make_client

PATHS = ("/v1/consents/changes", "/v1/consents/questions")


def make_consumer(app: Server, rooms: Rooms, *scopes: str) -> tuple[str, dict[str, str]]:
    """Register a client and return its name as a consumer, and the header of its own token."""
    party: RelyingParty = make_client(
        app, rooms, profile="plain", auth_method="client_secret_basic", scopes=scopes
    )
    form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    answer = party.post("/oauth/token", form)
    assert answer.status_code == 200, answer.text
    return f"client:{party.client_id}", bearer(answer.json["access_token"])


def ask(client: FlaskClient, headers: dict[str, str], subject: str, attribute: str) -> Any:  # noqa: ANN401
    body = {"subject": subject, "attribute": attribute}
    return client.post("/v1/consents/questions", json=body, headers=headers)


def test_a_client_asks_whether_a_consent_holds_now(
    app: Server, client: FlaskClient, rooms: Rooms
) -> None:
    consumer, headers = make_consumer(app, rooms, "consents.read")
    citizen_id, agreement = new_id(), make_agreement(rooms)
    given = grant(rooms, citizen_id, consumer, agreement, subject="pair-of-mine")
    assert ask(client, headers, "pair-of-mine", "phone").json == {"is_consented": True}
    assert ask(client, headers, "pair-of-mine", "resident_id").json == {"is_consented": False}
    _, others = make_consumer(app, rooms, "consents.read")
    assert ask(client, others, "pair-of-mine", "phone").json == {"is_consented": False}
    with rooms.units.open(actor="test") as uow:
        service.withdraw_consent(uow, citizen_id, given)
    assert ask(client, headers, "pair-of-mine", "phone").json == {"is_consented": False}


def test_a_client_follows_what_changes(app: Server, client: FlaskClient, rooms: Rooms) -> None:
    consumer, headers = make_consumer(app, rooms, "consents.read")
    _, others = make_consumer(app, rooms, "consents.read")
    agreement, people = make_agreement(rooms), [new_id() for _ in range(3)]
    given = [grant(rooms, one, consumer, agreement, subject=f"pair-{one}") for one in people]
    first = client.get("/v1/consents/changes?limit=2", headers=headers).json
    assert [item["consent_id"] for item in first["items"]] == [str(one) for one in given[:2]]
    after = first["next_cursor"]
    rest = client.get(f"/v1/consents/changes?after={after}", headers=headers).json
    assert [item["consent_id"] for item in rest["items"]] == [str(given[2])]
    with rooms.units.open(actor="test") as uow:
        service.withdraw_consent(uow, people[0], given[0])
    path = f"/v1/consents/changes?after={rest['next_cursor']}"
    (news,) = client.get(path, headers=headers).json["items"]
    assert (news["subject"], news["status"]) == (f"pair-{people[0]}", "withdrawn")
    assert str(people[0]) not in {news["consent_id"], str(news["number"])}
    assert client.get("/v1/consents/changes", headers=others).json["items"] == []


def test_nobody_else_may_ask(app: Server, client: FlaskClient, world: World, rooms: Rooms) -> None:
    _, without = make_consumer(app, rooms, "jobs.import")
    citizen = log_in(client, world, rooms)
    callers = {
        401: [{}],
        403: [without, citizen.auth, bearer(staff_token(rooms, "auditor"))],
    }
    body = {"subject": str(uuid4()), "attribute": "phone"}
    for status, headers in callers.items():
        for one in headers:
            assert client.get(PATHS[0], headers=one).status_code == status
            assert client.post(PATHS[1], json=body, headers=one).status_code == status
