"""What the database refuses of mandates, organisations and guardianships, asked with raw SQL."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.factory import Rooms
from tests.delegation.support import run

MANDATE = (
    "insert into mandates (id, status, version, drafted_by, named, phone_index, phone_sealed, "
    "principal_id, delegate_id, organisation_id, for_organisation, days, consent, "
    "consent_evidence, counter_reason_sealed, attestation, created_at, starts_at, expires_at, "
    "ended_at) values (:id, :status, 1, :drafter, :named, :phone, '', :principal, :delegate, "
    ":organisation, :for_organisation, :days, :consent, 'x', :reason, :attestation, now(), "
    "cast(:starts as timestamptz), cast(:expires as timestamptz), cast(:ended as timestamptz))"
)
SCOPE = (
    "insert into mandate_scopes (id, mandate_id, service, actions, cap_per_day, cap_total) "
    "values (:id, :mandate, :service, cast(:actions as jsonb), :day, :total)"
)
ORGANISATION = (
    "insert into organisations (id, status, version, representative_id, uscc_index, uscc_sealed, "
    "name_sealed, created_at, decided_at) "
    "values (:id, :status, 1, :who, :uscc, '', '', now(), now())"
)
GUARDIANSHIP = (
    "insert into guardianships (id, status, version, guardian_id, child_id, child_index, "
    "child_name_sealed, source, created_at, child_sees_at, ends_at, ended_at, ending) values "
    "(:id, :status, 1, :guardian, :child, :index, '', 'register', now(), '2030-01-01', :ends, "
    "cast(:ended as timestamptz), :ending)"
)


def mandate(**changes: object) -> dict[str, object]:
    values: dict[str, object] = {
        "id": new_id(),
        "status": "active",
        "drafter": new_id(),
        "named": "delegate",
        "phone": new_id().bytes,
        "principal": new_id(),
        "delegate": new_id(),
        "organisation": None,
        "for_organisation": False,
        "days": 31,
        "consent": "app",
        "reason": None,
        "attestation": bytes(32),
        "starts": "2026-11-01T00:00:00Z",
        "expires": "2026-12-02T00:00:00Z",
        "ended": None,
    }
    return {**values, **changes}


def refused(rooms: Rooms, constraint: str, statement: str, **values: object) -> None:
    with pytest.raises(IntegrityError) as error:
        run(rooms, statement, **values)
    diagnosis: Any = error.value.orig
    assert diagnosis.diag.constraint_name == constraint


def test_one_mandate_in_force_between_the_same_two(rooms: Rooms) -> None:
    pair = {"principal": new_id(), "delegate": new_id()}
    run(rooms, MANDATE, **mandate(**pair))
    refused(rooms, "uq_mandates_active", MANDATE, **mandate(**pair))
    over = {"status": "revoked", "ended": "2026-11-02T00:00:00Z"}
    run(rooms, MANDATE, **mandate(**pair, **over))
    run(rooms, MANDATE, **mandate(principal=pair["delegate"], delegate=pair["principal"]))


def test_one_question_of_a_kind_waits(rooms: Rooms) -> None:
    same = {"drafter": new_id(), "phone": new_id().bytes, "status": "drafted", "delegate": None}
    run(rooms, MANDATE, **mandate(**same))
    refused(rooms, "uq_mandates_open", MANDATE, **mandate(**same))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("ck_mandates_status", {"status": "asleep"}),
        ("ck_mandates_days", {"days": 30, "expires": "2026-12-01T00:00:00Z"}),
        ("ck_mandates_term_is_exact", {"expires": "2026-12-02T00:00:00.000001Z"}),
        ("ck_mandates_term_is_exact", {"expires": "2026-12-01T23:59:59Z"}),
        ("ck_mandates_named", {"named": "both"}),
        ("ck_mandates_somebody", {"status": "drafted", "principal": None, "delegate": None}),
        ("ck_mandates_begun", {"consent": None}),
        ("ck_mandates_begun", {"attestation": None}),
        ("ck_mandates_begun", {"principal": None}),
        ("ck_mandates_begun", {"delegate": None}),
        ("ck_mandates_begun", {"expires": None}),
        ("ck_mandates_begun", {"starts": None}),
        ("ck_mandates_delegate_agreed", {"status": "awaiting_principal", "delegate": None}),
        ("ck_mandates_consent", {"consent": "silence"}),
        ("ck_mandates_counter", {"consent": "counter"}),
        ("ck_mandates_counter", {"reason": b"x"}),
        ("ck_mandates_attestation", {"attestation": bytes(31)}),
        ("ck_mandates_end", {"ended": "2026-11-02T00:00:00Z"}),
        ("ck_mandates_end", {"status": "revoked"}),
        ("ck_mandates_organisation", {"for_organisation": True}),
    ],
)
def test_a_mandate_that_cannot_be(
    rooms: Rooms, constraint: str, changes: dict[str, object]
) -> None:
    refused(rooms, constraint, MANDATE, **mandate(**changes))


def test_nobody_mandates_themselves(rooms: Rooms) -> None:
    me = new_id()
    refused(rooms, "ck_mandates_two", MANDATE, **mandate(principal=me, delegate=me))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("ck_mandate_scopes_actions", {"actions": "[]"}),
        ("ck_mandate_scopes_actions", {"actions": '["own"]'}),
        ("ck_mandate_scopes_actions", {"actions": '["view", "own"]'}),
        ("ck_mandate_scopes_pay_has_a_cap", {"actions": '["pay"]'}),
        ("ck_mandate_scopes_cap_per_day", {"day": 0}),
        ("ck_mandate_scopes_cap_total", {"total": -1}),
        ("uq_mandate_scopes_mandate_id_service", {"service": "water-bill"}),
        ("fk_mandate_scopes_mandate_id_mandates", {"mandate": new_id()}),
    ],
)
def test_a_scope_that_cannot_be(rooms: Rooms, constraint: str, changes: dict[str, object]) -> None:
    row = mandate()
    run(rooms, MANDATE, **row)
    values = {"mandate": row["id"], "actions": '["view"]', "day": None, "total": None}
    run(rooms, SCOPE, id=new_id(), service="water-bill", **values)
    refused(
        rooms, constraint, SCOPE, **{"id": new_id(), "service": "gas-bill", **values, **changes}
    )


def test_a_code_has_one_living_organisation(rooms: Rooms) -> None:
    uscc = new_id().bytes
    values = {"uscc": uscc}
    run(rooms, ORGANISATION, id=new_id(), status="closed", who=new_id(), **values)
    run(rooms, ORGANISATION, id=new_id(), status="suspended", who=new_id(), **values)
    name = "uq_organisations_uscc_index"
    refused(rooms, name, ORGANISATION, id=new_id(), status="active", who=new_id(), **values)
    who = new_id()
    run(rooms, ORGANISATION, id=new_id(), status="claimed", who=who, **values)
    name = "uq_organisations_claim"
    refused(rooms, name, ORGANISATION, id=new_id(), status="claimed", who=who, **values)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("uq_guardianships_active", {}),
        ("ck_guardianships_end", {"status": "ended"}),
        ("ck_guardianships_ending_is_said", {"status": "ended", "ended": "2026-11-01T00:00:00Z"}),
        ("ck_guardianships_ages", {"ends": "2029-01-01"}),
    ],
)
def test_a_guardianship_that_cannot_be(
    rooms: Rooms, constraint: str, changes: dict[str, object]
) -> None:
    values = {
        "status": "active",
        "guardian": new_id(),
        "child": None,
        "index": new_id().bytes,
        "ends": "2034-01-01",
        "ended": None,
        "ending": None,
    }
    run(rooms, GUARDIANSHIP, id=new_id(), **values)
    refused(rooms, constraint, GUARDIANSHIP, **{"id": new_id(), **values, **changes})


MOVES = {
    ("mandate", None): {"drafted"},
    ("mandate", "drafted"): {"awaiting_principal", "declined", "revoked"},
    ("mandate", "awaiting_principal"): {"active", "declined", "revoked"},
    ("mandate", "active"): {"expired", "revoked", "superseded"},
    ("mandate", "expired"): set(),
    ("mandate", "revoked"): set(),
    ("mandate", "superseded"): set(),
    ("mandate", "declined"): set(),
    ("organisation", None): {"claimed"},
    ("organisation", "claimed"): {"active", "closed"},
    ("organisation", "active"): {"suspended", "closed"},
    ("organisation", "suspended"): {"active", "closed"},
    ("organisation", "closed"): set(),
    ("guardianship", None): {"active"},
    ("guardianship", "active"): {"ended"},
    ("guardianship", "ended"): set(),
}


def test_the_machines_are_these_and_the_log_takes_no_other_move(rooms: Rooms) -> None:
    statement = (
        "insert into event_log (id, entity, entity_id, subject_id, sequence, from_state, to_state, "
        "cause, actor, data, at) values (:id, :entity, :id, :id, 9, :before, :after, '', '', '{}', "
        "now())"
    )
    tried = 0
    for (entity, before), after in MOVES.items():
        states = {state for (name, state) in MOVES if name == entity and state}
        for to in sorted(states):
            values = {"id": new_id(), "entity": entity, "before": before, "after": to}
            if to in after:
                run(rooms, statement, **values)
            else:
                with pytest.raises(IntegrityError, match="cannot go from"):
                    run(rooms, statement, **values)
            tried += 1
    assert tried == 8 * 7 + 5 * 4 + 3 * 2
