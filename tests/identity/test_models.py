"""What the database refuses, asked with raw SQL as the application's role."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.factory import Rooms
from tests.identity.support import count, log_in_quickly

CITIZEN = (
    "insert into citizens (id, status, version, phone_sealed, phone_index, resident_id_index, "
    "assurance, verified_at, created_at) "
    "values (:id, :status, 1, '', :phone, :number, :assurance, :verified, now())"
)
TOKEN = (
    "insert into refresh_tokens (id, session_id, digest, state, created_at) "
    "values (:id, :session, :digest, :state, now())"
)


def run(rooms: Rooms, statement: str, **values: object) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), values)


def refused(rooms: Rooms, constraint: str, statement: str, **values: object) -> None:
    with pytest.raises(IntegrityError) as error:
        run(rooms, statement, **values)
    diagnosis: Any = error.value.orig
    assert diagnosis.diag.constraint_name == constraint


def citizen(**changes: object) -> dict[str, object]:
    values = {
        "id": new_id(),
        "status": "active",
        "phone": new_id().bytes,
        "number": None,
        "assurance": "basic",
        "verified": None,
    }
    return {**values, **changes}


def test_a_number_has_one_account_that_is_not_closed(rooms: Rooms) -> None:
    phone = new_id().bytes
    for _ in range(2):
        run(rooms, CITIZEN, **citizen(phone=phone, status="closed"))
    run(rooms, CITIZEN, **citizen(phone=phone))
    for status in ("active", "locked"):
        refused(rooms, "uq_citizens_phone_index", CITIZEN, **citizen(phone=phone, status=status))


def test_an_identity_has_one_account_that_is_not_closed(rooms: Rooms) -> None:
    proven = {"number": new_id().bytes, "assurance": "verified", "verified": "2026-11-22"}
    run(rooms, CITIZEN, **citizen(**proven, status="closed"))
    run(rooms, CITIZEN, **citizen(**proven))
    refused(rooms, "uq_citizens_resident_id_index", CITIZEN, **citizen(**proven))
    refused(rooms, "uq_citizens_resident_id_index", CITIZEN, **citizen(**proven, status="locked"))


@pytest.mark.parametrize("level", ["verified", "strong"])
def test_no_level_without_evidence(rooms: Rooms, level: str) -> None:
    name = "ck_citizens_assurance_is_earned"
    refused(rooms, name, CITIZEN, **citizen(assurance=level))
    refused(rooms, name, CITIZEN, **citizen(assurance=level, number=b"x"))
    mine = log_in_quickly(rooms).citizen_id
    raised = "update citizens set assurance = :level where id = :id"
    refused(rooms, name, raised, level=level, id=mine)


def test_no_unknown_levels_and_states(rooms: Rooms) -> None:
    refused(rooms, "ck_citizens_assurance", CITIZEN, **citizen(assurance="imperial"))
    refused(rooms, "ck_citizens_status", CITIZEN, **citizen(status="asleep"))


@pytest.mark.parametrize("state", ["current", "parent"])
def test_a_family_has_one_current_token_and_one_parent(rooms: Rooms, state: str) -> None:
    session = log_in_quickly(rooms).session_id
    if state == "parent":
        run(rooms, TOKEN, id=new_id(), session=session, digest=new_id().bytes, state=state)
    refused(
        rooms,
        f"uq_refresh_tokens_{state}",
        TOKEN,
        id=new_id(),
        session=session,
        digest=new_id().bytes,
        state=state,
    )


def test_a_refresh_token_is_known_once(rooms: Rooms) -> None:
    session, digest = log_in_quickly(rooms).session_id, new_id().bytes
    values = {"session": session, "digest": digest, "state": "void"}
    run(rooms, TOKEN, id=new_id(), **values)
    refused(rooms, "uq_refresh_tokens_digest", TOKEN, id=new_id(), **values)


def test_a_session_that_ended_says_when(rooms: Rooms) -> None:
    mine = log_in_quickly(rooms).session_id
    refused(
        rooms, "ck_sessions_end", "update sessions set status = 'ended' where id = :id", id=mine
    )


def test_a_challenge_has_five_tries(rooms: Rooms) -> None:
    statement = "update challenges set tries = 6 where id = (select id from challenges limit 1)"
    assert count(rooms, "select count(*) from challenges") > 0 or log_in_quickly(rooms)
    refused(rooms, "ck_challenges_tries", statement)


@pytest.mark.parametrize(
    ("entity", "before", "after"),
    [
        ("citizen", "closed", "active"),
        ("session", "ended", "active"),
        ("verification", "refused", "verified"),
        ("verification", None, "verified"),
        ("staff", "ended", "active"),
        ("integrator", "ended", "active"),
        ("delivery", "sent", "queued"),
    ],
)
def test_a_move_that_is_not_in_the_machine_cannot_be_logged(
    rooms: Rooms, entity: str, before: str | None, after: str
) -> None:
    statement = (
        "insert into event_log (id, entity, entity_id, subject_id, sequence, from_state, to_state, "
        "cause, actor, data, at) values (:id, :entity, :id, :id, 9, :before, :after, '', '', '{}', "
        "now())"
    )
    values = {"id": new_id(), "entity": entity, "before": before, "after": after}
    with pytest.raises(IntegrityError, match="cannot go from"):
        run(rooms, statement, **values)
