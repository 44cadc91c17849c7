"""What the client in Python does besides what is generated: tokens, proofs, repeats."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from app.http.server import Server
from app.oauth.service import RequestLog
from tests.clients.made import make_python
from tests.factories import bearer, staff_token

OWN = "/v1/oauth/clients/me/requests"


class Way(httpx.BaseTransport):
    """The way to the real house, on which a stumble may wait for each call of the API."""

    def __init__(self, app: Server) -> None:
        self._house = httpx.WSGITransport(app=app)
        self.stumbles: list[int | Exception] = []
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            return self._house.handle_request(request)
        self.sent.append(httpx.Request(request.method, request.url, headers=request.headers))
        if not self.stumbles:
            return self._house.handle_request(request)
        stumble = self.stumbles.pop(0)
        if isinstance(stumble, Exception):
            raise stumble
        return httpx.Response(stumble, headers={"Retry-After": "0"}, json={"code": "stumbled"})


@pytest.fixture(scope="module")
def wudang() -> Iterator[Any]:
    """Return the hand-written package, beside the generated one."""
    folder = make_python()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        import wudang_client  # noqa: PLC0415 - it is made first

        yield wudang_client


@pytest.fixture
def way(app: Server) -> Way:
    return Way(app)


@pytest.fixture
def made(client: FlaskClient) -> dict[str, Any]:
    answer = client.post("/v1/sandbox/clients", json={"name": f"client {uuid4()}"})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json
    return body


@pytest.fixture
def http(
    wudang: Any,  # noqa: ANN401 - a module
    way: Way,
    made: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    file = tmp_path_factory.mktemp("client") / "client.json"
    file.write_text(json.dumps(made), encoding="utf-8")
    transport = wudang.CityTransport(wudang.Credentials.read(file), inner=way)
    with httpx.Client(transport=transport, base_url=made["issuer"]) as city:
        yield city


def test_it_calls_in_its_own_name_with_a_fresh_proof_each_time(
    http: httpx.Client, way: Way, rooms: Rooms
) -> None:
    for _ in range(3):
        answer = http.get(OWN, params={"limit": 5})
        assert answer.status_code == 200, answer.text
    rooms.deps[RequestLog].flush()
    seen = [one["operation"] for one in http.get(OWN).json()["items"]]
    assert seen == [f"GET {OWN}"] * 3 + ["POST /oauth/token"], "one token for all"
    assert len({request.headers["DPoP"] for request in way.sent}) == 4


def test_it_takes_the_nonce_that_is_asked_for(
    http: httpx.Client, client: FlaskClient, rooms: Rooms, made: dict[str, Any]
) -> None:
    staff = bearer(staff_token(rooms, "security-admin"))
    path = f"/v1/oauth/clients/{made['client_id']}"
    assert client.patch(path, json={"needs_nonce": True}, headers=staff).status_code == 200
    assert http.get(OWN).status_code == 200
    rooms.deps[RequestLog].flush()
    seen = [(one["operation"], one["code"]) for one in http.get(OWN).json()["items"]]
    assert seen[-2:] == [("POST /oauth/token", None), ("POST /oauth/token", "use_dpop_nonce")]


def test_a_token_that_is_refused_is_replaced_once(
    http: httpx.Client, way: Way, rooms: Rooms
) -> None:
    way.stumbles = [401]
    assert http.get(OWN).status_code == 200
    first, second = (request.headers["Authorization"] for request in way.sent)
    assert first != second
    way.stumbles = [401, 401]
    assert http.get(OWN).json() == {"code": "stumbled"}


def test_what_is_safe_is_tried_again_four_times_at_most(http: httpx.Client, way: Way) -> None:
    way.stumbles = [503, 429, 503]
    assert http.get(OWN).status_code == 200
    assert len({request.headers["DPoP"] for request in way.sent}) == 4
    way.stumbles = [503] * 5
    assert http.get(OWN).status_code == 503
    assert way.stumbles == [503]


@pytest.mark.parametrize("stumble", [503, httpx.ConnectError("gone")])
def test_what_makes_something_is_tried_again_with_its_key_only(
    http: httpx.Client, way: Way, stumble: int | Exception
) -> None:
    def post(**headers: str) -> httpx.Response:
        return http.post("/v1/payments", json={}, headers=headers)

    key = str(uuid4())
    way.stumbles = [stumble]
    refused = post(**{"Idempotency-Key": key})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert [request.headers["Idempotency-Key"] for request in way.sent] == [key, key]
    way.sent.clear()
    way.stumbles = [stumble]
    with suppress(httpx.ConnectError):
        assert post().status_code == 503
    assert len(way.sent) == 1


def test_a_client_that_gets_no_token_is_told_why(
    wudang: Any,  # noqa: ANN401 - a module
    way: Way,
    made: dict[str, Any],
) -> None:
    unknown = wudang.Credentials(str(uuid4()), made["issuer"], made["private_key"])
    transport = wudang.CityTransport(unknown, inner=way)
    with (
        httpx.Client(transport=transport, base_url=made["issuer"]) as city,
        pytest.raises(httpx.HTTPError, match="invalid_client"),
    ):
        city.get(OWN)
    assert way.sent == []
    assert made["private_key"]["d"] not in repr(unknown)
