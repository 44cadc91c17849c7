"""Standing orders for tests: made over HTTP, and moved on as the worker moves them."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text

from app.autopay import service
from app.autopay.service import AutopayDeps
from app.core.clock import now
from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, city, run_jobs
from tests.payments.helpers import BILLERS, DUE_DATE, Bill, new_key, prove_method, step_up

ORDERS = "/v1/autopay/standing-orders"


def keep_card(client: FlaskClient, rooms: Rooms, who: Citizen, card: str = "pm_card_visa") -> str:
    """Keep a proven card of a citizen, and return its id."""
    step_up(rooms, who)
    headers = {**who.auth, "Idempotency-Key": new_key()}
    started = client.post("/v1/payment-methods", json={"method": "card"}, headers=headers)
    assert started.status_code == 201, started.text
    prove_method(started.json, card)
    shown = client.get(f"/v1/payment-methods/{started.json['id']}", headers=who.auth).json
    if shown["status"] == "requested":  # a challenge that the citizen passes
        raise AssertionError(shown)
    return str(shown["id"])


def wish(method: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the body that asks for an order for water bills."""
    return {
        "service": "water-bill",
        "payment_method_id": method,
        "cap_per_bill": 20_000,
        "terms_version": 1,
        **changes,
    }


def ask(client: FlaskClient, who: Citizen, body: dict[str, Any], key: str | None = None) -> Any:  # noqa: ANN401 - answer
    """Ask for an order."""
    headers = {**who.auth, "Idempotency-Key": key or new_key()}
    return client.post(ORDERS, json=body, headers=headers)


def make_order(
    client: FlaskClient,
    rooms: Rooms,
    who: Citizen,
    card: str = "pm_card_visa",
    **changes: Any,  # noqa: ANN401 - JSON
) -> dict[str, Any]:
    """Make an order with a card of its own."""
    method = keep_card(client, rooms, who, card)
    answer = ask(client, who, wish(method, **changes))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json
    return body


def tick(rooms: Rooms) -> None:
    """Look for what is due now, and run the jobs that come of it."""
    with rooms.units.open(actor="worker") as uow:
        service.question_due(uow, rooms.deps[AutopayDeps])
    run_jobs(rooms)


def look_again(rooms: Rooms, order_id: str) -> None:
    """Let an order look for bills now, whatever its next time was."""
    run_sql(rooms, "update autopay_orders set next_look_at = :at where id = :id", order_id)
    tick(rooms)


def run_sql(rooms: Rooms, statement: str, record_id: str) -> None:
    """Run a statement with `:at` (now) and `:id`."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), {"at": now(), "id": UUID(record_id)})


def collections(rooms: Rooms, order_id: str) -> list[Any]:
    """Return the rows of an order's collections, oldest first."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.execute(
            text("select * from autopay_collections where order_id = :id order by id"),
            {"id": UUID(order_id)},
        )
        return list(rows)


def status_of(rooms: Rooms, order_id: str) -> str:
    """Return where an order is."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalar(
            text("select status from autopay_orders where id = :id"), {"id": UUID(order_id)}
        )
        return str(found)


def until(moment: datetime) -> float:
    """Return the seconds until a moment of business time, and one more."""
    return (moment - now()).total_seconds() + 1


def another_bill(world: World, bill: Bill, amount: int, due_date: str = DUE_DATE) -> str:
    """Make a further bill of a linked account at its biller; return the biller's reference."""
    theirs = f"B{secrets.token_hex(6)}"
    city(
        world,
        "POST",
        f"/billers/{BILLERS[bill.service]}/bills",
        {
            "account": bill.account,
            "reference": theirs,
            "amount": amount,
            "currency": "CNY",
            "period_from": "2026-10-01",
            "period_to": "2026-10-31",
            "due_date": due_date,
        },
    )
    return theirs
