"""Organisations: claimed by whoever the register knows, with agents, and one for each code."""

import contextlib

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn.uscc import calc_check_digit

from app.delegation.errors import UsccInvalid
from app.delegation.service.uscc import canonical_uscc
from app.factory import Rooms
from tests.conftest import World
from tests.delegation.support import (
    Person,
    acting_token,
    ask,
    claim,
    do,
    give,
    inbox,
    make_firm,
    read,
    run,
    step_up,
)
from tests.factories import bearer, city, staff_token
from tests.identity.support import in_parallel

LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
AGENT = {"service": "*", "actions": ["view", "submit"]}


def organisation(client: FlaskClient, who: Person, organisation_id: str) -> int:
    place = f"/v1/delegation/organisations/{organisation_id}"
    return client.get(place, headers=who.auth).status_code


def statuses(rooms: Rooms, who: Person) -> list[str]:
    found = "select status from organisations where representative_id = :id order by id"
    return [row.status for row in run(rooms, found, id=who.id)]


def test_the_representative_of_the_register_has_the_organisation(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, stranger: Person
) -> None:
    firm = make_firm(world, father)
    made = claim(client, father, firm)
    assert made.status_code == 201, made.text
    assert made.json["status"] == "active"
    assert (made.json["uscc"], made.json["name"]) == (firm["uscc"], firm["name"])
    assert made.json["is_representative"] is True
    assert inbox(client, father)[0] == "organisation-changed"
    assert organisation(client, father, made.json["id"]) == 200
    assert organisation(client, stranger, made.json["id"]) == 404
    again = claim(client, father, firm)
    assert (again.status_code, again.json["code"]) == (409, "already-representative")
    refused = claim(client, stranger, firm)
    assert (refused.status_code, refused.json["code"]) == (422, "organisation-mismatch")
    rows = run(
        rooms, "select status from organisations where representative_id = :id", id=father.id
    )
    assert [row.status for row in rows] == ["active"]
    rows = run(
        rooms, "select status from organisations where representative_id = :id", id=stranger.id
    )
    assert [row.status for row in rows] == ["closed"]


def test_a_code_that_is_none_or_nobodys_and_another_name(
    client: FlaskClient, world: World, father: Person
) -> None:
    firm = make_firm(world, father)
    for uscc, name, code in (
        ("91420300MA0000001X", firm["name"], "uscc-invalid"),
        ("91110000600037341L", firm["name"], "organisation-mismatch"),
        (firm["uscc"], "别的公司", "organisation-mismatch"),
    ):
        answer = claim(client, father, {"uscc": uscc, "name": name})
        assert (answer.status_code, answer.json["code"]) == (422, code)


