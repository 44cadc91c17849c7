"""Who takes part: a citizen's app, the city around the product, and the payment gateway."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from app.cli.demo.story import Broken, check, expect, wait_for
from app.cli.demo.wire import Answer, call
from app.core.clock import city_date, now

BILLER = "shiyan-water"
SERVICE = "water-bill"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the population register."""

    name: str
    resident_id: str


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill as its biller knows it."""

    account: str
    number: str
    amount: int


@dataclass(frozen=True, slots=True)
class City:
    """The outside of the product: billers, the population register, phones."""

    url: str

    def code_sent_to(self, phone: str) -> str:
        """Return the newest code that a phone was sent, once it is there."""
        path = f"/sms/messages?to={quote(phone)}"
        items = wait_for("the SMS", lambda: self._get(path)["items"], bool)
        code: str | None = items[0]["code"]
        if code is None:
            raise Broken(f"expected a code in the SMS, saw {items[0]['text']!r}")
        return code

    def texts_to(self, phone: str) -> list[str]:
        """Return the texts that a phone was sent, newest first."""
        return [item["text"] for item in self._get(f"/sms/messages?to={quote(phone)}")["items"]]

    def make_person(self) -> Person:
        """Put a fresh person into the register."""
        wanted = {"name": "李雷", "born": "1990-05-01"}
        made = expect(self._post("/register/people", wanted), 201)
        return Person(made["name"], made["resident_id"])

    def make_account(self, holder: str) -> str:
        """Open a fresh account at the water company and return its number."""
        number = f"{secrets.randbelow(10**10):010d}"
        wanted = {"number": number, "holder_name": holder}
        expect(self._post(f"/billers/{BILLER}/accounts", wanted), 201)
        return number

    def make_bill(self, account: str, amount: int) -> Bill:
        """Put a fresh bill on an account."""
        number = f"W{secrets.token_hex(6)}"
        wanted = {
            "account": account,
            "reference": number,
            "amount": amount,
            "currency": "CNY",
            "period_from": city_date(now() - timedelta(days=40)),
            "period_to": city_date(now() - timedelta(days=10)),
            "due_date": city_date(now() + timedelta(days=15)),
        }
        expect(self._post(f"/billers/{BILLER}/bills", wanted), 201)
        return Bill(account, number, amount)

    def pay_at_counter(self, bill: Bill) -> None:
        """Pay a bill where people queue: from now on the biller refuses a second payment."""
        path = f"/billers/{BILLER}/bills/{bill.number}/counter-payments"
        expect(call("POST", self.url + path), 201)

    def postings_of(self, bill: Bill) -> list[dict[str, Any]]:
        """Return every payment notice about a bill that the biller has received."""
        items: list[dict[str, Any]] = self._get(
            f"/billers/{BILLER}/postings?reference={bill.number}"
        )["items"]
        return items

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return expect(call("GET", self.url + path), 200)

    def _post(self, path: str, body: object) -> Answer:
        return call("POST", self.url + path, json_body=body)


@dataclass(slots=True)
class Phone:
    """A citizen's app: knows the service's address and, once logged in, a token."""

    web: str
    number: str
    token: str | None = None

    @classmethod
    def fresh(cls, web: str) -> "Phone":
        """Return the app of somebody with a number that nobody has used."""
        return cls(web, f"+86138{secrets.randbelow(10**8):08d}")

    def get(self, path: str, **headers: str) -> Answer:
        """Read something."""
        return call("GET", self.web + path, headers=self._headers(headers))

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """Send something."""
        return call("POST", self.web + path, json_body=body, headers=self._headers(headers))

    def log_in(self, city: City) -> None:
        """Log in by SMS code, without a word."""
        asked = expect(
            self.post("/v1/auth/challenges", {"phone": self.number, "purpose": "login"}), 202
        )
        self.start_session(asked["id"], city.code_sent_to(self.number))

    def start_session(self, challenge_id: str, code: str) -> Any:  # noqa: ANN401 - JSON
        """Start a session with a code and keep its token."""
        device = {"name": "演示手机", "platform": "android"}
        wanted = {"challenge_id": challenge_id, "code": code, "device": device}
        made = expect(self.post("/v1/auth/sessions", wanted), 201)
        self.token = made["access_token"]
        return made

    def open_bill(self, bill: Bill) -> dict[str, Any]:
        """Return a bill as the app lists it; a biller that is slow is asked again."""

        def look() -> list[dict[str, Any]]:
            listed = expect(self.get("/v1/utilities/bills?status=open&limit=20"), 200)["items"]
            return [item for item in listed if item["biller_reference"] == bill.number]

        found = wait_for("the bill is listed", look, bool)
        check("open bills with this number", 1, len(found))
        one: dict[str, Any] = found[0]
        return one

    def start_payment(self, order: object, key: str | None = None) -> Answer:
        """Start a payment under an idempotency key, a fresh one unless one is given."""
        return self.post("/v1/payments", order, **{"Idempotency-Key": key or new_key()})

    def await_payment(self, payment_id: str, item_status: str) -> dict[str, Any]:
        """Read a payment until its items are where they should come to."""

        def look() -> dict[str, Any]:
            body: dict[str, Any] = expect(self.get(f"/v1/payments/{payment_id}"), 200)
            return body

        return wait_for(
            f"the payment's items become {item_status}",
            look,
            lambda seen: {item["status"] for item in seen["items"]} == {item_status},
        )

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **more}


def new_key() -> str:
    """Return an idempotency key that nobody has used."""
    return f"demo-{uuid4()}"


def order_of(bill: dict[str, Any], method: str = "card", **more: str) -> dict[str, Any]:
    """Return the body that starts a payment of a listed bill."""
    item = {"service": bill["service"], "reference": bill["reference"]}
    return {"items": [item], "method": method, **more}


def confirm_card(action: dict[str, Any]) -> dict[str, Any]:
    """Confirm an intent as Stripe's own mobile library does, with a test card."""
    url = f"{action['api_base']}/v1/payment_intents/{action['intent']}/confirm"
    form = {"client_secret": action["client_secret"], "payment_method": "pm_card_visa"}
    key = {"Authorization": f"Bearer {action['publishable_key']}"}
    body: dict[str, Any] = expect(call("POST", url, form=form, headers=key), 200)
    return body


def is_sandbox_stripe(api_base: str) -> bool:
    """Say whether the gateway is the one on this machine, where wallets can be approved by call."""
    return urlsplit(api_base).hostname in {"127.0.0.1", "::1", "localhost"}


def approve_wallet(api_base: str, intent: str) -> None:
    """Do what a citizen does in the wallet's own app: approve."""
    expect(call("POST", f"{api_base}/sandbox/payment_intents/{intent}/approve"), 200)
