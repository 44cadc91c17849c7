"""Every operation of the document, with what fits its schemas and with what does not.

A server error, an answer that the document does not promise, or one of another form fails the run.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, log_in, staff_token, verify
from tests.live import Live, serve
from tests.payments.helpers import make_bill, order, start

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "use_after_free",
    "ignored_auth",
)
SEED = "20261122"
SHORT_SECONDS = 15
_CASES = re.compile(r"(\d+) generated")


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Live]:
    """Return the product behind granian, with limits that a fuzz does not reach."""
    with serve(world) as running:
        yield running


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return a verified citizen who owes something and is paying something."""
    who = log_in(client, world, rooms)
    verify(client, world, who)
    make_bill(client, world, who)
    start(client, who, order(make_bill(client, world, who, "heat-bill")))
    return who


def fuzz(server: Live, folder: Path, seconds: int, token: str | None, *options: str) -> int:
    """Fuzz the document for some seconds and return how many cases were sent; fail on a finding."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--max-time", str(seconds), "--seed", SEED]
    # One worker: its tool parses source in threads, which Python 3.11 does not always survive.
    command += ["--max-examples", "10000", "--workers", "1", "--no-color", "--continue-on-failure"]
    command += ["--generation-database", "none", *options]
    if token is not None:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, capture_output=True, text=True, timeout=seconds + 120, check=False
    )
    found = re.search(r"=+ (?:ERRORS|FAILURES) =+.*?(?==+ WARNINGS)", done.stdout, re.DOTALL)
    assert done.returncode == 0, found[0] if found else done.stdout + done.stderr
    cases = _CASES.search(done.stdout)
    assert cases is not None, done.stdout[-2000:]
    return int(cases[1])


def test_the_document_holds_for_a_citizen(
    server: Live, citizen: Citizen, tmp_path: Path, fuzz_seconds: int
) -> None:
    # Ending a session would end this one; the operation has a run of its own below.
    cases = fuzz(
        server,
        tmp_path,
        fuzz_seconds,
        citizen.token,
        "--exclude-operation-id",
        "end_a_session",
    )
    assert cases > 10 * fuzz_seconds


def test_ending_sessions_holds_too(server: Live, citizen: Citizen, tmp_path: Path) -> None:
    only = ("--include-operation-id", "end_a_session")
    assert fuzz(server, tmp_path, SHORT_SECONDS, citizen.token, *only) > 0


def test_the_document_holds_for_staff(server: Live, rooms: Rooms, tmp_path: Path) -> None:
    operator = staff_token(rooms, "department-operator", "water-bureau")
    assert fuzz(server, tmp_path, SHORT_SECONDS, operator) > 0


def test_the_document_holds_without_a_token(server: Live, tmp_path: Path) -> None:
    assert fuzz(server, tmp_path, SHORT_SECONDS, None) > 0
