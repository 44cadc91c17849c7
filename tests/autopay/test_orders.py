"""Making, changing, pausing and ending a standing order; and who may."""

import uuid
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.clock import city_date
from app.factory import Rooms
from app.http.server import Server
from tests.conftest import World
from tests.factories import Citizen, later, log_in, run_jobs
from tests.identity.support import in_parallel
from tests.payments.helpers import Bill, step_up

from .support import ORDERS, ask, collections, keep_card, make_order, status_of, tick, wish


def test_the_terms_are_read_first_and_kept_with_the_order(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    terms = client.get("/v1/autopay/terms", headers=citizen.auth).json
    assert terms["version"] == 1
    assert "代扣" in terms["text"]["zh"]
    method = keep_card(client, rooms, citizen)
    old = ask(client, citizen, wish(method, terms_version=2))
    assert (old.status_code, old.json["code"]) == (409, "autopay-terms-superseded")
    made = ask(client, citizen, wish(method))
    assert made.status_code == 201, made.text
    assert (made.json["status"], made.json["notice_days"]) == ("active", 3)
    run_jobs(rooms)
    inbox = client.get("/v1/me/inbox", headers=citizen.auth).json["items"]
    assert any("visa 4242" in message["body"]["zh"] for message in inbox), inbox


def test_what_an_order_refuses(client: FlaskClient, rooms: Rooms, citizen: Citizen) -> None:
    method = keep_card(client, rooms, citizen)
    for change, status, code in (
        ({"service": "no-such-thing"}, 404, "service-not-found"),
        ({"payment_method_id": str(uuid.uuid4())}, 409, "saved-method-unusable"),
        ({"cap_per_bill": 0}, 422, "invalid-input"),
        ({"cap_per_month": 1}, 422, "invalid-input"),
        ({"notice_days": 0}, 422, "invalid-input"),
        ({"notice_days": 11}, 422, "invalid-input"),
        ({"expires_on": "2026-01-01"}, 422, "invalid-input"),
        ({"expires_on": "2036-01-01"}, 422, "invalid-input"),
    ):
        refused = ask(client, citizen, wish(method, **change))
        assert (refused.status_code, refused.json["code"]) == (status, code), change
    assert client.get(ORDERS, headers=citizen.auth).json["items"] == []


def test_it_takes_a_fresh_proof(client: FlaskClient, rooms: Rooms, citizen: Citizen) -> None:
    method = keep_card(client, rooms, citizen)
    made = ask(client, citizen, wish(method)).json
    with later(400):
        assert ask(client, citizen, wish(method)).status_code == 401
        path = f"{ORDERS}/{made['id']}"
        raised = client.patch(path, json={"cap_per_bill": 10**6}, headers=citizen.auth)
        assert raised.status_code == 401
        assert client.post(f"{path}/resumption", headers=citizen.auth).status_code == 401
        # Stopping takes none.
        assert client.post(f"{path}/pause", headers=citizen.auth).json["status"] == "paused"
        assert client.delete(path, headers=citizen.auth).status_code == 204
    assert client.get(path, headers=citizen.auth).json["cap_per_bill"] == 20_000


def test_a_service_has_one_living_order_of_a_citizen_even_under_a_race(
    app: Server, client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    method = keep_card(client, rooms, citizen)
    answers = in_parallel([lambda: ask(app.test_client(), citizen, wish(method))] * 8)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    order = next(answer.json for answer in answers if answer.status_code == 201)
    client.delete(f"{ORDERS}/{order['id']}", headers=citizen.auth)
    assert ask(client, citizen, wish(method)).status_code == 201


def test_bounds_are_changed_together(client: FlaskClient, rooms: Rooms, citizen: Citizen) -> None:
    path = f"{ORDERS}/{make_order(client, rooms, citizen)['id']}"
    changed = client.patch(
        path, json={"cap_per_bill": 500, "cap_per_month": 900}, headers=citizen.auth
    )
    assert (changed.json["cap_per_bill"], changed.json["cap_per_month"]) == (500, 900)
    assert changed.json["notice_days"] == 3
    refused = client.patch(path, json={"cap_per_bill": 901}, headers=citizen.auth)
    assert refused.status_code == 422
    cleared = client.patch(path, json={"cap_per_month": None}, headers=citizen.auth)
    assert (cleared.json["cap_per_bill"], cleared.json["cap_per_month"]) == (500, None)


def test_a_stranger_finds_nothing(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    [found] = collections(rooms, order["id"])
    stranger = log_in(client, world, rooms)
    step_up(rooms, stranger)
    path = f"{ORDERS}/{order['id']}"
    answers = [
        client.get(path, headers=stranger.auth),
        client.patch(path, json={"notice_days": 1}, headers=stranger.auth),
        client.delete(path, headers=stranger.auth),
        client.post(f"{path}/pause", headers=stranger.auth),
        client.post(f"{path}/resumption", headers=stranger.auth),
        client.get(f"{path}/collections", headers=stranger.auth),
        client.post(f"/v1/autopay/collections/{found.id}/approval", headers=stranger.auth),
        client.post(f"/v1/autopay/collections/{found.id}/skip", headers=stranger.auth),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert status_of(rooms, order["id"]) == "active"
    assert [row.status for row in collections(rooms, order["id"])] == ["announced"]


def test_pausing_skips_what_waits_and_resuming_announces_it_anew(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    path = f"{ORDERS}/{order['id']}"
    for _ in range(2):
        assert client.post(f"{path}/pause", headers=citizen.auth).json["status"] == "paused"
    tick(rooms)
    assert [row.status for row in collections(rooms, order["id"])] == ["skipped"]
    assert client.post(f"{path}/resumption", headers=citizen.auth).json["status"] == "active"
    tick(rooms)
    shown = client.get(f"{path}/collections", headers=citizen.auth).json["items"]
    assert [one["status"] for one in shown] == ["announced", "skipped"]
    assert shown[0]["reference"] == bill.reference


def test_an_order_ends_with_its_last_day(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    last_day = date.fromisoformat(city_date()) + timedelta(days=32)
    order = make_order(client, rooms, citizen, expires_on=last_day.isoformat())
    with later(25 * 86_400):
        tick(rooms)
        assert status_of(rooms, order["id"]) == "active"
    with later(40 * 86_400):
        tick(rooms)
    assert status_of(rooms, order["id"]) == "expired"
    ended = client.post(f"{ORDERS}/{order['id']}/pause", headers=citizen.auth)
    assert (ended.status_code, ended.json["code"]) == (409, "autopay-state")


def test_an_account_cannot_be_closed_over_a_living_order(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    order = make_order(client, rooms, citizen)
    step_up(rooms, citizen)
    refused = client.post("/v1/me/closure", json={}, headers=citizen.auth)
    assert refused.status_code == 409, refused.text
    assert "autopay-orders" in refused.text
    assert "payment-methods-kept" in refused.text
    assert status_of(rooms, order["id"]) == "active"


def test_postgresql_keeps_one_living_order_and_its_bounds(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    order = make_order(client, rooms, citizen)
    copy = (
        "insert into autopay_orders select citizen_id, service, payment_method_id, cap_per_bill,"
        " cap_per_month, notice_days, expires_on, terms_version, failures, created_at,"
        " next_look_at, :new, status, version from autopay_orders where id = :id"
    )
    for statement, constraint in (
        (copy, "uq_autopay_orders_living"),
        ("update autopay_orders set cap_per_bill = 0 where id = :id", "cap_per_bill"),
        ("update autopay_orders set cap_per_month = 1 where id = :id", "cap_per_month"),
        ("update autopay_orders set notice_days = 0 where id = :id", "notice_days"),
    ):
        with pytest.raises(IntegrityError, match=constraint), rooms.units.open(actor="x") as uow:
            uow.execute(text(statement), {"id": UUID(order["id"]), "new": uuid.uuid4()})
