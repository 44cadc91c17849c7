"""The sandbox as a web server on loopback: started by a test, or by the command."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.stripe import api, control, endpoints, pages, payouts, refunds
from sandbox.stripe.clock import Clock
from sandbox.stripe.config import RETRY_DELAYS, Config
from sandbox.stripe.errors import ApiError
from sandbox.stripe.faults import Faults
from sandbox.stripe.idempotency import InFlight
from sandbox.stripe.pipeline import Pipeline
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import PostOffice
from sandbox.stripe.world import Call, World

_log = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_LARGEST_BODY = 1 << 20
_PATIENCE = 10.0


class _Handler(WSGIRequestHandler):
    # Headers and body are two writes; without this each answer would wait for an ACK.
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Log through this module, without werkzeug's line for every request."""
        if type != "info":
            _log.warning(message, *args)


class _Server(ThreadedWSGIServer):
    """A thread for each connection, and a list of connections so that it can end cleanly."""

    def __init__(self, port: int, app: Flask) -> None:
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(_HOST, port, app, handler=_Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - socketserver's
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def end(self) -> None:
        """Take no more requests, answer the running ones, close every connection."""
        self.shutdown()
        self.server_close()
        self._hang_up(socket.SHUT_RD)
        limit = time.monotonic() + _PATIENCE
        while self._open and time.monotonic() < limit:
            time.sleep(0.01)
        self._hang_up(socket.SHUT_RDWR)

    def _hang_up(self, how: int) -> None:
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(how)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox and its address."""

    url: str
    world: World


def make_app(world: World, faults: Faults, post_office: PostOffice) -> Flask:
    """Return the web application of a sandbox."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    pipeline = Pipeline(world, faults, InFlight())
    app.register_blueprint(api.make_blueprint(api.Door(world, pipeline, post_office.wake)))
    desk = control.Desk(world, faults, post_office.wake)
    app.register_blueprint(control.make_blueprint(desk))
    app.register_blueprint(pages.make_blueprint(world, post_office.wake))

    @app.get("/healthz")
    def health() -> Response:
        return jsonify({"status": "ok"})

    return app


@contextmanager
def run(config: Config, port: int) -> Iterator[Sandbox]:
    """Serve a sandbox from a thread, and end it cleanly; port 0 takes a free one."""
    store = Store(config.data_dir)
    world = World(config, store, Clock(store))
    endpoints.configure(world)
    post_office = PostOffice(world, _timer(world))
    server = _Server(port, make_app(world, Faults(store), post_office))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="stripe-sandbox")
    thread.start()
    post_office.start()
    try:
        yield Sandbox(f"http://{_HOST}:{server.server_port}", world)
    finally:
        server.end()
        thread.join()
        post_office.stop()
        store.close()


@contextmanager
def serve_stripe(
    *,
    port: int = 0,
    api_key: str,
    publishable_key: str,
    webhook_secret: str,
    webhook_url: str | None = None,
    data_dir: Path | None = None,
    refund_seconds: float = 2.0,
    retry_delays: tuple[float, ...] = RETRY_DELAYS,
) -> Iterator[Sandbox]:
    """Serve a sandbox for the length of a `with` block."""
    config = Config(
        api_key=api_key,
        publishable_key=publishable_key,
        webhook_secret=webhook_secret,
        webhook_url=webhook_url,
        data_dir=data_dir,
        refund_seconds=refund_seconds,
        retry_delays=retry_delays,
    )
    with run(config, port) as sandbox:
        yield sandbox


def _timer(world: World) -> Callable[[str, str], None]:
    def deed(action: str, object_id: str) -> None:
        call, body = Call(world=world), world.store.find(object_id)
        # What was settled by hand meanwhile is left as it is.
        with suppress(ApiError):
            if body is None:
                return
            if action == "refund.succeed":
                refunds.settle(call, body, "succeeded", None)
            elif action == "refund.fail":
                refunds.settle(call, body, "failed", "expired_or_canceled_card")
            elif action == "payout.pay":
                payouts.settle(call, body, "paid")

    return deed
