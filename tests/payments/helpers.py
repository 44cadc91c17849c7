"""Bills, payments and what the citizen's own client does with them."""

import hmac
import json
import secrets
import time
import urllib.parse
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import city_date, now
from app.factory import Rooms
from tests.conftest import STRIPE_PUBLISHABLE_KEY, STRIPE_WEBHOOK_SECRET, World
from tests.factories import Citizen, city, run_jobs

BILLERS = {
    "water-bill": "shiyan-water",
    "power-bill": "shiyan-power",
    "gas-bill": "shiyan-gas",
    "heat-bill": "shiyan-heat",
}

DUE_DATE = (date.fromisoformat(city_date()) + timedelta(days=16)).isoformat()
"""When bills are due: ahead, whenever the tests run."""


@dataclass(frozen=True)
class Bill:
    """A bill of a linked account, as the plug-in and as the biller know it."""

    service: str
    reference: str
    amount: int
    biller: str
    biller_reference: str
    id: str
    account: str


def new_key() -> str:
    """Return an idempotency key that nobody has used."""
    return f"key-{uuid.uuid4()}"


def make_bill(
    client: FlaskClient,
    world: World,
    citizen: Citizen,
    service: str = "water-bill",
    amount: int = 4250,
    holder: str = "张三",
) -> Bill:
    """Make an account with one bill at its biller and link it to a citizen."""
    biller = BILLERS[service]
    number = f"{secrets.randbelow(10**10):010d}"
    city(
        world,
        "POST",
        f"/billers/{biller}/accounts",
        {"number": number, "holder_name": holder},
    )
    theirs = f"B{secrets.token_hex(6)}"
    city(
        world,
        "POST",
        f"/billers/{biller}/bills",
        {
            "account": number,
            "reference": theirs,
            "amount": amount,
            "currency": "CNY",
            "period_from": "2026-10-01",
            "period_to": "2026-10-31",
            "due_date": DUE_DATE,
        },
    )
    linked = client.post(
        "/v1/utilities/accounts",
        json={"biller": biller, "number": number, "holder_name": holder},
        headers=citizen.auth,
    )
    assert linked.status_code == 201, linked.text
    found = _listed(client, citizen, theirs)
    return Bill(service, found["reference"], amount, biller, theirs, found["id"], number)


def _listed(client: FlaskClient, citizen: Citizen, theirs: str) -> dict[str, Any]:
    """Return a bill as it is listed.

    A biller that is slow for a moment is left out of the list, and asked again after two seconds.
    """
    deadline = time.monotonic() + 60
    while True:
        bills = client.get("/v1/utilities/bills?status=open&limit=100", headers=citizen.auth)
        assert bills.status_code == 200, bills.text
        for bill in bills.json["items"]:
            if bill["reference"].endswith(theirs):
                found: dict[str, Any] = bill
                return found
        assert time.monotonic() < deadline, "the bill is not listed"
        time.sleep(0.2)


