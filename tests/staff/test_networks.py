"""From where staff may call: an allow-list of networks, by the address that our proxies saw."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms, create_app
from config.settings import Settings, SettingsInvalid
from tests.conftest import World
from tests.factories import Citizen, bearer, log_in, staff_token
from tests.staff.support import count

OFFICE = (ip_network("10.20.0.0/16"), ip_network("2001:db8:20::/48"))
LEDGER = "/v1/ledger/trial-balance"
SECRET = {"login": "nobody.here", "password": "Wrong-Kettle-77-Orchard"}


def behind(settings: Settings, rooms: Rooms, hops: int) -> FlaskClient:
    """Return a client of a house whose staff sit in two networks, behind so many proxies."""
    web = replace(settings.web, staff_networks=OFFICE, trusted_proxies=hops)
    return create_app(replace(settings, web=web), rooms).test_client()


@pytest.fixture(scope="module")
def citizen(app: object, world: World, rooms: Rooms) -> Citizen:
    return log_in(app.test_client(), world, rooms)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.20.3.4", 200),
        ("::ffff:10.20.3.4", 200),
        ("2001:db8:20::7", 200),
        ("10.21.3.4", 403),
        ("203.0.113.9", 403),
        ("2001:db8:21::7", 403),
    ],
)
def test_staff_call_from_their_networks_only(
    settings: Settings, rooms: Rooms, address: str, status: int
) -> None:
    client = behind(settings, rooms, 1)
    headers = {**bearer(staff_token(rooms, "auditor")), "X-Forwarded-For": address}
    answer = client.get(LEDGER, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json["code"] == "not-from-here"


def test_a_spoofed_address_is_not_believed(settings: Settings, rooms: Rooms) -> None:
    token = bearer(staff_token(rooms, "auditor"))
    # No proxy is trusted: the header is the caller's own word.
    direct = behind(settings, rooms, 0)
    answer = direct.get(LEDGER, headers={**token, "X-Forwarded-For": "10.20.3.4"})
    assert (answer.status_code, answer.json["code"]) == (403, "not-from-here")
    # One proxy is trusted: what it saw stands last; what the caller wrote before does not count.
    proxied = behind(settings, rooms, 1)
    for forged in ("10.20.3.4, 203.0.113.9", "10.20.3.4,10.20.3.5,203.0.113.9"):
        answer = proxied.get(LEDGER, headers={**token, "X-Forwarded-For": forged})
        assert (answer.status_code, answer.json["code"]) == (403, "not-from-here")
    for name in ("X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"):
        headers = {**token, name: "10.20.3.4", "X-Forwarded-For": "203.0.113.9"}
        assert proxied.get(LEDGER, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/staff/sessions", SECRET),
        ("/v1/staff/sessions/renewal", {"renewal_token": "x" * 43}),
        ("/v1/staff/openings", {"token": "x" * 43}),
        (
            "/v1/staff/acceptances",
            {**SECRET, "token": "x" * 43, "totp_code": "123456"},
        ),
        (
            "/v1/staff/sessions/01890a5d-ac96-774b-bcce-b302099a8057/second-factor",
            {"ticket": "x" * 43, "totp_code": "123456"},
        ),
    ],
)
def test_the_way_in_is_open_from_the_office_only(
    settings: Settings, rooms: Rooms, path: str, body: dict[str, str]
) -> None:
    client = behind(settings, rooms, 1)
    before = count(rooms, "select count(*) from guesses")
    outside = client.post(path, json=body, headers={"X-Forwarded-For": "203.0.113.9"})
    assert (outside.status_code, outside.json["code"]) == (403, "not-from-here")
    assert count(rooms, "select count(*) from guesses") == before
    inside = client.post(path, json=body, headers={"X-Forwarded-For": "10.20.3.4"})
    assert inside.status_code == 401


def test_citizens_call_from_everywhere(settings: Settings, rooms: Rooms, citizen: Citizen) -> None:
    client = behind(settings, rooms, 1)
    answer = client.get("/v1/me", headers={**citizen.auth, "X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 200


def test_the_way_in_takes_tls(settings: Settings, rooms: Rooms) -> None:
    web = replace(settings.web, require_tls=True)
    client = create_app(replace(settings, web=web), rooms).test_client()
    answer = client.post("/v1/staff/sessions", json=SECRET)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_a_network_has_to_be_one(world: World) -> None:
    for wrong in ("10.20.0.1/16", "office", "10.20.0.0/16,300.1.1.0/24"):
        with pytest.raises(SettingsInvalid, match="STAFF_NETWORKS"):
            Settings.from_env({**world.env, "STAFF_NETWORKS": wrong})
    good = Settings.from_env({**world.env, "STAFF_NETWORKS": "10.20.0.0/16, 2001:db8:20::/48"})
    assert set(good.web.staff_networks) == set(OFFICE)
