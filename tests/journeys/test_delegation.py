"""A daughter pays her father's water bill: what he lets her do, and when he takes it back."""

import threading
from typing import Any

from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.delegation.support import Person, make_citizen, run, step_up
from tests.factories import await_text, bearer, run_jobs
from tests.live import serve
from tests.payments.helpers import confirm, deliver, make_bill, new_key, order, postings

MONTH = 31


def test_a_daughter_pays_her_fathers_water_bill(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    father = make_citizen(client, world, rooms, "李大山", "1950-05-01")
    daughter = make_citizen(client, world, rooms, "李梅", "1980-06-01")
    bill = make_bill(client, world, father.citizen, amount=4_250)
    dear = make_bill(client, world, father.citizen, amount=6_000)

    # He lets her see and pay his water bills for a month, up to 100 yuan in all.
    scope = {"service": "water-bill", "actions": ["view", "pay"], "cap_total": 10_000}
    asked = client.post(
        "/v1/delegation/mandates",
        json={
            "named": "delegate",
            "phone": daughter.citizen.phone,
            "scopes": [scope],
            "days": MONTH,
        },
        headers=father.auth,
    )
    assert asked.status_code == 201, asked.text
    mandate = f"/v1/delegation/mandates/{asked.json['id']}"
    await_text(world, rooms, daughter.citizen.phone, "代其办理水费")
    waiting = client.get("/v1/delegation/mandates?side=delegate", headers=daughter.auth)
    assert [item["id"] for item in waiting.json["items"]] == [asked.json["id"]]
    assert client.post(f"{mandate}/acceptance", headers=daughter.auth).status_code == 200
    step_up(rooms, father)
    begun = client.post(f"{mandate}/consent", headers=father.auth)
    assert begun.json["status"] == "active"

    # She proves once more who she is, and acts.
    step_up(rooms, daughter)
    token = client.post(
        "/v1/delegation/acting-tokens",
        json={"mandate_id": asked.json["id"]},
        headers=daughter.auth,
    )
    assert token.status_code == 201, token.text
    auth = bearer(token.json["access_token"])
    owed = client.get("/v1/me/payables", headers=auth).json["items"]
    assert {item["reference"] for item in owed} == {bill.reference, dear.reference}

    started = _pay(client, auth, bill)
    assert started.status_code == 201, started.text
    assert confirm(started.json)["status"] == "succeeded"
    deliver(client, started.json)
    run_jobs(rooms)
    paid = client.get(f"/v1/payments/{started.json['id']}", headers=father.auth).json
    assert (paid["status"], paid["items"][0]["status"]) == ("succeeded", "fulfilled")
    assert len(postings(world, bill)) == 1
    for who in (father, daughter):
        await_text(world, rooms, who.citizen.phone, "根据代办授权，已缴水费")

    # 42.50 and 60.00 are more than 100 yuan: nothing is begun.
    refused = _pay(client, auth, dear)
    assert (refused.status_code, refused.json["code"]) == (403, "mandate-cap-reached")
    assert len(client.get("/v1/payments", headers=father.auth).json["items"]) == 1

    # He sees what she did, and takes it back; on every process her token is over in a second.
    acts = client.get(f"{mandate}/acts", headers=father.auth).json["items"]
    assert [act["action"] for act in acts if act["amount"]] == ["pay"]
    with serve(world) as live:
        assert live.call("GET", "/v1/me/payables", headers=auth).status == 200
        revoked = live.call("POST", f"{mandate}/revocation", headers=father.auth)
        assert (revoked.status, revoked.json["status"]) == (200, "revoked")
        threading.Event().wait(1.0)
        for _ in range(12):
            answer = live.call("GET", "/v1/me/payables", headers=auth)
            assert (answer.status, answer.json["code"]) == (401, "token-invalid")
        sent = live.post("/v1/payments", order(dear), {**auth, "Idempotency-Key": new_key()})
        assert sent.status == 401
    for who in (father, daughter):
        await_text(world, rooms, who.citizen.phone, "授权已被撤销")
    assert _personal_data(rooms, father, daughter) == []


def _pay(client: FlaskClient, auth: dict[str, str], bill: Any) -> Any:  # noqa: ANN401 - an answer
    headers = {**auth, "Idempotency-Key": new_key()}
    return client.post("/v1/payments", json=order(bill), headers=headers)


def _personal_data(rooms: Rooms, *people: Person) -> list[str]:
    """Return where a name, a number or a phone of the two stands in clear."""
    found = []
    secrets = [
        secret
        for person in people
        for secret in (person.name, person.resident_id, person.citizen.phone.removeprefix("+86"))
    ]
    for table in (
        "event_log",
        "audit_entries",
        "procrastinate_jobs",
        "mandates",
        "mandate_scopes",
        "delegate_acts",
    ):
        for row in run(rooms, f"select row_to_json(t)::text as line from {table} t"):  # noqa: S608
            found += [f"{table}: {row.line}" for secret in secrets if secret in row.line]
    return found
