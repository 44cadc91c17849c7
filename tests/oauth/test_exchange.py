"""Acting for somebody else through an app (RFC 8693): both are named, and both can end it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import jose
from app.factory import Rooms
from app.http.authentication import Authenticator
from app.http.server import Server
from app.identity.models import Citizen
from app.identity.service import withdraw_all
from app.oauth.values import ACCESS_TOKEN_TYPE, MANDATE_TOKEN_TYPE
from tests.conftest import World
from tests.delegation.support import Person, do, give, make_citizen
from tests.factories import later, run_jobs
from tests.oauth.support import GONE, RelyingParty, bent, make_client, make_key, open_browser

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
SCOPES = ("openid", "phone", "bills.read", "payments.write", "offline_access")


@pytest.fixture
def giver(client: FlaskClient, world: World, rooms: Rooms) -> Person:
    return make_citizen(client, world, rooms, "李大山", "1950-05-01")


@pytest.fixture
def delegate(client: FlaskClient, world: World, rooms: Rooms) -> Person:
    return make_citizen(client, world, rooms, "李梅", "1980-06-01")


@pytest.fixture
def rp(app: Server, rooms: Rooms) -> RelyingParty:
    return make_client(app, rooms, scopes=SCOPES)


def log_in(
    app: Server,
    rooms: Rooms,
    rp: RelyingParty,
    who: Person,
    amr: Sequence[str] = ("pwd", "otp", "mfa"),
) -> dict[str, Any]:
    browser = open_browser(app, rooms)
    browser.log_in(who.citizen, amr)
    return rp.log_in(browser, scope="openid phone bills.read")


def exchange(rp: RelyingParty, mandate: str, actor: str, **changes: Any) -> TestResponse:  # noqa: ANN401
    proof = changes.pop("proof", None)
    fields = {
        "grant_type": EXCHANGE,
        "subject_token": mandate,
        "subject_token_type": MANDATE_TOKEN_TYPE,
        "actor_token": actor,
        "actor_token_type": ACCESS_TOKEN_TYPE,
    }
    return rp.post("/oauth/token", bent(fields, **changes), proof)


def test_a_token_names_whose_affairs_and_who_acts(
    app: Server,
    rooms: Rooms,
    client: FlaskClient,
    rp: RelyingParty,
    giver: Person,
    delegate: Person,
) -> None:
    mandate = give(client, rooms, giver, delegate)
    own = log_in(app, rooms, rp, delegate)
    answer = exchange(rp, mandate["id"], own["access_token"])
    assert answer.status_code == 200, answer.text
    assert answer.json["issued_token_type"] == ACCESS_TOKEN_TYPE
    assert answer.json["scope"] == "bills.read"  # nothing of what says who somebody is
    assert "refresh_token" not in answer.json
    assert "id_token" not in answer.json
    claims = jose.read_unverified(answer.json["access_token"]).claims
    theirs = jose.read_unverified(log_in(app, rooms, rp, giver)["access_token"]).claims
    mine = jose.read_unverified(own["access_token"]).claims
    assert claims["sub"] == theirs["sub"]
    assert claims["act"] == {"sub": mine["sub"]}
    bills = rp.call(answer.json["access_token"], "/v1/me/payables")
    assert bills.status_code == 200, bills.text
    who = rp.call(answer.json["access_token"])
    assert (who.status_code, who.json["code"]) == (403, "insufficient-scope")


def test_it_ends_with_the_mandate_and_with_the_delegates_own_grant(
    app: Server,
    rooms: Rooms,
    client: FlaskClient,
    rp: RelyingParty,
    giver: Person,
    delegate: Person,
) -> None:
    mandate = give(client, rooms, giver, delegate)
    own = log_in(app, rooms, rp, delegate)
    first = exchange(rp, mandate["id"], own["access_token"]).json["access_token"]
    second = exchange(rp, mandate["id"], own["access_token"]).json["access_token"]
    assert rp.is_active(first)
    assert do(client, giver, mandate["id"], "revocation").status_code == 200
    assert not rp.is_active(first)
    assert not rp.is_active(second)
    refused = exchange(rp, mandate["id"], own["access_token"])
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    anew = give(client, rooms, giver, delegate)
    third = exchange(rp, anew["id"], own["access_token"]).json["access_token"]
    assert rp.is_active(third)
    assert rp.post("/oauth/revoke", {"token": own["refresh_token"]}).status_code == 200
    assert not rp.is_active(third)
    run_jobs(rooms)


def test_who_begins_to_act_has_just_shown_two_factors(
    app: Server,
    rooms: Rooms,
    client: FlaskClient,
    rp: RelyingParty,
    giver: Person,
    delegate: Person,
) -> None:
    mandate = give(client, rooms, giver, delegate)["id"]
    by_code = log_in(app, rooms, rp, delegate, amr=("otp", "sms"))
    refused = exchange(rp, mandate, by_code["access_token"])
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    both = log_in(app, rooms, rp, delegate)
    assert exchange(rp, mandate, both["access_token"]).status_code == 200
    with later(240):
        later_on = rp.refresh(both["refresh_token"]).json["access_token"]
        assert exchange(rp, mandate, later_on).status_code == 200
    with later(310):
        too_late = rp.refresh(both["refresh_token"]).json["access_token"]
        refused = exchange(rp, mandate, too_late)
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")


def test_a_delegate_brings_no_higher_level_than_their_own(
    app: Server,
    rooms: Rooms,
    client: FlaskClient,
    rp: RelyingParty,
    giver: Person,
    delegate: Person,
) -> None:
    mandate = give(client, rooms, giver, delegate)["id"]
    own = log_in(app, rooms, rp, delegate)
    acting = exchange(rp, mandate, own["access_token"]).json["access_token"]
    read = rooms.deps[Authenticator].authenticate
    assert read(acting, fresh=True).assurance == "verified"
    with rooms.units.open(actor="test") as uow:
        citizen = uow.get_one(Citizen, UUID(delegate.citizen.id), with_for_update=True)
        withdraw_all(uow, citizen, cause="test")
    assert read(acting, fresh=True).assurance == "basic"


def test_bent_exchanges(
    app: Server,
    rooms: Rooms,
    client: FlaskClient,
    rp: RelyingParty,
    giver: Person,
    delegate: Person,
) -> None:
    mandate = give(client, rooms, giver, delegate)["id"]
    other = make_client(app, rooms, scopes=SCOPES)
    own = log_in(app, rooms, rp, delegate)["access_token"]
    acting = exchange(rp, mandate, own).json["access_token"]
    tampered = own[:-8] + "AAAAAAAA"
    another = mandate[:-1] + ("1" if mandate.endswith("0") else "0")
    for mandate_id, actor, changes, error in (
        (mandate, log_in(app, rooms, rp, giver)["access_token"], {}, "invalid_grant"),
        (mandate, log_in(app, rooms, other, delegate)["access_token"], {}, "invalid_grant"),
        (mandate, acting, {}, "invalid_grant"),
        (mandate, tampered, {}, "invalid_grant"),
        (mandate, delegate.citizen.token, {}, "invalid_grant"),
        (mandate, "", {"actor_token": GONE}, "invalid_grant"),
        (another, own, {}, "invalid_grant"),
        ("everything", own, {}, "invalid_grant"),
        (mandate, own, {"subject_token_type": ACCESS_TOKEN_TYPE}, "invalid_request"),
        (mandate, own, {"subject_token_type": GONE}, "invalid_request"),
        (mandate, own, {"actor_token_type": GONE}, "invalid_request"),
        (mandate, own, {"requested_token_type": "urn:x:refresh"}, "invalid_target"),
        (mandate, own, {"audience": "bank"}, "invalid_target"),
        (mandate, own, {"resource": "https://bank.example"}, "invalid_target"),
        (mandate, own, {"scope": "openid"}, "invalid_scope"),
        (mandate, own, {"scope": "payments.write"}, "invalid_scope"),
        (
            mandate,
            own,
            {"proof": rp.proof("/oauth/token", key=make_key())},
            "invalid_grant",
        ),
    ):
        answer = exchange(rp, mandate_id, actor, **changes)
        assert (answer.status_code, answer.json["error"]) == (400, error), changes
    with later(301):
        assert exchange(rp, mandate, own).json["error"] == "invalid_grant"
