"""What these tests share: the keys, a caller for the steering calls, a receiver of webhooks."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import stripe
import urllib3

API_KEY = "sk_test_suite"
PUBLISHABLE_KEY = "pk_test_suite"
WEBHOOK_SECRET = "whsec_suite"

Body = dict[str, Any]


def make_client(url: str, *, retries: int = 0, timeout: float = 30.0) -> stripe.StripeClient:
    return stripe.StripeClient(
        API_KEY,
        base_addresses={"api": url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout),
    )


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Body
    headers: dict[str, str]


class Caller:
    """Speaks HTTP with the sandbox without the library, for what the library never sends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0)

    def steer(self, method: str, path: str, body: object = None) -> Body:
        answer = self._pool.request(
            method, f"{self.url}/sandbox{path}", body=json.dumps(body or {}).encode()
        )
        assert answer.status == 200, answer.data
        steered: Body = json.loads(answer.data)
        return steered

    def form(
        self,
        method: str,
        path: str,
        fields: dict[str, str] | str | None = None,
        *,
        key: str | None = API_KEY,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        body = fields if isinstance(fields, str) else urlencode(fields or {})
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        target = self.url + path
        if method == "GET" and body:
            target, body = f"{target}?{body}", ""
        answer = self._pool.request(method, target, body=body, headers=sent, redirect=False)
        found = answer.headers.get("Content-Type", "")
        decoded = json.loads(answer.data) if found == "application/json" else {}
        return Answer(answer.status, decoded, dict(answer.headers))

    def journal(self, operation: str | None = None) -> list[Body]:
        query = f"?operation={operation}" if operation else ""
        items: list[Body] = self.steer("GET", f"/journal{query}")["items"]
        return items

    def close(self) -> None:
        self._pool.clear()


@dataclass(slots=True)
class Receiver:
    """Takes webhooks; answers with the planned statuses first, then with 204."""

    got: list[tuple[str, bytes]] = field(default_factory=list)
    planned: list[int] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[Body]:
        """Read what came, refusing what the library would refuse."""
        return [
            stripe.Webhook.construct_event(payload, signature, WEBHOOK_SECRET).to_dict()
            for signature, payload in self.got
        ]

    def types(self, intent_id: str | None = None) -> list[str]:
        return [
            event["type"]
            for event in self.events()
            if intent_id is None
            or intent_id
            in (event["data"]["object"]["id"], event["data"]["object"].get("payment_intent"))
        ]


def start_receiver() -> tuple[Receiver, Callable[[], None]]:
    receiver, guard = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            with guard:
                receiver.got.append((self.headers["Stripe-Signature"], payload))
                status = receiver.planned.pop(0) if receiver.planned else 204
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhooks"

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return receiver, stop
