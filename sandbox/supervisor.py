"""Keeps the programs of one run together: started in order, watched, stopped in reverse."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes import make_directory, open_log, start_child, stop_child

_POLL_SECONDS = 0.05
_LAST_LINES = 20


class RunFailed(RuntimeError):
    """The run cannot start or go on; the message says which part failed and where its log is."""


class StopRequested(Exception):
    """Somebody asked the run to stop."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running program and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    patience: float

    def stop(self) -> None:
        """Ask it to stop, wait `patience` seconds, then kill it and all it started."""
        stop_child(self.process, steps=[(signal.SIGTERM, self.patience)])
        # Its own children share its process group; a killed parent leaves them behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Starts programs with a log each and notices the first that ends."""

    def __init__(self, *, logs: Path, cwd: Path) -> None:
        make_directory(logs, owner=None, mode=0o700)
        self._logs = logs
        self._cwd = cwd
        self._children: list[Child] = []
        self._watched: list[tuple[str, Callable[[], bool]]] = []
        self._stopping = False

    def request_stop(self, *_: object) -> None:
        """Make the next wait end with StopRequested; fits as a signal handler."""
        self._stopping = True

    def watch(self, name: str, is_running: Callable[[], bool]) -> None:
        """Watch what somebody else stops."""
        self._watched.append((name, is_running))

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        death_signal: signal.Signals = signal.SIGKILL,
        patience: float = 10.0,
    ) -> Child:
        """Start a program that dies with us and is stopped before those started earlier."""
        self.check()
        child = self._launch(name, arguments, environment, death_signal, patience)
        self._children.append(child)
        return child

    def run(self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str]) -> None:
        """Run a program to its end; raise RunFailed unless it succeeds."""
        child = self._launch(name, arguments, environment, signal.SIGKILL, 10.0)
        try:
            self.wait_until(lambda: child.process.poll() is not None, why=name, seconds=600)
        finally:
            child.stop()
        if child.process.returncode != 0:
            raise RunFailed(_describe_end(child))

    def wait_until(self, done: Callable[[], bool], *, why: str, seconds: float) -> None:
        """Wait until it is done, watching; raise RunFailed after so many seconds."""
        deadline = time.monotonic() + seconds
        while not done():
            self.check()
            if time.monotonic() > deadline:
                raise RunFailed(f"{why} took longer than {seconds:.0f} seconds; see {self._logs}")
            time.sleep(_POLL_SECONDS)

    def watch_forever(self) -> None:
        """Return never: raise StopRequested or RunFailed."""
        while True:
            self.check()
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise StopRequested when asked to stop, RunFailed when a program has ended."""
        if self._stopping:
            raise StopRequested
        for child in self._children:
            if child.process.poll() is not None:
                raise RunFailed(_describe_end(child))
        for name, is_running in self._watched:
            if not is_running():
                raise RunFailed(f"{name} has ended; see {self._logs.parent}")

    def stop_all(self) -> None:
        """Stop every program, the last started first."""
        while self._children:
            self._children.pop().stop()

    def _launch(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        death_signal: signal.Signals,
        patience: float,
    ) -> Child:
        path = self._logs / f"{name}.log"
        with open_log(path) as log:
            process = start_child(
                arguments,
                death_signal=death_signal,
                log=log,
                cwd=self._cwd,
                environment=environment,
            )
        return Child(name, process, path, patience)


def _describe_end(child: Child) -> str:
    lines = child.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    end = f"{child.name} ended with status {child.process.returncode}; {child.log} ends with:"
    return "\n".join([end, *(f"  {line}" for line in lines)])
