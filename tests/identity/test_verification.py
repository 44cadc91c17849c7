"""Proving a name against the register."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.identity import service
from app.identity.values import SignedIn
from tests.conftest import World
from tests.factories import bearer, city, later, make_person
from tests.identity.support import count, deps_of, in_parallel, index_of, log_in_quickly

DAY = 86_400


def post(client: FlaskClient, citizen: SignedIn, name: str, number: str) -> TestResponse:
    return client.post(
        "/v1/me/verifications",
        json={"name": name, "resident_id": number},
        headers=bearer(citizen.access_token),
    )


def statuses(rooms: Rooms, citizen: SignedIn) -> list[str]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalars(
            text("select status from verifications where citizen_id = :id order by asked_at"),
            {"id": citizen.citizen_id},
        )
        return list(found)


def assurance(client: FlaskClient, citizen: SignedIn) -> str:
    answer = client.get("/v1/me", headers=bearer(citizen.access_token))
    return str(answer.json["assurance"])


def test_a_match_is_a_record_and_raises_the_level(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, person = log_in_quickly(rooms), make_person(world, "欧阳娜娜")
    answer = post(client, citizen, person["name"], person["resident_id"])
    assert answer.status_code == 201
    assert answer.json == {"id": answer.json["id"], "status": "verified"}
    me = client.get("/v1/me", headers=bearer(citizen.access_token)).json
    assert (me["name"], me["assurance"]) == ("欧***", "verified")
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.execute(
            text("select source, status, decided_at >= asked_at from verifications where id = :id"),
            {"id": answer.json["id"]},
        ).one()
        log = uow.execute(
            text(
                "select from_state, to_state, event, cause, actor from event_log "
                "where entity_id = :id order by sequence"
            ),
            {"id": answer.json["id"]},
        ).all()
    assert tuple(row) == ("register", "verified", True)
    actor = f"citizen:{citizen.citizen_id}"
    assert [tuple(line) for line in log] == [
        (None, "asked", None, "citizen", actor),
        ("asked", "verified", "citizen.verified", "register-match", actor),
    ]


def test_a_name_with_a_dot_may_be_typed_with_another(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    person = make_person(world, "阿依古丽·买买提")
    citizen = log_in_quickly(rooms)
    typed = person["name"].replace("·", "•")
    assert post(client, citizen, f" {typed} ", person["resident_id"].lower()).status_code == 201


@pytest.mark.parametrize("case", ["another name", "unknown number"])
def test_what_the_register_does_not_confirm_is_refused(
    client: FlaskClient, world: World, rooms: Rooms, case: str
) -> None:
    citizen = log_in_quickly(rooms)
    number = make_person(world)["resident_id"] if case == "another name" else "11010519491231002X"
    answer = post(client, citizen, "王五", number)
    assert (answer.status_code, answer.json["code"]) == (422, "identity-mismatch")
    assert statuses(rooms, citizen) == ["refused"]
    assert assurance(client, citizen) == "basic"


def test_the_two_refusals_look_the_same(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in_quickly(rooms)
    known = post(client, citizen, "王五", make_person(world)["resident_id"])
    unknown = post(client, citizen, "王五", "11010519491231002X")
    plain = [a.data.replace(a.json["request_id"].encode(), b"") for a in (known, unknown)]
    assert plain[0] == plain[1]


def test_a_number_that_cannot_be_one_is_not_even_asked_about(
    client: FlaskClient, rooms: Rooms
) -> None:
    citizen = log_in_quickly(rooms)
    for number, code in (
        ("110105194912310020", "resident-id-invalid"),
        ("11010519491231002", "invalid-input"),
    ):
        answer = post(client, citizen, "王五", number)
        assert (answer.status_code, answer.json["code"]) == (422, code)
    assert statuses(rooms, citizen) == []


def test_one_identity_has_one_account(client: FlaskClient, world: World, rooms: Rooms) -> None:
    person = make_person(world)
    first, second = log_in_quickly(rooms), log_in_quickly(rooms)
    assert post(client, first, person["name"], person["resident_id"]).status_code == 201
    answer = post(client, second, person["name"], person["resident_id"])
    assert (answer.status_code, answer.json["code"]) == (409, "identity-already-bound")
    assert assurance(client, second) == "basic"
    assert statuses(rooms, second) == ["refused"]
    # Only who knows the name learns that the number is bound.
    guess = post(client, second, "王五", person["resident_id"])
    assert (guess.status_code, guess.json["code"]) == (422, "identity-mismatch")


def test_one_identity_has_one_account_also_in_a_race(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    app = client.application
    for _ in range(3):
        person = make_person(world)
        racers = [log_in_quickly(rooms) for _ in range(4)]
        claim = person["name"], person["resident_id"]
        answers = in_parallel(
            [
                lambda racer=racer, claim=claim: post(app.test_client(), racer, *claim).status_code
                for racer in racers
            ]
        )
        assert sorted(answers) == [201, 409, 409, 409]
        index = index_of(rooms, "resident_id", person["resident_id"])
        bound = "select count(*) from citizens where resident_id_index = :index"
        assert count(rooms, bound, index=index) == 1


def test_a_citizen_has_one_identity(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, person, other = log_in_quickly(rooms), make_person(world), make_person(world)
    app = client.application
    answers = in_parallel(
        [
            lambda p=p: post(app.test_client(), citizen, p["name"], p["resident_id"]).status_code
            for p in (person, other)
        ]
    )
    assert sorted(answers) == [201, 409]
    again = post(client, citizen, person["name"], person["resident_id"])
    assert (again.status_code, again.json["code"]) == (409, "already-verified")


def test_five_attempts_a_day(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, person = log_in_quickly(rooms), make_person(world)
    for _ in range(5):
        assert post(client, citizen, "王五", person["resident_id"]).status_code == 422
    answer = post(client, citizen, person["name"], person["resident_id"])
    assert (answer.status_code, answer.json["code"]) == (429, "too-many-verifications")
    assert 86_000 < int(answer.headers["Retry-After"]) <= DAY + 1
    assert statuses(rooms, citizen) == ["refused"] * 5
    with later(DAY + 1), rooms.units.open(actor="test") as uow:
        service.verify_citizen(
            uow, deps_of(rooms), citizen.citizen_id, person["name"], person["resident_id"]
        )
    assert statuses(rooms, citizen) == ["refused"] * 5 + ["verified"]


def test_parallel_attempts_are_five_at_most(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, person = log_in_quickly(rooms), make_person(world)
    app = client.application
    calls = [lambda: post(app.test_client(), citizen, "王五", person["resident_id"]).status_code]
    assert sorted(in_parallel(calls * 12)) == [422] * 5 + [429] * 7


def test_a_register_that_is_down_decides_nothing_and_costs_no_attempt(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, person = log_in_quickly(rooms), make_person(world)
    city(world, "PUT", "/register/behaviour", {"mode": "down"})
    try:
        for _ in range(6):
            answer = post(client, citizen, person["name"], person["resident_id"])
            assert (answer.status_code, answer.json["code"]) == (503, "register-unavailable")
            assert int(answer.headers["Retry-After"]) >= 1
    finally:
        city(world, "PUT", "/register/behaviour", {"mode": "ok"})
    assert statuses(rooms, citizen) == ["unanswered"] * 6
    assert assurance(client, citizen) == "basic"
    assert post(client, citizen, person["name"], person["resident_id"]).status_code == 201


def test_the_level_cannot_be_asked_for(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, person = log_in_quickly(rooms), make_person(world)
    body = {"name": person["name"], "resident_id": person["resident_id"]}
    for extra in ({"assurance": "strong"}, {"status": "verified"}, {"citizen_id": "x"}):
        answer = client.post(
            "/v1/me/verifications",
            json={**body, **extra},
            headers=bearer(citizen.access_token),
        )
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    assert statuses(rooms, citizen) == []
