"""Proving more than a name: what is linked to one, a living face, a counter."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.ids import new_id
from app.factory import Rooms
from app.identity.values import Holding
from tests.conftest import World
from tests.factories import (
    Citizen,
    bearer,
    city,
    later,
    log_in,
    make_person,
    run_jobs,
    staff_token,
    texts_to,
    verify,
)
from tests.identity.support import count, in_parallel
from tests.identity.test_evidence import evidence, level, see_a_face
from tests.identity.test_resident_id import with_check

WRONG, PERMIT = "110105194912310020", "BGR110074052700"
GOOD_FACE = {"is_live": True, "is_same_person": True}
SILENT = ({"mode": "down"}, {"mode": "garbage"}, {"mode": "slow", "seconds": 20})


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


def number_of_mine() -> str:
    return f"62{new_id().int % 10**16:016d}"


def give(world: World, person: dict[str, str], kind: str, number: str) -> None:
    path = f"/register/people/{person['resident_id']}/holdings"
    city(world, "POST", path, {"kind": kind, "number": number})


def prove(client: FlaskClient, citizen: Citizen, **claim: str) -> TestResponse:
    return client.post("/v1/me/linked-proofs", json=claim, headers=citizen.auth)


@pytest.mark.parametrize("kind", [kind for kind in Holding if kind is not Holding.PHONE])
def test_a_card_of_mine_is_evidence(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, kind: Holding
) -> None:
    person, number = verify(client, world, citizen), number_of_mine()
    give(world, person, kind, number)
    answer = prove(client, citizen, kind=kind, number=number)
    assert (answer.status_code, answer.json["status"]) == (201, "verified")
    assert evidence(client, citizen)[0] == (f"{kind}-match", "active")
    assert level(client, citizen) == "verified"
    kept = "select count(*) from evidence e where e.citizen_id = :id and e::text like :number"
    assert count(rooms, kept, id=citizen.id, number=f"%{number}%") == 0


def test_a_phone_is_the_accounts_own(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    person = verify(client, world, citizen)
    # A number that is given is not the one that is asked about.
    stranger = make_person(world)
    give(world, stranger, "phone", citizen.phone)
    refused = prove(client, citizen, kind="phone", number="13800138000")
    assert (refused.status_code, refused.json["code"]) == (422, "proof-mismatch")
    give(world, person, "phone", citizen.phone)
    assert prove(client, citizen, kind="phone").status_code == 201
    assert evidence(client, citizen)[0] == ("phone-owner-match", "active")


def test_somebody_elses_card_and_no_card_look_the_same(
    client: FlaskClient, world: World, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    taken, free = number_of_mine(), number_of_mine()
    give(world, make_person(world), "bank-card", taken)
    answers = [prove(client, citizen, kind="bank-card", number=n) for n in (taken, free)]
    assert [(a.status_code, a.json["code"]) for a in answers] == [(422, "proof-mismatch")] * 2
    bodies = [a.data.replace(a.json["request_id"].encode(), b"") for a in answers]
    assert bodies[0] == bodies[1]
    assert [kind for kind, _ in evidence(client, citizen)] == ["register-match", "phone-code"]


def test_a_proof_needs_a_name_and_a_number(
    client: FlaskClient, world: World, citizen: Citizen
) -> None:
    early = prove(client, citizen, kind="bank-card", number="6222020000000001")
    assert (early.status_code, early.json["code"]) == (403, "assurance-too-low")
    verify(client, world, citizen)
    missing = prove(client, citizen, kind="bank-card")
    assert (missing.status_code, missing.json["code"]) == (422, "number-missing")
    wrong = prove(client, citizen, kind="library-card", number="6222020000000001")
    assert (wrong.status_code, wrong.json["code"]) == (422, "invalid-input")
    assert [kind for kind, _ in evidence(client, citizen)] == ["register-match", "phone-code"]


def test_five_tries_a_day_of_each_kind(client: FlaskClient, world: World, citizen: Citizen) -> None:
    verify(client, world, citizen)
    guesses = [prove(client, citizen, kind="bank-card", number="62220200") for _ in range(6)]
    assert [answer.status_code for answer in guesses] == [422] * 5 + [429]
    assert guesses[-1].json["code"] == "too-many-verifications"
    assert prove(client, citizen, kind="housing-fund", number="62220200").status_code == 422


@pytest.mark.parametrize("behaviour", SILENT, ids=lambda behaviour: str(behaviour["mode"]))
def test_an_unclear_register_decides_nothing(
    client: FlaskClient, world: World, citizen: Citizen, behaviour: dict[str, object]
) -> None:
    person = verify(client, world, citizen)
    give(world, person, "bank-card", "6222021111111111")
    before = evidence(client, citizen)
    city(world, "PUT", "/register/behaviour", {**behaviour, "times": 2})
    answers = [
        prove(client, citizen, kind="bank-card", number="6222021111111111"),
        client.post("/v1/me/face-checks", headers=citizen.auth),
    ]
    found = [(a.status_code, a.json["code"]) for a in answers]
    assert found == [(503, "register-unavailable")] * 2
    assert evidence(client, citizen) == before
    city(world, "PUT", "/register/behaviour", {"mode": "ok"})
    assert prove(client, citizen, kind="bank-card", number="6222021111111111").status_code == 201


def test_a_face_makes_strong(client: FlaskClient, world: World, citizen: Citizen) -> None:
    verify(client, world, citizen)
    begun = client.post("/v1/me/face-checks", headers=citizen.auth).json
    path = f"/v1/me/face-checks/{begun['id']}/completion"
    waiting = client.post(path, headers=citizen.auth)
    assert (waiting.status_code, waiting.json["code"]) == (409, "face-check-waiting")
    assert level(client, citizen) == "verified"
    city(world, "POST", f"/register/faces/{begun['token']}", GOOD_FACE)
    for _ in range(2):
        done = client.post(path, headers=citizen.auth)
        assert (done.status_code, done.json) == (200, {"id": begun["id"], "status": "verified"})
    assert level(client, citizen) == "strong"
    assert [kind for kind, _ in evidence(client, citizen)].count("face-live") == 1


@pytest.mark.parametrize(
    "shown",
    [
        {"is_live": False, "is_same_person": True},
        {"is_live": True, "is_same_person": False},
    ],
)
def test_a_picture_or_another_face_makes_nothing(
    client: FlaskClient, world: World, citizen: Citizen, shown: dict[str, bool]
) -> None:
    verify(client, world, citizen)
    begun = client.post("/v1/me/face-checks", headers=citizen.auth).json
    city(world, "POST", f"/register/faces/{begun['token']}", shown)
    for _ in range(2):
        path = f"/v1/me/face-checks/{begun['id']}/completion"
        refused = client.post(path, headers=citizen.auth)
        assert (refused.status_code, refused.json["code"]) == (422, "face-check-failed")
    assert level(client, citizen) == "verified"


def test_a_face_check_is_its_citizens_own_and_ends(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    other = log_in(client, world, rooms)
    early = client.post("/v1/me/face-checks", headers=other.auth)
    assert (early.status_code, early.json["code"]) == (403, "assurance-too-low")
    begun = client.post("/v1/me/face-checks", headers=citizen.auth).json
    path = f"/v1/me/face-checks/{begun['id']}/completion"
    for answer in (
        client.post(path, headers=other.auth),
        client.post(f"/v1/me/face-checks/{new_id()}/completion", headers=citizen.auth),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")
    city(world, "POST", f"/register/faces/{begun['token']}", GOOD_FACE)
    with later(599 + 2):
        late = client.post(path, headers=citizen.auth)
        assert late.status_code in {401, 422}  # the access token may be as old as the check
    assert level(client, citizen) == "verified"


def test_parallel_completions_are_one_piece_of_evidence(
    client: FlaskClient, world: World, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    begun = client.post("/v1/me/face-checks", headers=citizen.auth).json
    city(world, "POST", f"/register/faces/{begun['token']}", GOOD_FACE)
    app, path = client.application, f"/v1/me/face-checks/{begun['id']}/completion"
    calls = [lambda: app.test_client().post(path, headers=citizen.auth).status_code] * 6
    assert in_parallel(calls) == [200] * 6
    assert [kind for kind, _ in evidence(client, citizen)].count("face-live") == 1


@pytest.fixture
def clerk(rooms: Rooms) -> dict[str, str]:
    return bearer(staff_token(rooms, "counter-clerk"))


def confirm(
    client: FlaskClient, clerk: dict[str, str], person: dict[str, str], **changes: str
) -> TestResponse:
    card = {"name": person["name"], "resident_id": person["resident_id"], **changes}
    headers = {**clerk, "Idempotency-Key": str(new_id())}
    return client.post("/v1/identity/counter-confirmations", json=card, headers=headers)


def test_a_counter_makes_strong_and_the_citizen_is_told(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, clerk: dict[str, str]
) -> None:
    person = verify(client, world, citizen)
    answer = confirm(client, clerk, person)
    assert answer.status_code == 201
    assert (answer.json["citizen_id"], answer.json["assurance"]) == (citizen.id, "strong")
    assert answer.json["until"] is not None
    assert level(client, citizen) == "strong"
    assert evidence(client, citizen)[0] == ("counter", "active")
    run_jobs(rooms)
    assert "在政务服务窗口完成本人核验" in texts_to(world, citizen.phone)[0]
    named = "select count(*) from evidence where citizen_id = :id and confirmed_by is not null"
    assert count(rooms, named, id=citizen.id) == 1


def test_a_counter_confirms_only_who_it_is(
    client: FlaskClient, world: World, citizen: Citizen, clerk: dict[str, str]
) -> None:
    person, unknown = verify(client, world, citizen), make_person(world)
    cases = [
        (confirm(client, clerk, unknown), 404, "citizen-not-found"),
        (confirm(client, clerk, person, name="王五"), 422, "identity-mismatch"),
        (
            confirm(client, clerk, person, resident_id="110105194912310020"),
            422,
            "resident-id-invalid",
        ),
        (
            confirm(client, clerk, person, resident_id="BGR110074052700"),
            422,
            "document-not-supported",
        ),
        (confirm(client, citizen.auth, person), 403, "forbidden"),
    ]
    for answer, status, code in cases:
        assert (answer.status_code, answer.json["code"]) == (status, code)
    assert level(client, citizen) == "verified"


@pytest.mark.parametrize("role", ["system-admin", "security-admin", "auditor", "finance"])
def test_no_other_member_of_staff_confirms(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, role: str
) -> None:
    person = verify(client, world, citizen)
    answer = confirm(client, bearer(staff_token(rooms, role)), person)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert level(client, citizen) == "verified"


@pytest.mark.promise("P46")
def test_one_identity_is_won_once_of_twenty(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    person = make_person(world)
    racers = [log_in(client, world, rooms) for _ in range(20)]
    claim = {"name": person["name"], "resident_id": person["resident_id"]}
    app = client.application

    def race(racer: Citizen) -> int:
        return (
            app.test_client()
            .post("/v1/me/verifications", json=claim, headers=racer.auth)
            .status_code
        )

    found = in_parallel([lambda racer=racer: race(racer) for racer in racers])
    assert sorted(found) == [201] + [409] * 19
    levels = [level(client, racer) for racer in racers]
    assert sorted(levels) == ["basic"] * 19 + ["verified"]
    ids = [UUID(racer.id) for racer in racers]
    active = (
        "select count(*) from evidence where kind = 'register-match' and citizen_id = any(:ids)"
    )
    assert count(rooms, active, ids=ids) == 1
    shows("20 accounts claim one identity at once: 1 winner, 19 refused (409), 0 faults")


def test_a_face_again_renews_the_evidence(
    client: FlaskClient, world: World, citizen: Citizen
) -> None:
    verify(client, world, citizen)
    see_a_face(client, world, citizen)
    see_a_face(client, world, citizen)
    faces = [status for kind, status in evidence(client, citizen) if kind == "face-live"]
    assert faces == ["active", "withdrawn"]


@pytest.mark.promise("P46")
def test_a_number_that_cannot_be_one_never_raises_a_level(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    shows: Callable[[str], None],
) -> None:
    person = make_person(world)
    good = person["resident_id"]
    bent = [f"{good[:17]}{last}" for last in "0123456789X" if last != good[17]]
    dates = ("20210229", "20201301", "29990101", "18491231", "20200431", "00000000")
    bent += [with_check(f"420302{day}001") for day in dates]
    bent += [good[:16], f"{good}0", "", "BGR110074052700", good.replace(good[0], "\uff14", 1)]
    # Members that only the house writes.
    extras = (
        {"assurance": "strong"},
        {"status": "verified"},
        {"evidence": [{"kind": "counter"}]},
        {"verified_at": "2026-11-28T00:00:00Z"},
        {"resident_id_index": "x"},
        {"citizen_id": citizen.id},
        {"stepped_up_at": "2026-11-28T00:00:00Z"},
    )
    claims = [{"name": person["name"], "resident_id": number} for number in bent]
    claims += [{"name": person["name"], "resident_id": good, **extra} for extra in extras]
    claims.append({"name": "王五", "resident_id": good})
    for claim in claims:
        answer = client.post("/v1/me/verifications", json=claim, headers=citizen.auth)
        assert answer.status_code == 422, claim
    asked = "select count(*) from verifications where citizen_id = :id"
    assert count(rooms, asked, id=citizen.id) == 1  # only the name that is not its holder's
    assert level(client, citizen) == "basic"
    shows(f"{len(claims)} bent claims (checksum, date, name, extra members): 0 levels raised")
