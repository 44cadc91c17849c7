"""What the contract asks of a gateway's outside, whichever gateway it is: who pays, what fails."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

from app.core.clock import now
from app.core.ids import new_id
from app.payments.gateway import Gateway, GatewayRefund, Intent, IntentRequest, RefundRequest
from app.payments.values import Method
from tests.conftest import World
from tests.payments.helpers import signed_event

RETURN_URL = "https://app.example.org/paid"


def ask(url: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    """Call something of the sandbox and return status and JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(  # noqa: S310 - loopback
        url, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            return answer.status, json.loads(answer.read() or b"null")
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read() or b"null")


class Till(Protocol):
    """One gateway from its other side."""

    gateway: Gateway
    method: Method

    def scan(self, intent: Intent) -> None:
        """Let the citizen open what they were shown, so that the gateway has a trade."""

    def pay(self, intent: Intent) -> bool:
        """Let the citizen pay, and say whether the gateway took the money."""

    def fail(self, call: str, kind: str) -> None:
        """Plan one fault for the next `open`, `fetch`, `cancel`, `refund` or `fetch_refund`."""

    def count(self, call: str) -> int:
        """Return how many of these calls the gateway has heard."""

    def finish(self, refund: GatewayRefund) -> None:
        """Let a refund that is on its way succeed."""

    def refunded(self, intent: Intent) -> int:
        """Return what has left for the citizen, as the gateway has it."""

    def notice(self, intent: Intent) -> tuple[bytes, dict[str, str]]:
        """Return a genuine notice that an intent was paid."""

    def close_books(self, day: date) -> None:
        """Let the gateway write its bill of a day."""


def request_of(till: Till, amount: int = 4250, attempt_id: UUID | None = None) -> IntentRequest:
    """Return what opens an intent."""
    attempt_id = attempt_id or new_id()
    return IntentRequest(
        key=f"sandbox:payment:{attempt_id}:attempt:1",
        payment_id=new_id(),
        attempt_id=attempt_id,
        amount=amount,
        currency="CNY",
        method=till.method,
        return_url=RETURN_URL,
        expires_at=now() + timedelta(minutes=15),
    )


def refund_of(intent: Intent, amount: int) -> RefundRequest:
    """Return what sends money back."""
    refund_id = new_id()
    return RefundRequest(f"sandbox:refund:{refund_id}", refund_id, intent.id, amount)


def open_paid(till: Till, amount: int = 4250) -> Intent:
    """Return an intent that was paid."""
    intent = till.gateway.open_intent(request_of(till, amount))
    assert till.pay(intent)
    return till.gateway.fetch_intent(intent.id)


