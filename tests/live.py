"""The product as it is deployed: granian's processes over a socket, for races and load."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.conftest import World
from tests.ports import port_of_a_server

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120  # a crowded machine starts slowly
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Live:
    """A running web server of the product."""

    url: str
    process: subprocess.Popen[bytes] = field(repr=False)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            sent = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, sent, answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: object, headers: dict[str, str]) -> Answer:
        """Send one JSON body."""
        sent = {**headers, "Content-Type": "application/json"}
        return self.call("POST", path, body=json.dumps(body).encode(), headers=sent)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls in parallel and return their results in order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
        return [future.result() for future in futures]


@contextmanager
def serve(
    world: World, *, named: bool = False, workers: int = 2, **settings: str
) -> Iterator[Live]:
    """Run granian with two processes of four threads against the world of the suite.

    `named` puts it at `localhost`, which is then its public address and issuer: browsers make
    passkeys for a name and never for a number.
    """
    port = port_of_a_server()
    url = f"http://{'localhost' if named else '127.0.0.1'}:{port}"
    if named:
        settings = {"PUBLIC_URL": url, "WEBAUTHN_ORIGINS": url, **settings}
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(workers), "--blocking-threads", "4"]
    command += ["--workers-kill-timeout", "10", "wsgi:app"]
    env = {**world.env, "WEB_THREADS": "4", "PATH": "/usr/bin:/bin", **settings}
    process = subprocess.Popen(command, cwd=ROOT, env=env)  # noqa: S603 - our own command
    live = Live(url, process)
    try:
        _wait_until_ready(live)
        yield live
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_until_ready(live: Live) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert live.process.poll() is None, "the server has died"
        try:
            if live.call("GET", "/readyz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server did not become ready")
