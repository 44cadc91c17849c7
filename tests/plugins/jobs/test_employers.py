"""Who may advertise, who acts for whom, and what nobody can take over."""

import threading
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.http.server import Server
from app.sdk import Citizen, House
from plugins.jobs import service
from plugins.jobs.errors import EmployerKnown
from plugins.jobs.provider import JobsProvider
from plugins.jobs.values import NewEmployer, canonical_code
from tests.conftest import World
from tests.factories import log_in, run_jobs
from tests.plugins.jobs.conftest import (
    EMPLOYERS,
    Boss,
    Officer,
    decision,
    make_citizen,
    make_code,
    make_officer,
    register,
)
from tests.plugins.jobs.rows import many, moves, one, run

CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@given(place=st.integers(0, 17), sign=st.sampled_from(CODE_SIGNS))
def test_one_wrong_sign_is_found_by_the_check_character(place: int, sign: str) -> None:
    code = "91420300MA0000001C"
    assert canonical_code(" 9142 0300-ma0000001c") == code
    changed = code[:place] + sign + code[place + 1 :]
    assert canonical_code(changed) == (code if changed == code else None)


@pytest.mark.parametrize(
    "text", ["", "91420300MA0000001", "91420300MA0000001I", "９1420300MA0000001C"]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    assert canonical_code(text) is None


def test_from_registering_to_a_second_member(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer
) -> None:
    me, other, code = (
        make_citizen(client, world, rooms),
        make_citizen(client, world, rooms),
        make_code(),
    )
    made = register(client, me, code)
    assert (made.status_code, made.json["status"]) == (201, "requested")
    place = made.headers["Location"]
    assert place == f"{EMPLOYERS}/{made.json['id']}"
    assert register(client, me, code.lower()).json == made.json  # again: the same
    taken = register(client, other, code)
    assert (taken.status_code, taken.json["code"]) == (409, "employer-known")
    assert client.get(EMPLOYERS, headers=other).json["items"] == []
    assert client.get(place, headers=other).status_code == 404

    vacancy = client.post(f"{place}/invitations", headers=other)
    assert (vacancy.status_code, vacancy.json["code"]) == (404, "employer-not-found")
    verified = officer.decide_employer(made.json["id"])
    assert (verified.status_code, verified.json["status"]) == (200, "verified")
    run_jobs(rooms)
    inbox = client.get("/v1/me/inbox", headers=me).json["items"]
    assert [m["kind"] for m in inbox if m["kind"].startswith("jobs.")] == ["jobs.employer-verified"]

    invited = client.post(f"{place}/invitations", headers=me)
    assert invited.status_code == 201
    body = {"code": invited.json["code"]}
    joined = client.post("/v1/jobs/invitations", json=body, headers=other)
    assert (joined.status_code, joined.json["id"]) == (201, made.json["id"])
    used = client.post("/v1/jobs/invitations", json=body, headers=other)
    assert (used.status_code, used.json["code"]) == (422, "employer-invitation-invalid")
    members = client.get(f"{place}/members", headers=me).json["items"]
    assert [(m["status"], m["is_me"]) for m in members] == [("active", True), ("active", False)]
    assert client.delete(f"{place}/membership", headers=me).status_code == 204
    assert client.get(place, headers=me).status_code == 404
    assert client.get(place, headers=other).status_code == 200


def test_who_may_register_and_what(client: FlaskClient, world: World, rooms: Rooms) -> None:
    basic = log_in(client, world, rooms)
    assert register(client, basic.auth, make_code()).status_code in {401, 403}
    me = make_citizen(client, world, rooms)
    wrong = register(client, me, make_code()[:-1] + "Z")
    assert (wrong.status_code, wrong.json["code"]) == (422, "credit-code-invalid")
    assert client.get(EMPLOYERS, headers=me).json["items"] == []


def test_a_refused_code_can_be_registered_anew_and_nobody_decides_twice(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer
) -> None:
    me, code = make_citizen(client, world, rooms), make_code()
    first = register(client, me, code).json["id"]
    refused = officer.decide_employer(first, "code-name-mismatch")
    assert (refused.json["status"], refused.json["reason"]) == ("refused", "code-name-mismatch")
    assert officer.decide_employer(first).status_code == 409
    assert client.get(f"{EMPLOYERS}/{first}", headers=me).json["reason"] == "code-name-mismatch"
    again = register(client, me, code)
    assert (again.status_code, again.json["status"]) == (201, "requested")
    assert again.json["id"] != first
    assert moves(rooms, first) == [("requested", "citizen"), ("refused", "code-name-mismatch")]


def test_only_the_departments_officers_decide(
    client: FlaskClient, rooms: Rooms, boss: Boss, officer: Officer
) -> None:
    stranger = make_officer(client, rooms, "water-bureau")
    answer = stranger.put(f"employers/{boss.employer}/suspension", {"reason": "fraud"})
    assert (answer.status_code, answer.json["code"]) == (403, "other-departments-jobs")
    both = officer.put(f"employers/{boss.employer}/decision", decision() | {"reason": "fraud"})
    assert both.status_code == 422
    assert one(
        rooms, "select status from plugin_jobs.employers where id = :i", i=boss.employer
    ) == ("verified")


def test_who_registers_at_once_does_so_once(house: House) -> None:
    wanted = NewEmployer(make_code(), "甲公司", "420302")
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def go() -> None:
        ready.wait()
        try:
            with house.unit_of_work() as uow:
                service.register_employer(uow, Citizen(f"c-{uuid4().hex}", letterbox="x"), wanted)
            outcomes.append("done")
        except EmployerKnown:
            outcomes.append("known")

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "known", "known", "known"]


