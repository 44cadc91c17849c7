"""What Stripe's library sends goes out by the one client, with its limits."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest

from app.core.egress import Egress, EgressRefused
from app.core.ids import new_id
from app.payments.gateway import GatewayAmbiguous, IntentRequest, StripeGateway
from app.payments.values import Method


class Answers(BaseHTTPRequestHandler):
    """Answers as the test says, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    status = 200
    body = b"{}"
    asked: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(f"{self.path} {self.headers['Idempotency-Key']}")
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_GET(self) -> None:
        """Notice whoever follows."""
        self.asked.append(self.path)
        self.send_error(500)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class Till:
    """A server in Stripe's place, and our gateway to it."""

    def __init__(self) -> None:
        self.handler = type("Handler", (Answers,), {"asked": []})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.egress = Egress(frozenset({f"127.0.0.1:{self.server.server_port}"}))
        self.gateway = make_gateway(self.egress, f"http://127.0.0.1:{self.server.server_port}")

    def answers(self, status: int, body: bytes) -> None:
        self.handler.status, self.handler.body = status, body

    def close(self) -> None:
        self.egress.close()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def make_gateway(egress: Egress, base: str) -> StripeGateway:
    return StripeGateway(
        api_key="sk_test_wire",
        publishable_key="pk_test_wire",
        api_base=base,
        egress=egress,
        total_seconds=8.0,
        webhook_secret=None,
    )


@pytest.fixture
def till() -> Iterator[Till]:
    made = Till()
    yield made
    made.close()


def order(attempt: UUID) -> IntentRequest:
    return IntentRequest(str(attempt), new_id(), attempt, 100, "CNY", Method.CARD, None)


@pytest.mark.parametrize(
    ("status", "body"),
    [(302, b""), (307, b""), (200, b"x" * (2 * 1024 * 1024)), (200, b"no JSON")],
    ids=["found elsewhere", "moved", "too long", "no JSON"],
)
def test_what_is_no_answer_is_ambiguous_and_nothing_is_followed(
    till: Till, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    till.answers(status, body)
    attempt = new_id()
    with pytest.raises(GatewayAmbiguous):
        till.gateway.open_intent(order(attempt))
    # Asked again at most, under the same key; and nobody went where the answer pointed.
    assert set(till.handler.asked) == {f"/v1/payment_intents {attempt}"}
    assert len(till.handler.asked) <= 2


@pytest.mark.parametrize("base", ["http://api.stripe.example", "https://127.0.0.1:1", "stripe"])
def test_a_base_that_may_not_be_called_is_refused_at_the_start(base: str) -> None:
    with pytest.raises(EgressRefused):
        make_gateway(Egress(), base)
