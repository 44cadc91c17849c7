"""Key sets that clients publish: fetched with no transaction open, kept, and rolled over."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.core.egress import Egress
from app.factory import Rooms
from app.http.server import Server
from app.oauth import service
from app.oauth.errors import InvalidClient
from app.oauth.gateway import ClientKeys, KeysUnavailable
from app.oauth.service import OAuthDeps
from app.oauth.values import ProtocolCall
from tests.oauth.listener import Listener, listen
from tests.oauth.support import ASSERTION_TYPE, RelyingParty, make_client, make_key, public


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def server() -> Iterator[Listener]:
    with listen() as listener:
        yield listener


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(server: Listener, clock: Clock) -> ClientKeys:
    return ClientKeys(Egress(frozenset({server.place})), clock)


def test_keys_are_kept_and_a_new_one_is_asked_for(
    server: Listener, clock: Clock, keys: ClientKeys
) -> None:
    old, new = make_key(), make_key()
    server.keys = {"keys": [public(old)]}
    for _ in range(3):
        assert [k["kid"] for k in keys.at(server.url, old["kid"])] == [old["kid"]]
    assert server.fetched == 1
    server.keys = {"keys": [public(old), public(new)]}
    for _ in range(3):  # nothing that is signed with an unknown key makes us ask more often
        keys.at(server.url, "unknown")
    assert server.fetched == 1
    clock.seconds = 31
    assert len(keys.at(server.url, new["kid"])) == 2
    assert server.fetched == 2
    clock.seconds = 31 + 301
    keys.at(server.url, new["kid"])
    assert server.fetched == 3


@pytest.mark.parametrize(
    "published",
    [
        [],
        {"keys": "none"},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [make_key()]},
        {"keys": [{**public(make_key()), "use": "enc"}]},
        {"keys": [public(make_key("RSA1024"))]},
        {"keys": [{k: v for k, v in public(make_key()).items() if k != "kid"}] * 2},
        {"keys": [public(make_key())] * 11},
    ],
)
def test_a_set_that_is_none_is_refused(
    server: Listener, keys: ClientKeys, published: object
) -> None:
    server.keys = published
    with pytest.raises(KeysUnavailable):
        keys.at(server.url, None)


def test_a_server_that_fails_or_is_elsewhere_has_no_keys(
    server: Listener, keys: ClientKeys
) -> None:
    server.status = 500
    with pytest.raises(KeysUnavailable):
        keys.at(server.url, None)
    for url in ("http://127.0.0.1:1/jwks", "http://169.254.169.254/latest", "file:///etc/passwd"):
        with pytest.raises(KeysUnavailable):
            keys.at(url, None)


def test_a_client_rolls_its_key_over(
    app: Server, rooms: Rooms, server: Listener, clock: Clock, keys: ClientKeys
) -> None:
    rp = make_client(app, rooms, jwks_uri=f"{server.url}/jwks")
    deps = replace(rooms.deps[OAuthDeps], keys=keys)
    assert rp.key is not None
    server.keys = {"keys": [public(rp.key)]}
    assert _ask(rooms, deps, rp) == "DPoP"
    fresh = make_key()
    rp.key = fresh
    with pytest.raises(InvalidClient):
        _ask(rooms, deps, rp)
    server.keys = {"keys": [public(fresh)]}
    clock.seconds = 31
    assert _ask(rooms, deps, rp) == "DPoP"


def _ask(rooms: Rooms, deps: OAuthDeps, rp: RelyingParty) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": rp.assertion(),
    }
    call = ProtocolCall(form=form, proof=rp.proof("/oauth/token"), path="/oauth/token")
    with rooms.units.open(actor="test") as uow:
        return str(service.issue_token(uow, deps, call)["token_type"])
