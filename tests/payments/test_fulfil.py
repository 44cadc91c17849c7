"""Telling the biller once, whatever it promises and however it behaves."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.core.clock import now
from app.core.errors import Unavailable
from app.core.unit_of_work import JobRun
from app.factory import Rooms
from app.payments import service
from app.payments.events import AttemptQuestioned, ItemDue
from app.payments.models import BillerPosting, PaymentAttempt, PaymentItem
from app.payments.service import PaymentDeps, fulfil
from app.payments.values import PostingStatus
from app.sdk.provider import Citizen as Payer
from app.sdk.provider import Fulfilment, Payable, PayableProvider, PaymentNotice
from app.sdk.registry import Registry
from tests.conftest import World
from tests.factories import Citizen, city, run_jobs
from tests.payments.helpers import (
    BILLERS,
    Bill,
    confirm,
    deliver,
    make_bill,
    order,
    pay,
    postings,
    read,
    start,
)
from tests.payments.test_settle import assert_balanced


@contextmanager
def behaving(world: World, service: str, mode: str) -> Iterator[None]:
    """Let a biller behave in some way for the enclosed lines."""
    path = f"/billers/{BILLERS[service]}/behaviour"
    city(world, "PUT", path, {"mode": mode})
    try:
        yield
    finally:
        city(world, "PUT", path, {"mode": "ok"})


def money_in(client: FlaskClient, world: World, citizen: Citizen, bill: Bill) -> str:
    """Pay a bill up to the moment at which its biller has to be told; return the payment's id."""
    payment = start(client, citizen, order(bill)).json
    confirm(payment)
    deliver(client, payment)
    return str(payment["id"])


def status_of(
    client: FlaskClient, citizen: Citizen, payment_id: str, service: str | None = None
) -> str:
    """Return the status of a payment's only item, or of its item of a service."""
    items = read(client, citizen, payment_id)["items"]
    (found,) = [item["status"] for item in items if service in {None, item["service"]}]
    return str(found)