def test_two_officers_decide_once(
    app: Server, client: FlaskClient, world: World, rooms: Rooms
) -> None:
    made = register(client, make_citizen(client, world, rooms), make_code()).json["id"]
    officers = [make_officer(app.test_client(), rooms) for _ in range(2)]
    answers: list[int] = []
    ready = threading.Barrier(2)

    def go(officer: Officer, reason: str | None) -> None:
        ready.wait()
        answers.append(officer.decide_employer(made, reason).status_code)

    threads = [
        threading.Thread(target=go, args=pair)
        for pair in zip(officers, (None, "not-registered"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409]
    assert len(moves(rooms, made)) == 2


def test_a_member_can_have_a_copy_and_be_forgotten(
    client: FlaskClient, rooms: Rooms, world: World, house: House
) -> None:
    register(client, make_citizen(client, world, rooms), code := make_code())
    whose = (
        "select m.citizen_reference from plugin_jobs.employer_members m"
        " join plugin_jobs.employers e on e.id = m.employer_id where e.credit_code = :c"
    )
    me = Citizen(one(rooms, whose, c=code))
    provider = JobsProvider(house)
    (kept,) = provider.export(me)["employers"]  # type: ignore[misc]
    assert (kept["credit_code"], kept["status"]) == (code, "active")  # type: ignore[index]
    provider.erase(me)
    provider.erase(me)
    assert provider.export(me)["employers"] == []
    assert many(rooms, whose, c=code) == [None]


def test_raw_statements_cannot_break_what_is_promised(rooms: Rooms, boss: Boss) -> None:
    employer = {"id": boss.employer}
    for change, constraint in (
        ("status = 'lost'", "ck_employers_status"),
        ("status = 'suspended'", "ck_employers_why"),
        ("verified_at = null", "ck_employers_verified_at"),
        ("credit_code = 'x'", "ck_employers_credit_code"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            run(rooms, f"update plugin_jobs.employers set {change} where id = :id", **employer)  # noqa: S608
    copy = (
        "insert into plugin_jobs.employers select gen_random_uuid(), status, version, credit_code,"
        " name, district, reason, decided_by, registered_at, verified_at"
        " from plugin_jobs.employers where id = :id"
    )
    with pytest.raises(IntegrityError, match="uq_employers_living_code"):
        run(rooms, copy, **employer)
    member = (
        "insert into plugin_jobs.employer_members select gen_random_uuid(), status, version,"
        " employer_id, citizen_reference, letterbox, joined_at"
        " from plugin_jobs.employer_members where employer_id = :id"
    )
    with pytest.raises(IntegrityError, match="uq_employer_members_living"):
        run(rooms, member, **employer)
    assert (
        len(
            many(
                rooms,
                "select id from plugin_jobs.employer_members where employer_id = :id",
                **employer,
            )
        )
        == 1
    )
