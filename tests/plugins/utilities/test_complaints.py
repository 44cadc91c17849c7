"""A complaint goes from its citizen to the biller's desk and back, with its evidence filled in."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Insert, select, text
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.http.server import Server
from plugins.utilities.models import Complaint
from tests.conftest import World
from tests.factories import Citizen, log_in, run_jobs
from tests.plugins.utilities.conftest import Subscriber
from tests.plugins.utilities.desk import Desk, open_desk

COMPLAINTS = "/v1/utilities/complaints"
WORDS = "水表读数不对"
LINES = {"lines": [{"head": "water", "kind": "charge", "order": 1, "amount": 4000}]}


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


@pytest.fixture
def desk(app: Server, client: FlaskClient, rooms: Rooms) -> Desk:
    return open_desk(app, client, rooms)


def bill_of(client: FlaskClient, me: Citizen, subscriber: Subscriber) -> dict[str, Any]:
    """Link an account and return its only bill, whose lines do not add up."""
    subscriber.add_bill(4250, detail=LINES)
    account = {
        "biller": subscriber.biller,
        "number": subscriber.number,
        "holder_name": subscriber.holder_name,
    }
    linked = client.post("/v1/utilities/accounts", json=account, headers=me.auth)
    assert linked.status_code == 201
    (bill,) = client.get("/v1/utilities/bills", headers=me.auth).json["items"]
    return dict(bill)


def complain(client: FlaskClient, me: Citizen, **subject: str) -> Any:  # noqa: ANN401 - an answer
    body = {"ground": "reading", "words": WORDS} | subject
    return client.post(COMPLAINTS, json=body, headers=me.auth)


def run(rooms: Rooms, statement: Insert) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(statement)


def put(desk: Desk, complaint_id: str, unit: str, biller: str | None = None) -> Any:  # noqa: ANN401
    path = f"/v1/utilities/desk/billers/{biller or desk.biller}/complaints/{complaint_id}"
    return desk.party.http.put(f"{path}/assignment", json={"unit": unit}, headers=desk.auth)


def resolve(desk: Desk, complaint_id: str, biller: str | None = None) -> Any:  # noqa: ANN401
    answer = {"outcome": "upheld", "answer": "已更正"}
    return desk.post(f"complaints/{complaint_id}/resolution", answer, biller)


def test_from_registering_to_closing_with_one_reopening_on_the_way(
    client: FlaskClient, rooms: Rooms, me: Citizen, desk: Desk, subscriber: Subscriber
) -> None:
    bill = bill_of(client, me, subscriber)
    made = complain(client, me, bill_id=bill["id"])
    assert made.status_code == 201, made.text
    place = made.headers["Location"]
    complaint = made.json
    assert place == f"{COMPLAINTS}/{complaint['id']}"
    assert (complaint["status"], complaint["words"]) == ("registered", WORDS)
    (lines,) = [f for f in complaint["evidence"]["figures"] if f["kind"] == "lines"]
    assert (lines["told"], lines["reckoned"]) == ("4250", "4000")
    assert complaint["evidence"]["differs"] is True

    seen = desk.get("complaints", status="registered").json["items"]
    assert complaint in seen
    assert seen.count(complaint) == 1
    early = resolve(desk, complaint["id"])
    assert early.status_code == 409
    assert put(desk, complaint["id"], "计量所").json["status"] == "assigned"
    assert put(desk, complaint["id"], "客服中心").json["unit"] == "客服中心"  # another takes over
    answered = resolve(desk, complaint["id"])
    assert (answered.status_code, answered.json["status"]) == (200, "resolved")
    run_jobs(rooms)
    inbox = client.get("/v1/me/inbox", headers=me.auth).json["items"]
    told = [m["subject"] for m in inbox if m["kind"] == "utilities.complaint-answered"]
    assert told == [f"{complaint['id']}-3"]

    again = client.post(f"{place}/reopening", json={"words": "仍然不对"}, headers=me.auth)
    assert again.json["status"] == "reopened"
    assert again.json["words"] == f"{WORDS} / 仍然不对"
    assert put(desk, complaint["id"], "计量所").json["status"] == "assigned"
    assert resolve(desk, complaint["id"]).status_code == 200
    closed = client.post(f"{place}/closing", headers=me.auth)
    assert (closed.status_code, closed.json["status"]) == (200, "closed")
    assert client.post(f"{place}/closing", headers=me.auth).status_code == 409
    assert client.get(place, headers=me.auth).json == closed.json
    with rooms.units.open(actor="test", read_only=True) as uow:
        moves = uow.execute(
            text("select to_state from event_log where entity_id = :id order by sequence"),
            {"id": complaint["id"]},
        )
        assert list(moves.scalars()) == [
            *("registered", "assigned", "resolved", "reopened", "assigned", "resolved", "closed"),
        ]


def test_one_complaint_of_a_bill_is_open_and_the_next_waits_for_its_end(
    client: FlaskClient, rooms: Rooms, me: Citizen, desk: Desk, subscriber: Subscriber
) -> None:
    bill = bill_of(client, me, subscriber)
    first = complain(client, me, bill_id=bill["id"]).json
    second = complain(client, me, bill_id=bill["id"])
    assert (second.status_code, second.json["code"]) == (409, "complaint-under-way")
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.scalars(select(Complaint).where(Complaint.id == first["id"])).one()
        copy = {c.name: getattr(row, c.name) for c in Complaint.__table__.columns}
    again = Complaint.__table__.insert().values(copy | {"id": uuid4()})
    with pytest.raises(IntegrityError, match="uq_complaints_live_bill"):
        run(rooms, again)
    put(desk, first["id"], "计量所")
    resolve(desk, first["id"])
    client.post(f"{COMPLAINTS}/{first['id']}/closing", headers=me.auth)
    assert complain(client, me, bill_id=bill["id"]).status_code == 201
    assert len(client.get(COMPLAINTS, headers=me.auth).json["items"]) == 2


def test_an_order_is_complained_of_and_its_evidence_has_no_token(
    client: FlaskClient, me: Citizen, subscriber: Subscriber
) -> None:
    bill_of(client, me, subscriber)
    (account,) = client.get("/v1/utilities/accounts", headers=me.auth).json["items"]
    path = f"/v1/utilities/accounts/{account['id']}/orders"
    order = client.post(path, json={"amount": 1000}, headers=me.auth).json
    made = complain(client, me, order_id=order["id"], ground="payment")
    assert made.status_code == 201, made.text
    assert made.json["subject_number"] == f"O-{order['id'].replace('-', '')}"
    assert (made.json["evidence"]["amount"], made.json["evidence"]["status"]) == (1000, "open")
    assert "token" not in made.json["evidence"]


def test_others_and_other_billers_find_nothing(
    app: Server,
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    me: Citizen,
    desk: Desk,
    subscriber: Subscriber,
) -> None:
    bill = bill_of(client, me, subscriber)
    complaint = complain(client, me, bill_id=bill["id"]).json
    place = f"{COMPLAINTS}/{complaint['id']}"
    other = log_in(client, world, rooms)
    assert complain(client, other, bill_id=bill["id"]).json["code"] == "bill-not-found"
    for answer in (
        client.get(place, headers=other.auth),
        client.post(f"{place}/closing", headers=other.auth),
        client.post(f"{place}/reopening", json={"words": "x"}, headers=other.auth),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "complaint-not-found")
    power = open_desk(app, client, rooms, "shiyan-power")
    assert complaint["id"] not in str(power.get("complaints").json)
    assert put(power, complaint["id"], "x").json["code"] == "complaint-not-found"
    assert put(power, complaint["id"], "x", desk.biller).json["code"] == "not-found"
    assert resolve(power, complaint["id"]).json["code"] == "complaint-not-found"
    assert client.get(place, headers=me.auth).json == complaint


@pytest.mark.parametrize(
    "change",
    [
        {"bill_id": None},
        {"order_id": str(uuid4())},
        {"ground": "weather"},
        {"words": ""},
        {"words": "字" * 1001},
        {"extra": 1},
    ],
)
def test_input_that_is_not_understood_is_refused(
    client: FlaskClient, me: Citizen, change: dict[str, object]
) -> None:
    body = {"bill_id": str(uuid4()), "ground": "amount", "words": WORDS} | change
    answer = client.post(
        COMPLAINTS,
        json={name: value for name, value in body.items() if value is not None},
        headers=me.auth,
    )
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
