"""Every operation of the document, with what fits its schemas and with what does not.

A server error, an answer that the document does not promise, or one of another form fails the run.
"""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Response, jsonify
from flask.testing import FlaskClient
from flask.views import MethodView
from werkzeug.serving import make_server

from app.core.pagination import PageRequest
from app.factory import Rooms, create_app
from app.http import fields
from app.http.blueprint import Blueprint
from app.http.fields import Schema
from app.http.pagination import MAX_LIMIT, PageArgs
from app.http.server import Server
from config.settings import Settings
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
SHORT_SECONDS, SHORT_RUNS = 10, 4
LONGEST = 1_800
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


def schemathesis(
    url: str, folder: Path, seed: int, token: str | None, *options: str
) -> subprocess.CompletedProcess[str]:
    """Fuzz the document at an address."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--seed", str(seed)]
    # One worker: its tool parses source in threads, which Python 3.11 does not always survive.
    command += ["--workers", "1", "--no-color", "--continue-on-failure"]
    command += ["--generation-database", "none", *options]
    if token is not None:
        command += ["-H", f"Authorization: Bearer {token}"]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
    )


def fuzz(
    server: Live, folder: Path, seed: int, seconds: int, token: str | None, *options: str
) -> int:
    """Fuzz the product for some seconds and return how many cases were sent; fail on a finding."""
    until = ("--max-time", str(seconds), "--max-examples", "10000")
    done = schemathesis(server.url, folder, seed, token, *until, *options)
    found = re.search(r"=+ (?:ERRORS|FAILURES) =+.*?(?==+ WARNINGS)", done.stdout, re.DOTALL)
    assert done.returncode == 0, found[0] if found else done.stdout + done.stderr
    cases = _CASES.search(done.stdout)
    assert cases is not None, done.stdout[-2000:]
    return int(cases[1])


def test_the_document_holds_for_a_citizen(
    server: Live, citizen: Citizen, tmp_path: Path, fuzz_seed: int, fuzz_seconds: int
) -> None:
    # Ending a session would end this one; the operation has a run of its own below.
    without = ("--exclude-operation-id", "end_a_session")
    seconds = max(SHORT_SECONDS, fuzz_seconds - SHORT_RUNS * SHORT_SECONDS)
    cases = fuzz(server, tmp_path, fuzz_seed, seconds, citizen.token, *without)
    assert cases > seconds  # how many more is a matter of the machine


def test_ending_sessions_holds_too(
    server: Live, citizen: Citizen, tmp_path: Path, fuzz_seed: int
) -> None:
    only = ("--include-operation-id", "end_a_session")
    assert fuzz(server, tmp_path, fuzz_seed, SHORT_SECONDS, citizen.token, *only) > 0


@pytest.mark.parametrize(
    ("role", "department"), [("department-operator", "water-bureau"), ("finance", None)]
)
def test_the_document_holds_for_staff(
    server: Live,
    rooms: Rooms,
    tmp_path: Path,
    fuzz_seed: int,
    role: str,
    department: str | None,
) -> None:
    token = staff_token(rooms, role, department)
    assert fuzz(server, tmp_path, fuzz_seed, SHORT_SECONDS, token) > 0


def test_the_document_holds_without_a_token(server: Live, tmp_path: Path, fuzz_seed: int) -> None:
    assert fuzz(server, tmp_path, fuzz_seed, SHORT_SECONDS, None) > 0


class ThingSchema(Schema):
    """A thing."""

    id = fields.Integer(required=True)


def broken_house(settings: Settings, rooms: Rooms) -> Server:
    """Return the house with three operations that do not do what the document says."""
    planted = Blueprint("planted", __name__, description="Faults to be found")

    @planted.route("/crashes")
    class Crashes(MethodView):
        @planted.public
        @planted.arguments(PageArgs, location="query")
        @planted.response(200, ThingSchema)
        def get(self, wanted: dict[str, PageRequest]) -> dict[str, int]:
            """Crash at the larger limits."""
            if wanted["page"].limit > MAX_LIMIT // 2:
                raise RuntimeError("so many")
            return {"id": 1}

    @planted.route("/shapes")
    class Shapes(MethodView):
        @planted.public
        @planted.response(200, ThingSchema)
        def get(self) -> Response:
            """Answer with another shape."""
            return jsonify({"id": "one"})

    @planted.route("/statuses")
    class Statuses(MethodView):
        @planted.public
        @planted.response(200, ThingSchema)
        def get(self) -> tuple[dict[str, int], int]:
            """Answer with another status."""
            return {"id": 1}, 202

    house = create_app(settings, rooms)
    house.extensions["api"].register_blueprint(planted, url_prefix="/v1/planted")
    return house


def test_planted_faults_are_found(
    settings: Settings, rooms: Rooms, tmp_path: Path, fuzz_seed: int
) -> None:
    """A fuzz that finds nothing must be able to find something."""
    server = make_server("127.0.0.1", 0, broken_house(settings, rooms), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        done = schemathesis(
            f"http://127.0.0.1:{server.server_port}",
            tmp_path,
            fuzz_seed,
            None,
            *("--include-tag", "planted"),
            *("--max-examples", "200"),  # with a time besides, it would go on until that is over
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.returncode == 1
    for path, finding in (
        ("/v1/planted/crashes", "Server error"),
        ("/v1/planted/shapes", "ST108 Response violates schema"),
        ("/v1/planted/statuses", "ST103 Undocumented status code"),
    ):
        assert re.search(rf"_+ GET {path} _+.*?{finding}", done.stdout, re.DOTALL), done.stdout
