"""A consent is given, holds, and ends at once; its consumer hears of it in order."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.consent import service
from app.consent.errors import AgreementSuperseded, AttributeNotCovered
from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from tests.consent.support import grant, make_agreement, make_consumer, seen
from tests.factories import bearer, later
from tests.identity.support import count, in_parallel, log_in_quickly

LIVE = "select count(*) from consents where citizen_id = :citizen and status = 'granted'"


def test_a_consent_holds_until_it_is_withdrawn(client: FlaskClient, rooms: Rooms) -> None:
    citizen = log_in_quickly(rooms)
    headers, consumer = bearer(citizen.access_token), make_consumer()
    agreement = make_agreement(rooms)
    consent_id = grant(rooms, citizen.citizen_id, consumer, agreement)
    assert seen(rooms, citizen.citizen_id, consumer) == {"name", "phone"}
    assert seen(rooms, citizen.citizen_id, make_consumer()) == frozenset()
    place = f"/v1/me/consents/{consent_id}"
    read = client.get(place, headers=headers).json
    assert (read["status"], read["consumer"], read["attributes"]) == (
        "granted",
        consumer,
        ["name", "phone"],
    )
    assert read["agreement"]["revision_hash"] == agreement.revision_hash
    for _ in range(2):
        assert client.delete(place, headers=headers).status_code == 204
        assert seen(rooms, citizen.citizen_id, consumer) == frozenset()
    ended = client.get(place, headers=headers).json
    assert (ended["status"], ended["ended_at"] is not None) == ("withdrawn", True)
    moves = (
        "select string_agg(to_state, ' ' order by sequence) from event_log where entity_id = :id"
    )
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(text(moves), {"id": consent_id}) == "draft granted withdrawn"


def test_somebody_elses_consent_looks_like_none(client: FlaskClient, rooms: Rooms) -> None:
    mine, theirs = log_in_quickly(rooms), log_in_quickly(rooms)
    consumer = make_consumer()
    consent_id = grant(rooms, theirs.citizen_id, consumer, make_agreement(rooms))
    headers = bearer(mine.access_token)
    for place in (f"/v1/me/consents/{consent_id}", f"/v1/me/consents/{new_id()}"):
        for answer in (client.get(place, headers=headers), client.delete(place, headers=headers)):
            assert (answer.status_code, answer.json["code"]) == (404, "consent-not-found")
    assert client.get("/v1/me/consents", headers=headers).json["items"] == []
    assert seen(rooms, theirs.citizen_id, consumer) == {"name", "phone"}


def test_without_a_token_nothing_is_shown(client: FlaskClient) -> None:
    for path in ("agreements", "consents", "disclosures"):
        answer = client.get(f"/v1/me/{path}")
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_a_citizen_says_yes_to_an_agreement_that_names_its_consumer(
    client: FlaskClient, rooms: Rooms
) -> None:
    citizen, consumer = log_in_quickly(rooms), make_consumer("plugin")
    headers = bearer(citizen.access_token)
    agreement = make_agreement(rooms, consumer=consumer)
    wanted = {"agreement_id": agreement.id, "version": 1}
    given = client.post("/v1/me/consents", json=wanted, headers=headers)
    assert (given.status_code, given.json["status"]) == (201, "granted")
    assert seen(rooms, citizen.citizen_id, consumer) == {"name", "phone"}
    refusals = [
        ({"agreement_id": agreement.id, "version": 2}, 409, "agreement-superseded"),
        ({"agreement_id": make_agreement(rooms).id, "version": 1}, 404, "agreement-not-found"),
        ({"agreement_id": "terms-of-use", "version": 1}, 404, "agreement-not-found"),
    ]
    before = count(rooms, LIVE, citizen=citizen.citizen_id)
    for body, status, code in refusals:
        answer = client.post("/v1/me/consents", json=body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (status, code)
    assert count(rooms, LIVE, citizen=citizen.citizen_id) == before == 1


def test_more_than_the_agreement_covers_is_not_given(rooms: Rooms) -> None:
    citizen_id, agreement = new_id(), make_agreement(rooms)
    with pytest.raises(AttributeNotCovered, match="resident_id"):
        grant(rooms, citizen_id, make_consumer(), agreement, attributes=frozenset({"resident_id"}))
    with pytest.raises(AgreementSuperseded):
        grant(rooms, citizen_id, make_consumer(), agreement, version=7)
    assert count(rooms, LIVE, citizen=citizen_id) == 0


def test_a_second_yes_supersedes_the_first(rooms: Rooms) -> None:
    citizen_id, consumer, agreement = new_id(), make_consumer(), make_agreement(rooms)
    first = grant(rooms, citizen_id, consumer, agreement)
    grant(rooms, citizen_id, consumer, agreement, attributes=frozenset({"phone"}))
    assert seen(rooms, citizen_id, consumer) == {"phone"}
    status = "select status from consents where id = :id"
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(text(status), {"id": first}) == "superseded"


def test_a_consent_ends_by_itself_in_time(rooms: Rooms) -> None:
    citizen_id, consumer = new_id(), make_consumer()
    grant(
        rooms, citizen_id, consumer, make_agreement(rooms), expires_at=now() + timedelta(minutes=5)
    )
    with later(270):
        assert seen(rooms, citizen_id, consumer) == {"name", "phone"}
        with rooms.units.open(actor="test") as uow:
            service.expire_consents(uow)
        assert count(rooms, LIVE, citizen=citizen_id) == 1
    with later(301):
        assert seen(rooms, citizen_id, consumer) == frozenset()
        for _ in range(2):
            with rooms.units.open(actor="test") as uow:
                service.expire_consents(uow)
        assert count(rooms, LIVE, citizen=citizen_id) == 0


def test_of_parallel_yeses_one_is_live(rooms: Rooms) -> None:
    citizen_id, consumer, agreement = new_id(), make_consumer(), make_agreement(rooms)
    ids = in_parallel([lambda: grant(rooms, citizen_id, consumer, agreement)] * 20)
    assert len(set(ids)) == 20
    assert count(rooms, LIVE, citizen=citizen_id) == 1
    ended = "select count(*) from consents where citizen_id = :c and status = 'superseded'"
    assert count(rooms, ended, c=citizen_id) == 19


def test_yes_and_no_at_once_end_in_one_of_the_two(rooms: Rooms) -> None:
    citizen_id, consumer, agreement = new_id(), make_consumer(), make_agreement(rooms)

    def give_and_take() -> None:
        given = grant(rooms, citizen_id, consumer, agreement)
        with rooms.units.open(actor="test") as uow:
            service.withdraw_consent(uow, citizen_id, given)

    in_parallel([give_and_take] * 12)
    assert seen(rooms, citizen_id, consumer) == frozenset()
    assert count(rooms, LIVE, citizen=citizen_id) == 0


def test_everything_is_taken_back_together(rooms: Rooms) -> None:
    citizen_id, agreement = new_id(), make_agreement(rooms)
    consumers = [make_consumer() for _ in range(3)]
    for consumer in consumers:
        grant(rooms, citizen_id, consumer, agreement)
    with rooms.units.open(actor="test") as uow:
        assert service.withdraw_all(uow, citizen_id, cause="closure") == 3
    with rooms.units.open(actor="test") as uow:
        assert service.withdraw_all(uow, citizen_id, cause="closure") == 0
    assert [seen(rooms, citizen_id, consumer) for consumer in consumers] == [frozenset()] * 3


def changes_since(rooms: Rooms, consumer: str, after: int, limit: int = 100) -> service.Changes:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return service.list_changes(uow, consumer, after, limit)


def test_a_consumer_hears_of_every_change_in_order(rooms: Rooms) -> None:
    consumer, agreement = make_consumer(), make_agreement(rooms)
    people = [new_id() for _ in range(4)]
    given = [grant(rooms, one, consumer, agreement, subject=f"pair-{one}") for one in people]
    first = changes_since(rooms, consumer, 0, limit=3)
    assert [c.consent_id for c in first.items] == given[:3]
    rest = changes_since(rooms, consumer, first.next_cursor)
    assert [c.consent_id for c in rest.items] == given[3:]
    assert changes_since(rooms, consumer, rest.next_cursor).items == []
    with rooms.units.open(actor="test") as uow:
        service.withdraw_consent(uow, people[1], given[1])
    (news,) = changes_since(rooms, consumer, rest.next_cursor).items
    assert (news.subject, news.status) == (f"pair-{people[1]}", "withdrawn")
    assert changes_since(rooms, make_consumer(), 0).items == []


def test_who_reads_the_feed_while_it_grows_misses_nothing(rooms: Rooms) -> None:
    consumer, agreement = make_consumer(), make_agreement(rooms)
    heard: list[UUID] = []
    place = 0

    def follow() -> UUID:
        nonlocal place
        news = changes_since(rooms, consumer, place)
        heard.extend(change.consent_id for change in news.items)
        place = news.next_cursor
        return new_id()

    def say_yes() -> UUID:
        return grant(rooms, new_id(), consumer, agreement)

    for _ in range(6):
        in_parallel([say_yes] * 5 + [follow])
    follow()
    assert len(heard) == len(set(heard)) == 30


def test_a_consumer_asks_about_its_own_subject(rooms: Rooms) -> None:
    citizen_id, consumer, agreement = new_id(), make_consumer(), make_agreement(rooms)
    given = grant(rooms, citizen_id, consumer, agreement, subject="pair-1")

    def may(who: str, subject: str, attribute: str) -> bool:
        with rooms.units.open(actor="test", read_only=True) as uow:
            return service.is_consented(uow, who, subject, attribute)

    assert may(consumer, "pair-1", "phone")
    assert not may(consumer, "pair-1", "resident_id")
    assert not may(consumer, "pair-2", "phone")
    assert not may(make_consumer(), "pair-1", "phone")
    with rooms.units.open(actor="test") as uow:
        service.withdraw_consent(uow, citizen_id, given)
    assert not may(consumer, "pair-1", "phone")
