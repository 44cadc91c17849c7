"""Makes the clients for the tests that use them, once for the whole run."""

import os
import subprocess
import sys
from pathlib import Path

from tests.journeys.house import ROOT
from tests.outside import give_up, need

PYTHON = ROOT / "clients" / "python"
TYPESCRIPT = ROOT / "clients" / "typescript"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the product's folder and return how it ended."""
    return subprocess.run(  # noqa: S603 - our own programs
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def make_python() -> Path:
    """Return the folder of the client in Python, made from the present document."""
    _make("python")
    return PYTHON


def make_typescript() -> Path:
    """Return the folder of the client in TypeScript, type-checked and compiled."""
    need("node", "npm")
    _make("typescript")
    return TYPESCRIPT


def _make(name: str) -> None:
    done = run(sys.executable, "-m", "tools.clients", name)
    if "npm ci failed" in done.stderr:
        give_up(done.stderr[-300:])
    assert done.returncode == 0, done.stdout + done.stderr
