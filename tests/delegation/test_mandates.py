"""A mandate's life over HTTP: who may do what when, and who is told."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.delegation import service
from app.factory import Rooms
from tests.conftest import World
from tests.delegation.support import (
    WATER,
    Person,
    ask,
    do,
    give,
    house,
    inbox,
    make_citizen,
    read,
    run,
    step_up,
)
from tests.factories import later, log_in, make_phone, run_jobs, texts_to


def states(rooms: Rooms, mandate_id: str) -> list[str]:
    rows = run(
        rooms,
        "select to_state from event_log where entity = 'mandate' and entity_id = :id "
        "order by sequence",
        id=mandate_id,
    )
    return [row.to_state for row in rows]


def test_a_mandate_begins_when_both_have_said_so(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    asked = ask(client, father, daughter)
    assert asked.status_code == 201, asked.text
    mandate_id = asked.json["id"]
    assert asked.headers["Location"] == f"/v1/delegation/mandates/{mandate_id}"
    assert asked.json["status"] == "drafted"
    # Nothing of the named one is shown before they take part, account or not.
    masked = f"{daughter.citizen.phone[3:6]}****{daughter.citizen.phone[-4:]}"
    assert asked.json["delegate"] == {"id": None, "name": None, "phone": masked}
    run_jobs(rooms)
    assert inbox(client, daughter)[0] == "mandate-invitation"

    accepted = do(client, daughter, mandate_id, "acceptance")
    assert (accepted.status_code, accepted.json["status"]) == (200, "awaiting_principal")
    assert accepted.json["principal"]["name"] == "李**"
    assert inbox(client, father)[0] == "mandate-to-confirm"

    refused = do(client, father, mandate_id, "consent")
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    step_up(rooms, father)
    begun = do(client, father, mandate_id, "consent")
    assert begun.status_code == 200, begun.text
    mandate = begun.json
    assert (mandate["status"], mandate["consent"]) == ("active", "app")
    assert mandate["delegate"] == {"id": daughter.citizen.id, "name": "李*", "phone": masked}
    term = datetime.fromisoformat(mandate["expires_at"]) - datetime.fromisoformat(
        mandate["starts_at"]
    )
    assert term == timedelta(days=31)
    assert sha256(mandate["statement"].encode()).hexdigest() == mandate["attestation"]
    assert f"mandate: {mandate_id}\n" in mandate["statement"]
    assert f"consent: app, session {father.citizen.session_id}\n" in mandate["statement"]
    assert "scope: water-bill: pay view; fen a day -; fen in all 10000\n" in mandate["statement"]
    assert inbox(client, father)[0] == inbox(client, daughter)[0] == "mandate-began"
    assert states(rooms, mandate_id) == ["drafted", "awaiting_principal", "active"]
    assert read(client, daughter, mandate_id).json == {**mandate, "side": "delegate"}


def test_a_delegate_may_ask_and_the_principal_alone_consents(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    asked = ask(client, daughter, father, named="principal")
    mandate_id = asked.json["id"]
    assert (asked.json["status"], asked.json["side"]) == ("awaiting_principal", "delegate")
    assert asked.json["principal"]["id"] is None
    run_jobs(rooms)
    assert inbox(client, father)[0] == "mandate-to-confirm"
    step_up(rooms, daughter)
    for what in ("consent", "acceptance"):
        assert do(client, daughter, mandate_id, what).status_code in {404, 409}
    assert read(client, daughter, mandate_id).json["status"] == "awaiting_principal"
    step_up(rooms, father)
    begun = do(client, father, mandate_id, "consent")
    assert (begun.status_code, begun.json["status"]) == (200, "active")
    assert begun.json["principal"]["id"] == father.citizen.id


@pytest.mark.parametrize("side", ["father", "daughter"])
def test_either_side_revokes_at_once_and_both_are_told(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person, side: str
) -> None:
    mandate_id = give(client, rooms, father, daughter)["id"]
    who = father if side == "father" else daughter
    ended = do(client, who, mandate_id, "revocation")
    assert (ended.status_code, ended.json["status"]) == (200, "revoked")
    assert ended.json["ended_at"] is not None
    assert inbox(client, father)[0] == inbox(client, daughter)[0] == "mandate-ended"
    again = do(client, who, mandate_id, "revocation")
    assert again.json == ended.json
    for what in ("consent", "acceptance", "refusal"):
        step_up(rooms, who)
        assert do(client, who, mandate_id, what).status_code in {404, 409}
    assert states(rooms, mandate_id)[-2:] == ["active", "revoked"]


def test_whoever_is_asked_may_decline(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    mandate_id = ask(client, father, daughter).json["id"]
    assert do(client, father, mandate_id, "refusal").json["code"] == "mandate-not-asked"
    assert do(client, daughter, mandate_id, "refusal").json["status"] == "declined"
    assert inbox(client, father)[0] == "mandate-ended"
    assert do(client, daughter, mandate_id, "acceptance").status_code == 404

    second = ask(client, father, daughter).json["id"]
    do(client, daughter, second, "acceptance")
    assert do(client, daughter, second, "refusal").json["code"] == "mandate-not-asked"
    assert do(client, father, second, "refusal").json["status"] == "declined"
    assert states(rooms, second) == ["drafted", "awaiting_principal", "declined"]


def test_one_service_is_taken_out_and_with_the_last_the_mandate_ends(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    power = {"service": "power-bill", "actions": ["view"]}
    mandate = give(client, rooms, father, daughter, WATER, power)
    scopes = {scope["service"]: scope["id"] for scope in mandate["scopes"]}
    place = f"/v1/delegation/mandates/{mandate['id']}/scopes"
    for _ in range(2):
        answer = client.delete(f"{place}/{scopes['water-bill']}", headers=daughter.auth)
        assert answer.status_code == 204
    seen = read(client, father, mandate["id"]).json
    gone = {s["service"]: s["revoked_at"] is not None for s in seen["scopes"]}
    assert (seen["status"], gone) == ("active", {"water-bill": True, "power-bill": False})
    # The text that was consented to is what it was.
    assert seen["statement"] == mandate["statement"]
    assert inbox(client, father)[0] == inbox(client, daughter)[0] == "mandate-narrowed"
    assert client.delete(f"{place}/{father.id}", headers=father.auth).status_code == 404
    assert client.delete(f"{place}/{scopes['power-bill']}", headers=father.auth).status_code == 204
    assert read(client, father, mandate["id"]).json["status"] == "revoked"


def test_a_new_mandate_between_the_same_two_replaces_the_one_before(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    first = give(client, rooms, father, daughter)["id"]
    second = give(client, rooms, father, daughter, days=1)["id"]
    assert read(client, father, first).json["status"] == "superseded"
    assert read(client, father, second).json["status"] == "active"
    # The other way round they are two different mandates.
    give(client, rooms, daughter, father)
    assert read(client, father, second).json["status"] == "active"


@pytest.mark.parametrize("days", [1, 31, 182, 365])
def test_a_mandate_expires_with_its_term_and_both_are_told(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person, days: int
) -> None:
    mandate_id = give(client, rooms, father, daughter, days=days)["id"]
    with later(days * 86_400 - 600):
        end_what_is_due(rooms)
    assert states(rooms, mandate_id)[-1] == "active"
    with later(days * 86_400 + 1):
        end_what_is_due(rooms)
    assert states(rooms, mandate_id)[-1] == "expired"
    kinds = [row.kind for row in told(rooms, mandate_id)]
    assert kinds.count("mandate-ended") == 2


def end_what_is_due(rooms: Rooms) -> None:
    """End two hundred at once, and again: those that other tests have left are older, and first."""
    for _ in range(10):
        with rooms.units.open(actor="janitor") as uow:
            service.end_what_is_due(uow, house(rooms))


def told(rooms: Rooms, subject: str) -> list[Any]:
    return run(rooms, "select kind from inbox_messages where subject = :id", id=subject)


@pytest.mark.parametrize("days", [0, 2, 30, 32, 366, -1, True, "31", 31.0])
def test_there_are_four_terms(client: FlaskClient, father: Person, days: object) -> None:
    answer = ask(client, father, make_phone(), days=days)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ({"service": "water-bill", "actions": ["pay"]}, "cap-needed"),
        ({"service": "*", "actions": ["view", "pay"]}, "cap-needed"),
        ({"service": "no-such-service", "actions": ["view"]}, "service-unknown"),
        ({"service": "water-bill", "actions": []}, "invalid-input"),
        ({"service": "water-bill", "actions": ["own"]}, "invalid-input"),
        ({"service": "water-bill", "actions": ["pay"], "cap_total": 0}, "invalid-input"),
        ({"service": "water-bill", "actions": ["pay"], "cap_total": -1}, "invalid-input"),
        ({"service": "water-bill", "actions": ["view"], "consent": "app"}, "invalid-input"),
    ],
)
def test_a_scope_that_cannot_be(
    client: FlaskClient, rooms: Rooms, father: Person, scope: dict[str, object], code: str
) -> None:
    answer = ask(client, father, make_phone(), scope)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert run(rooms, "select id from mandates where drafted_by = :id", id=father.id) == []


def test_the_same_service_stands_once(client: FlaskClient, father: Person) -> None:
    answer = ask(client, father, make_phone(), WATER, WATER)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")


def test_nobody_is_their_own_delegate(client: FlaskClient, father: Person) -> None:
    for named in ("delegate", "principal"):
        answer = ask(client, father, father, named=named)
        assert (answer.status_code, answer.json["code"]) == (422, "own-mandate")


def test_who_has_not_proven_a_name_takes_no_part(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    guest = log_in(client, world, rooms)
    nameless = Person(guest, "", "")
    answer = ask(client, nameless, father)
    assert (answer.status_code, answer.json["code"]) == (403, "assurance-too-low")
    mandate_id = ask(client, father, nameless).json["id"]
    answer = do(client, nameless, mandate_id, "acceptance")
    assert (answer.status_code, answer.json["code"]) == (403, "assurance-too-low")
    assert do(client, nameless, mandate_id, "refusal").json["status"] == "declined"


def test_the_answer_does_not_say_whether_a_number_has_an_account(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, daughter: Person
) -> None:
    nobody = make_phone()
    answers = [ask(client, father, phone) for phone in (daughter.citizen.phone, nobody)]
    shapes = []
    for answer in answers:
        body = answer.json
        for name in ("id", "created_at"):
            body.pop(name)
        for scope in body["scopes"]:
            scope.pop("id")
        body["delegate"].pop("phone")
        shapes.append((answer.status_code, body, sorted(set(answer.headers.keys()))))
    assert shapes[0] == shapes[1]
    run_jobs(rooms)
    # Each number hears of it: one by inbox and SMS, one by SMS; and once.
    assert "mandate-invitation" in inbox(client, daughter)
    assert len([text for text in texts_to(world, nobody) if "授权" in text]) == 1
    # Whoever gets the number's account later finds the invitation.
    heir = log_in(client, world, rooms, nobody)
    answer = client.get("/v1/delegation/mandates?side=delegate", headers=heir.auth)
    assert [item["status"] for item in answer.json["items"]] == ["drafted"]


def test_the_same_question_waits_once(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    assert ask(client, father, daughter).status_code == 201
    again = ask(client, father, daughter, days=1)
    assert (again.status_code, again.json["code"]) == (409, "mandate-open")
    mandates = run(rooms, "select id from mandates where drafted_by = :id", id=father.id)
    assert len(mandates) == 1


def test_nobody_asks_more_than_twenty_a_day(
    client: FlaskClient, rooms: Rooms, father: Person
) -> None:
    statuses = [ask(client, father, make_phone()).status_code for _ in range(21)]
    assert statuses == [201] * 20 + [429]
    answer = ask(client, father, make_phone())
    assert (answer.json["code"], int(answer.headers["Retry-After"]) > 80_000) == (
        "too-many-mandates",
        True,
    )


def test_what_nobody_answers_is_declined_in_two_weeks(
    client: FlaskClient, rooms: Rooms, father: Person
) -> None:
    mandate_id = ask(client, father, make_phone()).json["id"]
    with later(14 * 86_400 - 600):
        end_what_is_due(rooms)
    assert states(rooms, mandate_id) == ["drafted"]
    with later(14 * 86_400 + 1):
        end_what_is_due(rooms)
    assert states(rooms, mandate_id) == ["drafted", "declined"]


def test_a_stranger_sees_nothing(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person, stranger: Person
) -> None:
    mandate = give(client, rooms, father, daughter)
    absent = str(stranger.id)
    step_up(rooms, stranger)
    for path, method in (
        ("", "GET"),
        ("/acts", "GET"),
        ("/acceptance", "POST"),
        ("/consent", "POST"),
        ("/refusal", "POST"),
        ("/revocation", "POST"),
        (f"/scopes/{mandate['scopes'][0]['id']}", "DELETE"),
    ):
        answers = [
            client.open(
                f"/v1/delegation/mandates/{mandate_id}{path}", method=method, headers=stranger.auth
            )
            for mandate_id in (mandate["id"], absent)
        ]
        bodies = [{**a.json, "instance": None, "request_id": None} for a in answers]
        assert [a.status_code for a in answers] == [404, 404], path
        assert bodies[0] == bodies[1]
    listed = client.get("/v1/delegation/mandates", headers=stranger.auth)
    assert listed.json["items"] == []
    token = client.post(
        "/v1/delegation/acting-tokens", json={"mandate_id": mandate["id"]}, headers=stranger.auth
    )
    assert (token.status_code, token.json["code"]) == (404, "mandate-not-found")
    assert read(client, father, mandate["id"]).json["status"] == "active"


def test_given_and_received_are_told_apart(
    client: FlaskClient, rooms: Rooms, father: Person, daughter: Person
) -> None:
    given = give(client, rooms, father, daughter)["id"]
    asked = ask(client, father, daughter, named="principal").json["id"]

    def listed(who: Person, side: str) -> list[str]:
        answer = client.get(f"/v1/delegation/mandates?side={side}", headers=who.auth)
        return [item["id"] for item in answer.json["items"]]

    assert (listed(father, "principal"), listed(father, "delegate")) == ([given], [asked])
    assert (listed(daughter, "principal"), listed(daughter, "delegate")) == ([asked], [given])


def test_a_delegate_of_many_is_noticed(
    client: FlaskClient, world: World, rooms: Rooms, daughter: Person
) -> None:
    for number in range(11):
        elder = make_citizen(client, world, rooms, "张老", f"19{40 + number}-01-01")
        give(client, rooms, elder, daughter, {"service": "water-bill", "actions": ["view"]})
        flags = run(
            rooms,
            "select details from audit_entries where event = 'delegate.of_many' "
            "and subject_id = :id",
            id=daughter.id,
        )
        assert len(flags) == (1 if number == 10 else 0)
    assert flags[0].details == {"people": 11}
