"""A citizen pays a water bill: every step, and every refusal, over HTTP against what `make run`
starts, with Stripe's own webhooks in between."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest

from app.core.tokens import Tokens
from config.settings import Settings
from tests.factories import later
from tests.journeys.conftest import VERIFIED_SERVICE
from tests.journeys.house import (
    Bill,
    Citizen,
    House,
    ask_city,
    confirm,
    make_bill,
    new_key,
    postings,
    wait_until,
)
from tests.live import Answer

NOTHING = "01900000-0000-7000-8000-000000000000"
WALLETS = {"alipay": "redirect", "wechat_pay": "qr_code"}


@dataclass(frozen=True)
class Paid:
    """One payment of the journey, all the way through."""

    bill: Bill
    key: str
    first: Answer
    payment: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.payment["id"])


@pytest.fixture(scope="module")
def citizen(house: House) -> Citizen:
    """Return the app of somebody who has proven their name."""
    someone = Citizen(house.web, house.city)
    someone.log_in()
    person = ask_city(
        house.city, "POST", "/register/people", {"name": "李雷", "born": "1990-05-01"}
    )
    proof = {"name": person["name"], "resident_id": person["resident_id"]}
    assert someone.post("/v1/me/verifications", proof).status == 201
    return someone


@pytest.fixture(scope="module")
def stranger(house: House) -> Citizen:
    """Return the app of somebody else, who has proven only a phone."""
    someone = Citizen(house.web, house.city)
    someone.log_in()
    return someone


def pay(house: House, citizen: Citizen, bill: Bill) -> Paid:
    """Pay a bill by card and wait until its biller has it."""
    key = new_key()
    first = citizen.start(bill.order(), key)
    assert first.status == 201, first.body
    assert confirm(house.stripe, first.json["next_action"]).json["status"] == "succeeded"
    payment = citizen.await_items(first.json["id"], "fulfilled")
    assert payment["status"] == "succeeded"
    return Paid(bill, key, first, payment)


@pytest.fixture(scope="module")
def paid(house: House, citizen: Citizen) -> Paid:
    """Return a water bill that was paid."""
    return pay(house, citizen, citizen.link_bill())


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Return the problem document of a refusal with this status and code."""
    assert (answer.status, answer.json.get("code")) == (status, code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["title"]
    assert answer.json["title_zh"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    body: dict[str, Any] = answer.json
    return body


def payments_of(citizen: Citizen) -> list[str]:
    """Return the ids of a citizen's payments, newest first."""
    answer = citizen.get("/v1/payments?limit=100")
    assert answer.status == 200
    return [payment["id"] for payment in answer.json["items"]]


def test_step_1_the_answer_does_not_tell_whether_the_number_is_known(
    house: House, citizen: Citizen
) -> None:
    someone = Citizen(house.web, house.city)
    fresh, code = someone.ask_code()
    known = someone.post("/v1/auth/challenges", {"phone": citizen.phone, "purpose": "login"})
    assert re.fullmatch(r"[0-9]{6}", code)
    assert fresh.status == 202
    assert set(fresh.json) == {"id", "expires_at", "resend_at"}
    # The known number was sent a code less than a minute ago, which is told in the same shape.
    assert known.status in {202, 429}
    assert known.status == 429 or set(known.json) == set(fresh.json)


def test_step_2_a_code_makes_an_account_and_a_session(house: House) -> None:
    someone = Citizen(house.web, house.city)
    made = someone.log_in()
    body = made.json
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 600
    assert body["citizen"]["assurance"] == "basic"
    renewed = someone.post("/v1/auth/sessions/refresh", {"refresh_token": body["refresh_token"]})
    assert renewed.status == 200
    assert set(renewed.json) == set(body)
    assert renewed.json["refresh_token"] != body["refresh_token"]
    assert renewed.json["session"] == body["session"]
    listed = someone.get("/v1/auth/sessions").json["items"]
    assert [session["id"] for session in listed] == [body["session"]["id"]]
    ended = house.web.call(
        "DELETE",
        f"/v1/auth/sessions/{body['session']['id']}",
        headers={"Authorization": f"Bearer {someone.token}"},
    )
    assert (ended.status, ended.body) == (204, b"")
    # Revocation is cached for a second at most.
    wait_until(lambda: someone.get("/v1/me").status, lambda status: status == 401)


def test_steps_3_and_4_a_name_is_proven_against_the_register(house: House) -> None:
    someone = Citizen(house.web, house.city)
    citizen_id = someone.log_in().json["citizen"]["id"]
    me = someone.get("/v1/me")
    assert me.status == 200
    seen = {name: me.json[name] for name in ("id", "phone", "name", "assurance")}
    masked = f"{someone.phone[3:6]}****{someone.phone[-4:]}"
    assert seen == {"id": citizen_id, "phone": masked, "name": None, "assurance": "basic"}
    person = ask_city(
        house.city, "POST", "/register/people", {"name": "韩雪", "born": "1991-02-03"}
    )
    wrong = {"name": "韩梅", "resident_id": person["resident_id"]}
    refused(someone.post("/v1/me/verifications", wrong), 422, "identity-mismatch")
    assert someone.get("/v1/me").json["assurance"] == "basic"
    right = {"name": "韩雪", "resident_id": person["resident_id"]}
    proven = someone.post("/v1/me/verifications", right)
    assert proven.status == 201
    assert proven.json["status"] == "verified"
    assert someone.get("/v1/me").json["assurance"] == "verified"


def test_step_5_the_catalogue_is_public_and_search_forgives(house: House) -> None:
    nobody = Citizen(house.web, house.city)
    assert len(nobody.get("/v1/categories").json["items"]) == 13
    departments = nobody.get("/v1/departments?limit=100")
    assert departments.status == 200
    assert len(departments.json["items"]) >= 40
    for words in ("水费", "shuifei", "sf", "自来水费", "shuifie"):
        hits = nobody.get(f"/v1/services?q={quote(words)}")
        assert hits.status == 200
        assert "water-bill" in [hit["id"] for hit in hits.json["items"]], words
    service = nobody.get("/v1/services/water-bill")
    assert service.status == 200
    seen = {name: service.json[name] for name in ("id", "kind", "assurance")}
    assert seen == {"id": "water-bill", "kind": "payable", "assurance": "basic"}


def test_steps_6_and_7_an_account_is_linked_and_its_bill_listed(
    house: House, stranger: Citizen
) -> None:
    bill = make_bill(house.city, 3075)
    wanted = {"biller": "shiyan-water", "number": bill.account, "holder_name": "李雷"}
    account = stranger.post("/v1/utilities/accounts", wanted)
    assert account.status == 201
    assert account.json["biller"] == "shiyan-water"
    assert account.json["status"] == "verified"
    assert bill.account not in account.body.decode()
    assert stranger.get(account.headers["location"]).json["id"] == account.json["id"]
    # A biller that is slow for a moment is left out, and asked again some seconds later.
    listed = wait_until(
        lambda: stranger.get("/v1/utilities/bills?status=open&limit=20"),
        lambda seen: seen.status != 200 or seen.json["items"] != [],
    )
    assert listed.status == 200
    assert listed.json["next_cursor"] is None
    (found,) = listed.json["items"]
    seen = {n: found[n] for n in ("service", "amount", "currency", "due_date", "status")}
    assert seen == {
        "service": "water-bill",
        "amount": 3075,
        "currency": "CNY",
        "due_date": "2026-12-15",
        "status": "open",
    }
    owed = stranger.get("/v1/me/payables").json["items"]
    assert (found["reference"], 3075) in [(p["reference"], p["amount"]) for p in owed]


def test_step_8_a_payment_is_started(house: House, paid: Paid) -> None:
    started = paid.first.json
    assert paid.first.headers["location"] == f"/v1/payments/{paid.id}"
    seen = {name: started[name] for name in ("status", "amount", "currency")}
    assert seen == {"status": "pending", "amount": 4250, "currency": "CNY"}
    (item,) = started["items"]
    seen = {name: item[name] for name in ("service", "reference", "amount", "status")}
    reference = paid.bill.reference
    assert seen == {
        "service": "water-bill",
        "reference": reference,
        "amount": 4250,
        "status": "waiting",
    }
    action = started["next_action"]
    assert set(action) == {"type", "intent", "client_secret", "publishable_key", "api_base"}
    assert action["type"] == "stripe"
    assert action["api_base"] == house.stripe.url
    assert action["publishable_key"] == house.env["STRIPE_PUBLISHABLE_KEY"]


def test_steps_9_and_10_money_comes_and_the_biller_has_it(
    house: House, citizen: Citizen, paid: Paid
) -> None:
    (item,) = paid.payment["items"]
    assert re.fullmatch(r"WTR-[0-9]{6}", item["biller_reference"])
    assert paid.payment["next_action"] is None
    path = f"/sandbox/webhooks/deliveries?payment_intent={paid.first.json['next_action']['intent']}"
    # We may have acted on a notice before Stripe has written down that we have it.
    wait_until(
        lambda: {item["last_status"] for item in house.stripe.call("GET", path).json["items"]},
        lambda statuses: statuses == {204},
    )
    events = citizen.get(f"/v1/payments/{paid.id}/events?limit=100").json["items"]
    moves = [(e["entity"], e["from_state"], e["to_state"]) for e in events]
    for entity, states in (
        ("payment", [None, "pending", "processing", "succeeded"]),
        ("payment_item", [None, "waiting", "due", "fulfilled"]),
    ):
        wanted = [(entity, before, after) for before, after in pairwise(states)]
        assert [move for move in moves if move[0] == entity] == wanted
    assert all(event["cause"] and event["at"] for event in events)


def test_step_11_the_receipt_is_proof(citizen: Citizen, stranger: Citizen, paid: Paid) -> None:
    path = f"/v1/payments/{paid.id}/receipt"
    receipt = wait_until(lambda: citizen.get(path), lambda answer: answer.status == 200).json
    assert receipt["amount"] == 4250
    (section,) = receipt["sections"]
    assert section["reference"] == paid.bill.reference
    assert section["biller_reference"] == paid.payment["items"][0]["biller_reference"]
    printed = citizen.get(path, Accept="application/pdf")
    assert printed.status == 200
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.body.startswith(b"%PDF-")
    refused(citizen.get(path, Accept="text/html"), 406, "not-acceptable")
    nobody = Citizen(stranger.web, stranger.city)
    validity = f"/v1/receipts/{receipt['code']}/validity?amount="
    valid = {"valid": True, "status": "issued", "standing_amount": 4250}
    unknown = {"valid": False, "status": None, "standing_amount": None}
    assert nobody.get(f"{validity}4250").json == valid
    assert nobody.get(f"{validity}4251").json == unknown
    assert nobody.get("/v1/receipts/nothing/validity?amount=4250").json == unknown


def test_step_12_the_bill_is_paid_once_and_the_citizen_told(
    house: House, citizen: Citizen, paid: Paid
) -> None:
    assert citizen.get(f"/v1/utilities/bills/{paid.bill.id}").json["status"] == "paid"
    (posting,) = postings(house.city, paid.bill)
    assert (posting["amount"], posting["effective"]) == (4250, True)
    assert posting["key"] == paid.payment["items"][0]["id"]
    told = wait_until(citizen.inbox, lambda kinds: "receipt-issued" in kinds)
    assert "payment-received" in told


def test_step_13_the_books_are_balanced(house: House, citizen: Citizen, paid: Paid) -> None:
    path = "/v1/ledger/trial-balance"
    auditor = Citizen(house.web, house.city, token=house.staff_token())
    book = auditor.get(path)
    assert book.status == 200
    sums = {item["currency"]: item for item in book.json["currencies"]}
    assert set(sums) == {"CNY"}
    assert sums["CNY"]["balance"] == 0
    assert sums["CNY"]["debit"] >= 4250
    refused(citizen.get(path), 403, "forbidden")


@pytest.mark.parametrize("method", list(WALLETS))
def test_a_wallet_pays_when_the_citizen_approves(
    house: House, citizen: Citizen, method: str
) -> None:
    bill = citizen.link_bill(1890)
    started = citizen.start(bill.order(method, return_url="wudang://paid"))
    assert started.status == 201
    action = started.json["next_action"]
    assert action["type"] == WALLETS[method]
    approved = house.stripe.call("POST", f"/sandbox/payment_intents/{action['intent']}/approve")
    assert approved.status == 200
    done = citizen.await_items(started.json["id"], "fulfilled")
    assert (done["status"], done["method"]) == ("succeeded", method)
    assert [posting["effective"] for posting in postings(house.city, bill)] == [True]


def test_a_declined_card_can_be_tried_again_and_a_payment_called_off(
    house: House, citizen: Citizen
) -> None:
    bill = citizen.link_bill(2040)
    started = citizen.start(bill.order()).json
    declined = confirm(house.stripe, started["next_action"], "pm_card_visa_chargeDeclined")
    assert declined.status == 402
    other = {"method": "alipay", "return_url": "wudang://paid"}
    again = citizen.post(f"/v1/payments/{started['id']}/attempts", other)
    assert again.status == 201, again.body
    assert again.json["next_action"]["intent"] != started["next_action"]["intent"]
    ended = citizen.post(f"/v1/payments/{started['id']}/cancellation", {})
    assert ended.status == 200, ended.body
    assert ended.json["status"] == "cancelled"
    assert citizen.start(bill.order()).status == 201


def test_the_same_key_again_is_the_first_answer(citizen: Citizen, paid: Paid) -> None:
    before = payments_of(citizen)
    again = citizen.start(paid.bill.order(), paid.key)
    assert (again.status, again.body) == (201, paid.first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == paid.first.headers["location"]
    assert "idempotent-replayed" not in paid.first.headers
    assert payments_of(citizen) == before


def test_the_same_key_with_another_body_is_refused(citizen: Citizen, paid: Paid) -> None:
    before = payments_of(citizen)
    other = paid.bill.order("alipay", return_url="wudang://paid")
    refused(citizen.start(other, paid.key), 422, "idempotency-key-reused")
    assert payments_of(citizen) == before


def test_a_bill_that_is_being_paid_names_the_live_payment_to_its_payer(
    house: House, citizen: Citizen, stranger: Citizen
) -> None:
    bill = citizen.link_bill(3180)
    first = citizen.start(bill.order()).json
    before = payments_of(citizen)
    body = refused(citizen.start(bill.order()), 409, "payment-in-progress")
    assert body["payment_id"] == first["id"]
    assert payments_of(citizen) == before
    # Somebody else who has linked the same account is told that much, and not by whom.
    wanted = {"biller": bill.biller, "number": bill.account, "holder_name": "李雷"}
    assert stranger.post("/v1/utilities/accounts", wanted).status == 201
    listed = wait_until(
        lambda: stranger.get("/v1/utilities/bills?status=open&limit=100"),
        lambda seen: bill.number in seen.body.decode(),
    )
    (theirs,) = (
        found for found in listed.json["items"] if found["biller_reference"] == bill.number
    )
    order = {
        "items": [{"service": bill.service, "reference": theirs["reference"]}],
        "method": "card",
    }
    assert "payment_id" not in refused(stranger.start(order), 409, "payment-in-progress")
    assert citizen.payment(first["id"])["next_action"] == first["next_action"]
    assert confirm(house.stripe, first["next_action"]).status == 200
    citizen.await_items(first["id"], "fulfilled")


def test_a_paid_bill_is_not_paid_again(house: House, citizen: Citizen, paid: Paid) -> None:
    before = payments_of(citizen)
    refused(citizen.start(paid.bill.order()), 409, "already-paid")
    assert payments_of(citizen) == before
    assert len(postings(house.city, paid.bill)) == 1


def test_a_payment_needs_a_key(citizen: Citizen, paid: Paid) -> None:
    before = payments_of(citizen)
    answer = citizen.post("/v1/payments", paid.bill.order())
    refused(answer, 400, "idempotency-key-missing")
    assert payments_of(citizen) == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1/payments/{payment}",
        "/v1/payments/{payment}/events",
        "/v1/payments/{payment}/receipt",
        "/v1/utilities/bills/{bill}",
        "/v1/utilities/accounts/{account}",
    ],
)
def test_what_is_somebody_elses_is_as_if_it_were_not(
    citizen: Citizen, stranger: Citizen, paid: Paid, path: str
) -> None:
    theirs = {"payment": paid.id, "bill": paid.bill.id, "account": paid.bill.account_id}
    nothing = dict.fromkeys(theirs, NOTHING)
    assert citizen.get(path.format(**theirs)).status == 200
    there = stranger.get(path.format(**theirs))
    assert there.status == 404
    assert told(there) == told(stranger.get(path.format(**nothing)))


def told(answer: Answer) -> dict[str, Any]:
    """Return what an answer says, without what differs for any two requests."""
    body: dict[str, Any] = json.loads(answer.body)
    return {name: body[name] for name in body if name not in {"instance", "request_id"}} | {
        "status": answer.status
    }


def test_a_strangers_bill_cannot_be_paid_nor_its_payment_changed(
    citizen: Citizen, stranger: Citizen, paid: Paid
) -> None:
    open_bill = citizen.link_bill(2210)
    order = open_bill.order()
    started = citizen.start(order).json
    for answer in (
        stranger.post(f"/v1/payments/{started['id']}/attempts", {"method": "card"}),
        stranger.post(f"/v1/payments/{started['id']}/cancellation", {}),
    ):
        refused(answer, 404, "not-found")
    assert citizen.payment(started["id"])["status"] == "pending"


def test_no_token_and_a_forged_one(house: House) -> None:
    for token in ("", "not-a-token"):
        answer = Citizen(house.web, house.city, token=token).get("/v1/me")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="wudang"')
    refused(Citizen(house.web, house.city).get("/v1/payments"), 401, "unauthenticated")


def test_an_expired_token(house: House) -> None:
    someone = Citizen(house.web, house.city)
    made = someone.log_in().json
    settings = Settings.from_env(house.env)
    tokens = Tokens(settings.keys.token_signing, settings.web.public_url)
    issue: Callable[[], str] = lambda: tokens.issue(  # noqa: E731 - one expression, twice
        subject=made["citizen"]["id"],
        session_id=made["session"]["id"],
        kind="citizen",
        assurance="basic",
    )
    someone.token = issue()
    assert someone.get("/v1/me").status == 200
    with later(-601):
        someone.token = issue()
    answer = someone.get("/v1/me")
    refused(answer, 401, "token-invalid")
    challenge = answer.headers["www-authenticate"]
    assert challenge == 'Bearer realm="wudang", error="invalid_token"'


def test_a_service_that_needs_more_assurance(citizen: Citizen, stranger: Citizen) -> None:
    order = {"items": [{"service": VERIFIED_SERVICE, "reference": "P-1"}], "method": "card"}
    before = payments_of(stranger)
    body = refused(stranger.start(order), 403, "assurance-too-low")
    assert body["needed"] == "verified"
    assert payments_of(stranger) == before
    assert citizen.start(order).status == 201


def test_a_biller_that_refuses_for_good_sends_the_money_back(
    house: House, citizen: Citizen
) -> None:
    bill = citizen.link_bill(2760)
    started = citizen.start(bill.order()).json
    counter = f"/billers/{bill.biller}/bills/{bill.number}/counter-payments"
    assert house.city.call("POST", counter).status == 201
    assert confirm(house.stripe, started["next_action"]).json["status"] == "succeeded"
    done = citizen.await_items(started["id"], "refunded")
    assert (done["status"], done["refunded_amount"]) == ("succeeded", 2760)
    told = wait_until(citizen.inbox, lambda kinds: "refund-succeeded" in kinds)
    assert "payment-refunded-item" in told
    refused(citizen.get(f"/v1/payments/{started['id']}/receipt"), 404, "receipt-not-ready")
    assert [posting["effective"] for posting in postings(house.city, bill)] == [False]
    auditor = Citizen(house.web, house.city, token=house.staff_token())
    book = auditor.get("/v1/ledger/trial-balance").json
    assert [item["balance"] for item in book["currencies"]] == [0]
