"""What a client asked of us can be read by its developers, and by nobody else; nobody is in it."""

from base64 import b64encode
from dataclasses import replace
from time import monotonic, sleep
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from app.http.served import Served
from app.http.server import Server
from app.oauth import service
from app.oauth.service import RequestLog
from tests.conftest import World
from tests.factories import PATIENCE, Citizen, bearer, later, staff_token
from tests.live import serve
from tests.oauth.support import (
    RelyingParty,
    make_client,
    make_key,
    native,
    open_browser,
    plain,
)
from tests.oauth.test_models import refuse

OWN = "/v1/oauth/clients/me/requests"
WEEK = 7 * 86_400


@pytest.fixture
def party(app: Server, rooms: Rooms) -> RelyingParty:
    return make_client(app, rooms, scopes=("openid", "bills.read", "requests.read"))


def own_token(rp: RelyingParty, scope: str = "requests.read") -> str:
    answer = rp.post("/oauth/token", {"grant_type": "client_credentials", "scope": scope})
    assert answer.status_code == 200, answer.text
    return str(answer.json["access_token"])


def log_of(rp: RelyingParty, rooms: Rooms, token: str, query: str = "") -> TestResponse:
    """Read the log as its client does, once everything is written."""
    rooms.deps[RequestLog].flush()
    return rp.call(token, OWN + query)


def lines(answer: TestResponse) -> list[tuple[str, int, str | None]]:
    assert answer.status_code == 200, answer.text
    return [(one["operation"], one["status"], one["code"]) for one in answer.json["items"]]


def rows(rooms: Rooms, client_id: str) -> list[Any]:
    rooms.deps[RequestLog].flush()
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = text("select * from client_requests where client_id = :id order by request_id")
        return list(uow.execute(found, {"id": client_id}).all())


def served(client_id: str, **changes: Any) -> Served:  # noqa: ANN401 - members of Served
    made = Served(UUID(client_id), new_id(), now(), "GET /v1/services", 200, 3, None)
    return replace(made, **changes)


def test_a_client_reads_what_it_asked_newest_first(
    rooms: Rooms, citizen: Citizen, party: RelyingParty, app: Server
) -> None:
    granted = party.log_in(open_browser(app, rooms, citizen), scope="openid bills.read")
    first = party.call(granted["access_token"], "/v1/me/payables")
    assert first.status_code == 200, first.text
    hidden = f"/v1/payments/{uuid4()}"
    assert party.call(granted["access_token"], hidden).status_code == 403
    own = own_token(party)
    answer = log_of(party, rooms, own)
    assert lines(answer) == [
        ("POST /oauth/token", 200, None),
        ("GET /v1/payments/{payment_id}", 403, "insufficient-scope"),
        ("GET /v1/me/payables", 200, None),
        ("POST /oauth/token", 200, None),
        ("POST /oauth/par", 201, None),
    ]
    shown = answer.json["items"][2]
    assert set(shown) == {"request_id", "at", "operation", "status", "milliseconds", "code"}
    assert shown["request_id"] == first.headers["X-Request-Id"]
    assert shown["milliseconds"] >= 0
    assert lines(log_of(party, rooms, own))[0] == (f"GET {OWN}", 200, None)


def test_nothing_in_it_names_a_citizen_or_what_was_asked(
    rooms: Rooms, citizen: Citizen, party: RelyingParty, app: Server
) -> None:
    granted = party.log_in(open_browser(app, rooms, citizen), scope="openid bills.read")
    token, thing = granted["access_token"], str(uuid4())
    subject = party.call(token).json["sub"]
    asked = ("/v1/utilities/bills?limit=77", f"/v1/utilities/bills/{thing}")
    for path in asked:
        assert party.call(token, path).status_code in {200, 404}
    kept = rows(rooms, party.client_id)
    assert len(kept) == 2 + 1 + len(asked)
    assert [one.operation for one in kept[-2:]] == [
        "GET /v1/utilities/bills",
        "GET /v1/utilities/bills/{bill_id}",
    ]
    whole = " ".join(str(tuple(one)) for one in kept)
    secrets = (citizen.id, citizen.phone[3:], citizen.session_id, subject, thing, "limit")
    for value in (*secrets, token, granted["id_token"]):
        assert value not in whole
    assert "77" not in " ".join(one.operation for one in kept)


