"""The post office: threads that sign and send due webhooks, and run what the clock made due."""

import hashlib
import hmac
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable

import urllib3

from sandbox.stripe import outbox, timers
from sandbox.stripe.errors import Body
from sandbox.stripe.world import World

_log = logging.getLogger(__name__)
_WORKERS = 4
_OK = range(200, 300)
_LONGEST_NAP = 5.0


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """Return the `Stripe-Signature` header of a payload."""
    signed = f"{timestamp}.".encode() + payload
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class PostOffice:
    """Sends what is due; the notices of one object go out one after another, others in parallel."""

    def __init__(self, world: World, run_timer: Callable[[str, str], None]) -> None:
        self._world = world
        self._run_timer = run_timer
        self._wake = threading.Condition()
        self._busy: set[str] = set()
        self._closing = False
        timeout = world.config.delivery_timeout
        self._http = urllib3.PoolManager(
            maxsize=_WORKERS, retries=False, timeout=urllib3.Timeout(connect=2.0, read=timeout)
        )
        self._threads = [
            threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True)
            for number in range(_WORKERS)
        ]

    def start(self) -> None:
        """Begin, with whatever an earlier run left undelivered."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let running deliveries end and start no others."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(self._world.config.delivery_timeout + 3.0)
        self._http.clear()

    def wake(self) -> None:
        """Look at once for what is due; the caller may not hold the store."""
        with self._wake:
            self._wake.notify_all()

    def _work(self) -> None:
        while not self._closing:
            try:
                self._work_once()
            except Exception:  # noqa: BLE001 - whatever it was, the next delivery must go out
                # A thread that died would silence the webhooks for good.
                _log.exception("a delivery failed inside the sandbox")
                time.sleep(1.0)

    def _work_once(self) -> None:
        with self._wake:
            notice, nap = self._claim()
            if notice is None:
                if not self._closing:
                    self._wake.wait(nap)
                return
            self._busy.add(notice["lane"])
        try:
            self._send(notice)
        finally:
            with self._wake:
                self._busy.discard(notice["lane"])
                self._wake.notify_all()

    def _claim(self) -> tuple[sqlite3.Row | None, float]:
        with self._world.store.transaction():
            deeds = timers.due(self._world)
            for action, object_id in deeds:
                self._run_timer(action, object_id)
            notice, wait = outbox.due(self._world, self._busy)
            timer = timers.next_in(self._world)
        return notice, min(nap for nap in (wait, timer, _LONGEST_NAP) if nap is not None)

    def _send(self, notice: sqlite3.Row) -> None:
        world = self._world
        endpoint, event = world.store.find(notice["endpoint"]), world.store.find(notice["event"])
        if endpoint is None or event is None:
            outbox.failed(world, notice, None, "the endpoint is gone")
            return
        secret = world.store.hidden(endpoint["id"])["secret"]
        status, reason = self._post(endpoint["url"], self._payload(event), secret)
        if status in _OK:
            outbox.delivered(world, notice, status or 0)
        else:
            outbox.failed(world, notice, status, reason)

    def _payload(self, event: Body) -> bytes:
        waiting = outbox.undelivered(self._world, event["id"])
        body = {**event, "pending_webhooks": waiting}
        return json.dumps(body, indent=2, ensure_ascii=False).encode()

    def _post(self, url: str, payload: bytes, secret: str) -> tuple[int | None, str]:
        # The receiver compares this with the time of its machine, so it is never the moved clock.
        signature = sign(payload, secret, int(time.time()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature,
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            answer = self._http.request("POST", url, body=payload, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return None, type(error).__name__
        return answer.status, f"status {answer.status}"
