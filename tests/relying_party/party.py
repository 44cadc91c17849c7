"""Runs the relying party (server.mjs) beside the product and asks it to do things."""

import fcntl
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.outside import give_up, need
from tests.ports import port_of_a_server

FOLDER = Path(__file__).resolve().parent
_ENV = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": os.environ.get("HOME", "/")}


@dataclass(frozen=True)
class Party:
    """A relying party that runs: where it is, and what its developer can make it do."""

    home: str

    def login_address(self, **wanted: str) -> str:
        """Return where its log-in button leads, with further parameters of the request."""
        return f"{self.home}/login?{urlencode(wanted)}" if wanted else f"{self.home}/login"

    def do(self, action: str, **wanted: str) -> Any:  # noqa: ANN401 - any JSON value
        """Let it do something with the citizen's tokens and return what came of it."""
        return self._ask("POST", action, wanted)

    def see(self, what: str, **wanted: str) -> Any:  # noqa: ANN401 - any JSON value
        """Let it look at something."""
        return self._ask("GET", what, wanted)

    def _ask(self, method: str, action: str, wanted: Mapping[str, str]) -> Any:  # noqa: ANN401
        url = f"{self.home}/do/{action}?{urlencode(wanted)}"
        request = Request(url, method=method)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=70) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read())
        except HTTPError as refusal:
            return json.loads(refusal.read())


def free_home() -> tuple[int, str]:
    """Return a port for a relying party, and its address, to be registered before it starts."""
    port = port_of_a_server()
    return port, f"http://127.0.0.1:{port}"


def install() -> None:
    """Have its libraries, from the lock file; without a registry the test is given up."""
    need("node", "npm")
    modules = FOLDER / "node_modules" / "openid-client"
    with (Path(tempfile.gettempdir()) / "wudang-relying-party.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the suite's processes come here together
        if modules.is_dir():
            return
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        give_up(f"npm ci failed: {done.stderr.decode()[-300:]}")


@contextmanager
def run_party(port: int, settings: Mapping[str, Any]) -> Iterator[Party]:
    """Start the relying party at a port and stop it afterwards."""
    install()
    told = json.dumps({**settings, "port": port})
    with run_node(FOLDER / "server.mjs", {"RELYING_PARTY": told}):
        yield Party(f"http://127.0.0.1:{port}")


@contextmanager
def run_node(program: Path, told: Mapping[str, str]) -> Iterator[None]:
    """Run a program that says when it is ready, and stop it afterwards."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        ["node", program],  # noqa: S607 - wherever node is
        cwd=program.parent,
        env={**_ENV, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait(process)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _wait(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    deadline = time.monotonic() + 90
    said = b""
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if line.strip() == b"ready":
            return
        said += line
        assert line or process.poll() is None, f"the relying party died: {said.decode()}"
    raise AssertionError(f"the relying party did not start: {said.decode()}")
