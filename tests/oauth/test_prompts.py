"""F11: what is asked again, what is never asked, and what nobody has to know."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from app.core import jose
from app.core.clock import now
from app.factory import Rooms
from app.http.server import Server
from app.oauth import service
from app.oauth.errors import InteractionNotFound, InteractionOver
from app.oauth.service import OAuthDeps
from tests.conftest import World
from tests.factories import Citizen, later, log_in, verify
from tests.oauth.support import (
    Browser,
    RelyingParty,
    make_client,
    native,
    open_browser,
    plain,
    query_of,
)

ESSENTIAL = '{"id_token": {"acr": {"essential": true, "values": ["verified", "strong"]}}}'


def ask(rp: RelyingParty, browser: Browser, **changes: Any) -> str:  # noqa: ANN401 - text
    answer = browser.go(f"/oauth/authorize?{urlencode(rp.parameters(**changes))}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def step(rooms: Rooms, browser: Browser, location: str) -> str:
    interaction = UUID(location.rsplit("/", 1)[1])
    session = browser.session()
    with rooms.units.open(actor="test", read_only=True) as uow:
        return service.read_interaction(
            uow, rooms.deps[OAuthDeps], interaction, browser.secret, session
        ).step


def test_prompt_none_never_shows_a_page(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = plain(app, rooms)
    nobody, browser = open_browser(app, rooms), open_browser(app, rooms, citizen)
    for who, changes, error in (
        (nobody, {}, "login_required"),
        (browser, {}, "consent_required"),
        (browser, {"claims": ESSENTIAL}, "unmet_authentication_requirements"),
    ):
        back = query_of(ask(rp, who, prompt="none", **changes))
        assert (back["error"], back["state"], back["iss"]) == (error, "s-1", rp.issuer)
    rp.log_in(browser)
    assert "code" in query_of(ask(rp, browser, prompt="none"))
    with later(61):
        assert query_of(ask(rp, browser, prompt="none", max_age="60"))["error"] == "login_required"


def test_prompt_login_and_max_age_ask_again(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    rp.log_in(browser)
    again = ({"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "1"})
    for number, changes in enumerate(again, 1):
        with later(5 * number):
            location = ask(rp, browser, **changes)
            assert step(rooms, browser, location) == "log-in", changes
            began = int(now().timestamp())
            browser.log_in(citizen, amr=("pwd",))
            assert step(rooms, browser, location) == "consent", changes
            back = query_of(browser.decide(location))
            claims = jose.read_unverified(rp.redeem(back["code"]).json["id_token"]).claims
            assert began <= claims["auth_time"] <= claims["iat"]
            assert claims["amr"] == ["pwd"]


def test_an_essential_level_is_reached_or_refused(
    app: Server, rooms: Rooms, world: World, citizen: Citizen
) -> None:
    rp = plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    for wanted in ({"acr_values": "strong verified"}, {"claims": ESSENTIAL}):
        location = ask(rp, browser, **wanted)
        assert step(rooms, browser, location) == "raise-level"
    unknown = ask(rp, browser, acr_values="urn:mace:incommon:iap:silver")
    assert step(rooms, browser, unknown) == "consent"
    verify(app.test_client(), world, citizen)
    assert step(rooms, browser, location) == "consent"
    tokens = rp.redeem(query_of(browser.decide(location))["code"]).json
    assert jose.read_unverified(tokens["id_token"]).claims["acr"] == "verified"


def test_a_hint_means_one_citizen(
    app: Server, rooms: Rooms, world: World, citizen: Citizen
) -> None:
    rp, other = plain(app, rooms), plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    hint = rp.log_in(browser)["id_token"]
    assert "code" in query_of(ask(rp, browser, id_token_hint=hint))
    somebody = open_browser(app, rooms, log_in(app.test_client(), world, rooms))
    assert step(rooms, somebody, ask(rp, somebody, id_token_hint=hint)) == "log-in"
    silent = query_of(ask(rp, somebody, id_token_hint=hint, prompt="none"))
    assert silent["error"] == "login_required"
    foreign = query_of(ask(other, browser, id_token_hint=hint))
    assert foreign["error"] == "invalid_request"
    with later(3600):  # it says who is meant, however old it is
        assert "code" in query_of(ask(rp, browser, id_token_hint=hint))


def test_what_nobody_knows_is_ignored(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = make_client(app, rooms)
    tokens = rp.log_in(open_browser(app, rooms, citizen), unknown="1", resource="x", display="page")
    assert "id_token" in tokens


def test_a_public_client_is_asked_about_each_time(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = native(app, rooms)
    browser = open_browser(app, rooms, citizen)
    for _ in range(2):
        location = ask(rp, browser)
        assert step(rooms, browser, location) == "consent"
        browser.decide(location)


def test_an_interaction_belongs_to_its_browser_and_is_decided_once(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = plain(app, rooms)
    browser, thief = open_browser(app, rooms, citizen), open_browser(app, rooms, citizen)
    location = ask(rp, browser)
    ask(rp, thief)
    with pytest.raises(InteractionNotFound):
        thief.decide(location)
    assert "code" in query_of(browser.decide(location))
    with pytest.raises(InteractionOver):
        browser.decide(location)
    late = ask(rp, browser, prompt="consent")
    with later(601), pytest.raises(InteractionOver):
        browser.decide(late)
