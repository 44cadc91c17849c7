"""Idempotency keys over HTTP: a repeat gets the first answer, whatever happened in between."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from tests.conftest import World
from tests.factories import Citizen, later, log_in
from tests.http.conftest import Thing, overtaking
from tests.identity.support import THREADS

PATH = "/v1/tiny/things"
Things = Callable[[str], Sequence[Thing]]


def new_key() -> str:
    return f"key-{uuid.uuid4()}"


def new_label() -> str:
    return f"thing {uuid.uuid4()}"


def make(
    door: FlaskClient,
    citizen: Citizen,
    key: str | None,
    label: str,
    **more: Any,  # noqa: ANN401
) -> TestResponse:
    headers = dict(citizen.auth) if key is None else {**citizen.auth, "Idempotency-Key": key}
    return door.post(PATH, json={"label": label, **more}, headers=headers)


def stored(rooms: Rooms, citizen: Citizen, key: str) -> Any:  # noqa: ANN401 - a row
    with rooms.units.open(actor="test", read_only=True) as uow:
        return uow.execute(
            text("select * from idempotency_keys where principal_id = :who and key = :key"),
            {"who": UUID(citizen.id), "key": key},
        ).one_or_none()


@pytest.fixture
def other(tiny: Server, world: World, rooms: Rooms) -> Citizen:
    return log_in(tiny.test_client(), world, rooms)


class TestReplay:
    def test_a_repeat_is_byte_for_byte_the_first_answer(
        self, door: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        first = make(door, citizen, key, label)
        assert first.status_code == 201
        assert "Idempotent-Replayed" not in first.headers
        for _ in range(3):
            again = make(door, citizen, key, label)
            assert (again.status_code, again.data) == (201, first.data)
            assert again.headers["Idempotent-Replayed"] == "true"
            assert again.headers["Location"] == first.headers["Location"]
            assert again.headers.getlist("Content-Type") == ["application/json"]
            assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
        assert [thing.runs for thing in things(label)] == [1]

    def test_the_order_of_members_does_not_matter(
        self, door: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        headers = {**citizen.auth, "Idempotency-Key": key, "Content-Type": "application/json"}
        bodies = [
            f'{{"label": "{label}", "fail": "never"}}',
            f'{{"fail":"never","label":"{label}"}}',
        ]
        answers = [door.post(PATH, data=body, headers=headers) for body in bodies]
        assert answers[0].data == answers[1].data
        assert len(things(label)) == 1

    def test_quoted_and_bare_are_one_key(
        self, door: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        answers = [make(door, citizen, form, label) for form in (key, f'"{key}"', f" {key} ")]
        assert len({answer.data for answer in answers}) == 1
        assert len(things(label)) == 1

    def test_another_body_is_refused_and_changes_nothing(
        self, door: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        key, label, second = new_key(), new_label(), new_label()
        first = make(door, citizen, key, label)
        answer = make(door, citizen, key, second)
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency-key-reused")
        assert things(second) == []
        assert make(door, citizen, key, label).data == first.data

    def test_another_operation_is_another_request(
        self, door: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        make(door, citizen, key, label)
        headers = {**citizen.auth, "Idempotency-Key": key}
        answer = door.put(PATH, json={"label": label}, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency-key-reused")
        assert len(things(label)) == 1

    def test_keys_of_others_are_others_keys(
        self, door: FlaskClient, citizen: Citizen, other: Citizen, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        mine, theirs = make(door, citizen, key, label), make(door, other, key, label)
        assert mine.json["id"] != theirs.json["id"]
        assert len(things(label)) == 2

    def test_answers_lie_sealed_in_the_database(
        self, door: FlaskClient, citizen: Citizen, rooms: Rooms
    ) -> None:
        key, label = new_key(), new_label()
        made = make(door, citizen, key, label)
        row = stored(rooms, citizen, key)
        assert (row.state, row.response_status) == ("done", 201)
        assert row.resource_id == UUID(made.json["id"])
        assert label.encode() not in bytes(row.response_body)
        assert row.expires_at - row.created_at == timedelta(hours=72)


class TestSyntax:
    def test_a_key_is_needed(self, door: FlaskClient, citizen: Citizen, things: Things) -> None:
        label = new_label()
        answer = make(door, citizen, None, label)
        assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-missing")
        assert things(label) == []

    @pytest.mark.parametrize(
        "key",
        ["", "a" * 15, "a" * 129, '"' + "a" * 15 + '"', "a b" * 8, "水" * 16, "a" * 15 + "\t"],
    )
    def test_a_key_has_a_form(
        self, door: FlaskClient, citizen: Citizen, things: Things, key: str
    ) -> None:
        label = new_label()
        answer = make(door, citizen, key.encode().decode("latin-1"), label)
        assert (answer.status_code, answer.json["code"]) == (400, "malformed-request")
        assert things(label) == []

    @pytest.mark.parametrize("key", ["a" * 16, "!" * 128, '"' + "~" * 128 + '"'])
    def test_the_limits_of_the_form(self, door: FlaskClient, citizen: Citizen, key: str) -> None:
        unique = key[:1] + uuid.uuid4().hex[: len(key) - 2] + key[-1:]
        assert make(door, citizen, unique, new_label()).status_code == 201

    def test_where_a_key_is_a_courtesy_none_is_needed(
        self, door: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        label = new_label()
        for _ in range(2):
            assert door.put(PATH, json={"label": label}, headers=citizen.auth).status_code == 200
        assert len(things(label)) == 2
        headers = {**citizen.auth, "Idempotency-Key": new_key()}
        answers = [door.put(PATH, json={"label": label}, headers=headers) for _ in range(2)]
        assert answers[0].data == answers[1].data
        assert len(things(label)) == 3

    def test_a_key_opens_no_door(self, door: FlaskClient, things: Things) -> None:
        label = new_label()
        answer = door.post(PATH, json={"label": label}, headers={"Idempotency-Key": new_key()})
        assert answer.status_code == 401
        assert things(label) == []

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
    def test_another_media_type_is_named_as_one(
        self, door: FlaskClient, citizen: Citizen, kind: str
    ) -> None:
        headers = {**citizen.auth, "Idempotency-Key": new_key(), "Content-Type": kind}
        answer = door.post(PATH, data=b"label=a", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")


class TestRefusals:
    @pytest.mark.parametrize("fail", ["before", "within"])
    def test_a_refusal_before_the_first_phase_is_over_stores_nothing(
        self, door: FlaskClient, citizen: Citizen, rooms: Rooms, things: Things, fail: str
    ) -> None:
        key, label = new_key(), new_label()
        for _ in range(2):
            answer = make(door, citizen, key, label, fail=fail)
            assert (answer.status_code, answer.json["code"]) == (409, "conflict")
            assert "Idempotent-Replayed" not in answer.headers
        assert stored(rooms, citizen, key) is None
        assert things(label) == []

    def test_wrong_input_stores_nothing(
        self, door: FlaskClient, citizen: Citizen, rooms: Rooms
    ) -> None:
        key, label = new_key(), new_label()
        assert make(door, citizen, key, label, surplus=1).status_code == 422
        assert stored(rooms, citizen, key) is None
        assert make(door, citizen, key, label).status_code == 201

    def test_a_refusal_after_a_committed_phase_is_the_answer(
        self, door: FlaskClient, citizen: Citizen, rooms: Rooms, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        first = make(door, citizen, key, label, fail="between")
        assert (first.status_code, first.json["code"]) == (503, "unavailable")
        again = make(door, citizen, key, label, fail="between")
        assert (again.status_code, again.data) == (503, first.data)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers.getlist("Content-Type") == ["application/problem+json"]
        assert stored(rooms, citizen, key).state == "done"
        assert [thing.runs for thing in things(label)] == [0]

    def test_a_bug_after_a_committed_phase_is_the_answer_and_shows_nothing(
        self, blunt: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        first = make(blunt, citizen, key, label, fail="broken")
        assert (first.status_code, first.json["code"]) == (500, "internal-error")
        assert make(blunt, citizen, key, label, fail="broken").data == first.data
        assert [thing.runs for thing in things(label)] == [0]


class TestInFlight:
    def test_while_the_first_is_answered_a_repeat_waits(
        self, door: FlaskClient, citizen: Citizen, rooms: Rooms, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        make(door, citizen, key, label)
        unfinish(rooms, citizen, key, resource_id=None)
        answer = make(door, citizen, key, label)
        assert (answer.status_code, answer.json["code"]) == (409, "idempotency-key-in-flight")
        assert answer.headers["Retry-After"] == "1"
        assert [thing.runs for thing in things(label)] == [1]

    def test_a_key_whose_holder_died_is_taken_over_with_what_it_had_made(
        self, door: FlaskClient, citizen: Citizen, rooms: Rooms, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        first = make(door, citizen, key, label)
        thing_id = UUID(first.json["id"])
        unfinish(rooms, citizen, key, resource_id=thing_id)
        with later(91):
            again = make(door, citizen, key, label)
        assert again.status_code == 201
        assert "Idempotent-Replayed" not in again.headers
        # It went on with the thing of the first attempt: one row, its second phase run again.
        assert things(label) == [Thing(thing_id, 2)]
        assert make(door, citizen, key, label).headers["Idempotent-Replayed"] == "true"

    def test_the_one_who_was_taken_over_cannot_answer_any_more(
        self, tiny: Server, door: FlaskClient, citizen: Citizen, rooms: Rooms
    ) -> None:
        """A request that slept past its lock must not overwrite the answer of its successor."""
        key, label = new_key(), new_label()
        made = make(door, citizen, key, label)
        stranger = new_id()
        unfinish(rooms, citizen, key, resource_id=UUID(made.json["id"]), owner=stranger)
        answer = make(door, citizen, key, label)
        assert answer.status_code == 409
        row = stored(rooms, citizen, key)
        assert (row.state, row.owner) == ("in_progress", stranger)

    def test_who_is_refused_for_what_its_own_key_has_just_made_gets_that_answer(
        self, tiny: Server, door: FlaskClient, citizen: Citizen, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        faster: list[TestResponse] = []

        def overtake() -> None:
            faster.append(make(tiny.test_client(), citizen, key, label, fail="overtaken"))

        overtaking.append(lambda: in_a_thread(overtake))
        answer = make(door, citizen, key, label, fail="overtaken")
        assert (faster[0].status_code, answer.status_code) == (201, 201)
        assert answer.data == faster[0].data
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert [thing.runs for thing in things(label)] == [1]

    def test_and_is_told_to_wait_while_that_is_not_answered(
        self, tiny: Server, door: FlaskClient, citizen: Citizen, rooms: Rooms, things: Things
    ) -> None:
        key, label = new_key(), new_label()

        def overtake() -> None:
            make(tiny.test_client(), citizen, key, label, fail="overtaken")
            unfinish(rooms, citizen, key, resource_id=None)

        overtaking.append(lambda: in_a_thread(overtake))
        answer = make(door, citizen, key, label, fail="overtaken")
        assert (answer.status_code, answer.json["code"]) == (409, "idempotency-key-in-flight")
        assert [thing.runs for thing in things(label)] == [1]

    def test_of_many_who_want_a_dead_key_one_gets_it(
        self, tiny: Server, door: FlaskClient, citizen: Citizen, rooms: Rooms, things: Things
    ) -> None:
        key, label = new_key(), new_label()
        first = make(door, citizen, key, label)
        unfinish(rooms, citizen, key, resource_id=UUID(first.json["id"]))
        with later(91):
            answers = in_parallel(tiny, citizen, key, label)
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert [thing.runs for thing in things(label)] == [2]

    @pytest.mark.parametrize("attempt", range(5))
    def test_in_parallel_exactly_one_is_executed(
        self, tiny: Server, citizen: Citizen, things: Things, attempt: int
    ) -> None:
        key, label = new_key(), new_label()
        answers = in_parallel(tiny, citizen, key, label)
        made = {answer.data for answer in answers if answer.status_code == 201}
        assert len(made) == 1
        others = [answer for answer in answers if answer.status_code != 201]
        assert {answer.json["code"] for answer in others} <= {"idempotency-key-in-flight"}
        assert [thing.runs for thing in things(label)] == [1]

    def test_in_parallel_with_different_bodies_one_is_executed(
        self, tiny: Server, citizen: Citizen, things: Things
    ) -> None:
        key, labels = new_key(), [new_label() for _ in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(
                pool.map(lambda label: make(tiny.test_client(), citizen, key, label), labels)
            )
        assert min(answer.status_code for answer in answers) == 201
        assert sum(len(things(label)) for label in labels) == 1
        codes = {answer.json["code"] for answer in answers if answer.status_code != 201}
        assert codes <= {"idempotency-key-in-flight", "idempotency-key-reused"}


class TestTable:
    """The table itself, as the application's role."""

    def test_a_key_of_a_principal_stands_once(self, rooms: Rooms) -> None:
        who, key = new_id(), new_key()
        insert(rooms, who, key)
        with pytest.raises(Exception, match="pk_idempotency_keys"):
            insert(rooms, who, key)

    def test_there_are_two_states(self, rooms: Rooms) -> None:
        with pytest.raises(Exception, match="ck_idempotency_keys_state"):
            insert(rooms, new_id(), new_key(), state="forgotten")


