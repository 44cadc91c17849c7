"""From the city's app into a provider's page, logged in: once, within a minute, in one browser."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from app.core import jose
from app.core.egress import Egress
from app.factory import Rooms, create_app
from app.host.remotes import Remotes
from app.host.roster import compose
from app.http.server import Server
from app.oauth import service
from app.oauth.service import OAuthDeps
from app.oauth.values import ENTRY_HINT, SESSION_COOKIE, ClientStatus
from app.providers.values import ProviderStatus
from app.sdk.registry import Closed, Page, Registry, Service
from config.settings import Settings
from tests.conftest import World
from tests.delegation.support import acting, give, make_citizen
from tests.factories import Citizen, bearer, later, log_in, verify
from tests.host.test_roster import NOBODY, entry, manifest
from tests.identity.support import in_parallel
from tests.oauth.support import RelyingParty, make_client, open_browser, plain, query_of
from tests.oauth.visitor import Visitor
from tests.sdk.test_remote import make_city

LOGIN = "https://parking.example/login"
BACK = "https://parking.example/callback"
SERVICE = "parking-permit"
TARGET = f"https://parking.example/start?service={SERVICE}"
TRIAL = Closed({"zh": "试运行", "en": "On trial"})
RECORDED = """
    select event from audit_entries where event like 'entry.%' and subject_id = :s order by number
"""


def parking_service(client_id: str, **changes: Any) -> Service:  # noqa: ANN401 - its fields
    known: dict[str, Any] = {
        "id": SERVICE,
        "plugin": "parking",
        "title": {"zh": "停车证", "en": "Parking permit"},
        "category": "transport",
        "department": "traffic-police",
        "kind": "application",
        "action": "handle",
        "assurance": "basic",
        "page": Page(client_id, LOGIN, TARGET),
    }
    return Service(**{**known, **changes})


@dataclass(frozen=True)
class Parking:
    """A city in which a parking company has a page for its service."""

    app: Server
    rooms: Rooms
    rp: RelyingParty

    def open(self, headers: dict[str, str], service_id: str = SERVICE) -> TestResponse:
        """Ask for the way in, as the city's app does."""
        return self.app.test_client().post(f"/v1/services/{service_id}/entry", headers=headers)

    def way_in(self, citizen: Citizen) -> str:
        """Return the address that the city's app is given."""
        answer = self.open(citizen.auth)
        assert answer.status_code == 201, answer.text
        return str(answer.json["url"])

    def visitor(self) -> Visitor:
        """Return somebody with a browser of their own."""
        return Visitor(self.app.test_client())

    def enter(self, visitor: Visitor, url: str) -> str:
        """Open a way in and return the hint that the company is given."""
        visitor.outside = None
        visitor.go(url)
        assert visitor.outside is not None, visitor.page.text
        assert visitor.outside.startswith(f"{LOGIN}?")
        return query_of(visitor.outside)["login_hint"]

    def go_on(self, visitor: Visitor, hint: str, **wanted: Any) -> Visitor:  # noqa: ANN401
        """Send the browser on to the city with a hint, as the company's site does."""
        visitor.outside = None
        return visitor.go(self.rp.address(login_hint=hint, **wanted))

    def step(self, visitor: Visitor) -> str:
        """Say what a browser is shown."""
        if visitor.outside is not None:
            back = query_of(visitor.outside)
            return str(back.get("error", "code"))
        return "consent" if "将获得" in visitor.page.text else "log-in"


City = Callable[..., Parking]


@pytest.fixture
def city(settings: Settings, app: Server, rooms: Rooms) -> City:
    """Return what makes a city in which a company has a page."""

    def make(
        rp: RelyingParty | None = None,
        services: Iterable[Service] = (),
        **changes: Any,  # noqa: ANN401 - fields of the service
    ) -> Parking:
        party = rp or make_client(app, rooms, redirect_uris=(BACK,), initiate_login_uri=LOGIN)
        offered = list(services) or [parking_service(party.client_id, **changes)]
        registry = Registry(offered, {}, {})
        own = {**rooms.deps, OAuthDeps: replace(rooms.deps[OAuthDeps], registry=registry)}
        made = create_app(settings, replace(rooms, deps=own))
        made.test_client_class = app.test_client_class
        return Parking(made, rooms, party)

    return make


