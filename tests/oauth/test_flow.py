"""A citizen is logged in, by FAPI 2.0 and by the plain profile; what the tokens say."""

from hashlib import sha256
from typing import Any

import pytest

from app.core import jose
from app.factory import Rooms
from app.http.server import Server
from app.oauth.service import OAuthDeps
from tests.conftest import World
from tests.factories import Citizen, verify
from tests.oauth.support import b64, make_client, native, open_browser, plain, query_of


def id_claims(rooms: Rooms, token: str) -> dict[str, Any]:
    keys = rooms.deps[OAuthDeps].tokens.jwks()["keys"]
    return dict(jose.verify(token, keys, types=["JWT"], members=["alg", "kid", "typ"]).claims)


def test_a_citizen_is_logged_in_by_fapi(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = make_client(app, rooms)
    browser = open_browser(app, rooms, citizen)
    back = rp.authorize(browser, scope="openid phone")
    assert (back["state"], back["iss"]) == ("s-1", rp.issuer)
    answer = rp.redeem(back["code"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json
    assert (tokens["token_type"], tokens["expires_in"]) == ("DPoP", 300)
    assert tokens["scope"] == "openid phone"
    claims = id_claims(rooms, tokens["id_token"])
    assert claims["iss"] == rp.issuer
    assert claims["aud"] == claims["azp"] == rp.client_id
    assert (claims["nonce"], claims["acr"], claims["amr"]) == ("n-1", "basic", ["sms"])
    assert claims["exp"] - claims["iat"] == 300
    assert claims["at_hash"] == b64(sha256(tokens["access_token"].encode()).digest()[:16])
    assert claims["auth_time"] <= claims["iat"]
    assert answer.headers["RateLimit"].startswith('"default";r=')
    assert claims["sub"] != citizen.id


@pytest.mark.parametrize("algorithm", jose.ALGORITHMS)
def test_each_permitted_algorithm_proves_a_client(
    app: Server, rooms: Rooms, citizen: Citizen, algorithm: str
) -> None:
    rp = make_client(app, rooms, algorithm=algorithm)
    assert "id_token" in rp.log_in(open_browser(app, rooms, citizen))


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_a_citizen_is_logged_in_by_the_plain_flow(
    app: Server, rooms: Rooms, citizen: Citizen, method: str
) -> None:
    rp = make_client(app, rooms, profile="plain", auth_method=method)
    tokens = rp.log_in(open_browser(app, rooms, citizen))
    assert tokens["token_type"] == "Bearer"
    shown = rp.call(tokens["access_token"])
    assert shown.status_code == 200, shown.text
    assert shown.json == {"sub": id_claims(rooms, tokens["id_token"])["sub"]}


def test_a_native_app_may_take_any_port(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = native(app, rooms, redirect_uris=("http://127.0.0.1/cb",))
    rp.redirect_uri = "http://127.0.0.1:49152/cb"
    assert rp.log_in(open_browser(app, rooms, citizen))["token_type"] == "Bearer"


def test_a_citizen_who_refuses_sends_the_client_away(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = make_client(app, rooms)
    for browser in (open_browser(app, rooms, citizen), open_browser(app, rooms)):
        back = rp.authorize(browser, granted=None)
        assert back == {"error": "access_denied", "state": "s-1", "iss": rp.issuer}


def test_consent_is_asked_once(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = make_client(app, rooms)
    browser = open_browser(app, rooms, citizen)
    rp.log_in(browser, scope="openid phone")
    for asked, is_page in (("openid", False), ("openid phone", False), ("openid profile", True)):
        location = browser.go(rp.address(scope=asked)).headers["Location"]
        assert ("/oauth/interaction/" in location) is is_page
        assert ("code" in query_of(location)) is not is_page


def test_real_names_need_scope_consent_and_level(
    app: Server, rooms: Rooms, world: World, citizen: Citizen
) -> None:
    rp = plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    wanted = "openid profile phone real_name"
    before = rp.call(rp.log_in(browser, scope=wanted)["access_token"]).json
    assert set(before) == {"sub", "phone_number", "phone_number_verified"}
    person = verify(app.test_client(), world, citizen)
    after = rp.call(rp.log_in(browser, scope=wanted)["access_token"]).json
    assert after["name"] == person["name"]
    assert after["resident_id"] == person["resident_id"]
    less = rp.log_in(browser, scope="openid profile")
    assert set(rp.call(less["access_token"]).json) == {"sub", "nickname"}
    left_out = rp.authorize(browser, granted=["phone"], scope=wanted, prompt="consent")
    shown = rp.call(rp.redeem(left_out["code"]).json["access_token"]).json
    assert set(shown) == {"sub", "phone_number", "phone_number_verified"}


def test_two_sectors_cannot_join_their_citizens(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    subjects = []
    for host in ("a.example", "b.example", "a.example"):
        rp = plain(app, rooms, redirect_uris=(f"https://{host}/cb",))
        tokens = rp.log_in(open_browser(app, rooms, citizen))
        subjects.append(id_claims(rooms, tokens["id_token"])["sub"])
    assert subjects[0] == subjects[2] != subjects[1]
