"""Evidence over its life: gained, listed, run out, withdrawn; and the level that follows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import clock
from app.core.ids import new_id
from app.core.tokens import Tokens
from app.factory import Rooms
from app.identity import service
from app.identity.values import EvidenceKind
from tests.conftest import World
from tests.credentials.authenticator import Authenticator
from tests.factories import Citizen, city, later, log_in, verify
from tests.identity.support import count, deps_of, in_parallel
from tests.identity.ways_in import by_passkey, login_options, with_passkey

DAY = 86_400
YEAR = 365 * DAY


def level(client: FlaskClient, citizen: Citizen) -> str:
    answer = client.get("/v1/me", headers=citizen.auth)
    assert answer.status_code == 200, answer.text
    return str(answer.json["assurance"])


def evidence(client: FlaskClient, citizen: Citizen) -> list[tuple[str, str]]:
    items = client.get("/v1/me/evidence", headers=citizen.auth).json["items"]
    return [(item["kind"], item["status"]) for item in items]


def told(rooms: Rooms, citizen: Citizen) -> int:
    rows = "select count(*) from inbox_messages where citizen_id = :id and kind = :kind"
    return count(rooms, rows, id=citizen.id, kind="assurance-lowered")


def expire(rooms: Rooms) -> None:
    """End all that is due: what other tests have left is older and comes first, so many at once."""
    due = (
        "select count(*) from evidence e join citizens c on c.id = e.citizen_id "
        "where e.status = 'active' and e.expires_at <= :now and c.status <> 'closed'"
    )
    for _ in range(50):
        with rooms.units.open(actor="worker:identity.expire_evidence") as uow:
            service.expire_evidence(uow)
        if count(rooms, due, now=clock.now()) == 0:
            return


def see_a_face(client: FlaskClient, world: World, citizen: Citizen) -> None:
    begun = client.post("/v1/me/face-checks", headers=citizen.auth)
    assert begun.status_code == 201, begun.text
    shown = {"is_live": True, "is_same_person": True}
    city(world, "POST", f"/register/faces/{begun.json['token']}", shown)
    path = f"/v1/me/face-checks/{begun.json['id']}/completion"
    assert client.post(path, headers=citizen.auth).status_code == 200


def hold_a_passkey(rooms: Rooms, citizen: Citizen, key: UUID | None = None) -> UUID:
    """Let a passkey count as evidence, as one does whose maker has signed that it is bound."""
    key = key or new_id()
    with rooms.units.open(actor="test") as uow:
        locked = service.lock_citizen(uow, UUID(citizen.id))
        service.record_evidence(uow, locked, EvidenceKind.PASSKEY, "passkey", reference=key)
    return key


@contextmanager
def at(rooms: Rooms, citizen: Citizen, seconds: float) -> Iterator[Citizen]:
    """Travel, and let the citizen have a session and a token that live then."""
    with rooms.units.open(actor="test") as uow:
        far = "update sessions set idle_until = :far, absolute_until = :far where id = :id"
        uow.execute(text(far), {"far": "2099-01-01", "id": citizen.session_id})
    with later(seconds):
        token = rooms.deps[Tokens].issue(
            subject=UUID(citizen.id),
            session_id=UUID(citizen.session_id),
            kind="citizen",
            assurance="strong",  # a hint that nobody may believe
        )
        yield replace(citizen, token=token)


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


def test_what_proves_me_is_listed_and_never_what_was_proven(
    client: FlaskClient, world: World, citizen: Citizen
) -> None:
    before = clock.now()
    person = verify(client, world, citizen)
    answer = client.get("/v1/me/evidence", headers=citizen.auth)
    assert answer.status_code == 200
    match, phone = answer.json["items"]
    assert {name: match[name] for name in ("kind", "source", "status", "ended_at")} == {
        "kind": "register-match",
        "source": "register",
        "status": "active",
        "ended_at": None,
    }
    assert match["title"]["zh"] == "姓名与身份证号码经人口库核验"
    obtained = datetime.fromisoformat(match["obtained_at"])
    assert before - timedelta(milliseconds=1) <= obtained <= clock.now()
    assert datetime.fromisoformat(match["expires_at"]).year == obtained.year + 5
    assert (phone["kind"], phone["source"], phone["expires_at"]) == ("phone-code", "code", None)
    for secret in (person["name"], person["resident_id"], citizen.phone):
        assert secret not in answer.text


def test_evidence_is_its_citizens_own_and_needs_a_token(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    other = log_in(client, world, rooms)
    assert evidence(client, other) == [("phone-code", "active")]
    assert client.get("/v1/me/evidence").status_code == 401


def test_a_verified_name_lasts_five_years_to_the_second(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    with at(rooms, citizen, 5 * YEAR):
        expire(rooms)  # what others have left takes longer than the seconds that count below
    with rooms.units.open(actor="test", read_only=True) as uow:
        end = uow.scalar(
            text("select assurance_until from citizens where id = :id"), {"id": citizen.id}
        )
    left = (end - clock.now()).total_seconds()
    assert 5 * YEAR < left < 5 * YEAR + 3 * DAY
    with at(rooms, citizen, left - 30) as then:
        expire(rooms)
        assert level(client, then) == "verified"
    # Due, and no worker has come yet: the level is over all the same, on every way in.
    with at(rooms, citizen, left + 1) as then:
        assert level(client, then) == "basic"
        assert evidence(client, then) == [("register-match", "expired"), ("phone-code", "active")]
        began = client.post("/v1/me/face-checks", headers=then.auth)
        assert (began.status_code, began.json["code"]) == (403, "assurance-too-low")
        assert began.json["needed"] == "verified"
        assert 'acr_values="verified"' in began.headers["WWW-Authenticate"]
        with rooms.units.open(actor="test", read_only=True) as uow:
            wanted = {"name", "resident_id", "phone"}
            known = service.attributes_of(uow, deps_of(rooms).keyring, UUID(then.id), wanted)
        assert (known.assurance, set(known.values)) == ("basic", {"phone"})
        assert told(rooms, then) == 0
        for _ in range(2):
            expire(rooms)
        assert told(rooms, then) == 1
        assert level(client, then) == "basic"
    row = "select count(*) from citizens where id = :id and assurance = 'basic'"
    assert count(rooms, row, id=citizen.id) == 1


def test_a_face_lasts_a_year_and_leaves_the_name(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    see_a_face(client, world, citizen)
    with at(rooms, citizen, YEAR - DAY) as then:
        expire(rooms)
        assert level(client, then) == "strong"
    with at(rooms, citizen, YEAR + DAY) as then:
        expire(rooms)
        assert level(client, then) == "verified"
        assert told(rooms, then) == 1
        see_a_face(client, world, then)
        assert level(client, then) == "strong"


def test_who_lost_the_level_may_prove_the_same_number_again_and_no_other(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    person = verify(client, world, citizen)
    with at(rooms, citizen, 5 * YEAR + 3 * DAY) as then:
        other = city(world, "POST", "/register/people", {"name": "韩梅梅", "born": "1991-02-03"})
        claim = {"name": other["name"], "resident_id": other["resident_id"]}
        answer = client.post("/v1/me/verifications", json=claim, headers=then.auth)
        assert (answer.status_code, answer.json["code"]) == (409, "identity-differs")
        assert level(client, then) == "basic"
        verify(client, world, then, person)
        assert level(client, then) == "verified"
        assert evidence(client, then)[0] == ("register-match", "active")
        expire(rooms)
        assert level(client, then) == "verified"


def test_a_key_that_is_revoked_takes_its_level_along(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    first = hold_a_passkey(rooms, citizen)
    assert level(client, citizen) == "basic"  # a key alone says nothing about a name
    verify(client, world, citizen)
    assert level(client, citizen) == "strong"
    second = hold_a_passkey(rooms, citizen)
    for key, left in ((first, "strong"), (first, "strong"), (second, "verified")):
        with rooms.units.open(actor="test") as uow:
            locked = service.lock_citizen(uow, UUID(citizen.id))
            service.withdraw_evidence(uow, locked, EvidenceKind.PASSKEY, key, cause="revoked")
        assert level(client, citizen) == left
    assert told(rooms, citizen) == 1


def test_a_new_number_takes_along_what_was_proven_with_the_old_one(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    person = verify(client, world, citizen)
    path = f"/register/people/{person['resident_id']}/holdings"
    city(world, "POST", path, {"kind": "phone", "number": citizen.phone})
    assert (
        client.post(
            "/v1/me/linked-proofs", json={"kind": "phone"}, headers=citizen.auth
        ).status_code
        == 201
    )
    see_a_face(client, world, citizen)
    assert level(client, citizen) == "strong"
    with rooms.units.open(actor="test") as uow:
        service.renew_phone(uow, service.lock_citizen(uow, UUID(citizen.id)), new_id())
    assert level(client, citizen) == "verified"
    assert sorted(evidence(client, citizen)) == [
        ("face-live", "withdrawn"),
        ("phone-code", "active"),
        ("phone-code", "withdrawn"),
        ("phone-owner-match", "withdrawn"),
        ("register-match", "active"),
    ]
    assert told(rooms, citizen) == 1


def test_an_account_that_closes_keeps_no_evidence_alive(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    with rooms.units.open(actor="test") as uow:
        locked = service.lock_citizen(uow, UUID(citizen.id))
        service.withdraw_all(uow, locked, cause="account-closed")
    assert level(client, citizen) == "basic"
    assert {status for _, status in evidence(client, citizen)} == {"withdrawn"}
    assert told(rooms, citizen) == 0


def test_parallel_workers_lower_a_level_once(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    with at(rooms, citizen, 5 * YEAR + 3 * DAY):
        in_parallel([lambda: expire(rooms)] * 6)
        expire(rooms)
    assert told(rooms, citizen) == 1
    moves = (
        "select count(*) from event_log where entity = 'evidence' and subject_id = :id "
        "and to_state = 'expired'"
    )
    assert count(rooms, moves, id=citizen.id) == 1


@pytest.mark.promise("P46")
def test_a_level_that_runs_out_is_gone_before_any_worker_comes(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    shows: Callable[[str], None],
) -> None:
    verify(client, world, citizen)
    with at(rooms, citizen, 5 * YEAR + 3 * DAY) as then:
        calls = [level(client, then) for _ in range(20)]
    assert calls == ["basic"] * 20
    shows("20 calls after the end of the evidence and before the worker: 0 with the old level")


def test_an_account_that_lay_unused_begins_anew_with_its_phone(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    person = verify(client, world, citizen)
    hold_a_passkey(rooms, citizen)
    with later(90 * DAY - 3_600):
        again = log_in(client, world, rooms, citizen.phone)
        assert (again.id, level(client, again)) == (citizen.id, "strong")
    with later(180 * DAY):
        # Whoever has the number now.
        other = log_in(client, world, rooms, citizen.phone)
        assert (other.id, level(client, other)) == (citizen.id, "basic")
        assert told(rooms, citizen) == 1
        stranger = city(world, "POST", "/register/people", {"name": "韩梅", "born": "1991-02-03"})
        claim = {"name": stranger["name"], "resident_id": stranger["resident_id"]}
        answer = client.post("/v1/me/verifications", json=claim, headers=other.auth)
        assert (answer.status_code, answer.json["code"]) == (409, "identity-differs")
        verify(client, world, other, person)
        assert level(client, other) == "strong"


def test_a_passkey_wakes_an_account_as_it_was(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone = Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    verify(client, world, citizen)
    hold_a_passkey(rooms, citizen)
    with later(180 * DAY):
        woken = by_passkey(client, phone.prove(login_options(client)))
        assert (woken.status_code, woken.json["citizen"]["assurance"]) == (201, "strong")
    assert told(rooms, citizen) == 0
