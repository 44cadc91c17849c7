"""A citizen's word and the money's way at the same time; and PostgreSQL's own word."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.autopay import service
from app.autopay.events import CollectionDue
from app.autopay.service import AutopayDeps
from app.core.errors import DomainError
from app.factory import Rooms
from app.http.server import Server
from tests.conftest import World
from tests.factories import Citizen, later, log_in, run_jobs
from tests.payments.helpers import Bill, intents_of, make_bill, postings

from .support import ORDERS, collections, look_again, make_order, tick

ROUNDS = 12


def collect(rooms: Rooms, collection_id: UUID) -> None:
    """Take a bill's money, as one worker of several does."""
    with rooms.units.open(actor="worker") as uow:
        event = CollectionDue(collection_id=collection_id)
        service.collect_due(uow, rooms.deps[AutopayDeps], event)


@pytest.mark.promise("P01")
def test_eight_workers_take_one_bill_once(
    client: FlaskClient,
    rooms: Rooms,
    world: World,
    citizen: Citizen,
    bill: Bill,
    shows: Any,  # noqa: ANN401 - the fixture of promises
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    [row] = collections(rooms, order["id"])

    def once(_: int) -> None:
        try:
            collect(rooms, row.id)
        except DomainError:
            return  # asked again later, as a job would be

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(once, range(8)))
    run_jobs(rooms)
    [row] = collections(rooms, order["id"])
    assert (row.status, row.tries) == ("succeeded", 1)
    charged = [one["status"] for one in intents_of(world, str(row.payment_id))]
    assert charged == ["succeeded"]
    assert len(postings(world, bill)) == 1
    shows("8 workers collect one bill of a standing order: 1 intent, 1 posting")


def test_a_pause_that_was_answered_is_never_overtaken(
    app: Server, client: FlaskClient, rooms: Rooms, world: World
) -> None:
    for _ in range(ROUNDS):
        citizen = log_in(client, world, rooms)
        bill = make_bill(client, world, citizen)
        order = make_order(client, rooms, citizen)
        tick(rooms)
        [row] = collections(rooms, order["id"])
        path = f"{ORDERS}/{order['id']}/pause"

        def pause(address: str = path, who: Citizen = citizen) -> int:
            return app.test_client().post(address, headers=who.auth).status_code

        with ThreadPoolExecutor(2) as pool:
            charging = pool.submit(collect, rooms, row.id)
            assert pool.submit(pause).result() == 200
            charging.result()
        run_jobs(rooms)
        [row] = collections(rooms, order["id"])
        assert row.status in {"succeeded", "skipped"}
        assert len(postings(world, bill)) == (row.status == "succeeded")
        assert (row.payment_id is None) == (row.status == "skipped")
        with later(400):
            tick(rooms)
        assert [r.status for r in collections(rooms, order["id"])] == [row.status]


def test_postgresql_knows_one_living_collection_of_a_bill(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    [row] = collections(rooms, order["id"])
    columns = (
        "order_id, citizen_id, service, reference, title, amount, currency, payable_version,"
        " due_date, announced_at, charge_at, next_at, approved_amount, tries, payment_id, reason"
    )
    copy = (
        f"insert into autopay_collections ({columns}, id, status, version)"  # noqa: S608 - ours
        f" select {columns}, :new, 'announced', 1 from autopay_collections where id = :id"
    )
    for statement, constraint in (
        (copy, "uq_autopay_collections_bill"),
        ("update autopay_collections set amount = 0 where id = :id", "amount"),
        ("update autopay_collections set tries = -1 where id = :id", "tries"),
    ):
        with pytest.raises(IntegrityError, match=constraint), rooms.units.open(actor="x") as uow:
            uow.execute(text(statement), {"id": row.id, "new": uuid.uuid4()})


def test_two_citizens_with_the_same_account_are_not_both_charged(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    other = log_in(client, world, rooms)
    linked = client.post(
        "/v1/utilities/accounts",
        json={"biller": bill.biller, "number": bill.account, "holder_name": "张三"},
        headers=other.auth,
    )
    assert linked.status_code == 201, linked.text
    first = make_order(client, rooms, citizen)
    tick(rooms)
    second = make_order(client, rooms, other)
    with later(60):
        look_again(rooms, second["id"])
    mine, theirs = collections(rooms, first["id"]), collections(rooms, second["id"])
    assert [r.status for r in mine] == ["announced"]
    assert theirs == []
