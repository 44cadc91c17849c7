"""A citizen's consent carries everything: what is shown is recorded, what is taken back is over."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from app.http.server import Server
from tests.factories import Citizen, run_jobs
from tests.oauth.support import make_client, open_browser, plain, query_of


def consents(client: FlaskClient, citizen: Citizen) -> list[dict[str, object]]:
    items: list[dict[str, object]] = client.get("/v1/me/consents", headers=citizen.auth).json[
        "items"
    ]
    return [one for one in items if str(one["consumer"]).startswith("client:")]


@pytest.mark.promise("P40")
def test_a_consent_that_is_taken_back_ends_everything(
    app: Server,
    rooms: Rooms,
    client: FlaskClient,
    citizen: Citizen,
    shows: Callable[[str], None],
) -> None:
    rp = plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    tokens = rp.log_in(browser, scope="openid phone offline_access")
    (given,) = consents(client, citizen)
    assert given["status"] == "granted"
    code = rp.authorize(browser)["code"]
    taken = client.delete(f"/v1/me/consents/{given['id']}", headers=citizen.auth)
    assert taken.status_code == 204
    # Before any job has run: whoever reads a token asks for the consent.
    assert not rp.is_active(tokens["access_token"])
    assert rp.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert rp.redeem(code).json["error"] == "invalid_grant"
    post = rp.http.post(
        "/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert post.status_code == 401
    run_jobs(rooms)
    with rooms.units.open(actor="test", read_only=True) as uow:
        live = text("select count(*) from grants where client_id = :id and status = 'active'")
        assert uow.scalar(live, {"id": rp.client_id}) == 0
    asked = browser.go(rp.address(scope="openid")).headers["Location"]
    assert "/oauth/interaction/" in asked
    shows("consent withdrawn: access, refresh, code and userinfo refused before any job ran")


def test_what_was_left_out_is_not_shown_and_asked_again(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    rp.log_in(browser, scope="openid phone")
    kept = rp.authorize(browser, granted=["openid"], scope="openid phone", prompt="consent")
    tokens = rp.redeem(kept["code"]).json
    assert tokens["scope"] == "openid"
    assert set(rp.call(tokens["access_token"]).json) == {"sub"}
    assert "/oauth/interaction/" in browser.go(rp.address(scope="openid phone")).headers["Location"]
    assert "code" in query_of(browser.go(rp.address(scope="openid")).headers["Location"])


def test_each_disclosure_is_recorded_with_its_consent(
    app: Server, rooms: Rooms, client: FlaskClient, citizen: Citizen
) -> None:
    rp = make_client(app, rooms, name=f"文旅 {citizen.id[-6:]}")
    tokens = rp.log_in(open_browser(app, rooms, citizen), scope="openid phone")
    assert rp.call(tokens["access_token"]).status_code == 200
    items = client.get("/v1/me/disclosures", headers=citizen.auth).json["items"]
    ours = [one for one in items if one["consumer"] == f"client:{rp.client_id}"]
    assert {frozenset(one["attributes"]) for one in ours} == {
        frozenset({"assurance"}),
        frozenset({"phone"}),
    }
    (given,) = consents(client, citizen)
    assert {one["consent_id"] for one in ours} == {given["id"]}