def in_parallel(tiny: Server, citizen: Citizen, key: str, label: str) -> list[TestResponse]:
    def call(_: int) -> TestResponse:
        return make(tiny.test_client(), citizen, key, label)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(call, range(THREADS)))


def in_a_thread(call: Callable[[], None]) -> None:
    """Make a call as another thread of the web server does, and wait for it."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result()


def unfinish(
    rooms: Rooms, citizen: Citizen, key: str, *, resource_id: UUID | None, owner: UUID | None = None
) -> None:
    """Make a key look as if its request had died after its first phase."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("""
                update idempotency_keys
                set state = 'in_progress', response_status = null, response_headers = null,
                    response_body = null, resource_id = :resource, owner = :owner,
                    locked_until = :until
                where principal_id = :who and key = :key
            """),
            {
                "resource": resource_id,
                "owner": owner or new_id(),
                "until": now() + timedelta(seconds=90),
                "who": UUID(citizen.id),
                "key": key,
            },
        )


def insert(rooms: Rooms, who: UUID, key: str, state: str = "in_progress") -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("""
                insert into idempotency_keys (principal_id, key, operation, fingerprint, state,
                    owner, locked_until, created_at, expires_at)
                values (:who, :key, 'POST /x', '\\x00', :state, :who, :at, :at, :at)
            """),
            {"who": who, "key": key, "state": state, "at": now()},
        )
