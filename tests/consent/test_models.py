"""What PostgreSQL itself refuses of consents, agreements and disclosures."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.ids import new_id
from app.factory import Rooms
from tests.consent.support import grant, make_agreement, make_consumer
from tests.identity.support import count


def run(rooms: Rooms, statement: str, **values: object) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), values)


COPY = """
insert into consents (id, status, version, citizen_id, consumer, consumer_title, agreement_id,
    agreement_number, attributes, created_at, payload_hash, method, signed_at, change)
select :new, status, version, citizen_id, consumer, consumer_title, agreement_id,
    agreement_number, attributes, created_at, payload_hash, method, signed_at, change + 1
from consents where id = :id
"""


def test_a_second_live_consent_is_refused(rooms: Rooms) -> None:
    given = grant(rooms, new_id(), make_consumer(), make_agreement(rooms))
    with pytest.raises(IntegrityError, match="uq_consents_granted"):
        run(rooms, COPY, new=new_id(), id=given)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'maybe'", "ck_consents_status"),
        ("payload_hash = null", "ck_consents_signed"),
        ("signed_at = null", "ck_consents_signed"),
        ("ended_at = now()", "ck_consents_end"),
        ("status = 'withdrawn'", "ck_consents_end"),
        ("consumer = 'somebody'", "ck_consents_consumer"),
        ("agreement_number = 99", "fk_consents"),
    ],
)
def test_a_consent_without_sense_is_refused(rooms: Rooms, change: str, constraint: str) -> None:
    given = grant(rooms, new_id(), make_consumer(), make_agreement(rooms))
    with pytest.raises(IntegrityError, match=constraint):
        run(rooms, f"update consents set {change} where id = :id", id=given)  # noqa: S608


def test_an_illegal_move_is_not_logged(rooms: Rooms) -> None:
    given = grant(rooms, new_id(), make_consumer(), make_agreement(rooms))
    with pytest.raises(DBAPIError, match="draft"):
        run(
            rooms,
            "insert into event_log (id, entity, entity_id, subject_id, sequence, from_state, "
            "to_state, cause, actor, data, at) values (:new, 'consent', :id, :id, 9, 'granted', "
            "'draft', 'x', 'x', '{}', now())",
            new=new_id(),
            id=given,
        )


@pytest.mark.parametrize("table", ["agreements", "disclosures"])
@pytest.mark.parametrize("statement", ["delete from {}", "truncate {}", "update {} set id = id"])
def test_what_was_written_stays(rooms: Rooms, table: str, statement: str) -> None:
    before = count(rooms, f"select count(*) from {table}")  # noqa: S608
    with pytest.raises(DBAPIError, match=r"permission denied|append"):
        run(rooms, statement.format(table))
    assert count(rooms, f"select count(*) from {table}") == before  # noqa: S608


DISCLOSURE = """
insert into disclosures (id, citizen_id, consumer, consumer_title, basis, purpose, consent_id,
    attributes, at, digest, delay_reason, hidden_until)
values (:id, :id, :consumer, '{}', :basis, '{}', :consent, cast(:attributes as jsonb), now(), 'x',
    :reason, now() + cast(:until as interval))
"""
GOOD = {
    "consumer": "plugin:parking",
    "basis": "law",
    "consent": None,
    "attributes": '["name"]',
    "reason": None,
    "until": None,
}


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"basis": "consent"}, "ck_disclosures_consent"),
        ({"consent": "0198c0de-0000-7000-8000-000000000000"}, "ck_disclosures_consent"),
        ({"basis": "because"}, "ck_disclosures_basis"),
        ({"consumer": "somebody"}, "ck_disclosures_consumer"),
        ({"attributes": "[]"}, "ck_disclosures_attributes"),
        ({"reason": "court-order"}, "ck_disclosures_delay"),
        ({"until": "1 day"}, "ck_disclosures_delay"),
        ({"reason": "rather-not", "until": "1 day"}, "ck_disclosures_delay_reason"),
        ({"reason": "court-order", "until": "-1 day"}, "ck_disclosures_hidden_until"),
    ],
)
def test_a_disclosure_without_sense_is_refused(
    rooms: Rooms, change: dict[str, object], constraint: str
) -> None:
    run(rooms, DISCLOSURE, id=new_id(), **GOOD)
    with pytest.raises(IntegrityError, match=constraint):
        run(rooms, DISCLOSURE, id=new_id(), **{**GOOD, **change})
