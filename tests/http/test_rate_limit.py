"""General limits: counted for each caller, shared while Redis is there, never lifted."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.core.errors import RateLimited
from app.factory import Rooms, create_app
from app.http.rate_limit import PER_ADDRESS, PER_PRINCIPAL, RateLimiter
from config.settings import Settings
from sandbox.servers import free_port
from tests.conftest import World
from tests.factories import Citizen, log_in


def count(limiter: RateLimiter, limit: str, *names: str, most: int = 50) -> int:
    """Return how many calls pass before one is refused."""
    for number in range(most):
        try:
            limiter.hit(limit, *names)
        except RateLimited:
            return number
    return most


def unhurried(settings: Settings) -> RateLimiter:
    """Return one whose Redis may answer late: on a crowded machine 50 ms soon pass."""
    return RateLimiter(settings.redis_url, factor=1, seconds=20.0)


@pytest.fixture
def shared(settings: Settings) -> RateLimiter:
    return unhurried(settings)


@pytest.fixture
def local() -> RateLimiter:
    return RateLimiter(None, factor=1)


@pytest.mark.parametrize("kind", ["shared", "local"])
def test_a_limit_is_a_limit(request: pytest.FixtureRequest, kind: str) -> None:
    limiter: RateLimiter = request.getfixturevalue(kind)
    who = str(uuid4())
    allowances = [limiter.hit("5/hour", "op", who) for _ in range(5)]
    assert [allowance.remaining for allowance in allowances] == [4, 3, 2, 1, 0]
    assert {allowance.limit for allowance in allowances} == {5}
    assert all(1 <= allowance.reset_seconds <= 3600 for allowance in allowances)
    for _ in range(3):
        with pytest.raises(RateLimited) as refused:
            limiter.hit("5/hour", "op", who)
        assert 1 <= (refused.value.retry_after or 0) <= 3600


def test_callers_and_operations_are_counted_apart(shared: RateLimiter) -> None:
    one, two = str(uuid4()), str(uuid4())
    assert count(shared, "3/hour", "pay", one) == 3
    assert count(shared, "3/hour", "pay", two) == 3
    assert count(shared, "3/hour", "read", one) == 3


def test_processes_share_what_they_count(settings: Settings) -> None:
    first, second = (unhurried(settings) for _ in range(2))
    who = str(uuid4())
    assert count(first, "4/hour", "op", who, most=2) == 2
    assert count(second, "4/hour", "op", who) == 2


def test_in_parallel_no_more_pass(settings: Settings) -> None:
    limiters = [unhurried(settings) for _ in range(4)]
    who = str(uuid4())
    with ThreadPoolExecutor(8) as pool:
        passed = pool.map(lambda n: count(limiters[n % 4], "20/hour", "op", who), range(8))
    assert sum(passed) == 20


def test_the_sandbox_is_a_hundred_times_as_patient(settings: Settings) -> None:
    patient = RateLimiter(settings.redis_url, factor=100, seconds=20.0)
    who = str(uuid4())
    assert patient.hit("1/hour", "op", who).limit == 100
    assert count(patient, "1/hour", "op", who, most=120) == 99


class TestRedisAway:
    def test_nobody_there(self) -> None:
        limiter = RateLimiter(f"redis://127.0.0.1:{free_port()}", factor=1)
        assert count(limiter, "5/hour", "op", str(uuid4())) == 5

    def test_somebody_there_who_never_answers(self) -> None:
        """Each process counts for itself: a limit may double, it is never lifted."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            limiter = RateLimiter(f"redis://127.0.0.1:{port}", factor=1)
            assert count(limiter, "5/hour", "op", str(uuid4())) == 5

    def test_somebody_there_who_hangs_up(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as rude:
            threading.Thread(target=_hang_up, args=(rude,), daemon=True).start()
            limiter = RateLimiter(f"redis://127.0.0.1:{rude.getsockname()[1]}", factor=1)
            assert count(limiter, "5/hour", "op", str(uuid4())) == 5

    def test_it_is_left_alone_for_a_while_and_then_asked_again(self, settings: Settings) -> None:
        limiter = unhurried(settings)
        who = str(uuid4())
        limiter._away_until = float("inf")  # noqa: SLF001 - as after a failure
        assert count(limiter, "3/hour", "op", who) == 3
        limiter._away_until = 0.0  # noqa: SLF001 - the while is over
        assert limiter.hit("3/hour", "op", who).remaining == 2

    def test_the_door_stays_limited_and_open(
        self, rooms: Rooms, settings: Settings, world: World, app: object
    ) -> None:
        away = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}")
        client = create_app(away, rooms).test_client()
        citizen = log_in(client, world, rooms)
        answer = client.get("/v1/me", headers=citizen.auth)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"default";q=30000'
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json["degraded"]) == (200, ["redis"])


def _hang_up(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        connection.close()


class TestDoor:
    @pytest.fixture
    def strict(
        self, settings: Settings, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> FlaskClient:
        """Return a client of a house with the limits of production, whose Redis may take its time.

        Else a call that Redis was slow to count would be counted by the process alone.
        """
        monkeypatch.setattr("app.factory.web.RateLimiter", partial(RateLimiter, seconds=20.0))
        web = replace(settings.web, rate_factor=1, loopback_exempt=False)
        return create_app(replace(settings, web=web), rooms).test_client()

    def test_an_answer_says_what_is_left(
        self, strict: FlaskClient, citizen: Citizen, world: World
    ) -> None:
        first = strict.get("/v1/me", headers=citizen.auth).headers
        second = strict.get("/v1/me", headers=citizen.auth).headers
        limit = PER_PRINCIPAL.partition("/")[0]
        assert first["RateLimit-Policy"] == f'"default";q={limit}'
        left = [int(h["RateLimit"].split("r=")[1].split(";")[0]) for h in (first, second)]
        assert left[0] - left[1] == 1

    def test_a_stranger_is_counted_by_address(self, strict: FlaskClient) -> None:
        address = {"REMOTE_ADDR": f"203.0.113.{uuid4().int % 250 + 1}"}
        most = int(PER_ADDRESS.partition("/")[0])
        seen = [strict.get("/v1/me", environ_base=address).status_code for _ in range(most + 5)]
        assert seen.count(401) == most
        refused = strict.get("/v1/categories", environ_base=address)
        assert (refused.status_code, refused.json["code"]) == (429, "rate-limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        elsewhere = {"REMOTE_ADDR": "198.51.100.77"}
        assert strict.get("/v1/categories", environ_base=elsewhere).status_code == 200

    def test_health_is_never_limited(self, strict: FlaskClient) -> None:
        address = {"REMOTE_ADDR": "198.51.100.78"}
        most = int(PER_ADDRESS.partition("/")[0])
        seen = {strict.get("/livez", environ_base=address).status_code for _ in range(most + 5)}
        assert seen == {200}

    def test_figures_are_shown_on_this_machine_only(self, strict: FlaskClient) -> None:
        elsewhere = {"REMOTE_ADDR": "198.51.100.79"}
        assert strict.get("/metrics", environ_base=elsewhere).status_code == 404
        here = strict.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"})
        assert here.status_code == 200
        assert "http_requests_total" in here.text
