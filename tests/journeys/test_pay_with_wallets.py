"""A citizen pays with Alipay and with WeChat Pay directly: what `make run` starts, switched by a
setting, with the wallets' own notices in between: twice, backwards, or none at all."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.journeys.house import (
    PATIENCE,
    Bill,
    Citizen,
    House,
    ask_city,
    postings,
    run_house,
    wait_until,
)
from tests.live import Live

METHODS = {"alipay": "alipay", "wechat": "wechat_pay"}


@dataclass(frozen=True)
class Wallet:
    """One wallet from the payer's side."""

    name: str
    server: Live

    def call(self, method: str, path: str, body: object | None = None) -> tuple[int, Any]:
        """Steer the sandbox wallet."""
        answer = self.server.call(
            method,
            f"/sandbox/{self.name}{path}",
            body=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        return answer.status, answer.json

    def order(self, number: str) -> dict[str, Any]:
        """Return what the wallet has in its books."""
        status, order = self.call("GET", f"/orders/{number}")
        assert status == 200
        found: dict[str, Any] = order
        return found

    def count(self, *operations: str) -> int:
        """Return how many of these calls the wallet has heard."""
        return sum(
            item["operation"] in operations for item in self.call("GET", "/journal")[1]["items"]
        )


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Run the product with both wallets spoken to directly."""
    with run_house(ALIPAY_GATEWAY="alipay", WECHAT_PAY_GATEWAY="wechat") as running:
        yield running


@pytest.fixture(params=["alipay", "wechat"])
def wallet(request: pytest.FixtureRequest, house: House) -> Iterator[Wallet]:
    """Return each wallet in turn, with notices as usual before and after."""
    base = urlsplit(house.env["WECHAT_PAY_API_BASE"])
    found = Wallet(request.param, Live(f"http://{base.netloc}", house.web.process))
    yield found
    found.call("PUT", "/notices", {"mode": "normal"})


@pytest.fixture(scope="module")
def citizen(house: House) -> Citizen:
    """Return the app of somebody who has just logged in."""
    someone = Citizen(house.web, house.city)
    someone.log_in()
    return someone


def start(citizen: Citizen, wallet: Wallet, bill: Bill) -> tuple[dict[str, Any], str]:
    """Start a payment and return it with the wallet's number of it."""
    order = bill.order(METHODS[wallet.name], return_url="https://app.example.org/paid")
    started = citizen.start(order)
    assert started.status == 201, started.body
    action = started.json["next_action"]
    assert (action["type"], bool(action["data"])) == ("qr_code", True)
    return started.json, action["intent"]


def approve(wallet: Wallet, number: str) -> int:
    """Let the payer scan and pay."""
    return wallet.call("POST", f"/orders/{number}/approve", {})[0]


def effective(house: House, bill: Bill) -> int:
    """Return how many notices have counted at the biller."""
    return sum(posting["effective"] for posting in postings(house.city, bill))


def notices_taken(wallet: Wallet, number: str) -> list[str]:
    """Return the states of what the wallet has told of an order."""
    items = wallet.call("GET", f"/notices?subject={number}")[1]["items"]
    return [item["state"] for item in items]


def test_a_water_bill_is_paid_once_whatever_is_told_how_often(
    house: House, citizen: Citizen, wallet: Wallet
) -> None:
    wallet.call("PUT", "/notices", {"mode": "duplicate"})
    bill = citizen.link_bill()
    payment, number = start(citizen, wallet, bill)
    again = citizen.payment(payment["id"])
    assert again["next_action"] == payment["next_action"]
    assert approve(wallet, number) == 200
    assert approve(wallet, number) == 409
    paid = citizen.await_items(payment["id"], "fulfilled")
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)
    wallet.call("POST", "/notices/redeliver", {"subject": number, "times": 3})
    wait_until(lambda: notices_taken(wallet, number), lambda seen: set(seen) == {"taken"})
    assert len(notices_taken(wallet, number)) == 5
    assert effective(house, bill) == 1
    receipt = wait_until(
        lambda: citizen.get(f"/v1/payments/{payment['id']}/receipt"), lambda a: a.status == 200
    )
    assert receipt.json["amount"] == bill.amount
    assert citizen.payment(payment["id"])["refunded_amount"] == 0
    assert wallet.order(number)["refunded"] == 0