@dataclass(frozen=True)
class StripeTill:
    """The sandbox Stripe, with a wallet: it needs no card from the client."""

    gateway: Gateway
    world: World
    method: Method = Method.ALIPAY

    _CALLS = {
        "open": "payment_intents.create",
        "fetch": "payment_intents.retrieve",
        "cancel": "payment_intents.cancel",
        "refund": "refunds.create",
        "fetch_refund": "refunds.retrieve",
    }

    def scan(self, intent: Intent) -> None:
        """Stripe has the intent from the beginning."""

    def pay(self, intent: Intent) -> bool:
        """Approve on the wallet's page."""
        return self._control("POST", f"/payment_intents/{intent.id}/approve", {})[0] == 200

    def fail(self, call: str, kind: str) -> None:
        """Plan one fault; the library's own second try meets it, too."""
        fault = {"operation": self._CALLS[call], "kind": kind, "times": 2}
        self._control("PUT", "/faults", fault)

    def count(self, call: str) -> int:
        """Count in the journal; a replay by its key is no other call."""
        path = f"/journal?operation={self._CALLS[call]}&limit=100000"
        items = self._control("GET", path)[1]["items"]
        return sum(not item["replayed"] and item["status"] == 200 for item in items)

    def finish(self, refund: GatewayRefund) -> None:
        """Settle it by hand."""
        self._control("POST", f"/refunds/{refund.id}/settle", {"as": "succeeded"})

    def refunded(self, intent: Intent) -> int:
        """Ask for the refunds of the intent."""
        request = Request(  # noqa: S310 - loopback
            f"{self.world.stripe}/v1/refunds?payment_intent={intent.id}&limit=100",
            headers={"Authorization": f"Bearer {self.world.env['STRIPE_API_KEY']}"},
        )
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            refunds = json.loads(answer.read())["data"]
        return sum(r["amount"] for r in refunds if r["status"] not in {"failed", "canceled"})

    def notice(self, intent: Intent) -> tuple[bytes, dict[str, str]]:
        """Sign an event as Stripe does."""
        about = {"id": intent.id, "metadata": {"attempt": intent.attempt_id}}
        return signed_event("payment_intent.succeeded", about)

    def close_books(self, day: date) -> None:
        """Stripe's books are always open to be read."""

    def clear(self) -> None:
        """Plan nothing any more."""
        self._control("DELETE", "/faults")

    def _control(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return ask(f"{self.world.stripe}/sandbox{path}", method, body)


@dataclass(frozen=True)
class WalletTill:
    """One of the sandbox's two wallets."""

    gateway: Gateway
    world: World
    method: Method
    calls: Mapping[str, str]

    def scan(self, intent: Intent) -> None:
        """Scan the code."""
        assert self.control("POST", f"/orders/{intent.id}/scan", {})[0] == 200

    def pay(self, intent: Intent) -> bool:
        """Pay in the wallet."""
        return self.control("POST", f"/orders/{intent.id}/approve", {})[0] == 200

    def fail(self, call: str, kind: str) -> None:
        """Plan one fault."""
        fault = {"operation": self.calls[call], "kind": kind, "times": 1}
        assert self.control("PUT", "/faults", fault)[0] == 200

    def count(self, call: str) -> int:
        """Count in the journal."""
        items = self.control("GET", "/journal")[1]["items"]
        return sum(item["operation"] == self.calls[call] for item in items)

    def finish(self, refund: GatewayRefund) -> None:
        """End it by hand, unless its time has come already."""
        number = refund.id.rpartition(":")[2]
        assert self.control("POST", f"/refunds/{number}/done", {})[0] in {200, 409}

    def refunded(self, intent: Intent) -> int:
        """Look into the wallet's books."""
        return int(self.control("GET", f"/orders/{intent.id}")[1]["refunded"])

    def notice(self, intent: Intent) -> tuple[bytes, dict[str, str]]:
        """Return the wallet's own notice, signed a moment ago."""
        return self.notices_about(intent.id)[0]

    def notices_about(self, number: str) -> list[tuple[bytes, dict[str, str]]]:
        """Return every notice about an order, oldest first."""
        items = self.control("GET", f"/notices?subject={number}")[1]["items"]
        return [(item["raw"].encode(), item["headers"]) for item in items]

    def close_books(self, day: date) -> None:
        """Write the bill."""
        assert self.control("POST", "/books", {"day": day.isoformat()})[0] == 200

    def clear(self) -> None:
        """Plan nothing any more."""
        self.control("DELETE", "/faults")

    def control(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the wallet's own controls."""
        return ask(f"{self.world.wallets}/sandbox/{self.gateway.name}{path}", method, body)


ALIPAY_CALLS = {
    "open": "alipay.trade.precreate",
    "fetch": "alipay.trade.query",
    "cancel": "alipay.trade.close",
    "refund": "alipay.trade.refund",
    "fetch_refund": "alipay.trade.fastpay.refund.query",
    "bill": "alipay.data.dataservice.bill.downloadurl.query",
}
WECHAT_CALLS = {
    "open": "open",
    "fetch": "query",
    "cancel": "close",
    "refund": "refund",
    "fetch_refund": "query_refund",
    "bill": "find_bill",
}
