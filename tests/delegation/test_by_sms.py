"""Consent by SMS: the right code from the right number, once; nothing else begins a mandate."""

import re
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.delegation import service
from app.delegation.errors import TooManyQuestions
from app.factory import Rooms
from tests.conftest import World
from tests.delegation.support import Person, ask, do, house, inbox, read, run, step_up
from tests.factories import city, later, log_in, make_phone, run_jobs, texts_to
from tests.identity.support import in_parallel


def question(client: FlaskClient, who: Person, mandate_id: str) -> TestResponse:
    return do(client, who, mandate_id, "sms-question")


def code_sent_to(world: World, phone: str) -> str:
    text = next(text for text in texts_to(world, phone) if "回复" in text)
    found = re.search(r"同意([0-9]{6})", text)
    assert found is not None
    return found[1]


def send(world: World, rooms: Rooms, phone: str, text: str) -> None:
    """Send a text to the city's number, and let the house fetch it."""
    city(world, "POST", "/sms/answers", {"from": phone, "text": text})
    fetch(rooms)


def fetch(rooms: Rooms) -> None:
    with rooms.units.open(actor="worker") as uow:
        service.read_answers(uow, house(rooms))


def outcomes(rooms: Rooms, count: int) -> list[str]:
    rows = run(rooms, "select outcome from sms_answers order by number desc limit :n", n=count)
    return [row.outcome for row in rows][::-1]


