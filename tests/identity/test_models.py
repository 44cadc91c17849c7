"""What the database refuses, asked with raw SQL as the application's role."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.factory import Rooms
from app.identity.values import EvidenceKind
from tests.conftest import World
from tests.factories import Citizen, log_in, verify
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
    proven = {"number": new_id().bytes, "verified": "2026-11-22"}
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


def signed_in(rooms: Rooms) -> Citizen:
    """Return a citizen with a session, without waiting for a text."""
    session = log_in_quickly(rooms)
    return Citizen(str(session.citizen_id), "", session.access_token, "", "")


@pytest.mark.promise("P46")
def test_no_level_that_the_evidence_does_not_carry(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    bound, verified = signed_in(rooms), signed_in(rooms)
    verify(client, world, verified)
    run(
        rooms,
        "update citizens set resident_id_index = :number, verified_at = now() where id = :id",
        id=bound.id,
        number=new_id().bytes,
    )
    raised = "update citizens set assurance = :level where id = :id"
    forged = (
        "insert into evidence (id, status, version, citizen_id, kind, source, reference, "
        "confirmed_by, obtained_at) values (:id, 'active', 1, :citizen, :kind, 'x', :id, :by, "
        "now())"
    )
    ended = "update evidence set status = 'withdrawn', ended_at = now() where citizen_id = :id"
    removed = "delete from evidence where citizen_id = :id"
    attempts: list[tuple[str, str, dict[str, object]]] = [
        ("assurance_has_evidence", raised, {"level": "verified", "id": bound.id}),
        ("assurance_has_evidence", raised, {"level": "strong", "id": bound.id}),
        ("assurance_has_evidence", raised, {"level": "strong", "id": verified.id}),
        ("assurance_has_evidence", ended, {"id": verified.id}),
        ("assurance_has_evidence", removed, {"id": verified.id}),
    ]
    attempts += [
        (
            "evidence_is_proven",
            forged,
            {
                "id": new_id(),
                "citizen": bound.id,
                "kind": kind,
                "by": new_id() if kind == "counter" else None,
            },
        )
        for kind in EvidenceKind
        if kind not in {EvidenceKind.PHONE_CODE, EvidenceKind.PASSKEY}
    ]
    moved = "update evidence set kind = 'face-live' where citizen_id = :id"
    attempts.append(("evidence_is_what_it_was", moved, {"id": verified.id}))
    later_end = "update evidence set expires_at = '2099-01-01' where citizen_id = :id"
    attempts.append(("evidence_is_what_it_was", later_end, {"id": verified.id}))
    for constraint, statement, values in attempts:
        refused(rooms, constraint, statement, **values)
    levels = "select assurance from citizens where id = :id"
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = [uow.scalar(text(levels), {"id": who.id}) for who in (bound, verified)]
    assert found == ["basic", "verified"]
    shows(f"{len(attempts)} statements of the application's role: 0 levels without evidence")


def test_one_piece_of_a_kind_is_active(client: FlaskClient, world: World, rooms: Rooms) -> None:
    mine = log_in(client, world, rooms)
    again = (
        "insert into evidence (id, status, version, citizen_id, kind, source, reference, "
        "obtained_at, expires_at, ended_at) select gen_random_uuid(), :status, 1, citizen_id, "
        ":kind, source, reference, obtained_at, cast(:end as timestamptz), "
        "cast(:over as timestamptz) from evidence where citizen_id = :id and kind = 'phone-code' "
        "limit 1"
    )
    good = {"id": mine.id, "status": "active", "kind": "phone-code", "end": None, "over": None}
    refused(rooms, "uq_evidence_active", again, **good)
    run(rooms, again, **{**good, "status": "withdrawn", "over": "2026-11-28"})
    run(rooms, again, **{**good, "kind": "passkey"})
    refused(rooms, "uq_evidence_reference", again, **{**good, "kind": "passkey"})
    refused(rooms, "ck_evidence_kind", again, **{**good, "kind": "rumour"})
    refused(rooms, "ck_evidence_status", again, **{**good, "status": "good", "over": "2026-11-28"})
    refused(rooms, "ck_evidence_end", again, **{**good, "over": "2026-11-28"})
    refused(rooms, "ck_evidence_confirmed_by", again, **{**good, "kind": "counter"})
    refused(rooms, "ck_evidence_lifetime", again, **{**good, "end": "2020-01-01"})


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
        ("evidence", "withdrawn", "active"),
        ("evidence", None, "expired"),
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
