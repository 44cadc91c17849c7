"""Devices without a keyboard (RFC 8628): one decision, one redemption, no guessing."""

from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.core.errors import RateLimited
from app.factory import Rooms
from app.http.server import Server
from app.oauth import service
from app.oauth.errors import UserCodeUnknown
from app.oauth.service import OAuthDeps
from tests.factories import Citizen, later
from tests.oauth.support import Browser, RelyingParty, make_client, native, open_browser

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def start(rp: RelyingParty, scope: str = "openid phone") -> dict[str, str]:
    answer = rp.post("/oauth/device_authorization", {"scope": scope})
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def poll(rp: RelyingParty, code: str) -> TestResponse:
    return rp.post("/oauth/token", {"grant_type": DEVICE, "device_code": code})


def type_in(rooms: Rooms, browser: Browser, user_code: str, address: str = "192.0.2.1") -> UUID:
    with rooms.units.open(actor="test") as uow:
        return service.open_device_interaction(
            uow, rooms.deps[OAuthDeps], user_code, browser.secret, address
        )


def browse(app: Server, rooms: Rooms, citizen: Citizen) -> Browser:
    """Return a browser that has been here before: it has a secret."""
    browser = open_browser(app, rooms, citizen)
    browser.http.set_cookie("wudang_browser", "b" * 43)
    return browser


@pytest.mark.parametrize("make", [make_client, native])
def test_a_device_gets_what_a_citizen_grants(
    app: Server,
    rooms: Rooms,
    citizen: Citizen,
    make: type,
) -> None:
    rp = make(app, rooms)
    shown = start(rp)
    assert shown["verification_uri"] == f"{rp.issuer}/oauth/device"
    assert poll(rp, shown["device_code"]).json["error"] == "authorization_pending"
    assert poll(rp, shown["device_code"]).json["error"] == "slow_down"
    browser = browse(app, rooms, citizen)
    typed = shown["user_code"].lower().replace("-", " ")
    interaction = type_in(rooms, browser, typed)
    done = browser.decide(f"/oauth/interaction/{interaction}")
    assert done == f"{rp.issuer}/oauth/device/done"
    with later(11):  # five seconds more since it was impatient
        tokens = poll(rp, shown["device_code"])
        assert tokens.status_code == 200, tokens.text
        assert tokens.json["scope"] == "openid phone"
        assert "id_token" in tokens.json
    with later(30):
        again = poll(rp, shown["device_code"])
        assert (again.status_code, again.json["error"]) == (400, "invalid_grant")


def test_a_refusal_reaches_the_device_once(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp, other = native(app, rooms), native(app, rooms)
    shown = start(rp)
    browser = browse(app, rooms, citizen)
    interaction = type_in(rooms, browser, shown["user_code"])
    browser.decide(f"/oauth/interaction/{interaction}", granted=None)
    assert poll(other, shown["device_code"]).json["error"] == "invalid_grant"
    assert poll(rp, shown["device_code"]).json["error"] == "access_denied"
    with later(10):
        assert poll(rp, shown["device_code"]).json["error"] == "invalid_grant"
    with pytest.raises(UserCodeUnknown):
        type_in(rooms, browser, shown["user_code"])


def test_a_device_that_waits_too_long_begins_again(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = native(app, rooms)
    shown = start(rp)
    with later(601):
        assert poll(rp, shown["device_code"]).json["error"] == "expired_token"
        with pytest.raises(UserCodeUnknown):
            type_in(rooms, browse(app, rooms, citizen), shown["user_code"])


def test_codes_cannot_be_guessed(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = native(app, rooms)
    shown = start(rp)
    browser = browse(app, rooms, citizen)
    address = "198.51.100.7"
    for number in range(10):
        with pytest.raises(UserCodeUnknown):
            type_in(rooms, browser, f"BCDF-GHJ{'KLMNPQRSTV'[number]}", address)
    with pytest.raises(RateLimited):
        type_in(rooms, browser, shown["user_code"], address)
    assert type_in(rooms, browser, shown["user_code"], "198.51.100.8")
    with later(601), pytest.raises(UserCodeUnknown):
        type_in(rooms, browser, "BCDF-GHJK", address)


def test_nothing_that_is_not_granted_is_asked_for(app: Server, rooms: Rooms) -> None:
    rp = native(app, rooms)
    for scope in ("", "openid bills.read", "map.read"):
        answer = rp.post("/oauth/device_authorization", {"scope": scope})
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")
    assert rp.post("/oauth/token", {"grant_type": DEVICE}).json["error"] == "invalid_request"
    assert poll(rp, "x" * 43).json["error"] == "invalid_grant"