@pytest.fixture
def parking(city: City) -> Parking:
    return city()


def recorded(rooms: Rooms, citizen: Citizen) -> list[str]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return list(uow.scalars(text(RECORDED), {"s": citizen.id}))


def refusals(rooms: Rooms) -> int:
    with rooms.units.open(actor="test", read_only=True) as uow:
        counted = text("select count(*) from audit_entries where event = 'entry.refused'")
        return int(uow.scalar(counted) or 0)


def test_a_citizen_is_led_into_the_page_and_logged_in_there(
    parking: Parking, citizen: Citizen, client: FlaskClient
) -> None:
    answer = parking.open(citizen.auth)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert answer.json["url"].startswith(f"{parking.rp.issuer}/oauth/entry?ticket=")
    visitor = parking.visitor()
    hint = parking.enter(visitor, answer.json["url"])
    assert visitor.outside is not None
    given = query_of(visitor.outside)
    assert given == {
        "iss": parking.rp.issuer,
        "target_link_uri": TARGET,
        "login_hint": hint,
    }
    parking.go_on(visitor, hint, scope="openid phone")
    phone = citizen.phone.removeprefix("+86")
    assert f"{phone[:3]}****{phone[-4:]}" in visitor.page.text
    assert parking.step(visitor) == "consent"
    visitor.fill("同意授权", ticks=("phone",))
    tokens = parking.rp.redeem(query_of(str(visitor.outside))["code"])
    assert tokens.status_code == 200, tokens.text
    claims = jose.read_unverified(tokens.json["id_token"]).claims
    assert (claims["acr"], claims["auth_time"] <= claims["iat"]) == ("basic", True)
    shown = parking.rp.call(tokens.json["access_token"]).json
    assert (shown["sub"], shown["phone_number"]) == (claims["sub"], citizen.phone)
    assert claims["sub"] != citizen.id
    assert visitor.client.get_cookie(SESSION_COOKIE) is None
    assert recorded(parking.rooms, citizen) == ["entry.opened", "entry.taken"]
    kept = "select service from listed_services where list = 'recent' and citizen_id = :c"
    with parking.rooms.units.open(actor="test", read_only=True) as uow:
        assert list(uow.scalars(text(kept), {"c": citizen.id})) == [SERVICE]


@pytest.mark.parametrize("state", [ProviderStatus.LIVE, ProviderStatus.CANARY])
def test_a_companys_manifest_names_its_page(
    app: Server, rooms: Rooms, city: City, citizen: Citizen, state: ProviderStatus
) -> None:
    rp = make_client(app, rooms, redirect_uris=(BACK,), initiate_login_uri=LOGIN)
    page = {
        "client_id": rp.client_id,
        "initiate_login_uri": LOGIN,
        "target_link_uri": "https://parking.example/start?service={service}",
    }
    company = entry(state=state, manifest=manifest(entry=page))
    offered = compose(NOBODY, [company], Remotes(make_city(), Egress())).listing
    parking = city(rp, offered.services.values())
    answer = parking.open(citizen.auth, "parking-fee")
    if state is ProviderStatus.CANARY:
        assert (answer.status_code, answer.json["code"]) == (503, "service-unavailable")
        return
    visitor = parking.visitor()
    parking.enter(visitor, answer.json["url"])
    target = query_of(str(visitor.outside))["target_link_uri"]
    assert target == "https://parking.example/start?service=parking-fee"


