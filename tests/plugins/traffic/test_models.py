"""The tables refuse what must never be, whoever writes; models and migrations agree."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core import migrate
from app.core.errors import IllegalMove
from app.factory import Rooms
from plugins.traffic.models import Violation
from plugins.traffic.values import ViolationStatus
from tests.conftest import World

MOMENT = "2026-11-22T00:00:00Z"
NOBODY = uuid4()


def insert(rooms: Rooms, table: str, row: dict[str, Any]) -> dict[str, Any]:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    statement = f"insert into plugin_traffic.{table} ({names}) values ({values})"  # noqa: S608
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), row)
    return row


def violation(**changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "status": "notified",
        "version": 1,
        "notice_no": f"N{uuid4().hex[:12]}",
        "plate_index": b"x",
        "plate_sealed": b"x",
        "vehicle_class": "small-car",
        "offence_code": "1344",
        "title": "{}",
        "legal_basis": "x",
        "place": "x",
        "occurred_at": MOMENT,
        "evidence": "[]",
        "authority": "x",
        "recorder": "B1",
        "points": 3,
        "fine": 20000,
        "currency": "CNY",
        "seen_at": MOMENT,
    } | changed


def decided(**changed: object) -> dict[str, Any]:
    return (
        violation(
            status="payable",
            decision_no=f"D{uuid4().hex[:12]}",
            outcome="penalty",
            decided_at=MOMENT,
            served_on="2026-11-22",
        )
        | changed
    )


@pytest.fixture
def case(rooms: Rooms) -> UUID:
    """A violation with a penalty."""
    made: UUID = insert(rooms, "violations", decided())["id"]
    return made


def due(case: UUID, **changed: object) -> dict[str, Any]:
    return {
        "reference": f"R{uuid4().hex[:12]}",
        "violation_id": case,
        "number": 0,
        "fine": 20000,
        "pay_by": "2026-12-07",
        "status": "open",
    } | changed


def contest(case: UUID, **changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "violation_id": case,
        "kind": "reconsideration",
        "offence_code": "1344",
        "ground": "facts-wrong",
        "status": "submitted",
        "version": 1,
        "evidence": "[]",
        "recorder": "B1",
        "filed_at": MOMENT,
    } | changed


def relief(case: UUID, **changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "violation_id": case,
        "kind": "deferral",
        "status": "requested",
        "version": 1,
        "pay_later_by": "2027-01-31",
        "asked_at": MOMENT,
    } | changed


def posting(reference: str, **changed: object) -> dict[str, Any]:
    return {
        "key": uuid4().hex,
        "reference": reference,
        "amount": 20600,
        "fine": 20000,
        "surcharge": 600,
        "currency": "CNY",
        "state": "sent",
        "paid_at": MOMENT,
        "sent_at": MOMENT,
    } | changed


def order(case: UUID, **changed: object) -> dict[str, Any]:
    return {
        "key": uuid4(),
        "violation_id": case,
        "kind": "decision",
        "what": "penalty",
        "reason": "accepted",
        "state": "waiting",
        "made_at": MOMENT,
    } | changed


def test_models_and_migrations_agree(rooms: Rooms, world: World) -> None:
    plugin = rooms.hosted.plugins["traffic"]
    assert plugin.history is not None
    migrate.check(world.env["DATABASE_OWNER_URL"], plugin.history)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"status": "lost"}, "ck_violations_status"),
        ({"fine": -1}, "ck_violations_fine"),
        ({"fine": 10**8 + 1}, "ck_violations_fine"),
        ({"points": 13}, "ck_violations_points"),
        ({"decision_no": "D-1"}, "ck_violations_decision"),
        ({"outcome": "penalty"}, "ck_violations_decision"),
        ({"status": "decided"}, "ck_violations_decided"),
        ({"status": "payable"}, "ck_violations_penalty"),
    ],
)
def test_an_impossible_violation_is_refused(
    rooms: Rooms, change: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "violations", violation(**change))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"outcome": "mercy"}, "ck_violations_outcome"),
        ({"outcome": "warning"}, "ck_violations_penalty"),
        ({"outcome": "exempt", "status": "paid"}, "ck_violations_penalty"),
        ({"fine": 0}, "ck_violations_penalty_fine"),
    ],
)
def test_only_a_penalty_is_owed(rooms: Rooms, change: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "violations", decided(**change))


@pytest.mark.parametrize("number", ["notice_no", "decision_no"])
def test_a_number_of_the_police_names_one_violation(rooms: Rooms, number: str) -> None:
    one = insert(rooms, "violations", decided())
    with pytest.raises(IntegrityError, match=f"uq_violations_{number}"):
        insert(rooms, "violations", decided(**{number: one[number]}))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"fine": 0}, "ck_dues_fine"),
        ({"number": -1}, "ck_dues_number"),
        ({"status": "paid"}, "ck_dues_paid"),
        ({"paid_at": MOMENT, "paid_amount": 20000}, "ck_dues_paid"),
        ({"status": "paid", "paid_at": MOMENT, "paid_amount": 19999}, "ck_dues_paid_amount"),
        ({"status": "paid", "paid_at": MOMENT, "paid_amount": 40001}, "ck_dues_paid_amount"),
        ({"status": "gone"}, "ck_dues_status"),
    ],
)
def test_an_impossible_due_is_refused(
    rooms: Rooms, case: UUID, change: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "dues", due(case, **change))


def test_the_surcharge_never_exceeds_the_fine(rooms: Rooms, case: UUID) -> None:
    insert(rooms, "dues", due(case, status="paid", paid_at=MOMENT, paid_amount=40000))


def test_each_instalment_has_a_reference_of_its_own(rooms: Rooms, case: UUID) -> None:
    one = insert(rooms, "dues", due(case, number=1))
    insert(rooms, "dues", due(case, number=2))
    with pytest.raises(IntegrityError, match="uq_dues_violation_id_number"):
        insert(rooms, "dues", due(case, number=1))
    with pytest.raises(IntegrityError, match="pk_dues"):
        insert(rooms, "dues", due(case, number=3, reference=one["reference"]))


def test_a_cause_pauses_the_clock_once_at_a_time(rooms: Rooms, case: UUID) -> None:
    pause = {
        "violation_id": case,
        "cause": "reconsideration",
        "first_day": "2026-12-01",
        "last_day": None,
    }
    insert(rooms, "pauses", pause | {"id": uuid4()})
    insert(rooms, "pauses", pause | {"id": uuid4(), "last_day": "2026-12-01"})
    with pytest.raises(IntegrityError, match="uq_pauses_violation_id_open"):
        insert(rooms, "pauses", pause | {"id": uuid4()})
    with pytest.raises(IntegrityError, match="ck_pauses_days"):
        insert(rooms, "pauses", pause | {"id": uuid4(), "last_day": "2026-11-30"})


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"kind": "complaint"}, "ck_contests_kind"),
        (
            {
                "status": "won",
                "reviewer": NOBODY,
                "reviewer_badge": "B2",
                "decided_at": MOMENT,
                "reason": "x",
            },
            "ck_contests_status",
        ),
        ({"status": "upheld"}, "ck_contests_decided"),
        ({"reviewer": NOBODY}, "ck_contests_reviewer"),
        ({"reviewer": NOBODY, "reviewer_badge": "B1"}, "ck_contests_recorder"),
        (
            {
                "status": "reduced",
                "reviewer": NOBODY,
                "reviewer_badge": "B2",
                "decided_at": MOMENT,
                "reason": "x",
            },
            "ck_contests_reduced_to",
        ),
        ({"reduced_to": 1}, "ck_contests_reduced_to"),
    ],
)
def test_an_impossible_contest_is_refused(
    rooms: Rooms, case: UUID, change: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "contests", contest(case, **change))


def test_one_objection_at_a_time_and_each_kind_once(rooms: Rooms, case: UUID) -> None:
    insert(rooms, "contests", contest(case))
    with pytest.raises(IntegrityError, match="uq_contests_violation_id_open"):
        insert(rooms, "contests", contest(case, kind="litigation"))
    closed = {
        "status": "upheld",
        "reviewer": NOBODY,
        "reviewer_badge": "B2",
        "decided_at": MOMENT,
        "reason": "x",
    }
    with pytest.raises(IntegrityError, match="uq_contests_violation_id_kind"):
        insert(rooms, "contests", contest(case, **closed))
    insert(rooms, "contests", contest(case, kind="litigation", **closed))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"kind": "gift"}, "ck_reliefs_kind"),
        ({"pay_later_by": None}, "ck_reliefs_wish"),
        ({"parts": 3}, "ck_reliefs_wish"),
        ({"kind": "instalments", "pay_later_by": None}, "ck_reliefs_wish"),
        ({"kind": "instalments", "pay_later_by": None, "parts": 1}, "ck_reliefs_wish"),
        ({"status": "granted"}, "ck_reliefs_decided"),
        ({"officer": NOBODY}, "ck_reliefs_decided"),
    ],
)
def test_an_impossible_relief_is_refused(
    rooms: Rooms, case: UUID, change: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "reliefs", relief(case, **change))


def test_one_request_for_relief_waits_at_a_time(rooms: Rooms, case: UUID) -> None:
    insert(rooms, "reliefs", relief(case))
    with pytest.raises(IntegrityError, match="uq_reliefs_violation_id_open"):
        insert(rooms, "reliefs", relief(case))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"surcharge": 599}, "ck_postings_amount"),
        ({"fine": 20601, "surcharge": -1}, "ck_postings_amount"),
        ({"fine": 0, "surcharge": 20600}, "ck_postings_amount"),
        ({"state": "booked"}, "ck_postings_answer"),
        ({"state": "refused"}, "ck_postings_refusal"),
        ({"state": "maybe"}, "ck_postings_state"),
    ],
)
def test_an_impossible_posting_is_refused(
    rooms: Rooms, case: UUID, change: dict[str, Any], constraint: str
) -> None:
    reference = insert(rooms, "dues", due(case))["reference"]
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "postings", posting(reference, **change))


def test_two_payments_of_one_reference_never_both_stand(rooms: Rooms, case: UUID) -> None:
    reference = insert(rooms, "dues", due(case))["reference"]
    insert(rooms, "postings", posting(reference, state="refused", refusal="decision-withdrawn"))
    insert(rooms, "postings", posting(reference))
    with pytest.raises(IntegrityError, match="uq_postings_reference_live"):
        insert(rooms, "postings", posting(reference))
    with pytest.raises(IntegrityError, match="fk_postings_reference_dues"):
        insert(rooms, "postings", posting("nobodys"))


def test_money_goes_back_once_for_a_reason(rooms: Rooms, case: UUID) -> None:
    reference = insert(rooms, "dues", due(case))["reference"]
    row = {
        "id": uuid4(),
        "reference": reference,
        "amount": 20600,
        "surcharge": 600,
        "reason": "contest-won",
        "state": "waiting",
        "decided_at": MOMENT,
    }
    insert(rooms, "returns", row)
    with pytest.raises(IntegrityError, match="uq_returns_reference_reason"):
        insert(rooms, "returns", row | {"id": uuid4()})
    with pytest.raises(IntegrityError, match="ck_returns_amount"):
        insert(rooms, "returns", row | {"id": uuid4(), "reason": "x", "surcharge": 20601})


def test_a_violation_is_decided_once(rooms: Rooms, case: UUID) -> None:
    insert(rooms, "orders", order(case, state="refused", refusal="no"))
    insert(rooms, "orders", order(case))
    with pytest.raises(IntegrityError, match="uq_orders_violation_id_decision"):
        insert(rooms, "orders", order(case, state="done"))
    insert(rooms, "orders", order(case, kind="change", what="reduced"))
    insert(rooms, "orders", order(case, kind="change", what="cancelled"))


def test_a_vehicle_is_linked_once_by_a_citizen_and_a_licence_has_one_holder(rooms: Rooms) -> None:
    car = {
        "id": uuid4(),
        "citizen_reference": uuid4().hex,
        "plate_index": b"x",
        "plate_sealed": b"x",
        "engine_sealed": b"x",
        "linked_at": MOMENT,
        "ask_after": MOMENT,
    }
    insert(rooms, "vehicles", car)
    insert(rooms, "vehicles", car | {"id": uuid4(), "citizen_reference": uuid4().hex})
    with pytest.raises(IntegrityError, match="uq_vehicles_citizen_reference_plate_index"):
        insert(rooms, "vehicles", car | {"id": uuid4()})
    licence = {
        "id": uuid4(),
        "citizen_reference": uuid4().hex,
        "number_index": uuid4().bytes,
        "number_sealed": b"x",
        "archive_sealed": b"x",
        "licence_class": "C1",
        "issued_on": "2020-01-01",
        "linked_at": MOMENT,
        "ask_after": MOMENT,
    }
    insert(rooms, "licences", licence)
    with pytest.raises(IntegrityError, match="uq_licences_citizen_reference"):
        insert(rooms, "licences", licence | {"id": uuid4(), "number_index": uuid4().bytes})
    with pytest.raises(IntegrityError, match="uq_licences_number_index"):
        insert(rooms, "licences", licence | {"id": uuid4(), "citizen_reference": "another"})


def test_a_badge_is_worn_by_one(rooms: Rooms) -> None:
    badge = uuid4().hex[:12].upper()
    row = {"staff_id": uuid4(), "badge": badge, "named_by": "test", "named_at": MOMENT}
    insert(rooms, "officers", row)
    with pytest.raises(IntegrityError, match="uq_officers_badge"):
        insert(rooms, "officers", row | {"staff_id": uuid4()})


def test_no_way_leads_back_from_the_end(rooms: Rooms) -> None:
    for last in (ViolationStatus.CLOSED, ViolationStatus.CANCELLED):
        assert Violation.MOVES[last] == frozenset()
    paid = Violation(status=ViolationStatus.PAID)
    with pytest.raises(IllegalMove):
        paid.check_move(ViolationStatus.PAYABLE)
    move = (
        "insert into event_log (id, entity, entity_id, subject_id, sequence, from_state, to_state,"
        " cause, actor, data, at) values (:id, 'traffic_violation', :id, :id, 2, 'paid',"
        " 'payable', 'test', 'test', '{}', now())"
    )
    with (
        pytest.raises(DBAPIError, match="paid"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(move), {"id": uuid4()})
