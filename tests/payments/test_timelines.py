"""The published graph is the code's, PostgreSQL's, and that of everything that ever happened."""

import re
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.cli.payments import DOCUMENT
from app.core.clock import now
from app.core.events import EventLog, LegalMove
from app.factory import Rooms
from app.payments.models import Payment
from app.payments.service.graph import MACHINES, Machine, as_markdown, legal_moves
from app.payments.values import (
    AttemptStatus,
    DisputeStatus,
    ItemStatus,
    PaymentStatus,
    RefundStatus,
    shown_state,
)
from tests.conftest import World
from tests.factories import Citizen
from tests.payments.helpers import make_bill, order, pay, start, stripe_control

Edge = tuple[str | None, str]
STATES = {
    "payment": PaymentStatus,
    "payment_item": ItemStatus,
    "payment_attempt": AttemptStatus,
    "refund": RefundStatus,
    "dispute": DisputeStatus,
}
# What a payer may ever read as the state of each record.
SHOWN = {
    "payment": {"pending", "processing", "succeeded", "cancelled", "expired", "failed"},
    "payment_item": {str(state) for state in ItemStatus},
    "payment_attempt": {"pending", "processing", "succeeded", "failed", "cancelled", "returned"},
    "refund": {"requested", "declined", "processing", "succeeded", "under_review"},
    "dispute": {"disputed", "decided"},
}


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
def test_the_graph_has_the_moves_of_the_code(rooms: Rooms, machine: Machine) -> None:
    drawn = [(move.before, move.after) for move in machine.moves]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == legal_moves(machine.model)
    assert set(machine.states) == {str(state) for state in STATES[machine.entity]}
    assert all(move.because and move.by for move in machine.moves)
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.scalars(select(LegalMove).where(LegalMove.entity == machine.entity))
        assert {(row.from_state or None, row.to_state) for row in rows} == set(drawn)


def test_the_page_is_the_generated_one() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == as_markdown(), "run: flask payments graph"


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
def test_the_page_draws_every_move(machine: Machine) -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    title = machine.entity.removeprefix("payment_").capitalize()
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    drawn = re.findall(r"^    (\S+) --> (\w+)$", section, re.MULTILINE)
    assert {(None if a == "[*]" else a, b) for a, b in drawn} == legal_moves(machine.model)


@pytest.mark.parametrize("entity", STATES)
def test_a_payer_is_shown_what_is_published(entity: str) -> None:
    shown = {shown_state(entity, str(state)) for state in STATES[entity]}
    assert shown == SHOWN[entity]
    assert len(shown) <= len(list(STATES[entity]))


def test_the_payers_timeline_tells_a_whole_story_without_internal_states(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    """An attempt whose opening was lost was requested and unknown: pending, to its payer."""
    bill = make_bill(client, world, citizen)
    fault = {"operation": "payment_intents.create", "kind": "drop_before", "times": 2}
    stripe_control(world, "PUT", "/faults", fault)
    lost = start(client, citizen, order(bill)).json
    stripe_control(world, "DELETE", "/faults")
    assert states_of(rooms, lost["id"], "payment_attempt")[:2] == ["requested", "unknown"]
    paid = pay(client, rooms, citizen, make_bill(client, world, citizen))
    for payment in (lost, paid):
        path = f"/v1/payments/{payment['id']}/events?limit=100"
        events = client.get(path, headers=citizen.auth).json["items"]
        before: dict[str, str] = {}
        for event in events:
            assert event["to_state"] in SHOWN[event["entity"]]
            assert event["from_state"] == before.get(event["entity_id"])
            assert event["from_state"] != event["to_state"]
            before[event["entity_id"]] = event["to_state"]
        attempts = [e["to_state"] for e in events if e["entity"] == "payment_attempt"]
        assert attempts == (["pending"] if payment is lost else ["pending", "succeeded"])


def states_of(rooms: Rooms, payment_id: str, entity: str) -> list[str]:
    """Return the states that one kind of a payment's records went through."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = select(EventLog.to_state).where(
            EventLog.subject_id == payment_id, EventLog.entity == entity
        )
        return list(uow.scalars(rows.order_by(EventLog.sequence)))


@pytest.mark.promise("P14")
def test_every_timeline_of_the_run_is_on_the_graph(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    shows: Callable[[str], None],
) -> None:
    """Walk each record from its first state to its last, and look whether the row agrees."""
    pay(client, rooms, citizen, make_bill(client, world, citizen))
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.scalars(
            select(EventLog)
            .where(EventLog.entity.in_(MACHINES))
            .order_by(EventLog.entity_id, EventLog.sequence)
        ).all()
        # Whole books are planted by other tests, in nobody's name and without a history.
        people = text("select id from citizens")
        payments = set(uow.scalars(select(Payment.id).where(Payment.citizen_id.in_(people))))
        rows_now = {
            machine.entity: dict(uow.execute(select(machine.model.id, machine.model.status)).all())
            for machine in MACHINES.values()
        }
    walks: dict[tuple[str, UUID], list[EventLog]] = defaultdict(list)
    for row in rows:
        walks[row.entity, row.entity_id].append(row)
    off = [fault for key, walk in walks.items() for fault in faults(key, walk, rows_now)]
    assert off == []
    assert {entity_id for entity, entity_id in walks if entity == "payment"} >= payments
    assert {entity for entity, _ in walks} <= set(MACHINES)
    shows(
        f"{len(payments)} payments, {len(walks)} records, {len(rows)} moves walked: "
        f"0 edges off the graph, 0 without cause or actor"
    )


def faults(
    key: tuple[str, UUID], walk: list[EventLog], rows: dict[str, dict[UUID, str]]
) -> list[str]:
    """Return what is wrong with the history of one record."""
    entity, entity_id = key
    legal = legal_moves(MACHINES[entity].model)
    found = []
    before: str | None = None
    for number, row in enumerate(walk, start=1):
        if (row.from_state, row.to_state) not in legal or row.from_state != before:
            found.append(f"{entity} {entity_id}: {row.from_state} -> {row.to_state}")
        if row.sequence != number or not row.cause or not row.actor or row.at is None:
            found.append(f"{entity} {entity_id}: {row.sequence} is not explained")
        before = row.to_state
    if rows[entity].get(entity_id) != before:
        found.append(f"{entity} {entity_id}: its row says {rows[entity].get(entity_id)}")
    return found


def test_a_walk_off_the_graph_is_found() -> None:
    """The checker fails when it should."""
    item = UUID(int=1)

    def row(sequence: int, before: str | None, after: str) -> EventLog:
        return EventLog(
            entity="payment",
            entity_id=item,
            sequence=sequence,
            from_state=before,
            to_state=after,
            cause="test",
            actor="test",
            at=now(),
        )

    fine = [row(1, None, "pending"), row(2, "pending", "expired")]
    rows = {"payment": {item: "expired"}}
    assert faults(("payment", item), fine, rows) == []
    assert faults(("payment", item), fine, {"payment": {item: "succeeded"}})
    assert faults(("payment", item), fine[1:], rows)
    assert faults(("payment", item), [fine[0], row(2, "pending", "succeeded")], rows)
    fine[1].cause = ""
    assert faults(("payment", item), fine, rows)
