"""What PostgreSQL itself refuses, whatever the code says."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from tests.factories import Citizen
from tests.oauth.support import make_client, native, open_browser, plain


def refuse(rooms: Rooms, statement: str, constraint: str, **values: Any) -> None:  # noqa: ANN401
    with (
        pytest.raises(IntegrityError, match=constraint),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(statement), values)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("profile = 'open'", "ck_clients_profile"),
        ("status = 'ready'", "ck_clients_status"),
        ("auth_method = 'tls'", "ck_clients_auth_method"),
        ("auth_method = 'none'", "ck_clients_fapi_has_a_key"),
        ("auth_method = 'client_secret_basic'", "ck_clients_fapi_has_a_key"),
        ("jwks = null", "ck_clients_keys_in_one_place"),
        ("jwks_uri = 'https://rp.example/jwks'", "ck_clients_keys_in_one_place"),
    ],
)
def test_a_fapi_client_cannot_become_less(
    app: Server, rooms: Rooms, change: str, constraint: str
) -> None:
    rp = make_client(app, rooms)
    refuse(rooms, f"update clients set {change} where id = :id", constraint, id=rp.client_id)  # noqa: S608


def test_a_grant_has_one_current_token_and_one_code(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = native(app, rooms)
    rp.log_in(open_browser(app, rooms, citizen))
    copy_token = """
        insert into grant_tokens (id, grant_id, digest, state, created_at)
        select :new, t.grant_id, :digest, :state, t.created_at from grant_tokens t
        join grants g on g.id = t.grant_id where g.client_id = :id limit 1
    """
    refuse(
        rooms,
        copy_token,
        "uq_grant_tokens_current",
        new=new_id(),
        digest=b"1",
        state="current",
        id=rp.client_id,
    )
    refuse(
        rooms,
        copy_token,
        "ck_grant_tokens_state",
        new=new_id(),
        digest=b"2",
        state="ready",
        id=rp.client_id,
    )
    copy_code = """
        insert into authorization_codes
            (id, digest, client_id, grant_id, redirect_uri, code_challenge, expires_at)
        select :new, :digest, c.client_id, c.grant_id, c.redirect_uri, c.code_challenge,
            c.expires_at from authorization_codes c where c.client_id = :id
    """
    refuse(
        rooms,
        copy_code,
        "uq_authorization_codes_grant_id",
        new=new_id(),
        digest=b"3",
        id=rp.client_id,
    )


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'ended'", "ck_grants_end"),
        ("ended_at = now()", "ck_grants_end"),
        ("status = 'asleep'", "ck_grants_status"),
        ("actor_id = gen_random_uuid()", "ck_grants_acting"),
        ("mandate_id = gen_random_uuid()", "ck_grants_acting"),
        ("citizen_id = null", "ck_grants_session"),
    ],
)
def test_a_grant_says_what_it_is(
    app: Server, rooms: Rooms, citizen: Citizen, change: str, constraint: str
) -> None:
    rp = plain(app, rooms)
    rp.log_in(open_browser(app, rooms, citizen))
    refuse(rooms, f"update grants set {change} where client_id = :id", constraint, id=rp.client_id)  # noqa: S608


def test_a_question_is_decided_one_way_and_a_device_has_what_it_was_told(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = native(app, rooms)
    browser = open_browser(app, rooms, citizen)
    browser.go(rp.address())
    for change, constraint in (
        ("outcome = 'granted'", "ck_interactions_decision"),
        ("outcome = 'maybe', decided_at = now()", "ck_interactions_outcome"),
        ("kind = 'other'", "ck_interactions_kind"),
    ):
        statement = f"update interactions set {change} where client_id = :id"  # noqa: S608
        refuse(rooms, statement, constraint, id=rp.client_id)
    rp.post("/oauth/device_authorization", {"scope": "openid"})
    for change in ("outcome = 'granted'", "outcome = 'maybe'"):
        statement = f"update device_codes set {change} where client_id = :id"  # noqa: S608
        refuse(rooms, statement, "ck_device_codes_outcome", id=rp.client_id)


def test_what_was_seen_is_seen_once(rooms: Rooms) -> None:
    insert = "insert into seen_once (digest, forget_at) values (:d, :at)"
    values = {"d": new_id().bytes, "at": now()}
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(insert), values)
    refuse(rooms, insert, "pk_seen_once", **values)