def test_money_is_found_although_nobody_tells_of_it(
    house: House, citizen: Citizen, wallet: Wallet
) -> None:
    wallet.call("PUT", "/notices", {"mode": "drop"})
    bill = citizen.link_bill()
    payment, number = start(citizen, wallet, bill)
    assert approve(wallet, number) == 200
    citizen.await_items(payment["id"], "fulfilled")
    assert notices_taken(wallet, number) == ["dropped"]
    assert effective(house, bill) == 1


def test_what_the_biller_refuses_goes_back_once_and_is_told_backwards(
    house: House, citizen: Citizen, wallet: Wallet
) -> None:
    wallet.call("PUT", "/notices", {"mode": "reorder"})
    bill = citizen.link_bill(service="power-bill")
    refuse = {"mode": "refuse", "times": 1}
    ask_city(house.city, "PUT", f"/billers/{bill.biller}/behaviour", refuse)
    before = wallet.count("alipay.trade.refund", "refund")
    payment, number = start(citizen, wallet, bill)
    assert approve(wallet, number) == 200
    refunded = citizen.await_items(payment["id"], "refunded")
    assert refunded["refunded_amount"] == bill.amount == wallet.order(number)["refunded"]
    wait_until(lambda: notices_taken(wallet, number), lambda seen: seen == ["held"] * 2)
    wallet.call("PUT", "/notices", {"mode": "normal"})
    wait_until(lambda: notices_taken(wallet, number), lambda seen: seen == ["taken"] * 2)
    wallet.call("POST", "/notices/redeliver", {"subject": number, "times": 2})
    wait_until(lambda: notices_taken(wallet, number), lambda seen: seen == ["taken"] * 6)
    after = citizen.payment(payment["id"])
    assert (after["status"], after["refunded_amount"]) == ("succeeded", bill.amount)
    assert {item["status"] for item in after["items"]} == {"refunded"}
    assert wallet.count("alipay.trade.refund", "refund") == before + 1
    assert effective(house, bill) == 0


def test_a_cancelled_payment_keeps_no_money(house: House, citizen: Citizen, wallet: Wallet) -> None:
    bill = citizen.link_bill()
    payment, number = start(citizen, wallet, bill)
    ended = citizen.post(f"/v1/payments/{payment['id']}/cancellation", {})
    assert (ended.status, ended.json["status"]) == (200, "cancelled")
    if wallet.name == "wechat":
        assert approve(wallet, number) == 409
        return
    # Nobody had scanned Alipay's code, so it could not be closed; its money is late and goes back.
    assert approve(wallet, number) == 200
    wait_until(lambda: wallet.order(number)["refunded"], lambda amount: amount == bill.amount)
    assert citizen.payment(payment["id"])["status"] == "cancelled"
    assert effective(house, bill) == 0


def test_a_code_whose_answer_was_lost_is_told_again(citizen: Citizen, wallet: Wallet) -> None:
    operation = {"alipay": "alipay.trade.precreate", "wechat": "open"}[wallet.name]
    wallet.call("PUT", "/faults", {"operation": operation, "kind": "drop", "times": 1})
    bill = citizen.link_bill()
    order = bill.order(METHODS[wallet.name], return_url="https://app.example.org/paid")
    started = citizen.start(order, f"key-{secrets.token_hex(16)}")
    assert (started.status, started.json["next_action"]) == (201, None)
    told = wait_until(
        lambda: citizen.payment(started.json["id"]),
        lambda seen: seen["next_action"] is not None,
        PATIENCE,
    )
    assert approve(wallet, told["next_action"]["intent"]) == 200
    citizen.await_items(started.json["id"], "fulfilled")