def test_each_client_sees_its_own(app: Server, rooms: Rooms, party: RelyingParty) -> None:
    other = make_client(app, rooms, scopes=("requests.read",))
    tokens = own_token(party), own_token(other)
    assert len(lines(log_of(party, rooms, tokens[0]))) == 1
    assert len(lines(log_of(other, rooms, tokens[1]))) == 1
    assert other.call(tokens[0], OWN).status_code == 401, "a token of another's key"


def test_it_needs_its_scope_and_a_system(
    app: Server, client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    rp = make_client(app, rooms, scopes=("openid", "map.read"))
    for token in (
        own_token(rp, "map.read"),
        rp.log_in(open_browser(app, rooms, citizen))["access_token"],
    ):
        answer = rp.call(token, OWN)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    answer = client.get(OWN, headers=citizen.auth)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_who_has_not_proven_to_be_a_client_writes_nothing_into_its_log(
    app: Server, rooms: Rooms, party: RelyingParty
) -> None:
    form = {"grant_type": "client_credentials"}
    forged = party.assertion(key={**make_key(), "kid": (party.key or {})["kid"]})
    answer = party.post("/oauth/token", {**form, "client_assertion": forged})
    assert answer.json["error"] == "invalid_client"
    assert party.call("no-token", OWN).status_code == 401
    assert rows(rooms, party.client_id) == []
    public = native(app, rooms)
    assert public.post("/oauth/token", {"grant_type": "authorization_code"}).status_code == 400
    assert rows(rooms, public.client_id) == [], "its name is anybody's"


def test_what_a_client_is_refused_stands_there_with_the_reason(
    rooms: Rooms, party: RelyingParty
) -> None:
    answer = party.redeem("made-up")
    assert answer.json["error"] == "invalid_grant"
    (kept,) = rows(rooms, party.client_id)
    assert (kept.operation, kept.status, kept.code) == ("POST /oauth/token", 400, "invalid_grant")


def test_staff_sees_it_who_manage_integrators(
    client: FlaskClient, rooms: Rooms, party: RelyingParty
) -> None:
    own_token(party)
    rooms.deps[RequestLog].flush()
    path = f"/v1/oauth/clients/{party.client_id}/requests"
    manager = bearer(staff_token(rooms, "security-admin"))
    assert lines(client.get(path, headers=manager)) == [("POST /oauth/token", 200, None)]
    missing = client.get(f"/v1/oauth/clients/{uuid4()}/requests", headers=manager)
    assert (missing.status_code, missing.json["code"]) == (404, "client-not-found")
    for role in ("auditor", "finance", "system-admin"):
        answer = client.get(path, headers=bearer(staff_token(rooms, role)))
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_pages_follow_each_other(rooms: Rooms, party: RelyingParty) -> None:
    log = rooms.deps[RequestLog]
    for status in (200, 201, 204):
        log.note(served(party.client_id, status=status))
    token = own_token(party)
    first = log_of(party, rooms, token, "?limit=2")
    assert [status for _, status, _ in lines(first)] == [200, 204]
    second = party.call(token, f"{OWN}?limit=2&cursor={first.json['next_cursor']}")
    assert [status for _, status, _ in lines(second)] == [201, 200]
    assert second.json["next_cursor"] is None


def test_a_week_later_it_is_not_shown_and_then_not_there(
    rooms: Rooms, party: RelyingParty, client: FlaskClient
) -> None:
    rooms.deps[RequestLog].note(served(party.client_id))
    assert len(rows(rooms, party.client_id)) == 1
    path = f"/v1/oauth/clients/{party.client_id}/requests"
    with later(WEEK - 600):
        with rooms.units.open(actor="test") as uow:
            service.forget_expired(uow)
        manager = bearer(staff_token(rooms, "security-admin"))
        assert len(lines(client.get(path, headers=manager))) == 1
    with later(WEEK + 60):
        manager = bearer(staff_token(rooms, "security-admin"))
        assert lines(client.get(path, headers=manager)) == []
        assert len(rows(rooms, party.client_id)) == 1
        with rooms.units.open(actor="test") as uow:
            service.forget_expired(uow)
        assert rows(rooms, party.client_id) == []


def test_it_is_written_by_itself(rooms: Rooms, party: RelyingParty) -> None:
    rooms.deps[RequestLog].note(served(party.client_id))
    deadline = monotonic() + PATIENCE
    with rooms.units.open(actor="test", read_only=True) as uow:
        kept = text("select count(*) from client_requests where client_id = :id")
        while uow.scalar(kept, {"id": party.client_id}) != 1:
            assert monotonic() < deadline, "nobody writes it"
            sleep(0.05)


def test_while_it_cannot_be_written_calls_wait_and_are_answered(
    client: FlaskClient, rooms: Rooms, party: RelyingParty
) -> None:
    log = rooms.deps[RequestLog]
    log.flush()
    with rooms.units.open(actor="test") as uow:
        uow.execute(text("lock table client_requests in access exclusive mode"))
        token = own_token(party)
        log.flush()  # waits for the lock, and gives up
        kept = text("select count(*) from client_requests where client_id = :id")
        assert uow.scalar(kept, {"id": party.client_id}) == 0
    assert [one.operation for one in rows(rooms, party.client_id)] == ["POST /oauth/token"]
    assert lines(log_of(party, rooms, token))


def test_a_call_is_written_once_however_often_it_is_tried(
    rooms: Rooms, party: RelyingParty
) -> None:
    once, log = served(party.client_id), rooms.deps[RequestLog]
    log.note(once)
    log.flush()
    for one in (once, served(party.client_id), once):
        log.note(one)
    assert len(rows(rooms, party.client_id)) == 2, "and it takes no other one with it"


def test_what_is_refused_for_ever_stops_nobody(rooms: Rooms, party: RelyingParty) -> None:
    log = rooms.deps[RequestLog]
    log.flush()
    log.note(served(str(uuid4())))  # a client that there is not
    log.flush()
    log.note(served(party.client_id))
    assert len(rows(rooms, party.client_id)) == 1


def test_a_closed_log_has_written_everything(rooms: Rooms, party: RelyingParty) -> None:
    log = RequestLog(rooms.units)
    log.note(served(party.client_id))
    log.close()
    assert len(rows(rooms, party.client_id)) == 1


def test_a_server_that_stops_has_written_everything(
    app: Server, rooms: Rooms, world: World
) -> None:
    rp = plain(app, rooms, scopes=("requests.read",))
    pair = b64encode(f"{rp.client_id}:{rp.secret}".encode()).decode()
    with serve(world) as live:
        asked = live.call(
            "POST",
            "/oauth/token",
            body=b"grant_type=client_credentials",
            headers={
                "Authorization": f"Basic {pair}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        token = bearer(asked.json["access_token"])
        for _ in range(9):
            assert live.call("GET", OWN, headers=token).status == 200
    assert len(rows(rooms, rp.client_id)) == 10


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("operation = 'GET /v1/services?q=water'", "ck_client_requests_operation"),
        ("operation = 'somebody called'", "ck_client_requests_operation"),
        ("status = 0", "ck_client_requests_status"),
        ("milliseconds = -1", "ck_client_requests_milliseconds"),
        ("code = '李雷'", "ck_client_requests_code"),
        ("client_id = gen_random_uuid()", "fk_client_requests_client_id_clients"),
    ],
)
def test_no_column_takes_more_than_it_is_for(
    rooms: Rooms, party: RelyingParty, change: str, constraint: str
) -> None:
    rooms.deps[RequestLog].note(served(party.client_id))
    assert rows(rooms, party.client_id)
    changed = f"update client_requests set {change} where client_id = :id"  # noqa: S608
    refuse(rooms, changed, constraint, id=party.client_id)