def test_what_was_consented_to_in_this_browser_is_not_asked_again(
    parking: Parking, citizen: Citizen
) -> None:
    visitor = parking.visitor()
    parking.go_on(visitor, parking.enter(visitor, parking.way_in(citizen)))
    visitor.fill("同意授权")
    for wanted in ({}, {"prompt": "none"}):
        hint = parking.enter(visitor, parking.way_in(citizen))
        assert parking.step(parking.go_on(visitor, hint, **wanted)) == "code"
    elsewhere = parking.visitor()
    hint = parking.enter(elsewhere, parking.way_in(citizen))
    silent = parking.go_on(elsewhere, hint, prompt="none")
    assert parking.step(silent) == "consent_required"
    hint = parking.enter(elsewhere, parking.way_in(citizen))
    assert parking.step(parking.go_on(elsewhere, hint)) == "consent"


def test_a_browser_in_which_the_citizen_has_logged_in_is_their_own(
    parking: Parking, citizen: Citizen
) -> None:
    browser = open_browser(parking.app, parking.rooms, citizen)
    visitor = Visitor(browser.http)
    parking.go_on(visitor, parking.enter(visitor, parking.way_in(citizen)))
    assert parking.step(visitor) == "consent"  # there was none yet
    visitor.fill("同意授权")
    hint = parking.enter(visitor, parking.way_in(citizen))
    assert parking.step(parking.go_on(visitor, hint)) == "code"


def test_somebody_elses_way_in_is_seen_and_can_be_left(
    parking: Parking, citizen: Citizen, world: World
) -> None:
    attacker = log_in(parking.app.test_client(), world, parking.rooms)
    theirs = parking.visitor()
    parking.go_on(theirs, parking.enter(theirs, parking.way_in(attacker)))
    theirs.fill("同意授权")
    victim = Visitor(open_browser(parking.app, parking.rooms, citizen).http)
    parking.go_on(victim, parking.enter(victim, parking.way_in(attacker)))
    assert parking.step(victim) == "consent"
    assert attacker.phone[-4:] in victim.page.text
    victim.fill("不是您")
    assert citizen.phone[-4:] in victim.page.text
    assert parking.step(victim) == "consent"
    me = parking.app.test_client().get("/v1/me", headers=attacker.auth)
    assert me.status_code == 200  # whoever is left there is not logged out of the app


def test_a_hint_is_worth_nothing_where_it_was_not_given(
    parking: Parking, citizen: Citizen, app: Server
) -> None:
    visitor, thief = parking.visitor(), parking.visitor()
    hint = parking.enter(visitor, parking.way_in(citizen))
    before = refusals(parking.rooms)
    assert parking.step(parking.go_on(thief, hint)) == "log-in"
    silent = parking.go_on(thief, hint, prompt="none")
    assert parking.step(silent) == "login_required"
    other = make_client(app, parking.rooms, redirect_uris=(BACK,), initiate_login_uri=LOGIN)
    elsewhere = replace(parking, rp=other)
    assert parking.step(elsewhere.go_on(visitor, hint)) == "log-in"
    assert refusals(parking.rooms) == before + 3
    assert recorded(parking.rooms, citizen) == ["entry.opened"]
    assert parking.step(parking.go_on(visitor, hint)) == "consent"


def test_each_step_is_taken_once(parking: Parking, citizen: Citizen) -> None:
    url = parking.way_in(citizen)
    visitor = parking.visitor()
    hint = parking.enter(visitor, url)
    for again in (visitor, parking.visitor()):
        again.outside = None
        again.go(url)
        assert (again.answer.status_code, again.outside) == (409, None)
        assert "entry-over" in again.page.text
    parking.go_on(visitor, hint)
    assert parking.step(visitor) == "consent"
    assert parking.step(parking.go_on(visitor, hint)) == "log-in"