def test_five_claims_a_day_and_silence_costs_none(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    firm = make_firm(world, father)
    city(world, "PUT", "/register/behaviour", {"mode": "down"})
    try:
        for _ in range(6):
            answer = claim(client, father, firm)
            assert (answer.status_code, answer.json["code"]) == (
                503,
                "delegation-register-unavailable",
            )
    finally:
        city(world, "PUT", "/register/behaviour", {"mode": "ok"})
    rows = run(
        rooms, "select status from organisations where representative_id = :id", id=father.id
    )
    assert [row.status for row in rows] == ["claimed"]
    wrong = {**firm, "name": "别的公司"}
    assert [claim(client, father, wrong).status_code for _ in range(5)] == [422] * 5
    full = claim(client, father, firm)
    assert (full.status_code, full.json["code"]) == (429, "too-many-claims")


def test_two_claims_of_one_code_make_one_organisation(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    app = client.application
    for _ in range(3):
        firm = make_firm(world, father)
        answers = in_parallel([lambda firm=firm: claim(app.test_client(), father, firm)] * 4)
        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] == 201
        assert set(codes[1:]) <= {409, 429}
        living = run(
            rooms,
            "select status from organisations where representative_id = :id "
            "and status in ('active', 'suspended')",
            id=father.id,
        )
        run(rooms, "delete from claim_tries where citizen_id = :id", id=father.id)
    assert len(living) == 3


def test_a_new_representative_takes_over_and_what_the_old_one_gave_ends(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    father: Person,
    daughter: Person,
    stranger: Person,
) -> None:
    firm = make_firm(world, father)
    made = claim(client, father, firm).json
    agent = give(
        client, rooms, father, stranger, AGENT, organisation_id=made["id"], for_organisation=True
    )
    path = f"/register/organisations/{firm['uscc']}/representative"
    city(world, "PUT", path, {"representative": daughter.resident_id})
    taken = claim(client, daughter, firm)
    assert (taken.status_code, taken.json["id"]) == (201, made["id"])
    assert organisation(client, father, made["id"]) == 404
    assert organisation(client, daughter, made["id"]) == 200
    assert read(client, stranger, agent["id"]).json["status"] == "revoked"
    assert "organisation-changed" in inbox(client, father)
    back = claim(client, father, firm)
    assert back.json["code"] == "organisation-mismatch"


def test_agents_are_given_listed_revoked_and_may_leave(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    father: Person,
    daughter: Person,
    stranger: Person,
) -> None:
    firm = claim(client, father, make_firm(world, father)).json
    of = {"organisation_id": firm["id"], "for_organisation": True}
    refused = ask(client, stranger, daughter, AGENT, **of)
    assert (refused.status_code, refused.json["code"]) == (404, "organisation-not-found")
    first = give(client, rooms, father, daughter, AGENT, **of)
    second = give(client, rooms, father, stranger, AGENT, **of)
    assert first["organisation"] == {"id": firm["id"], "name": firm["name"]}
    assert f"organisation {firm['id']} by citizen {father.id}" in first["statement"]
    place = f"/v1/delegation/organisations/{firm['id']}/mandates"
    listed = client.get(place, headers=father.auth).json["items"]
    assert [item["id"] for item in listed] == [second["id"], first["id"]]
    assert client.get(place, headers=daughter.auth).status_code == 404
    assert organisation(client, daughter, firm["id"]) == 200
    # An agent's mandate is the organisation's: it opens nobody's personal affairs.
    step_up(rooms, daughter)
    token = client.post(
        "/v1/delegation/acting-tokens", json={"mandate_id": first["id"]}, headers=daughter.auth
    )
    assert (token.status_code, token.json["code"]) == (409, "organisation-mandate")
    assert do(client, daughter, first["id"], "revocation").status_code == 200  # leaves
    assert do(client, father, second["id"], "revocation").status_code == 200
    for who in (daughter, stranger):
        assert organisation(client, who, firm["id"]) == 404


def test_a_helper_acts_for_somebody_as_long_as_for_the_organisation(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    father: Person,
    daughter: Person,
    stranger: Person,
) -> None:
    """A community centre's helper: their mandate from an elder rests on the centre's to them."""
    centre = claim(client, father, make_firm(world, father, "社区服务中心")).json
    agent = give(
        client, rooms, father, daughter, AGENT, organisation_id=centre["id"], for_organisation=True
    )
    asked = ask(client, daughter, stranger, named="principal", organisation_id=centre["id"])
    assert asked.status_code == 201, asked.text
    seen = read(client, stranger, asked.json["id"]).json
    assert seen["organisation"]["name"] == "社区服务中心"
    step_up(rooms, stranger)
    assert do(client, stranger, asked.json["id"], "consent").json["status"] == "active"
    auth = bearer(acting_token(client, rooms, daughter, asked.json["id"]))
    assert client.get("/v1/me/payables", headers=auth).status_code == 200
    do(client, father, agent["id"], "revocation")
    refused = client.post("/v1/payments", json={}, headers=auth)
    assert (refused.status_code, refused.json["code"]) == (401, "token-invalid")
    other = ask(client, daughter, father, named="principal", organisation_id=centre["id"])
    assert other.json["code"] == "organisation-not-found"


def test_staff_suspend_and_resume_and_the_representative_closes(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> None:
    made = claim(client, father, make_firm(world, father)).json
    of = {"organisation_id": made["id"], "for_organisation": True}
    agent = give(client, rooms, father, daughter, AGENT, **of)
    place = f"/v1/delegation/organisations/{made['id']}"
    body = {"status": "suspended", "reason": "court"}
    for auth in (father.auth, bearer(staff_token(rooms, "auditor"))):
        answer = client.put(f"{place}/status", json=body, headers=auth)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    clerk = bearer(staff_token(rooms, "counter-clerk"))
    assert client.put(f"{place}/status", json=body, headers=clerk).json["status"] == "suspended"
    refused = ask(client, father, daughter, AGENT, **of)
    assert (refused.status_code, refused.json["code"]) == (409, "organisation-not-active")
    twice = client.put(f"{place}/status", json=body, headers=clerk)
    assert (twice.status_code, twice.json["code"]) == (409, "illegal-transition")
    again = {"status": "active", "reason": "court"}
    assert client.put(f"{place}/status", json=again, headers=clerk).json["status"] == "active"
    assert read(client, daughter, agent["id"]).json["status"] == "active"
    step_up(rooms, father)
    step_up(rooms, daughter)
    assert client.post(f"{place}/closure", headers=daughter.auth).status_code == 404
    closed = client.post(f"{place}/closure", headers=father.auth)
    assert (closed.status_code, closed.json["status"]) == (200, "closed")
    assert read(client, daughter, agent["id"]).json["status"] == "revoked"


CODES = st.builds(
    lambda head, place, body: head + place + body,
    st.text(LETTERS.replace("0", ""), min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(LETTERS, min_size=9, max_size=9),
).map(lambda body: body + calc_check_digit(body))


@settings(max_examples=200, deadline=None)
@given(CODES)
def test_codes_are_written_one_way(code: str) -> None:
    assert canonical_uscc(f" {code[:2]}-{code[2:8].lower()} {code[8:].lower()}") == code


@settings(max_examples=200, deadline=None)
@given(CODES, st.integers(0, 17), st.sampled_from(LETTERS))
def test_one_wrong_character_is_noticed(code: str, place: int, letter: str) -> None:
    if code[place] != letter:
        with pytest.raises(UsccInvalid):
            canonical_uscc(code[:place] + letter + code[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=24))
def test_no_text_is_worse_than_invalid(text: str) -> None:
    with contextlib.suppress(UsccInvalid):
        assert len(canonical_uscc(text)) == 18


def test_a_village_collective_has_a_code_too() -> None:
    body = "N2420381MF0000001"
    assert canonical_uscc(body + calc_check_digit(body)).startswith("N2")
