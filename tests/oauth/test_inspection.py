"""What a client may ask about its tokens, and how it gives them back (RFC 7662, RFC 7009)."""

import pytest

from app.factory import Rooms
from app.http.server import Server
from tests.factories import Citizen, later
from tests.oauth.support import make_client, native, open_browser, plain


def test_a_client_learns_what_its_tokens_are_worth(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = make_client(app, rooms)
    tokens = rp.log_in(open_browser(app, rooms, citizen), scope="openid phone")
    shown = rp.post("/oauth/introspect", {"token": tokens["access_token"]}).json
    assert shown["active"] is True
    assert (shown["client_id"], shown["scope"]) == (rp.client_id, "openid phone")
    assert (shown["token_type"], shown["exp"] - shown["iat"]) == ("DPoP", 300)
    assert set(shown["cnf"]) == {"jkt"}
    refresh = rp.post("/oauth/introspect", {"token": tokens["refresh_token"]}).json
    assert (refresh["active"], refresh["sub"]) == (True, shown["sub"])
    with later(301):
        assert not rp.is_active(tokens["access_token"])


def test_what_is_not_its_own_looks_like_nothing(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp, other = plain(app, rooms), plain(app, rooms)
    tokens = rp.log_in(open_browser(app, rooms, citizen))
    for token in (
        tokens["access_token"],
        tokens["refresh_token"],
        tokens["id_token"],
        citizen.token,
        citizen.refresh,
        "x",
        "a.b.c",
        "é",
        "x" * 9000,
    ):
        answer = other.post("/oauth/introspect", {"token": token})
        assert (answer.status_code, answer.json) == (200, {"active": False})
        assert other.post("/oauth/revoke", {"token": token}).status_code == 200
    assert rp.is_active(tokens["access_token"])
    assert rp.is_active(tokens["refresh_token"])
    assert app.test_client().get("/v1/me", headers=citizen.auth).status_code == 200


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_giving_one_token_back_ends_them_all(
    app: Server, rooms: Rooms, citizen: Citizen, name: str
) -> None:
    for rp in (make_client(app, rooms), plain(app, rooms), native(app, rooms)):
        tokens = rp.log_in(open_browser(app, rooms, citizen))
        for _ in range(2):  # as often as one likes
            assert rp.post("/oauth/revoke", {"token": tokens[name]}).data == b""
        assert not rp.is_active(tokens["access_token"])
        assert rp.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_a_client_for_itself(app: Server, rooms: Rooms) -> None:
    rp = plain(app, rooms, scopes=("openid", "map.read", "map.write"))
    form = {"grant_type": "client_credentials"}
    whole = rp.post("/oauth/token", form).json
    assert whole["scope"] == "map.read map.write"
    assert set(whole) == {"access_token", "token_type", "expires_in", "scope"}
    part = rp.post("/oauth/token", {**form, "scope": "map.read"}).json
    shown = rp.post("/oauth/introspect", {"token": part["access_token"]}).json
    assert (shown["sub"], shown["scope"]) == (rp.client_id, "map.read")
    assert rp.post("/oauth/revoke", {"token": part["access_token"]}).status_code == 200
    assert not rp.is_active(part["access_token"])
    assert rp.is_active(whole["access_token"])
    header = {"Authorization": f"Bearer {whole['access_token']}"}
    for path in ("/v1/me", "/oauth/userinfo", "/v1/oauth/clients"):
        answer = app.test_client().get(path, headers=header)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), path


def test_a_token_is_asked_for_and_named(app: Server, rooms: Rooms) -> None:
    rp = plain(app, rooms)
    for path in ("/oauth/introspect", "/oauth/revoke"):
        answer = rp.post(path, {"token": ""})
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
        nobody = app.test_client().post(path, data={"token": "x"})
        assert (nobody.status_code, nobody.json["error"]) == (401, "invalid_client")
