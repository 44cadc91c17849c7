"""Webhooks are hints: whatever comes, how often and in what order, the gateway's word counts."""

import hmac
import itertools
import json
import time

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core.clock import now
from app.factory import Rooms
from app.payments.errors import SignatureInvalid
from app.payments.gateway.stripe_webhooks import verify_signature
from app.payments.models import BillerPosting, GatewayEvent, PaymentItem
from app.receipts.models import Receipt
from tests.conftest import STRIPE_WEBHOOK_SECRET, World
from tests.factories import Citizen, bearer, run_jobs, staff_token
from tests.live import Live, at_once
from tests.payments.helpers import (
    confirm,
    deliver,
    make_bill,
    order,
    postings,
    read,
    signed_event,
    start,
    stripe_control,
)

WEBHOOKS = "/v1/payments/webhooks/stripe"
KINDS = ("payment_intent.created", "payment_intent.processing", "payment_intent.succeeded")


def assert_paid_once(rooms: Rooms, payment_id: str) -> None:
    """Check that a payment of one item has one posting and one receipt."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        items = uow.scalars(select(PaymentItem).where(PaymentItem.payment_id == payment_id)).all()
        assert [item.status for item in items] == ["fulfilled"]
        posted = select(func.count()).where(BillerPosting.item_id == items[0].id)
        assert uow.scalar(posted) == 1
        receipts = select(func.count()).where(Receipt.payment_id == payment_id)
        assert uow.scalar(receipts) == 1


def assert_balanced(client: FlaskClient, rooms: Rooms) -> None:
    """Check that the whole book sums to zero, in each currency it holds."""
    auditor = bearer(staff_token(rooms, "auditor"))
    balance = client.get("/v1/ledger/trial-balance", headers=auditor)
    assert balance.status_code == 200, balance.text
    assert {c["balance"] for c in balance.json["currencies"]} == {0}


@pytest.mark.parametrize("kinds", list(itertools.permutations(KINDS)))
def test_the_order_of_events_does_not_matter(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, kinds: tuple[str, ...]
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    confirm(payment)
    for kind in kinds:
        deliver(client, payment, kind)
        run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "succeeded"
    assert len(postings(world, bill)) == 1
    assert_paid_once(rooms, payment["id"])


def test_fifty_parallel_deliveries_have_one_effect(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, live: Live
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    confirm(payment)
    events = [
        signed_event(
            kind, {"id": payment["next_action"]["intent"]}, event_id=f"evt_{i}{payment['id']}"
        )
        for i, kind in enumerate(KINDS)
    ]
    calls = [
        lambda raw=raw, headers=headers: live.call("POST", WEBHOOKS, body=raw, headers=headers)
        for raw, headers in events * 17
    ]
    assert {answer.status for answer in at_once(calls[:50])} == {204}
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "succeeded"
    assert len(postings(world, bill)) == 1
    assert_paid_once(rooms, payment["id"])
    assert_balanced(client, rooms)
    with rooms.units.open(actor="test", read_only=True) as uow:
        wanted = GatewayEvent.intent_id == payment["next_action"]["intent"]
        assert uow.scalar(select(func.count()).select_from(GatewayEvent).where(wanted)) == 3


def test_an_event_is_not_believed(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    raw, headers = signed_event(
        "payment_intent.succeeded",
        {
            "id": payment["next_action"]["intent"],
            "status": "succeeded",
            "amount": 4250,
            "amount_received": 4250,
            "currency": "cny",
        },
    )
    assert client.post(WEBHOOKS, data=raw, headers=headers).status_code == 204
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "pending"
    assert postings(world, bill) == []


def test_an_event_about_nothing_of_ours_is_kept_as_unmatched(
    client: FlaskClient, rooms: Rooms
) -> None:
    raw, headers = signed_event("payment_intent.succeeded", {"id": "pi_of_somebody_else"})
    assert client.post(WEBHOOKS, data=raw, headers=headers).status_code == 204
    run_jobs(rooms)
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.get_one(GatewayEvent, ("stripe", json.loads(raw)["id"]))
        assert row.state == "unmatched"


def forgeries() -> list[tuple[str, bytes, dict[str, str]]]:
    """Return webhooks that are not genuine, each in its own way."""
    raw, good = signed_event("payment_intent.succeeded", {"id": "pi_forged"})
    signature = good["Stripe-Signature"]
    stamp = signature.split(",")[0]
    mac = signature.split("v1=")[1]
    signed_at = int(stamp.removeprefix("t="))

    def variant(header: str) -> dict[str, str]:
        return {**good, "Stripe-Signature": header}

    raw_old, old = signed_event("payment_intent.succeeded", {"id": "pi_f"}, at=signed_at - 301)
    raw_ahead, ahead = signed_event("payment_intent.succeeded", {"id": "pi_f"}, at=signed_at + 120)
    not_utf8 = b'{"id": "\xff\xfe"}'
    return [
        ("no header", raw, {"Content-Type": "application/json"}),
        ("empty header", raw, variant("")),
        ("no time", raw, variant(f"v1={mac}")),
        ("two times", raw, variant(f"{stamp},{stamp},v1={mac}")),
        ("no signature", raw, variant(stamp)),
        ("wrong scheme", raw, variant(f"{stamp},v0={mac}")),
        ("other secret", raw, variant(f"{stamp},v1={'0' * 64}")),
        ("short", raw, variant(f"{stamp},v1={mac[:-1]}")),
        ("upper case", raw, variant(f"{stamp},v1={mac.upper()}")),
        ("altered body", raw + b" ", good),
        ("altered time", raw, variant(f"t={signed_at - 1},v1={mac}")),
        ("time in other digits", raw, variant(f"t=１２３,v1={mac}".encode().decode("latin-1"))),
        ("eleven signatures", raw, variant(f"{stamp}," + ",".join([f"v1={mac}"] * 11))),
        ("stale", raw_old, old),
        ("from the future", raw_ahead, ahead),
        ("not UTF-8", not_utf8, good),
        ("empty body", b"", good),
        ("a letter for a time", raw, variant(f"t=now,v1={mac}")),
    ]


@pytest.mark.parametrize("forgery", [name for name, _, _ in forgeries()])
def test_a_webhook_that_is_not_genuine_is_refused(
    client: FlaskClient, rooms: Rooms, forgery: str
) -> None:
    # Made anew: what is from the future when tests are collected is the present when they run.
    raw, headers = next(made[1:] for made in forgeries() if made[0] == forgery)

    def kept() -> int:
        with rooms.units.open(actor="test", read_only=True) as uow:
            return uow.scalar(select(func.count()).select_from(GatewayEvent)) or 0

    before = kept()
    answer = client.post(WEBHOOKS, data=raw, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, "signature-invalid")
    assert kept() == before


def test_signed_bytes_that_are_no_event_are_refused(client: FlaskClient) -> None:
    for body in (b"\xff\xfe", b"[]", b"{}", b'{"id": 1}', b'{"id": "e", "type": "t", "data": 3}'):
        stamp = int(time.time())
        mac = hmac.new(STRIPE_WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + body, "sha256")
        headers = {
            "Stripe-Signature": f"t={stamp},v1={mac.hexdigest()}",
            "Content-Type": "application/json",
        }
        assert client.post(WEBHOOKS, data=body, headers=headers).status_code == 400


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=200), header=st.text(max_size=200) | st.none())
def test_no_bytes_and_no_header_pass_by_chance(raw: bytes, header: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        verify_signature(raw, header, STRIPE_WEBHOOK_SECRET, now())


@pytest.mark.parametrize(
    "card",
    [
        "pm_card_chargeDeclined",
        "pm_card_chargeDeclinedInsufficientFunds",
        "pm_card_chargeDeclinedExpiredCard",
    ],
)
def test_a_declined_card_can_be_followed_by_another(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, card: str
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    declined = confirm(payment, card)
    assert declined["error"]["type"] == "card_error"
    deliver(client, payment, "payment_intent.payment_failed")
    run_jobs(rooms)
    waiting = read(client, citizen, payment["id"])
    assert waiting["status"] == "pending"
    assert waiting["next_action"]["intent"] == payment["next_action"]["intent"]
    assert confirm(waiting)["status"] == "succeeded"
    deliver(client, payment)
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "succeeded"
    assert_paid_once(rooms, payment["id"])


@pytest.mark.parametrize("method", ["alipay", "wechat_pay"])
def test_a_wallet_is_approved_or_declined_outside(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, method: str
) -> None:
    bill = make_bill(client, world, citizen)
    body = order(bill, method=method, return_url="https://app.example/back")
    payment = start(client, citizen, body).json
    action = payment["next_action"]
    assert action["type"] == {"alipay": "redirect", "wechat_pay": "qr_code"}[method]
    assert action["url" if method == "alipay" else "data"]
    intent = action["intent"]
    stripe_control(world, "POST", f"/payment_intents/{intent}/approve", {"as": "processing"})
    deliver(client, payment, "payment_intent.processing")
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "processing"
    refused = client.post(f"/v1/payments/{payment['id']}/cancellation", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (409, "payment-not-pending")
    stripe_control(world, "POST", f"/payment_intents/{intent}/decline")
    deliver(client, payment, "payment_intent.payment_failed")
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "pending"
    retried = client.post(
        f"/v1/payments/{payment['id']}/attempts",
        json={"method": method, "return_url": "https://app.example/back"},
        headers=citizen.auth,
    )
    assert retried.status_code == 201, retried.text
    second = retried.json["next_action"]["intent"]
    assert second != intent
    stripe_control(world, "POST", f"/payment_intents/{second}/approve")
    deliver(client, retried.json)
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "succeeded"
    assert_paid_once(rooms, payment["id"])


def test_a_webhook_while_the_gateway_is_silent_is_applied_later(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    confirm(payment)
    fault = {"operation": "payment_intents.retrieve", "kind": "error_before", "times": 2}
    stripe_control(world, "PUT", "/faults", fault)
    deliver(client, payment)
    for _ in range(100):
        run_jobs(rooms)
        if read(client, citizen, payment["id"])["receipt_code"]:
            break
    assert_paid_once(rooms, payment["id"])
