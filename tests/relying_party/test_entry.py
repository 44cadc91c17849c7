"""A citizen of the city's app enters an integrator's site: a real browser, a real library."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from app.core.tokens import Principal
from app.http.server import Server
from app.oauth import service
from app.oauth.service import OAuthDeps
from app.sdk.registry import Page, Registry
from tests.browser.chromium import Browser
from tests.factories import Citizen, log_in
from tests.oauth.support import RelyingParty, make_client
from tests.oauth.test_entry import SERVICE, parking_service
from tests.relying_party.party import free_home, install, run_party
from tests.site import Site


@contextmanager
def running(app: Server, site: Site) -> Iterator[tuple[str, RelyingParty]]:
    """Register the site of a parking company, and run it."""
    install()
    port, home = free_home()
    client = make_client(
        app,
        site.rooms,
        redirect_uris=(f"{home}/callback",),
        initiate_login_uri=f"{home}/login",
    )
    told = {"issuer": site.url, "client_id": client.client_id, "jwk": client.key}
    with run_party(port, {**told, "par": True, "dpop": True, "scope": "openid phone"}):
        yield home, client


def way_in(site: Site, citizen: Citizen, client: RelyingParty, home: str) -> str:
    """Return the address that the city's app is given."""
    page = Page(client.client_id, f"{home}/login", f"{home}/start")
    registry = Registry([parking_service(client.client_id, page=page)], {}, {})
    deps = replace(site.rooms.deps[OAuthDeps], registry=registry)
    who = Principal("citizen", UUID(citizen.id), UUID(citizen.session_id))
    with site.rooms.units.open(actor="test") as uow:
        return service.open_entry(uow, deps, who, SERVICE).url


def test_from_the_app_into_the_site(app: Server, browser: Browser, site: Site) -> None:
    """Third-party initiated login (OpenID Connect Core 4), each check of openid-client on."""
    citizen = log_in(app.test_client(), site.world, site.rooms)
    with running(app, site) as (home, client):
        browser.open(way_in(site, citizen, client, home))
        assert citizen.phone[-4:] in browser.text
        browser.tick("手机号码")
        browser.press("同意授权")
        first = browser.result()
        assert (first["claims"]["iss"], first["scope"]) == (site.url, "openid phone")
        assert first["userinfo"]["phone_number"] == citizen.phone
        browser.open(way_in(site, citizen, client, home))
        again = browser.result()  # in this browser nothing is asked any more
        assert again["claims"]["sub"] == first["claims"]["sub"]
        browser.open(f"{home}/login")
        assert "获取验证码" in browser.text  # the browser itself was never logged in
