"""Mandates given at a counter: papers are looked at, and the delegate still has to agree."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from app.factory import Rooms
from tests.delegation.support import WATER, Person, ask, do, inbox, read, run
from tests.factories import bearer, make_phone, run_jobs, staff_token

PATH = "/v1/delegation/counter-mandates"


def case(principal: Person, delegate: Person, **changes: object) -> dict[str, Any]:
    body = {
        "principal": principal.claim,
        "phone": delegate.citizen.phone,
        "scopes": [WATER],
        "days": 182,
        "reason": "本人持身份证到窗口办理",
    }
    return {**body, **changes}


def test_a_mandate_given_at_a_counter_begins_when_the_delegate_agrees(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    clerk = bearer(staff_token(rooms, "counter-clerk"))
    made = client.post(PATH, json=case(father, daughter), headers=clerk)
    assert (made.status_code, made.json["status"]) == (201, "drafted")
    mandate_id = made.json["id"]
    run_jobs(rooms)
    assert inbox(client, daughter)[0] == "mandate-invitation"
    begun = do(client, daughter, mandate_id, "acceptance")
    assert (begun.status_code, begun.json["status"]) == (200, "active")
    assert begun.json["consent"] == "counter"
    assert "consent: counter, staff " in begun.json["statement"]
    assert inbox(client, father)[0] == "mandate-began"
    (stored,) = run(
        rooms, "select counter_reason_sealed from mandates where id = :id", id=UUID(mandate_id)
    )
    assert "窗口".encode() not in bytes(stored.counter_reason_sealed)
    assert do(client, father, mandate_id, "revocation").json["status"] == "revoked"


def test_consent_at_a_counter_to_what_the_delegate_asked(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person, stranger: Person
) -> None:
    mandate_id = ask(client, daughter, father, named="principal").json["id"]
    path = f"/v1/delegation/mandates/{mandate_id}/counter-consent"
    clerk = bearer(staff_token(rooms, "counter-clerk"))
    body = {"principal": father.claim, "reason": "本人到窗口同意"}
    for auth in (daughter.auth, father.auth, bearer(staff_token(rooms, "auditor"))):
        assert client.post(path, json=body, headers=auth).status_code == 403
    other = {**body, "principal": stranger.claim}
    refused = client.post(path, json=other, headers=clerk)
    assert (refused.status_code, refused.json["code"]) == (404, "mandate-not-found")
    nobody = {**body, "principal": {**father.claim, "name": "王五"}}
    refused = client.post(path, json=nobody, headers=clerk)
    assert (refused.status_code, refused.json["code"]) == (404, "person-not-found")
    assert read(client, daughter, mandate_id).json["status"] == "awaiting_principal"
    begun = client.post(path, json=body, headers=clerk)
    assert (begun.status_code, begun.json["status"]) == (200, "active")
    again = client.post(path, json=body, headers=clerk)
    assert (again.status_code, again.json["code"]) == (409, "illegal-transition")
    seen = read(client, father, mandate_id).json
    assert (seen["consent"], seen["principal"]["id"]) == ("counter", father.citizen.id)


def test_what_a_clerk_cannot_write_down(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    clerk = bearer(staff_token(rooms, "counter-clerk"))
    for changes, code in (
        ({"reason": "好"}, "invalid-input"),
        ({"days": 30}, "invalid-input"),
        ({"phone": father.citizen.phone}, "own-mandate"),
        ({"phone": "+12025550123"}, "phone-not-supported"),
        ({"scopes": [{"service": "water-bill", "actions": ["pay"]}]}, "cap-needed"),
        ({"consent": "app"}, "invalid-input"),
    ):
        answer = client.post(PATH, json=case(father, daughter, **changes), headers=clerk)
        assert (answer.status_code, answer.json["code"]) == (422, code), changes
    assert run(rooms, "select id from mandates where principal_id = :id", id=father.id) == []
    same = case(father, daughter, phone=make_phone())
    assert client.post(PATH, json=same, headers=clerk).status_code == 201
    again = client.post(PATH, json=same, headers=clerk)
    assert (again.status_code, again.json["code"]) == (409, "mandate-open")
