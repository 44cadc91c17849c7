"""Whose word counts for where a call came from, and whether it came over TLS."""

from dataclasses import replace

import pytest
from flask import g
from flask.testing import FlaskClient

from app.factory import Rooms, create_app
from config.settings import Settings
from tests.factories import Citizen

FORGED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


def behind(settings: Settings, rooms: Rooms, hops: int) -> FlaskClient:
    """Return a client of a house that insists on TLS behind so many proxies."""
    web = replace(settings.web, require_tls=True, trusted_proxies=hops)
    return create_app(replace(settings, web=web), rooms).test_client()


def test_without_proxies_their_headers_are_not_believed(
    settings: Settings, rooms: Rooms, citizen: Citizen
) -> None:
    client = behind(settings, rooms, 0)
    answer = client.get("/v1/me", headers={**citizen.auth, **FORGED})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    with client:
        client.get("/v1/categories", headers=FORGED)
        assert g.address == "127.0.0.1"


@pytest.mark.parametrize("sent", ["198.51.100.7", "203.0.113.9, 198.51.100.7"])
def test_behind_one_proxy_its_own_entry_counts_and_a_callers_does_not(
    settings: Settings, rooms: Rooms, citizen: Citizen, sent: str
) -> None:
    client = behind(settings, rooms, 1)
    headers = {**citizen.auth, "X-Forwarded-For": sent, "X-Forwarded-Proto": "https"}
    with client:
        answer = client.get("/v1/me", headers=headers)
        assert g.address == "198.51.100.7"
    assert answer.status_code == 200
    assert "Strict-Transport-Security" in answer.headers
    plain = client.get("/v1/me", headers={**headers, "X-Forwarded-Proto": "http"})
    assert plain.status_code == 403
