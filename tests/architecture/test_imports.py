"""Who may import whom: the contracts of `.importlinter` hold, and each of them can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT

PACKAGES = ("app", "plugins", "config", "sandbox", "proof")
LINT = Path(sys.executable).parent / "lint-imports"

# What is written where, and the contract that has to notice.
SEEDED = {
    "a room imports its neighbour": (
        "house",
        "app/identity/service/janitor.py",
        "from app.payments import service",
    ),
    "core imports HTTP": ("house", "app/core/ids.py", "from app.http import context"),
    "a lower room imports an upper one": (
        "house",
        "app/ledger/service.py",
        "from app.catalog import values",
    ),
    "the SDK imports a room": ("house", "app/sdk/vault.py", "from app.identity import values"),
    "an import hidden in a function": (
        "house",
        "app/notifications/service.py",
        "def hidden() -> None:\n    from app.identity import service",
    ),
    "a file that has no place in the house": ("house", "app/helpers.py", '"""Helpers."""'),
    "a service imports its routes": (
        "floor-plan",
        "app/payments/service/close.py",
        "from app.payments import routes",
    ),
    "schemas import the service": (
        "floor-plan",
        "app/identity/schemas.py",
        "from app.identity import service",
    ),
    "models import the gateway": (
        "floor-plan",
        "app/payments/models.py",
        "from app.payments import gateway",
    ),
    "a plug-in's client imports its models": (
        "floor-plan",
        "plugins/utilities/values/bills.py",
        "from plugins.utilities import models",
    ),
    "a file that has no place in a plug-in": (
        "floor-plan",
        "plugins/utilities/common.py",
        '"""Common."""',
    ),
    "the house names a plug-in": (
        "no-plugin-in-the-house",
        "app/host/directory.py",
        "from plugins.utilities import values",
    ),
    "a plug-in reaches past the door": (
        "one-door",
        "plugins/utilities/values/bills.py",
        "from app.core import clock",
    ),
    "a plug-in reads the settings": (
        "one-door",
        "plugins/utilities/provider.py",
        "from config.settings import ROOT",
    ),
    "a plug-in knows another": (
        "neighbours",
        "plugins/parking/provider.py",
        "from plugins.utilities import values",
    ),
    "a service speaks Flask": (
        "flask-at-the-door",
        "app/identity/service/phone.py",
        "from flask import request",
    ),
    "a room speaks to Redis": (
        "one-file-per-vendor",
        "app/catalog/service/__init__.py",
        "import redis",
    ),
    "a room verifies tokens itself": (
        "one-file-per-vendor",
        "app/identity/service/log_in.py",
        "import jwt",
    ),
    "a plug-in brings its own HTTP client": (
        "one-file-per-vendor",
        "plugins/utilities/client.py",
        "import urllib3",
    ),
    "a room brings a client that it finds installed": (
        "one-file-per-vendor",
        "app/oauth/gateway.py",
        "import requests",
    ),
    "a room verifies signed messages itself": (
        "one-file-per-vendor",
        "app/oauth/gateway.py",
        "import http_message_signatures",
    ),
    "a room reads a lower room's tables": (
        "room-models",
        "app/payments/service/settle.py",
        "from app.ledger import models",
    ),
    "a room on top reads the tables of one below": (
        "identity-models",
        "app/oauth/service/browsers.py",
        "from app.identity import models",
    ),
    "identity imports a room on top": (
        "house",
        "app/identity/service/janitor.py",
        "from app.staff import service",
    ),
    "the sandbox knows the product": (
        "sandbox-knows-nobody",
        "sandbox/processes.py",
        "from app.core import clock",
    ),
    "the product knows the sandbox": (
        "nobody-knows-the-sandbox",
        "app/core/clock.py",
        "from sandbox import processes",
    ),
    "the proof believes the product": (
        "independent-proof",
        "proof/model.py",
        "from app.payments import values",
    ),
    "the product knows the proof": (
        "nobody-knows-the-proof",
        "app/core/clock.py",
        "from proof import values",
    ),
    "the model of the proof runs programs": (
        "proof-floor-plan",
        "proof/model.py",
        "from proof import stage",
    ),
    "two files import each other": (
        "acyclic",
        "app/core/errors.py",
        "from app.core import db",
    ),
}


def lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    wanted = [part for name in contracts for part in ("--contract", name)]
    return subprocess.run(  # noqa: S603 - our own tool
        [LINT, "--no-cache", "--no-logo", *wanted],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def copy_tree(to: Path) -> None:
    skip = shutil.ignore_patterns("__pycache__", "*.toml", "template")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, to / package, ignore=skip)
    shutil.copy(ROOT / ".importlinter", to)


def test_every_contract_is_kept() -> None:
    answer = lint(ROOT)
    assert answer.returncode == 0, answer.stdout
    assert " 0 broken" in answer.stdout


@pytest.mark.parametrize("violation", SEEDED)
def test_a_violation_is_caught(violation: str, tmp_path: Path) -> None:
    contract, file, text = SEEDED[violation]
    copy_tree(tmp_path)
    if not (tmp_path / file).parent.is_dir():
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).parent.joinpath("__init__.py").write_text('"""A room."""\n')
    before = lint(tmp_path, contract)
    assert before.returncode == 0, before.stdout

    with (tmp_path / file).open("a", encoding="utf-8") as target:
        target.write(f"\n{text}\n")

    after = lint(tmp_path, contract)
    assert after.returncode == 1
    assert "1 broken" in after.stdout or "0 kept" in after.stdout, after.stdout
