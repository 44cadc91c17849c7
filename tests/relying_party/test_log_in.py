"""An integrator's web site, written with openid-client, logs citizens in: from zero to the API.

Nothing here knows how the product works: the relying party gets the issuer's address and its own
registration, discovers the rest, and checks everything that its library can check.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from app.http.server import Server
from tests.browser.accessibility import faults_of
from tests.browser.chromium import Browser
from tests.browser.person import log_in, new_number
from tests.factories import PATIENCE, run_jobs
from tests.oauth.support import RelyingParty, make_client
from tests.relying_party.party import Party, free_home, install, run_party
from tests.site import Site

SCOPES = ("openid", "profile", "phone", "real_name", "bills.read", "offline_access")
EVERYTHING = ("隐去部分的姓名", "手机号码", "真实姓名", "查看您的账单", "在您退出后继续访问")
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
Start = Callable[..., AbstractContextManager[tuple[Party, RelyingParty]]]


@pytest.fixture(scope="module")
def start(app: Server, chromium: Browser, site: Site) -> Start:
    """Return what registers a client as staff does, and runs its web site."""
    install()

    @contextmanager
    def begin(scope: str = " ".join(SCOPES), **wanted: Any) -> Iterator[tuple[Party, RelyingParty]]:  # noqa: ANN401
        port, home = free_home()
        if wanted.pop("hears_logouts", False):
            wanted["backchannel_logout_uri"] = f"{home}/backchannel-logout"
        client = make_client(
            app,
            site.rooms,
            scopes=wanted.pop("scopes", SCOPES),
            redirect_uris=(f"{home}/callback",),
            post_logout_uris=(f"{home}/logged-out",),
            **wanted,
        )
        told = {
            "issuer": site.url,
            "client_id": client.client_id,
            "secret": client.secret,
            "jwk": client.key,
            "par": client.dpop_key is not None,
            "dpop": client.dpop_key is not None,
            "scope": scope,
        }
        with run_party(port, told) as party:
            yield party, client

    return begin


def consent(browser: Browser, *ticks: str) -> None:
    for words in ticks:
        browser.tick(words)
    browser.press("同意授权")


@pytest.mark.promise("P40")
def test_the_full_fapi_2_flow(
    browser: Browser, site: Site, start: Start, shows: Callable[[str], None]
) -> None:
    """PAR, PKCE, DPoP, private_key_jwt, iss; then userinfo, the API, refresh and revocation."""
    number = new_number()
    with start() as (party, client):
        browser.open(party.login_address())
        log_in(browser, site, number)
        consent(browser, "手机号码", "查看您的账单", "在您退出后继续访问")
        shown = browser.result()
        claims = shown["claims"]
        assert claims["iss"] == site.url
        assert claims["aud"] == client.client_id
        assert set(shown["scope"].split()) == {"openid", "phone", "bills.read", "offline_access"}
        assert shown["token_type"].lower() == "dpop"
        assert shown["expires_in"] <= 300
        assert shown["userinfo"]["sub"] == claims["sub"]
        assert shown["userinfo"]["phone_number"] == f"+86{number}"
        assert "name" not in shown["userinfo"], "what was not ticked is not told"

        assert party.see("call", path="/v1/me/payables")["status"] == 200
        foreign = party.see("call", path="/v1/me")
        assert foreign["refused"]["error"] == "insufficient_scope"
        assert party.do("refresh")["token_type"].lower() == "dpop"
        assert party.see("userinfo")["sub"] == claims["sub"]
        assert party.do("revoke", token="refresh_token") == {"revoked": "refresh_token"}
        assert party.do("refresh")["refused"]["error"] == "invalid_grant"
        time.sleep(1.1)  # what the door has read counts for one second
        assert party.see("userinfo")["refused"]["error"] == "invalid_token"
    shows(
        "openid-client, in a browser: discovery, PAR, PKCE S256, DPoP, private_key_jwt, iss, "
        "userinfo, API call, refresh, revocation: 1 citizen logged in, 0 checks left out"
    )


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
def test_the_plain_flow(browser: Browser, site: Site, start: Start, method: str) -> None:
    """What staff may allow a client that cannot do FAPI: a secret, or (public) PKCE alone."""
    with start(profile="plain", auth_method=method) as (party, client):
        browser.open(party.login_address())
        log_in(browser, site, new_number())
        consent(browser, "查看您的账单", "在您退出后继续访问")
        shown = browser.result()
        assert shown["token_type"].lower() == "bearer"
        assert shown["claims"]["aud"] == client.client_id
        assert party.see("call", path="/v1/me/payables")["status"] == 200
        assert party.do("refresh")["token_type"].lower() == "bearer"
        assert party.see("userinfo")["sub"] == shown["claims"]["sub"]


def test_a_refusal_reaches_the_party_as_one(browser: Browser, site: Site, start: Start) -> None:
    with start() as (party, _):
        browser.open(party.login_address())
        log_in(browser, site, new_number())
        browser.press("拒绝")
        assert browser.result()["refused"]["error"] == "access_denied"


def test_two_parties_know_the_citizen_by_different_names(
    browser: Browser, site: Site, start: Start
) -> None:
    with start(sector="one.example") as (one, _), start(sector="two.example") as (two, _):
        browser.open(one.login_address())
        log_in(browser, site, new_number())
        consent(browser)
        first = browser.result()["claims"]["sub"]
        browser.open(two.login_address())
        consent(browser)  # logged in already, and asked anew: consent is each client's own
        assert browser.result()["claims"]["sub"] != first


def test_a_second_log_in_asks_nothing_and_a_fresh_one_asks_again(
    browser: Browser, site: Site, start: Start
) -> None:
    with start() as (party, _):
        browser.open(party.login_address())
        log_in(browser, site, new_number())
        consent(browser, *EVERYTHING)
        first = browser.result()["claims"]
        browser.open(party.login_address(prompt="none"))
        assert browser.result()["claims"]["sub"] == first["sub"]
        browser.open(party.login_address(prompt="login"))
        assert "获取验证码" in browser.text


def test_a_silent_log_in_of_nobody_is_refused_without_a_page(
    browser: Browser, start: Start
) -> None:
    with start() as (party, _):
        browser.open(party.login_address(prompt="none"))
        assert browser.result()["refused"]["error"] == "login_required"


def test_logging_out_by_the_party(browser: Browser, site: Site, start: Start) -> None:
    with start() as (party, _):
        browser.open(party.login_address())
        log_in(browser, site, new_number())
        consent(browser)
        browser.open(party.see("logout-url")["url"])
        if "退出登录" in browser.text:
            browser.press("退出登录")
        assert browser.result() == {"state": "goodbye"}
        browser.open(party.login_address(prompt="none"))
        assert browser.result()["refused"]["error"] == "login_required"


def test_a_party_is_told_when_the_citizen_logs_out_elsewhere(
    browser: Browser, site: Site, start: Start
) -> None:
    """The log-out token is verified by the party: signature, issuer, audience, type, event."""
    with start(hears_logouts=True) as (party, _):
        browser.open(party.login_address())
        log_in(browser, site, new_number())
        consent(browser)
        subject = browser.result()["claims"]["sub"]
        browser.open(f"{site.url}/oauth/logout")
        assert faults_of(browser) == []
        browser.press("退出登录")
        until = time.monotonic() + PATIENCE
        with site.house_that_reaches(party.home) as house:
            run_jobs(house)
            while not party.see("logouts"):  # a party that was slow to hear is told again
                assert time.monotonic() < until, "nobody told it"
                time.sleep(0.1)
                run_jobs(house)
        (told,) = party.see("logouts")
        assert told["sub"] == subject


def test_a_device_without_a_keyboard(browser: Browser, site: Site, start: Start) -> None:
    with start(profile="plain", auth_method="none", grant_types=(DEVICE,)) as (party, _):
        asked = party.do("device")
        browser.open(asked["verification_uri"])
        browser.fill("设备代码", asked["user_code"].lower())
        browser.press("继续")
        log_in(browser, site, new_number())
        consent(browser, "查看您的账单")
        assert "请回到设备上" in browser.text
        assert party.do("device/poll")["token_type"].lower() == "bearer"
        assert party.see("call", path="/v1/me/payables")["status"] == 200


def test_a_system_in_its_own_name(start: Start) -> None:
    with start(scopes=("openid", "statistics.read")) as (party, _):
        own = party.do("credentials", scope="statistics.read")
        assert (own["token_type"].lower(), own["scope"]) == ("dpop", "statistics.read")
        assert party.do("credentials", scope="ledger.read")["refused"]["error"] == "invalid_scope"
