"""Logging out (F10): only whoever logged in can, and every client hears of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core import jose
from app.core.egress import Egress, NoAnswer
from app.factory import Rooms
from app.http.server import Server
from app.identity.events import SessionEnded
from app.oauth import service
from app.oauth.events import LogoutDue
from app.oauth.gateway import LogoutNotices
from app.oauth.models import Grant
from app.oauth.service import OAuthDeps
from tests.factories import Citizen, later, run_jobs
from tests.oauth.listener import Listener, listen
from tests.oauth.support import Browser, RelyingParty, open_browser, plain

AFTER = "https://rp.example/after?from=wudang"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def server() -> Iterator[Listener]:
    with listen() as listener:
        yield listener


@pytest.fixture
def rp(app: Server, rooms: Rooms, server: Listener) -> RelyingParty:
    return plain(
        app,
        rooms,
        post_logout_uris=(AFTER,),
        backchannel_logout_uri=f"{server.url}/logout",
    )


def log_out(browser: Browser, **query: Any) -> str:  # noqa: ANN401 - text
    answer = browser.go(f"/oauth/logout?{urlencode(query)}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def test_a_client_that_shows_its_session_logs_it_out(
    app: Server, rooms: Rooms, citizen: Citizen, rp: RelyingParty
) -> None:
    browser = open_browser(app, rooms, citizen)
    tokens = rp.log_in(browser)
    with later(3600):  # the hint is old by then
        location = log_out(
            browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER
        )
    assert location == AFTER  # letter by letter
    assert browser.session() is None
    assert not rp.is_active(tokens["access_token"])


def test_a_state_is_given_back(
    app: Server, rooms: Rooms, citizen: Citizen, rp: RelyingParty
) -> None:
    browser = open_browser(app, rooms, citizen)
    hint = rp.log_in(browser)["id_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER, "state": "s 1"}
    assert log_out(browser, **query) == f"{AFTER}&state=s+1"


def test_nobody_is_logged_out_without_being_asked(
    app: Server, rooms: Rooms, citizen: Citizen, rp: RelyingParty
) -> None:
    browser = open_browser(app, rooms, citizen)
    rp.log_in(browser)
    other = plain(app, rooms, redirect_uris=("https://other.example/cb",))
    foreign = other.log_in(open_browser(app, rooms, citizen))["id_token"]
    for query in (
        {},
        {"client_id": rp.client_id},
        {"client_id": rp.client_id, "post_logout_redirect_uri": AFTER},
    ):
        location = log_out(browser, **query)
        assert "/oauth/interaction/" in location, query
        assert browser.session() is not None
    assert foreign
    kept = browser.decide(location, granted=None)
    assert kept.endswith("/oauth/logout/done")
    assert browser.session() is not None
    asked = log_out(browser, client_id=rp.client_id, post_logout_redirect_uri=AFTER)
    assert browser.decide(asked) == AFTER
    assert browser.session() is None


@pytest.mark.parametrize(
    "query",
    [
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": f"{AFTER}&more=1"},
        {"post_logout_redirect_uri": "https://rp.example/after"},
        {"post_logout_redirect_uri": AFTER, "client_id": ""},
        {"client_id": "nobody"},
        {"id_token_hint": "x"},
        {"post_logout_redirect_uri": AFTER, "state": "x" * 1001},
    ],
)
def test_nobody_is_sent_where_no_client_has_registered(
    app: Server, rooms: Rooms, citizen: Citizen, rp: RelyingParty, query: dict[str, str]
) -> None:
    browser = open_browser(app, rooms, citizen)
    asked = {"client_id": rp.client_id, **query}
    answer = browser.go(f"/oauth/logout?{urlencode(asked)}")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert "Location" not in answer.headers
    assert browser.session() is not None


def test_every_client_hears_of_a_log_out(
    app: Server, rooms: Rooms, citizen: Citizen, rp: RelyingParty, server: Listener
) -> None:
    tokens = rp.log_in(open_browser(app, rooms, citizen))
    deps = replace(rooms.deps[OAuthDeps], notices=LogoutNotices(Egress(frozenset({server.place}))))
    grant_id = UUID(jose.read_unverified(tokens["access_token"]).claims["sid"])
    due = LogoutDue(grant_id=grant_id)
    with rooms.units.open(actor="test") as uow:
        service.send_logout(uow, deps, due)
    members = ["alg", "kid", "typ"]
    keys = deps.tokens.jwks()["keys"]
    told = jose.verify(server.heard[0], keys, types=["logout+jwt"], members=members).claims
    known = jose.read_unverified(tokens["id_token"]).claims
    assert (told["sub"], told["sid"], told["aud"]) == (known["sub"], known["sid"], rp.client_id)
    assert told["events"] == {EVENT: {}}
    assert "nonce" not in told
    server.status = 503
    with rooms.units.open(actor="test") as uow, pytest.raises(NoAnswer):
        service.send_logout(uow, deps, due)
    server.status = 400  # it does not want to hear: no reason to try again
    with rooms.units.open(actor="test") as uow:
        service.send_logout(uow, deps, due)


def notices_to(rooms: Rooms, client_id: str) -> list[UUID]:
    """Return the grants of whose end a client has still to hear; other tests leave notices, too."""
    waiting = text("select args from procrastinate_jobs where task_name = 'oauth.send_logout'")
    with rooms.units.open(actor="test", read_only=True) as uow:
        ids = [UUID(row["event"]["grant_id"]) for row in uow.scalars(waiting)]
        grants = [uow.get(Grant, one) for one in ids]
        return [one.id for one in grants if one is not None and str(one.client_id) == client_id]


def test_the_end_of_a_session_queues_one_notice_for_each_client(
    app: Server, rooms: Rooms, citizen: Citizen, rp: RelyingParty
) -> None:
    browser = open_browser(app, rooms, citizen)
    for _ in range(3):
        rp.log_in(browser, scope="openid offline_access")
    plain(app, rooms).log_in(browser)
    ended = SessionEnded(session_id=UUID(citizen.session_id), citizen_id=UUID(citizen.id))
    with rooms.units.open(actor="test") as uow:
        service.end_grants_of_session(uow, rooms.deps[OAuthDeps], ended)
    assert len(notices_to(rooms, rp.client_id)) == 1
    run_jobs(rooms)  # nobody may be called there: the notice is given up, not tried for a day
    assert notices_to(rooms, rp.client_id) == []