def test_of_many_at_once_one_is_let_in(parking: Parking, citizen: Citizen) -> None:
    visitor = parking.visitor()
    hint = parking.enter(visitor, parking.way_in(citizen))
    secret = visitor.client.get_cookie("wudang_browser")
    assert secret is not None
    places = [parking.rp.address(login_hint=hint, prompt="none") for _ in range(8)]

    def ask(place: str) -> str:
        browser = parking.app.test_client()
        browser.set_cookie("wudang_browser", secret.value)
        return query_of(browser.get(place).headers["Location"])["error"]

    answers = sorted(in_parallel([lambda place=place: ask(place) for place in places]))
    assert answers == ["consent_required"] + ["login_required"] * 7
    assert recorded(parking.rooms, citizen).count("entry.taken") == 1


def test_a_minute_is_the_end_of_each_step(parking: Parking, citizen: Citizen) -> None:
    url = parking.way_in(citizen)
    with later(61):
        late = parking.visitor().go(url)
        assert late.answer.status_code == 409
    visitor = parking.visitor()
    hint = parking.enter(visitor, parking.way_in(citizen))
    with later(61):
        assert parking.step(parking.go_on(visitor, hint)) == "log-in"


def test_whoever_has_logged_out_is_not_led_anywhere(parking: Parking, citizen: Citizen) -> None:
    url, visitor, asked = parking.way_in(citizen), parking.visitor(), parking.visitor()
    hint = parking.enter(visitor, parking.way_in(citizen))
    parking.go_on(asked, parking.enter(asked, parking.way_in(citizen)))
    gone = parking.app.test_client().delete(
        f"/v1/auth/sessions/{citizen.session_id}", headers=citizen.auth
    )
    assert gone.status_code == 204
    assert parking.visitor().go(url).answer.status_code == 409
    assert parking.step(parking.go_on(visitor, hint)) == "log-in"
    asked.fill("同意授权")
    assert asked.outside is None


def test_a_log_in_that_the_client_insists_on_is_asked_for(
    parking: Parking, citizen: Citizen
) -> None:
    visitor = parking.visitor()
    hint = parking.enter(visitor, parking.way_in(citizen))
    assert parking.step(parking.go_on(visitor, hint, prompt="login")) == "log-in"


