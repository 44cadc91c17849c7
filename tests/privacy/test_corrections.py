"""What is wrong about me is put right, or I am told why not, within thirty days."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.crypto import Keyring
from app.core.ids import new_id
from app.core.tokens import Principal
from app.factory import Rooms
from app.identity import service as identity
from app.privacy import service
from app.privacy.errors import CorrectionDecided
from app.privacy.service import PrivacyDeps
from tests.conftest import World
from tests.factories import Citizen, bearer, later, log_in, staff_token, verify
from tests.identity.support import in_parallel
from tests.identity.test_secrecy import everything
from tests.privacy.support import read_all

ASKED = {"what": "name", "proposed": "欧阳甲乙丙丁", "evidence": "户口簿第三页已更名"}


def ask(client: FlaskClient, citizen: Citizen, **changes: str) -> dict[str, Any]:
    answer = client.post("/v1/me/corrections", json={**ASKED, **changes}, headers=citizen.auth)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json
    return body


def decide(
    client: FlaskClient, token: str, correction_id: str, decision: str, reason: str = "已核对"
) -> Any:  # noqa: ANN401 - a response
    path = f"/v1/corrections/{correction_id}/decision"
    body = {"decision": decision, "reason": reason}
    return client.post(path, json=body, headers=bearer(token))


def name_of(rooms: Rooms, citizen: Citizen) -> str | None:
    with rooms.units.open(actor="test", read_only=True) as uow:
        known = identity.attributes_of(uow, rooms.deps[Keyring], UUID(citizen.id), ["name"])
    return known.values.get("name")


def test_a_name_is_corrected_by_a_reviewer(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, token = log_in(client, world, rooms), staff_token(rooms, "identity-officer")
    person = verify(client, world, citizen)
    asked = ask(client, citizen)
    assert (asked["status"], asked["reason"], asked["decided_at"]) == ("submitted", None, None)
    listed = client.get("/v1/corrections?limit=100", headers=bearer(token)).json["items"]
    (line,) = [item for item in listed if item["id"] == asked["id"]]
    assert (line["what"], line["is_overdue"]) == ("name", False)
    assert ASKED["proposed"] not in str(listed)
    shown = client.get(f"/v1/corrections/{asked['id']}", headers=bearer(token)).json
    assert (shown["proposed"], shown["evidence"]) == (ASKED["proposed"], ASKED["evidence"])
    assert name_of(rooms, citizen) == person["name"]
    done = decide(client, token, asked["id"], "apply")
    assert (done.status_code, done.json["status"]) == (200, "applied")
    assert name_of(rooms, citizen) == ASKED["proposed"]
    (mine,) = client.get("/v1/me/corrections", headers=citizen.auth).json["items"]
    assert (mine["status"], mine["reason"]) == ("applied", "已核对")
    (told,) = [
        message
        for message in client.get("/v1/me/inbox", headers=citizen.auth).json["items"]
        if message["kind"] == "correction-decided"
    ]
    assert told["subject"] == asked["id"]


def test_the_citizen_reads_that_a_reviewer_looked(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, token = log_in(client, world, rooms), staff_token(rooms, "identity-officer")
    asked = ask(client, citizen, what="other")
    assert client.get("/v1/me/disclosures", headers=citizen.auth).json["items"] == []
    client.get(f"/v1/corrections/{asked['id']}", headers=bearer(token))
    (look,) = client.get("/v1/me/disclosures", headers=citizen.auth).json["items"]
    assert look["consumer"].startswith("staff:")
    assert look["attributes"] == ["correction.evidence", "correction.other"]
    assert (look["basis"], look["officer"]) == ("statutory-duty", "reviewer")


def test_a_request_that_is_declined_changes_nothing_and_says_why(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, token = log_in(client, world, rooms), staff_token(rooms, "identity-officer")
    person = verify(client, world, citizen)
    asked = ask(client, citizen)
    assert decide(client, token, asked["id"], "decline", "证明不符").json["status"] == "declined"
    assert name_of(rooms, citizen) == person["name"]
    (mine,) = client.get("/v1/me/corrections", headers=citizen.auth).json["items"]
    assert (mine["status"], mine["reason"]) == ("declined", "证明不符")
    for decision in ("apply", "decline"):
        again = decide(client, token, asked["id"], decision)
        assert (again.status_code, again.json["code"]) == (409, "correction-decided")
    assert name_of(rooms, citizen) == person["name"]


def test_a_name_that_was_never_proven_is_not_made_up(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, token = log_in(client, world, rooms), staff_token(rooms, "identity-officer")
    asked = ask(client, citizen)
    refused = decide(client, token, asked["id"], "apply")
    assert (refused.status_code, refused.json["code"]) == (409, "nothing-to-correct")
    assert name_of(rooms, citizen) is None
    (mine,) = client.get("/v1/me/corrections", headers=citizen.auth).json["items"]
    assert mine["status"] == "submitted"


def test_one_of_a_kind_is_open(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    ask(client, citizen)
    ask(client, citizen, what="other")
    second = client.post("/v1/me/corrections", json=ASKED, headers=citizen.auth)
    assert (second.status_code, second.json["code"]) == (409, "correction-open")
    count = "select count(*) from corrections where citizen_id = :c"
    assert read_all(rooms, count, c=citizen.id) == [(2,)]


def test_of_decisions_at_once_one_holds(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    verify(client, world, citizen)
    asked = ask(client, citizen)
    reviewer = Principal("staff", new_id(), new_id())

    def decide_once(*, applied: bool) -> str:
        try:
            with rooms.units.open(actor="test") as uow:
                line = service.decide_correction(
                    uow,
                    rooms.deps[PrivacyDeps],
                    reviewer,
                    UUID(asked["id"]),
                    applied=applied,
                    reason="已核对",
                )
        except CorrectionDecided as error:
            return error.code
        return line.status

    calls = [partial(decide_once, applied=applied) for applied in (True, False) * 4]
    outcomes = in_parallel(calls)
    assert outcomes.count("correction-decided") == 7
    ((kept,),) = read_all(rooms, "select status from corrections where id = :i", i=asked["id"])
    assert kept in outcomes


def test_the_deadline_is_tracked(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, token = log_in(client, world, rooms), staff_token(rooms, "identity-officer")
    asked = ask(client, citizen)
    with later(30 * 86_400 + 60):
        late = staff_token(rooms, "identity-officer")
        listed = client.get("/v1/corrections?limit=100", headers=bearer(late)).json["items"]
        (line,) = [item for item in listed if item["id"] == asked["id"]]
        assert line["is_overdue"]
        dues = [item["due_at"] for item in listed]
        assert dues == sorted(dues)
    assert decide(client, token, asked["id"], "decline").json["is_overdue"] is False


@pytest.mark.parametrize("role", ["auditor", "system-admin", "security-admin", "finance"])
def test_other_roles_review_nothing(
    client: FlaskClient, world: World, rooms: Rooms, role: str
) -> None:
    citizen, token = log_in(client, world, rooms), staff_token(rooms, role)
    asked = ask(client, citizen)
    path = f"/v1/corrections/{asked['id']}"
    for answer in (
        client.get("/v1/corrections", headers=bearer(token)),
        client.get(path, headers=bearer(token)),
        client.get(path, headers=citizen.auth),
        decide(client, token, asked["id"], "apply"),
        decide(client, citizen.token, asked["id"], "apply"),
    ):
        assert answer.status_code == 403
    assert client.get("/v1/me/disclosures", headers=citizen.auth).json["items"] == []


def test_an_unknown_request_is_not_found(client: FlaskClient, rooms: Rooms) -> None:
    token = staff_token(rooms, "identity-officer")
    for answer in (
        client.get(f"/v1/corrections/{new_id()}", headers=bearer(token)),
        decide(client, token, str(new_id()), "apply"),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "correction-not-found")


def test_nothing_of_a_request_lies_in_clear(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, token = log_in(client, world, rooms), staff_token(rooms, "identity-officer")
    canaries = [f"canary-{new_id()}" for _ in range(3)]
    asked = ask(client, citizen, what="other", proposed=canaries[0], evidence=canaries[1])
    decide(client, token, asked["id"], "decline", canaries[2])
    dump = everything(rooms)
    for canary in canaries:
        assert canary not in dump
        assert canary.encode().hex() not in dump


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        (
            "status = 'maybe', decided_at = now(), decided_by = citizen_id",
            "ck_corrections_status",
        ),
        ("what = 'mood'", "ck_corrections_what"),
        ("decided_at = now()", "ck_corrections_decision"),
        (
            "status = 'declined', decided_at = now(), decided_by = citizen_id",
            "ck_corrections_reason",
        ),
        ("due_at = submitted_at", "ck_corrections_due_at"),
    ],
)
def test_a_request_without_sense_is_refused(
    client: FlaskClient, world: World, rooms: Rooms, change: str, constraint: str
) -> None:
    asked = ask(client, log_in(client, world, rooms))
    with (
        pytest.raises(IntegrityError, match=constraint),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(
            text(f"update corrections set {change} where id = :id"),  # noqa: S608
            {"id": asked["id"]},
        )