def run_until(
    client: FlaskClient,
    rooms: Rooms,
    citizen: Citizen,
    payment_id: str,
    wanted: str,
    *,
    service: str | None = None,
) -> None:
    """Run jobs until the item is where it should be; retries are spread over seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        run_jobs(rooms)
        if status_of(client, citizen, payment_id, service) == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{status_of(client, citizen, payment_id, service)} is not {wanted}")


@pytest.mark.parametrize("service", BILLERS)
def test_a_biller_that_is_down_is_told_when_it_is_back(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, service: str
) -> None:
    bill = make_bill(client, world, citizen, service)
    payment_id = money_in(client, world, citizen, bill)
    with behaving(world, service, "down"):
        run_jobs(rooms)
        assert status_of(client, citizen, payment_id) in {"due", "unknown", "under_review"}
        assert postings(world, bill) == []
    if status_of(client, citizen, payment_id) == "under_review":
        assert service == "gas-bill"  # a 503 after sending says nothing, and gas cannot be asked
        return
    run_until(client, rooms, citizen, payment_id, "fulfilled")
    assert [p["effective"] for p in postings(world, bill)] == [True]


@pytest.mark.parametrize(
    ("service", "end"),
    [
        ("water-bill", "fulfilled"),
        ("power-bill", "fulfilled"),
        ("heat-bill", "fulfilled"),
        ("gas-bill", "under_review"),
    ],
)
def test_a_lost_answer_is_asked_for_and_never_sent_blind(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, service: str, end: str
) -> None:
    bill = make_bill(client, world, citizen, service)
    payment_id = money_in(client, world, citizen, bill)
    with behaving(world, service, "answer_lost"):
        run_jobs(rooms)
    run_until(client, rooms, citizen, payment_id, end)
    received = postings(world, bill)
    assert len([p for p in received if p["effective"]]) == 1
    if service != "water-bill":
        assert len(received) == 1
    has_receipt = read(client, citizen, payment_id)["receipt_code"] is not None
    assert has_receipt == (end == "fulfilled")


@pytest.mark.parametrize("service", BILLERS)
def test_garbage_is_not_taken_for_a_confirmation(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, service: str
) -> None:
    bill = make_bill(client, world, citizen, service)
    payment_id = money_in(client, world, citizen, bill)
    with behaving(world, service, "garbage"):
        run_jobs(rooms)
        assert status_of(client, citizen, payment_id) in {"unknown", "under_review"}
        assert read(client, citizen, payment_id)["receipt_code"] is None


@pytest.mark.parametrize("service", BILLERS)
def test_a_final_refusal_gives_the_money_back_by_itself(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, service: str
) -> None:
    bill = make_bill(client, world, citizen, service)
    payment_id = money_in(client, world, citizen, bill)
    with behaving(world, service, "refuse"):
        run_jobs(rooms)
    run_until(client, rooms, citizen, payment_id, "refunded")
    seen = read(client, citizen, payment_id)
    assert (seen["status"], seen["refunded_amount"]) == ("succeeded", 4250)
    assert seen["receipt_code"] is None
    assert [p for p in postings(world, bill) if p["effective"]] == []
    assert_balanced(client, rooms)
    inbox = client.get("/v1/me/inbox", headers=citizen.auth).json["items"]
    assert {m["kind"] for m in inbox} == {
        "payment-received",
        "payment-refunded-item",
        "refund-succeeded",
    }
    assert start(client, citizen, order(bill)).status_code == 201  # it can be paid again


def test_one_refused_item_of_two_is_returned_and_the_other_receipted(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    water = make_bill(client, world, citizen, "water-bill", 1500)
    heat = make_bill(client, world, citizen, "heat-bill", 2500)
    with behaving(world, "heat-bill", "refuse"):
        paid = pay(client, rooms, citizen, water, heat)
    run_until(client, rooms, citizen, paid["id"], "refunded", service="heat-bill")
    run_until(client, rooms, citizen, paid["id"], "fulfilled", service="water-bill")
    paid = read(client, citizen, paid["id"])
    by_service = {item["service"]: item["status"] for item in paid["items"]}
    assert by_service == {"water-bill": "fulfilled", "heat-bill": "refunded"}
    assert paid["refunded_amount"] == 2500
    receipt = client.get(f"/v1/payments/{paid['id']}/receipt", headers=citizen.auth).json
    assert receipt["amount"] == 1500
    assert [s["service"] for s in receipt["sections"]] == ["water-bill"]
    assert_balanced(client, rooms)


def crash_while_sending(rooms: Rooms, payment_id: str) -> None:
    """Leave the posting as a worker leaves it that died after it had claimed it."""
    with rooms.units.open(actor="test") as uow:
        item = uow.scalars(select(PaymentItem).where(PaymentItem.payment_id == payment_id)).one()
        uow.add(
            BillerPosting(
                item_id=item.id,
                plugin=item.plugin,
                key=str(item.id),
                status=PostingStatus.SENDING,
                sent_at=now(),
                claim_job=1,
                claim_attempt=0,
            )
        )


@pytest.mark.parametrize(
    ("service", "end"),
    [
        ("water-bill", "fulfilled"),
        ("power-bill", "fulfilled"),
        ("heat-bill", "fulfilled"),
        ("gas-bill", "under_review"),
    ],
)
def test_a_worker_that_died_while_sending_is_followed_by_a_question(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, service: str, end: str
) -> None:
    bill = make_bill(client, world, citizen, service)
    payment = start(client, citizen, order(bill)).json
    confirm(payment)
    crash_while_sending(rooms, payment["id"])
    deliver(client, payment)
    run_until(client, rooms, citizen, payment["id"], end)
    assert len(postings(world, bill)) == (0 if service == "gas-bill" else 1)


def test_a_run_that_was_overtaken_writes_nothing(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    paid = pay(client, rooms, citizen, bill)
    item_id = paid["items"][0]["id"]
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            update(BillerPosting)
            .where(BillerPosting.item_id == item_id)
            .values(claim_job=77, claim_attempt=2)
        )
    late = fulfil.Confirmed(Fulfilment("somebody else's", now()))
    with rooms.units.open(actor="test") as uow:
        recorded = fulfil._record(  # noqa: SLF001 - the fence itself
            uow, item_id, JobRun(77, 1), PostingStatus.IDLE, late
        )
    assert recorded is False
    same = read(client, citizen, paid["id"])["items"][0]
    assert same["biller_reference"] == paid["items"][0]["biller_reference"]


class Overtaken(PayableProvider):
    """A biller's plug-in during whose call another run takes the posting over."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def list_payables(self, citizen: Payer) -> Sequence[Payable]:
        raise AssertionError

    def get_payable(self, reference: str, citizen: Payer) -> Payable:
        raise AssertionError

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        with self._rooms.units.open(actor="test") as uow:
            uow.execute(
                update(BillerPosting)
                .where(BillerPosting.key == notice.key)
                .values(claim_attempt=BillerPosting.claim_attempt + 1)
            )
        return Fulfilment("late", now())

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        raise AssertionError


def test_a_run_that_was_overtaken_does_not_end_the_job_of_the_other(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    """A run that ends well ends its job, and both runs are of one job."""
    bill = make_bill(client, world, citizen)
    payment_id = money_in(client, world, citizen, bill)
    deps = rooms.deps[PaymentDeps]
    with rooms.units.open(actor="test") as uow:
        settle = AttemptQuestioned(
            attempt_id=uow.scalars(
                select(PaymentAttempt.id).where(PaymentAttempt.payment_id == payment_id)
            ).one(),
            cause="test",
        )
        service.question_attempt(uow, deps, settle)
    with rooms.units.open(actor="test") as uow:
        item_id = uow.scalars(
            select(PaymentItem.id).where(PaymentItem.payment_id == payment_id)
        ).one()
    known = deps.registry.service("water-bill")
    registry = Registry([known], {known.plugin: Overtaken(rooms)}, deps.registry.payees)
    with (
        pytest.raises(Unavailable),
        rooms.units.open(actor="test", job=JobRun(77, 1)) as uow,
    ):
        fulfil.fulfil_item(uow, replace(deps, registry=registry), ItemDue(item_id=item_id))
    assert status_of(client, citizen, payment_id) == "due"
    run_until(client, rooms, citizen, payment_id, "fulfilled")
    assert len(postings(world, bill)) == 1