def test_the_level_of_the_service_is_asked_for(
    city: City, citizen: Citizen, world: World, client: FlaskClient
) -> None:
    parking = city(assurance="verified")
    refused = parking.open(citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (403, "assurance-too-low")
    assert refused.json["needed"] == "verified"
    assert recorded(parking.rooms, citizen) == []
    verify(client, world, citizen)
    visitor = parking.visitor()
    hint = parking.enter(visitor, parking.way_in(citizen))
    with parking.rooms.units.open(actor="test") as uow:
        down = text("update citizens set assurance = 'basic' where id = :id")
        uow.execute(down, {"id": citizen.id})
    parking.go_on(visitor, hint)
    assert "实名" in visitor.page.text
    assert parking.step(visitor) != "consent"


def test_nobody_goes_in_for_somebody_else(
    parking: Parking, world: World, client: FlaskClient, citizen: Citizen
) -> None:
    principal = make_citizen(client, world, parking.rooms)
    helper = make_citizen(client, world, parking.rooms, "韩梅梅", "1985-01-01")
    scope = {"service": "*", "actions": ["view", "book", "submit"]}
    mandate = give(client, parking.rooms, principal, helper, scope)
    refused = parking.open(acting(client, parking.rooms, helper, mandate["id"]))
    assert (refused.status_code, refused.json["code"]) == (403, "acting-not-allowed")
    rp = plain(parking.app, parking.rooms)
    tokens = rp.log_in(open_browser(parking.app, parking.rooms, citizen))
    refused = parking.open(bearer(tokens["access_token"]))
    assert (refused.status_code, refused.json["code"]) == (403, "insufficient-scope")
    assert parking.open({}).status_code == 401
    assert recorded(parking.rooms, principal.citizen) == recorded(parking.rooms, citizen) == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"page": None}, 422, "service-has-no-page"),
        ({"page": Page(str(uuid4()), LOGIN, LOGIN)}, 422, "service-has-no-page"),
        ({"id": "another-service"}, 404, "service-not-found"),
        ({"trial": TRIAL}, 503, "service-unavailable"),
    ],
)
def test_there_has_to_be_a_page(
    city: City, citizen: Citizen, changes: dict[str, Any], status: int, code: str
) -> None:
    refused = city(**changes).open(citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (status, code)


@pytest.mark.parametrize(
    "wanted",
    [
        {"initiate_login_uri": None},
        {"initiate_login_uri": "https://elsewhere.example/login"},
        {"initiate_login_uri": LOGIN, "status": ClientStatus.DRAFT},
    ],
)
def test_the_client_has_to_be_registered_with_that_very_address(
    app: Server, rooms: Rooms, city: City, citizen: Citizen, wanted: dict[str, Any]
) -> None:
    refused = city(make_client(app, rooms, **wanted)).open(citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (422, "service-has-no-page")


def test_a_client_that_was_suspended_meanwhile_gets_nobody(
    parking: Parking, citizen: Citizen
) -> None:
    url = parking.way_in(citizen)
    with parking.rooms.units.open(actor="test") as uow:
        changed = text("update clients set status = 'suspended' where id = :id")
        uow.execute(changed, {"id": parking.rp.client_id})
    visitor = parking.visitor().go(url)
    assert (visitor.answer.status_code, visitor.outside) == (409, None)


def test_what_the_ticket_holds_is_no_secret_of_anybodys(parking: Parking, citizen: Citizen) -> None:
    url = parking.way_in(citizen)
    visitor = parking.visitor()
    hint = parking.enter(visitor, url)
    everything = text("select t::text from entry_tickets t where citizen_id = :c")
    with parking.rooms.units.open(actor="test", read_only=True) as uow:
        rows = " ".join(uow.scalars(everything, {"c": citizen.id}))
    for secret in (query_of(url)["ticket"], hint.removeprefix(ENTRY_HINT), citizen.phone):
        assert secret not in rows
    assert visitor.answer.headers["Referrer-Policy"] == "no-referrer"
    assert urlsplit(url).fragment == ""


def test_the_steps_have_an_order_and_ways_are_forgotten(parking: Parking, citizen: Citizen) -> None:
    url = parking.way_in(citizen)
    parking.enter(parking.visitor(), parking.way_in(citizen))
    for change, constraint in (
        ("taken_at = now()", "ck_entry_tickets_taken"),
        ("confirmed_at = now()", "ck_entry_tickets_confirmed"),
        ("opened_at = now()", "ck_entry_tickets_opened"),
        ("hint_digest = 'x', opened_at = now()", "ck_entry_tickets_opened"),
    ):
        with (
            pytest.raises(IntegrityError, match=constraint),
            parking.rooms.units.open(actor="test") as uow,
        ):
            uow.execute(text(f"update entry_tickets set {change} where opened_at is null"))  # noqa: S608
    with parking.rooms.units.open(actor="test") as uow:
        service.forget_expired(uow)
        left = text("select count(*) from entry_tickets where citizen_id = :c")
        assert uow.scalar(left, {"c": citizen.id}) == 2
    with later(2 * 86_400), parking.rooms.units.open(actor="test") as uow:
        service.forget_expired(uow)
        assert uow.scalar(left, {"c": citizen.id}) == 0
    assert parking.visitor().go(url).answer.status_code == 409


def test_a_login_hint_that_is_a_number_stays_one(parking: Parking, citizen: Citizen) -> None:
    visitor = parking.visitor()
    parking.go_on(visitor, citizen.phone)
    assert parking.step(visitor) == "log-in"
    assert citizen.phone.removeprefix("+86") in visitor.answer.text
    stale = parking.visitor()
    parking.go_on(stale, f"{ENTRY_HINT}never-given")
    assert ENTRY_HINT not in stale.answer.text
