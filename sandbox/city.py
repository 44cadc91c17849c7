"""The sandbox city under one port: billers, traffic police, population register, SMS.

Every call and its answers: sandbox/README.md.
"""

import argparse
import contextlib
import signal
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.billers.companies import seed_accounts
from sandbox.billers.routes import billers
from sandbox.police.cases import seed_cases
from sandbox.police.registry import seed_registry
from sandbox.police.routes import police
from sandbox.processes import LOOPBACK, make_directory
from sandbox.register.people import seed_people
from sandbox.register.routes import register
from sandbox.sms.routes import sms
from sandbox.store import Store
from sandbox.wire import Problem, answer_http_error, today

_LARGEST_BODY = 1_000_000


@dataclass(frozen=True, slots=True)
class CitySandbox:
    """A city that is answering."""

    url: str


def create_city(store: Store, closing: threading.Event) -> Flask:
    """Build the application; slow answers end early once `closing` is set."""
    city = Flask(__name__)
    city.json.sort_keys = False  # type: ignore[attr-defined]
    city.json.ensure_ascii = False  # type: ignore[attr-defined]
    city.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    city.extensions["store"] = store
    city.extensions["closing"] = closing
    for room in (billers, police, register, sms):
        city.register_blueprint(room)
    city.register_error_handler(Problem, Problem.answer)
    city.register_error_handler(HTTPException, answer_http_error)

    @city.get("/livez")
    def livez() -> Response:
        return jsonify({"status": "ok"})

    return city


@contextlib.contextmanager
def serve_city(*, port: int = 0, data_dir: Path | None = None) -> Iterator[CitySandbox]:
    """Serve a city on loopback until the block ends; port 0 takes a free one.

    With `data_dir` it keeps everything in `city.sqlite3` there, without one in memory.
    """
    if data_dir is not None:
        make_directory(data_dir, owner=None, mode=0o700)
    store = Store(data_dir / "city.sqlite3" if data_dir else None, seed=_seed)
    closing = threading.Event()
    try:
        server = make_server(
            LOOPBACK,
            port,
            create_city(store, closing),
            threaded=True,
            request_handler=_QuietHandler,
        )
        thread = threading.Thread(target=server.serve_forever, name="city", daemon=True)
        thread.start()
        try:
            yield CitySandbox(url=f"http://{LOOPBACK}:{server.server_port}")
        finally:
            closing.set()
            server.shutdown()
            thread.join()
            server.server_close()
    finally:
        store.close()


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: what happened is in the city's own lists."""


def _seed(connection: sqlite3.Connection) -> None:
    seed_people(connection, today=today())
    seed_accounts(connection, today=today())
    seed_registry(connection)
    seed_cases(connection, today=today())


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="sandbox.city", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    stop = threading.Event()
    for request_to_stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request_to_stop, lambda *_: stop.set())
    with serve_city(port=arguments.port, data_dir=arguments.data_dir):
        stop.wait()


if __name__ == "__main__":
    main()
