"""Methods that are kept: proven with their citizen there, charged once each while they are not."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.factory import Rooms
from app.payments import service
from app.payments.errors import SavedMethodUnusable
from app.payments.service import PaymentDeps
from app.payments.values import Collected, OrderLine
from tests.conftest import World
from tests.factories import Citizen, later, run_jobs

from .helpers import (
    Bill,
    intents_of,
    make_bill,
    new_key,
    postings,
    prove_method,
    read,
    step_up,
    stripe_control,
)

PATH = "/v1/payment-methods"


@pytest.fixture
def keeper(rooms: Rooms, citizen: Citizen) -> Citizen:
    """Return a citizen who has just proven themselves again."""
    step_up(rooms, citizen)
    return citizen


def begin(client: FlaskClient, who: Citizen, method: str = "card", key: str | None = None) -> Any:  # noqa: ANN401 - JSON
    headers = {**who.auth, "Idempotency-Key": key or new_key()}
    return client.post(PATH, json={"method": method}, headers=headers)


def keep(client: FlaskClient, who: Citizen, card: str = "pm_card_visa") -> dict[str, Any]:
    """Keep a card all the way through."""
    started = begin(client, who)
    assert started.status_code == 201, started.text
    prove_method(started.json, card)
    body: dict[str, Any] = client.get(f"{PATH}/{started.json['id']}", headers=who.auth).json
    return body


def collect(rooms: Rooms, who: Citizen, bill: Bill, method: str, origin: str) -> Collected:
    """Charge a kept method for a bill, as a standing order does."""
    with rooms.units.open(actor="test") as uow:
        return service.collect_payment(
            uow,
            rooms.deps[PaymentDeps],
            UUID(who.id),
            OrderLine(bill.service, bill.reference),
            saved_method_id=UUID(method),
            origin=origin,
        )


def test_a_card_is_kept_once_it_is_proven(client: FlaskClient, keeper: Citizen) -> None:
    started = begin(client, keeper)
    assert (started.json["status"], started.json["label"]) == ("requested", None)
    assert started.json["next_action"]["type"] == "stripe_setup"
    prove_method(started.json, "pm_card_visa")
    shown = client.get(started.headers["Location"], headers=keeper.auth).json
    assert (shown["status"], shown["label"]) == ("active", "visa 4242")
    assert shown["next_action"] is None
    listed = client.get(PATH, headers=keeper.auth).json["items"]
    assert [one["id"] for one in listed] == [shown["id"]]


def test_it_takes_a_fresh_proof_to_keep_or_to_remove_one(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    assert begin(client, citizen).status_code == 401
    step_up(rooms, citizen)
    kept = keep(client, citizen)
    with later(600):
        assert client.delete(f"{PATH}/{kept['id']}", headers=citizen.auth).status_code == 401
    assert client.get(f"{PATH}/{kept['id']}", headers=citizen.auth).json["status"] == "active"


def test_a_wallet_cannot_be_kept(client: FlaskClient, keeper: Citizen) -> None:
    refused = begin(client, keeper, "alipay")
    assert (refused.status_code, refused.json["code"]) == (422, "method-unavailable")


def test_a_lost_answer_keeps_one_method(client: FlaskClient, world: World, keeper: Citizen) -> None:
    stripe_control(
        world,
        "PUT",
        "/faults",
        {"operation": "setup_intents.create", "kind": "drop", "times": 2},
    )
    key = new_key()
    first = begin(client, keeper, key=key)
    assert (first.status_code, first.json["next_action"]) == (201, None)
    assert begin(client, keeper, key=key).json == first.json
    shown = client.get(f"{PATH}/{first.json['id']}", headers=keeper.auth).json
    prove_method(shown, "pm_card_visa")
    assert client.get(f"{PATH}/{shown['id']}", headers=keeper.auth).json["status"] == "active"
    assert len(client.get(PATH, headers=keeper.auth).json["items"]) == 1


def test_a_set_up_that_nobody_ends_is_asked_about_and_given_up(
    client: FlaskClient, rooms: Rooms, keeper: Citizen
) -> None:
    left = begin(client, keeper).json
    proven = begin(client, keeper).json
    prove_method(proven, "pm_card_visa")
    with later(120):
        ask_about_setups(rooms)
    listed = {m["id"]: m["status"] for m in client.get(PATH, headers=keeper.auth).json["items"]}
    assert listed == {left["id"]: "requested", proven["id"]: "active"}
    with later(25 * 3600):
        ask_about_setups(rooms)
    listed = {m["id"]: m["status"] for m in client.get(PATH, headers=keeper.auth).json["items"]}
    assert listed == {proven["id"]: "active"}


def ask_about_setups(rooms: Rooms) -> None:
    with rooms.units.open(actor="test") as uow:
        service.question_setups(uow, rooms.deps[PaymentDeps])
    run_jobs(rooms)


def test_a_stranger_finds_nothing(
    client: FlaskClient, rooms: Rooms, keeper: Citizen, stranger: Citizen
) -> None:
    kept = keep(client, keeper)
    step_up(rooms, stranger)
    for call in (client.get, client.delete):
        assert call(f"{PATH}/{kept['id']}", headers=stranger.auth).status_code == 404
    assert client.get(PATH, headers=stranger.auth).json["items"] == []
    assert client.get(f"{PATH}/{kept['id']}", headers=keeper.auth).json["status"] == "active"


def test_ten_are_enough(client: FlaskClient, rooms: Rooms, keeper: Citizen) -> None:
    with rooms.units.open(actor="test") as uow:
        for _ in range(10):
            uow.execute(
                text(
                    "insert into saved_methods (id, citizen_id, gateway, method, status, version,"
                    " created_at, asks) values (:id, :who, 'stripe', 'card', 'requested', 1,"
                    " now(), 0)"
                ),
                {"id": new_id(), "who": keeper.id},
            )
    refused = begin(client, keeper)
    assert (refused.status_code, refused.json["code"]) == (409, "saved-methods-full")


def test_a_kept_card_pays_a_bill_while_nobody_is_there(
    client: FlaskClient, rooms: Rooms, world: World, keeper: Citizen
) -> None:
    bill = make_bill(client, world, keeper)
    kept = keep(client, keeper)
    made = collect(rooms, keeper, bill, kept["id"], f"test:{uuid.uuid4()}")
    assert (made.status, made.is_declined) == ("succeeded", False)
    run_jobs(rooms)
    shown = read(client, keeper, str(made.payment_id))
    assert (shown["status"], shown["items"][0]["status"]) == ("succeeded", "fulfilled")
    assert shown["receipt_code"]
    assert len(postings(world, bill)) == 1


def test_one_origin_makes_one_payment_however_often_it_runs(
    client: FlaskClient, rooms: Rooms, world: World, keeper: Citizen
) -> None:
    bill = make_bill(client, world, keeper)
    kept = keep(client, keeper)
    origin = f"test:{uuid.uuid4()}"

    def once(_: int) -> Collected | Exception:
        try:
            return collect(rooms, keeper, bill, kept["id"], origin)
        except Exception as error:  # noqa: BLE001 - a refusal of the second is an answer, too
            return error

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(once, range(8)))
    made = {answer.payment_id for answer in answers if isinstance(answer, Collected)}
    assert len(made) == 1
    again = collect(rooms, keeper, bill, kept["id"], origin)
    assert {again.payment_id} == made
    assert [one["status"] for one in intents_of(world, str(again.payment_id))] == ["succeeded"]


def test_a_second_payment_of_one_origin_cannot_be_written(
    client: FlaskClient, rooms: Rooms, world: World, keeper: Citizen
) -> None:
    bill = make_bill(client, world, keeper)
    kept = keep(client, keeper)
    origin = f"test:{uuid.uuid4()}"
    made = collect(rooms, keeper, bill, kept["id"], origin)
    copy = (
        "insert into payments (id, citizen_id, amount, currency, refunded_amount, method, status,"
        " version, created_at, expires_at, origin) select :id, citizen_id, amount, currency, 0,"
        " method, 'pending', 1, created_at, expires_at, origin from payments where id = :made"
    )
    with (
        pytest.raises(IntegrityError, match="uq_payments_origin"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(copy), {"id": new_id(), "made": made.payment_id})


def test_a_card_that_declines_leaves_the_bill_free_and_the_reason_known(
    client: FlaskClient, rooms: Rooms, world: World, keeper: Citizen
) -> None:
    bill = make_bill(client, world, keeper)
    kept = keep(client, keeper, "pm_card_chargeCustomerFail")
    made = collect(rooms, keeper, bill, kept["id"], f"test:{uuid.uuid4()}")
    assert (made.status, made.is_declined, made.decline_code) == (
        "pending",
        True,
        "generic_decline",
    )
    headers = {**keeper.auth, "Idempotency-Key": new_key()}
    ended = client.post(f"/v1/payments/{made.payment_id}/cancellation", headers=headers)
    assert ended.json["status"] == "cancelled"
    assert [one["status"] for one in intents_of(world, str(made.payment_id))] == ["canceled"]
    assert postings(world, bill) == []


def test_a_removed_method_is_never_charged_again_and_forgotten_at_the_gateway(
    client: FlaskClient, rooms: Rooms, world: World, keeper: Citizen, stranger: Citizen
) -> None:
    bill = make_bill(client, world, keeper)
    kept = keep(client, keeper)
    with pytest.raises(SavedMethodUnusable):
        collect(rooms, stranger, bill, kept["id"], f"test:{uuid.uuid4()}")
    assert client.delete(f"{PATH}/{kept['id']}", headers=keeper.auth).status_code == 204
    assert client.delete(f"{PATH}/{kept['id']}", headers=keeper.auth).status_code == 204
    with pytest.raises(SavedMethodUnusable):
        collect(rooms, keeper, bill, kept["id"], f"test:{uuid.uuid4()}")
    run_jobs(rooms)
    journal = stripe_control(world, "GET", "/journal?operation=customers.delete")["items"]
    assert journal[-1]["status"] == 200
    assert client.get(PATH, headers=keeper.auth).json["items"] == []


def test_no_number_of_a_card_can_be_written_as_its_label(rooms: Rooms) -> None:
    statement = (
        "insert into saved_methods (id, citizen_id, gateway, method, status, version, created_at,"
        " asks, label) values (:id, :id, 'stripe', 'card', 'requested', 1, now(), 0, :label)"
    )
    with (
        pytest.raises(IntegrityError, match="label_is_short"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(statement), {"id": new_id(), "label": "visa 4242424242424242"})