def asked_by_sms(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> tuple[str, str]:
    """Return a mandate about which a father was asked, and the code he got."""
    mandate_id = ask(client, daughter, father, named="principal").json["id"]
    answer = question(client, daughter, mandate_id)
    assert (answer.status_code, answer.json["status"]) == (202, "awaiting_principal")
    run_jobs(rooms)
    return mandate_id, code_sent_to(world, father.citizen.phone)


@pytest.mark.parametrize("words", ["同意{}", "我同意，验证码是 {} 。", "同意\uff1a{}"])
def test_the_code_from_the_principals_number_begins_it(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    father: Person,
    daughter: Person,
    words: str,
) -> None:
    mandate_id, code = asked_by_sms(client, world, rooms, father, daughter)
    send(world, rooms, father.citizen.phone, words.format(code))
    begun = read(client, father, mandate_id).json
    assert (begun["status"], begun["consent"]) == ("active", "sms")
    assert begun["principal"]["id"] == father.citizen.id
    assert re.search(r"^consent: sms, sms [0-9]+$", begun["statement"], re.MULTILINE)
    assert inbox(client, father)[0] == inbox(client, daughter)[0] == "mandate-began"
    # Of code, number and text nothing is left.
    (kept,) = run(
        rooms,
        "select code_sealed from mandate_questions where mandate_id = :id",
        id=UUID(mandate_id),
    )
    assert kept.code_sealed is None
    (mandate,) = run(rooms, "select phone_sealed from mandates where id = :id", id=UUID(mandate_id))
    assert mandate.phone_sealed is None
    columns = run(
        rooms,
        "select column_name from information_schema.columns where table_name = 'sms_answers'",
    )
    assert {row.column_name for row in columns} == {"number", "mandate_id", "outcome", "at"}


def test_a_no_is_a_no(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> None:
    mandate_id, code = asked_by_sms(client, world, rooms, father, daughter)
    send(world, rooms, father.citizen.phone, f"不同意{code}")
    assert read(client, daughter, mandate_id).json["status"] == "declined"
    send(world, rooms, father.citizen.phone, f"同意{code}")
    assert read(client, daughter, mandate_id).json["status"] == "declined"
    assert outcomes(rooms, 2) == ["declined", "unknown"]


def test_what_begins_nothing(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    father: Person,
    daughter: Person,
    stranger: Person,
) -> None:
    mandate_id, code = asked_by_sms(client, world, rooms, father, daughter)
    other = f"{(int(code) + 1) % 10**6:06d}"
    for phone, text in (
        (daughter.citizen.phone, f"同意{code}"),
        (stranger.citizen.phone, f"同意{code}"),
        (make_phone(), f"同意{code}"),
        (father.citizen.phone, "同意"),
        (father.citizen.phone, code),
        (father.citizen.phone, f"同意{code}1"),
        (father.citizen.phone, f"同意{other}"),
        (father.citizen.phone, f"同意{other} {code}"),
    ):
        send(world, rooms, phone, text)
        assert read(client, daughter, mandate_id).json["status"] == "awaiting_principal", text
    assert outcomes(rooms, 8) == ["unknown"] * 6 + ["wrong"] * 2


def test_five_tries_and_an_hour(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> None:
    mandate_id, code = asked_by_sms(client, world, rooms, father, daughter)
    other = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        send(world, rooms, father.citizen.phone, f"同意{other}")
    send(world, rooms, father.citizen.phone, f"同意{code}")
    assert read(client, daughter, mandate_id).json["status"] == "awaiting_principal"
    assert outcomes(rooms, 6) == ["wrong"] * 5 + ["unknown"]
    early = question(client, daughter, mandate_id)
    assert (early.status_code, early.json["code"]) == (429, "too-many-questions")
    with rooms.units.open(actor="test") as uow, later(61):
        service.ask_by_sms(uow, house(rooms), daughter.principal, UUID(mandate_id))
    run_jobs(rooms)
    fresh = code_sent_to(world, father.citizen.phone)
    with later(61 + 3_600):
        send(world, rooms, father.citizen.phone, f"同意{fresh}")
    assert read(client, daughter, mandate_id).json["status"] == "awaiting_principal"


def test_five_questions_about_one_mandate(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> None:
    mandate_id = ask(client, daughter, father, named="principal").json["id"]
    asked = []
    for turn in range(6):
        with later(turn * 61):
            try:
                with rooms.units.open(actor="test") as uow:
                    service.ask_by_sms(uow, house(rooms), daughter.principal, UUID(mandate_id))
                asked.append("asked")
            except TooManyQuestions as refusal:
                asked.append(refusal.code)
    assert asked == ["asked"] * 5 + ["too-many-questions"]


def test_who_may_have_it_asked_and_for_how_long(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person, stranger: Person
) -> None:
    long = ask(client, daughter, father, named="principal", days=182).json["id"]
    answer = question(client, daughter, long)
    assert (answer.status_code, answer.json["code"]) == (422, "sms-term-too-long")
    assert question(client, father, long).json["code"] == "mandate-not-asked"
    assert question(client, stranger, long).json["code"] == "mandate-not-found"
    step_up(rooms, father)
    do(client, father, long, "consent")
    assert question(client, daughter, long).json["code"] == "illegal-transition"
    assert run(rooms, "select 1 from mandate_questions where mandate_id = :id", id=UUID(long)) == []


def test_who_has_not_proven_a_name_cannot_consent(
    client: FlaskClient, world: World, rooms: Rooms, daughter: Person
) -> None:
    guest = log_in(client, world, rooms)
    mandate_id, code = asked_by_sms(client, world, rooms, Person(guest, "", ""), daughter)
    send(world, rooms, guest.phone, f"同意{code}")
    assert read(client, daughter, mandate_id).json["status"] == "awaiting_principal"


def test_an_answer_that_is_fetched_twice_counts_once(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> None:
    mandate_id, code = asked_by_sms(client, world, rooms, father, daughter)
    text = {"from": father.citizen.phone, "text": f"同意{code}"}
    city(world, "POST", "/sms/answers", text)
    in_parallel([lambda: fetch(rooms)] * 4)
    states = run(
        rooms,
        "select to_state from event_log where entity_id = :id order by sequence",
        id=UUID(mandate_id),
    )
    assert [row.to_state for row in states] == ["drafted", "awaiting_principal", "active"]


def test_a_gateway_that_is_down_is_asked_again(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> None:
    mandate_id, code = asked_by_sms(client, world, rooms, father, daughter)
    city(world, "PUT", "/sms/behaviour", {"mode": "down"})
    try:
        send(world, rooms, father.citizen.phone, f"同意{code}")
        assert read(client, daughter, mandate_id).json["status"] == "awaiting_principal"
    finally:
        city(world, "PUT", "/sms/behaviour", {"mode": "ok"})
    fetch(rooms)
    assert read(client, daughter, mandate_id).json["status"] == "active"
