"""Runs a command of the product inside a fresh house of its own, whose clock can be moved.

`python -m sandbox.fresh flask --app wsgi demo-permits` starts what `make run` starts, on free ports
in a directory that is removed afterwards, and ends with the command's status.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from sandbox.plan import Plan
from sandbox.processes import temporary_data_dir
from sandbox.run import ROOT, is_free

_READY = "Wudang is running"
_READY_SECONDS = 240.0
_STOP_SECONDS = 40.0
_LAST_CHARACTERS = 2_000
# What somebody's environment may name, so that it would be their house and not a fresh one.
_OTHERS = ("DATABASE_", "REDIS_", "STRIPE_", "ALIPAY_", "WECHAT_PAY_", "CLOCK_")


def main() -> int:
    """Run the command and return its status, or 2 when there is none or the house cannot start."""
    command = sys.argv[1:]
    if not command:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    signal.signal(signal.SIGTERM, _leave)
    with temporary_data_dir() as folder:
        try:
            with _house(folder) as environment:
                within = [sys.executable, "-m", "sandbox.within", *command]
                return subprocess.run(within, env=environment, cwd=ROOT, check=False).returncode  # noqa: S603
        except TimeoutError as error:
            sys.stderr.write(f"{error}\n")
            return 2


@contextmanager
def _house(folder: Path) -> Iterator[dict[str, str]]:
    """Start a house, give the environment to find it by, and stop it afterwards."""
    clock = folder / "clock-shift"
    clock.write_text("0", encoding="ascii")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OTHERS)}
    environment |= {
        "PORT": str(_free_port(folder)),
        "DATA_DIR": str(folder / "data"),
        "CLOCK_SHIFT_FILE": str(clock),
        "PACE": "fast",
    }
    log = folder / "run.log"
    with log.open("wb") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "sandbox.run", "--with-parent"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(run, log)
        yield environment
    finally:
        run.terminate()
        try:
            run.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()


def _await(run: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    # A character that is being written may be there by half.
    while _READY not in (said := log.read_text(errors="replace")):
        if run.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f"the house did not start:\n{said[-_LAST_CHARACTERS:]}")
        time.sleep(0.05)


def _free_port(folder: Path) -> int:
    """Return a port that is free together with those that a run puts beside it."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        if all(map(is_free, Plan(port, folder, {}).ports.values())):
            return port


def _leave(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
