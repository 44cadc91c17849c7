"""The main journey: somebody new logs in, proves a name, finds a water bill and pays it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.cli.demo.actors import (
    BILLER,
    SERVICE,
    Bill,
    City,
    Phone,
    confirm_card,
    new_key,
    order_of,
)
from app.cli.demo.story import Broken, Story, check, expect, expect_refusal, wait_for, yuan
from app.cli.demo.wire import Answer, call

CATEGORIES = 13
DEPARTMENTS = 40
AMOUNT = 4250
_SEARCHES = {"水费": "Chinese", "shuifei": "pinyin", "sf": "initials", "自来水费": "synonym"}
_TYPO = "shuifie"


@dataclass(slots=True)
class Tour:
    """What every step works with, and what earlier steps leave for later ones."""

    story: Story
    web: str
    stripe: str
    city: City
    phone: Phone
    staff_token: Callable[[], str]

    def link_account(self, holder: str, amount: int) -> tuple[Bill, dict[str, Any]]:
        """Make an account with one bill, link it, and return the bill and the linked account."""
        bill = self.city.make_bill(self.city.make_account(holder), amount)
        wanted = {"biller": BILLER, "number": bill.account, "holder_name": holder}
        account: dict[str, Any] = expect(self.phone.post("/v1/utilities/accounts", wanted), 201)
        check("account", "verified", account["status"])
        return bill, account


@dataclass(frozen=True, slots=True)
class Paid:
    """The payment of the journey, for the refusals that come after it."""

    holder: str
    account_id: str
    bill_id: str
    key: str
    order: dict[str, Any]
    first: Answer
    payment_id: str


def perform(tour: Tour) -> Paid:
    """Perform steps 1 to 13; raise `Broken` at the first thing that is not as promised."""
    _log_in(tour)
    holder = _verify(tour)
    _look_around(tour)
    bill, account, listed = _find_bill(tour, holder)
    paid = _pay(tour, holder, account, listed)
    _read_proof(tour, paid)
    _look_at_the_books(tour, bill, paid)
    return paid


def _log_in(tour: Tour) -> None:
    phone = tour.phone
    with tour.story.step("1", "验证码 ask for a code") as step:
        wanted = {"phone": phone.number, "purpose": "login"}
        asked = expect(phone.post("/v1/auth/challenges", wanted), 202)
        code = tour.city.code_sent_to(phone.number)
        step.say(f"202; the SMS to {phone.number} says {code}")
    with tour.story.step("2", "登录 log in") as step:
        made = phone.start_session(asked["id"], code)
        check("assurance", "basic", made["citizen"]["assurance"])
        refresh = {"refresh_token": made["refresh_token"]}
        renewed = expect(phone.post("/v1/auth/sessions/refresh", refresh), 200)
        phone.token = renewed["access_token"]
        sessions = expect(phone.get("/v1/auth/sessions"), 200)["items"]
        check("sessions", [made["session"]["id"]], [session["id"] for session in sessions])
        step.say(f"201 for {made['expires_in']} s, refreshed once; one session")
    with tour.story.step("3", "我的 who I am") as step:
        me = expect(phone.get("/v1/me"), 200)
        check("phone", f"{phone.number[3:6]}****{phone.number[-4:]}", me["phone"])
        check("name", None, me["name"])
        step.say(f"200; {me['phone']}, no name yet, {me['assurance']}")


def _verify(tour: Tour) -> str:
    phone = tour.phone
    with tour.story.step("4", "实名 prove my name") as step:
        person = tour.city.make_person()
        wrong = {"name": "韩梅梅", "resident_id": person.resident_id}
        expect_refusal(phone.post("/v1/me/verifications", wrong), 422, "identity-mismatch")
        right = {"name": person.name, "resident_id": person.resident_id}
        made = expect(phone.post("/v1/me/verifications", right), 201)
        check("verification", "verified", made["status"])
        me = expect(phone.get("/v1/me"), 200)
        check("assurance", "verified", me["assurance"])
        step.say(f"another's name 422, mine 201; {me['name']} is verified")
    return person.name


def _look_around(tour: Tour) -> None:
    phone = tour.phone
    with tour.story.step("5", "目录 what the city offers") as step:
        categories = expect(phone.get("/v1/categories"), 200)["items"]
        check("categories", CATEGORIES, len(categories))
        departments = expect(phone.get("/v1/departments?limit=100"), 200)["items"]
        if len(departments) < DEPARTMENTS:
            raise Broken(f"expected {DEPARTMENTS} departments or more, saw {len(departments)}")
        for words in (*_SEARCHES, _TYPO):
            _find_service(phone, words)
        service = expect(phone.get(f"/v1/services/{SERVICE}"), 200)
        check("kind", "payable", service["kind"])
        found = ", ".join([*_SEARCHES.values(), "a typo"])
        step.say(
            f"{len(categories)} categories, {len(departments)} departments; 水费 found by {found}"
        )


def _find_service(phone: Phone, words: str) -> None:
    hits = expect(call("GET", f"{phone.web}/v1/services?{_query(words)}"), 200)["items"]
    if SERVICE not in [hit["id"] for hit in hits]:
        raise Broken(f"expected {SERVICE} among the hits for {words}, saw {len(hits)} others")


def _find_bill(tour: Tour, holder: str) -> tuple[Bill, dict[str, Any], dict[str, Any]]:
    phone = tour.phone
    with tour.story.step("6", "绑定户号 link my account") as step:
        bill, account = tour.link_account(holder, AMOUNT)
        step.say(f"201; {account['number_masked']} {account['status']}")
    with tour.story.step("7", "账单 what I owe") as step:
        listed = phone.open_bill(bill)
        check("amount", AMOUNT, listed["amount"])
        owed = expect(phone.get("/v1/me/payables"), 200)["items"]
        mine = [item["amount"] for item in owed if item["reference"] == listed["reference"]]
        check("the bill among my payables", [AMOUNT], mine)
        step.say(f"one open bill of {yuan(AMOUNT)}, due {listed['due_date']}; also in my payables")
    return bill, account, listed


def _pay(tour: Tour, holder: str, account: dict[str, Any], listed: dict[str, Any]) -> Paid:
    phone = tour.phone
    with tour.story.step("8", "发起支付 start the payment") as step:
        key, order = new_key(), order_of(listed)
        first = phone.start_payment(order, key)
        payment = expect(first, 201)
        path = f"/v1/payments/{payment['id']}"
        check("Location", path, first.headers.get("location"))
        check("status", ("pending", AMOUNT), (payment["status"], payment["amount"]))
        action = payment["next_action"]
        check("next action", "stripe", action["type"])
        step.say(f"201 pending {yuan(AMOUNT)}; intent {action['intent']}")
    with tour.story.step("9", "确认 confirm with Stripe (card)") as step:
        check("intent", "succeeded", confirm_card(action)["status"])
        step.say("200 succeeded at Stripe, which now tells us by webhook")
    with tour.story.step("10", "到账 paid and posted") as step:
        done = phone.await_payment(payment["id"], "fulfilled")
        check("status", "succeeded", done["status"])
        events = expect(phone.get(f"{path}/events?limit=100"), 200)["items"]
        moves = [move["to_state"] for move in events if move["entity"] == "payment"]
        check("timeline", ["pending", "processing", "succeeded"], moves)
        posted = done["items"][0]["biller_reference"]
        step.say(f"succeeded; the biller's reference is {posted}; {len(events)} events")
    return Paid(holder, account["id"], listed["id"], key, order, first, payment["id"])


def _read_proof(tour: Tour, paid: Paid) -> None:
    phone = tour.phone
    with tour.story.step("11", "电子凭证 receipt") as step:
        path = f"/v1/payments/{paid.payment_id}/receipt"
        answer = wait_for("the receipt", lambda: phone.get(path), lambda seen: seen.status != 404)  # noqa: PLR2004
        receipt = expect(answer, 200)
        check("amount", AMOUNT, receipt["amount"])
        printed = phone.get(path, Accept="application/pdf")
        expect(printed, 200)
        check("the PDF's first bytes", b"%PDF", printed.raw[:4])
        validity = f"{tour.web}/v1/receipts/{receipt['code']}/validity?amount="
        right = expect(call("GET", f"{validity}{AMOUNT}"), 200)
        wrong = expect(call("GET", f"{validity}{AMOUNT + 1}"), 200)
        check("validity", (True, False), (right["valid"], wrong["valid"]))
        number = f"{receipt['series']}-{receipt['number']}"
        step.say(f"number {number}, PDF of {len(printed.raw) // 1024} KiB; anybody can check it")


def _look_at_the_books(tour: Tour, bill: Bill, paid: Paid) -> None:
    phone = tour.phone
    with tour.story.step("12", "销账 the bill is paid") as step:
        path = f"/v1/utilities/bills/{paid.bill_id}"
        check("bill", "paid", expect(phone.get(path), 200)["status"])
        effective = [p for p in tour.city.postings_of(bill) if p["effective"]]
        check("effective postings", [AMOUNT], [posting["amount"] for posting in effective])
        kinds = await_inbox(phone, {"payment-received", "receipt-issued"})
        step.say(f"paid; one effective posting at the biller; told: {', '.join(sorted(kinds))}")
    with tour.story.step("13", "对账 trial balance (staff)") as step:
        sums = read_balance(tour)
        step.say(", ".join(f"{name} {yuan(amount)}" for name, amount in sums.items()))


def await_inbox(phone: Phone, wanted: set[str]) -> set[str]:
    """Wait until the citizen was told all of this, and return what they were told."""

    def look() -> set[str]:
        items = expect(phone.get("/v1/me/inbox?limit=100"), 200)["items"]
        return {item["kind"] for item in items}

    return wait_for("the inbox", look, lambda seen: wanted <= seen)


def read_balance(tour: Tour) -> dict[str, int]:
    """Return the balance of the whole book in each currency, which must be zero."""
    token = {"Authorization": f"Bearer {tour.staff_token()}"}
    book = expect(call("GET", f"{tour.web}/v1/ledger/trial-balance", headers=token), 200)
    sums = {item["currency"]: item["balance"] for item in book["currencies"]}
    check("balances", dict.fromkeys(sums, 0), sums)
    check("CNY is in the book", True, "CNY" in sums)  # noqa: FBT003
    return sums


def _query(words: str) -> str:
    return urlencode({"q": words})