def order(*bills: Bill, method: str = "card", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the body that starts a payment of bills."""
    items = [{"service": bill.service, "reference": bill.reference} for bill in bills]
    return {"items": items, "method": method, **more}


def start(
    client: FlaskClient, citizen: Citizen, body: dict[str, Any], key: str | None = None
) -> TestResponse:
    """Start a payment as a citizen's client does."""
    headers = {**citizen.auth, "Idempotency-Key": key or new_key()}
    return client.post("/v1/payments", json=body, headers=headers)


def read(client: FlaskClient, citizen: Citizen, payment_id: str) -> dict[str, Any]:
    """Return a citizen's payment."""
    answer = client.get(f"/v1/payments/{payment_id}", headers=citizen.auth)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def confirm(payment: dict[str, Any], card: str = "pm_card_visa") -> dict[str, Any]:
    """Confirm a card payment with Stripe, as the citizen's client does; 402 is an answer too."""
    action = payment["next_action"]
    form = urllib.parse.urlencode(
        {"client_secret": action["client_secret"], "payment_method": card}
    )
    request = Request(  # noqa: S310 - loopback
        f"{action['api_base']}/v1/payment_intents/{action['intent']}/confirm",
        data=form.encode(),
        headers={"Authorization": f"Bearer {STRIPE_PUBLISHABLE_KEY}"},
    )
    return _send(request)


def stripe_control(
    world: World, method: str, path: str, body: object | None = None
) -> dict[str, Any]:
    """Call the sandbox Stripe's own controls."""
    return steer(world.stripe, method, path, body)


def steer(base: str, method: str, path: str, body: object | None = None) -> dict[str, Any]:
    """Call the controls of the sandbox Stripe at an address."""
    data = None if body is None else json.dumps(body).encode()
    return _send(
        Request(  # noqa: S310 - loopback
            f"{base}/sandbox{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
    )


def _send(request: Request) -> dict[str, Any]:
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            body: dict[str, Any] = json.loads(answer.read() or b"{}")
    except HTTPError as refusal:
        with refusal:
            body = json.loads(refusal.read())
    return body


def signed_event(
    kind: str, intent: dict[str, Any], *, event_id: str | None = None, at: int | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return a webhook's bytes and headers, signed as Stripe signs."""
    event = {
        "id": event_id or f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "type": kind,
        "data": {"object": {"object": "payment_intent", **intent}},
    }
    raw = json.dumps(event).encode()
    stamp = int(time.time()) if at is None else at
    mac = hmac.new(STRIPE_WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + raw, "sha256")
    signature = f"t={stamp},v1={mac.hexdigest()}"
    return raw, {"Stripe-Signature": signature, "Content-Type": "application/json"}


def deliver(
    client: FlaskClient, payment: dict[str, Any], kind: str = "payment_intent.succeeded"
) -> None:
    """Deliver a genuine webhook about a payment's intent."""
    raw, headers = signed_event(kind, {"id": payment["next_action"]["intent"]})
    answer = client.post("/v1/payments/webhooks/stripe", data=raw, headers=headers)
    assert answer.status_code == 204, answer.text


def pay(client: FlaskClient, rooms: Rooms, citizen: Citizen, *bills: Bill) -> dict[str, Any]:
    """Pay bills by card all the way through, and return the payment as it then is."""
    started = start(client, citizen, order(*bills))
    assert started.status_code == 201, started.text
    assert confirm(started.json)["status"] == "succeeded"
    deliver(client, started.json)
    run_jobs(rooms)
    return read(client, citizen, started.json["id"])


def postings(world: World, bill: Bill) -> list[dict[str, Any]]:
    """Return the notices that a biller received about a bill."""
    items = city(world, "GET", f"/billers/{bill.biller}/postings")["items"]
    return [item for item in items if item["reference"] == bill.biller_reference]


def intents_of(world: World, payment_id: str) -> list[dict[str, Any]]:
    """Return the intents that Stripe holds for a payment."""
    query = urllib.parse.quote(f"metadata['payment']:'{payment_id}'")
    request = Request(  # noqa: S310 - loopback
        f"{world.stripe}/v1/payment_intents/search?query={query}",
        headers={"Authorization": f"Bearer {world.env['STRIPE_API_KEY']}"},
    )
    found: list[dict[str, Any]] = _send(request)["data"]
    return found


def step_up(rooms: Rooms, citizen: Citizen) -> None:
    """Let a citizen's session have proven itself again just now."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update sessions set stepped_up_at = :at where id = :id"),
            {"at": now(), "id": UUID(citizen.session_id)},
        )


def prove_method(saved: dict[str, Any], card: str = "pm_card_visa") -> dict[str, Any]:
    """Prove a method that is being kept, as the citizen's own client does at Stripe."""
    action = saved["next_action"]
    form = urllib.parse.urlencode(
        {"client_secret": action["client_secret"], "payment_method": card}
    )
    return _send(
        Request(  # noqa: S310 - loopback
            f"{action['api_base']}/v1/setup_intents/{action['intent']}/confirm",
            data=form.encode(),
            headers={"Authorization": f"Bearer {STRIPE_PUBLISHABLE_KEY}"},
        )
    )
