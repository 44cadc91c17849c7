"""Violations and the decisions made on them, as the police hold and change them."""

import sqlite3
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sandbox.police.offences import OFFENCES, Offence
from sandbox.police.registry import LICENCE_DIGITS, ends_in
from sandbox.store import Store
from sandbox.wire import Problem, now, timestamp

AREA = "4203"
AUTHORITY = "十堰市公安局交通管理支队"


class Status(StrEnum):
    """How a case stands with the police."""

    RECORDED = "recorded"
    DECIDED = "decided"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


def find_case(store: Store, notice_no: str) -> sqlite3.Row:
    """Return the case of a violation; raise Problem 404 `violation-not-found`."""
    row = store.row("SELECT * FROM police_cases WHERE notice_no = ?", [notice_no])
    if row is None:
        raise Problem(404, "violation-not-found", f"there is no violation {notice_no}")
    return row


def find_decision(store: Store, decision_no: str) -> sqlite3.Row:
    """Return the case of a decision; raise Problem 404 `decision-not-found`."""
    row = store.row("SELECT * FROM police_cases WHERE decision_no = ?", [decision_no])
    if row is None:
        raise Problem(404, "decision-not-found", f"there is no decision {decision_no}")
    return row


def find_cases(
    store: Store, *, plate: str | None = None, driver: str | None = None
) -> list[sqlite3.Row]:
    """Return the cases of a vehicle or a driver, the newest violation first."""
    return store.rows(
        "SELECT * FROM police_cases WHERE (:plate IS NULL OR plate = :plate)"
        " AND (:driver IS NULL OR driver = :driver) ORDER BY at DESC, number DESC",
        {"plate": plate, "driver": driver},
    )


def is_second_fact(store: Store, case: sqlite3.Row, digits: str) -> bool:
    """Tell whether these are the last digits of the vehicle's engine or the driver's licence."""
    vehicle = store.row("SELECT engine FROM police_vehicles WHERE plate = ?", [case["plate"]])
    assert vehicle is not None
    if ends_in(vehicle["engine"], digits):
        return True
    driver = case["driver"]
    return driver is not None and driver[-LICENCE_DIGITS:] == digits.upper()


def status_of(case: sqlite3.Row) -> Status:
    """Return how a case stands."""
    if case["withdrawn"]:
        return Status.WITHDRAWN
    if case["decision_no"] is None:
        return Status.RECORDED
    if case["kind"] == "penalty" and case["paid"] >= case["fine"]:
        return Status.PAID
    return Status.DECIDED


def record_violation(store: Store, violation: Mapping[str, Any]) -> sqlite3.Row:
    """Record a violation and return its case; raise Problem 404 for an unknown vehicle or driver.

    What an offence's code does not say, the violation may say itself.
    """
    plate, driver = violation["plate"], violation["driver"]
    vehicle = store.row("SELECT * FROM police_vehicles WHERE plate = ?", [plate])
    if vehicle is None:
        raise Problem(404, "vehicle-not-found", f"no vehicle has the plate {plate}")
    known = store.row("SELECT 1 FROM police_licences WHERE licence = ?", [driver])
    if driver is not None and known is None:
        raise Problem(404, "licence-not-found", "nobody has this licence")
    with store.change() as connection:
        return _record(connection, vehicle, violation)


def decide(store: Store, decision: Mapping[str, Any]) -> sqlite3.Row:
    """Decide on a violation and return the case.

    Raises Problem 404 `violation-not-found` or `licence-not-found`, 409 `already-decided` or
    `withdrawn`.
    """
    driver = decision["driver"]
    known = store.row("SELECT 1 FROM police_licences WHERE licence = ?", [driver])
    if driver is not None and known is None:
        raise Problem(404, "licence-not-found", "nobody has this licence")
    with store.change() as connection:
        case = find_case(store, decision["notice_no"])
        objection = objection_to_decision(case)
        if objection is not None:
            raise Problem(409, objection, f"{case['notice_no']} takes no decision any more")
        return put_decision(connection, decision)


def objection_to_decision(case: sqlite3.Row) -> str | None:
    """Return why a violation takes no decision, or None."""
    if case["withdrawn"]:
        return "withdrawn"
    return None if case["decision_no"] is None else "already-decided"


def withdraw_violation(store: Store, notice_no: str) -> sqlite3.Row:
    """Strike a violation off, decided or not, and return the case; again changes nothing.

    Raises Problem 404 `violation-not-found`.
    """
    with store.change() as connection:
        find_case(store, notice_no)
        connection.execute(
            "UPDATE police_cases SET withdrawn = 1, version = version + 1"
            " WHERE notice_no = ? AND withdrawn = 0",
            [notice_no],
        )
        return find_case(store, notice_no)


def amend(store: Store, decision_no: str, *, fine: int, points: int) -> sqlite3.Row:
    """Give a penalty another fine and other points, and return the case.

    Raises Problem 404 `decision-not-found`, 409 `decision-withdrawn` or `no-penalty`.
    """
    with store.change() as connection:
        case = find_decision(store, decision_no)
        if case["withdrawn"]:
            raise Problem(409, "decision-withdrawn", f"decision {decision_no} is withdrawn")
        if case["kind"] != "penalty":
            raise Problem(409, "no-penalty", f"decision {decision_no} asks for no money")
        row: sqlite3.Row = connection.execute(
            "UPDATE police_cases SET fine = ?, points = ?, version = version + 1"
            " WHERE decision_no = ? RETURNING *",
            [fine, points, decision_no],
        ).fetchone()
        return row


def withdraw(store: Store, decision_no: str) -> sqlite3.Row:
    """Withdraw a decision, paid or not, and return the case; again changes nothing.

    Raises Problem 404 `decision-not-found`.
    """
    return withdraw_violation(store, find_decision(store, decision_no)["notice_no"])


def put_decision(connection: sqlite3.Connection, decision: Mapping[str, Any]) -> sqlite3.Row:
    """Write a decision on a violation that takes one, and return the case.

    A fine or points that it does not say are the usual ones of the offence.
    """
    decided_at: datetime = decision["decided_at"]
    points = decision["points"]
    row: sqlite3.Row = connection.execute(
        "UPDATE police_cases SET decision_no = printf('%s%s%07d', ?, ?, number), kind = ?,"
        " procedure = ?, fine = coalesce(?, usual_fine), points = coalesce(?, points),"
        " driver = coalesce(?, driver), decided_at = ?, served_on = ?, served_by = ?,"
        " version = version + 1 WHERE notice_no = ? RETURNING *",
        [
            AREA,
            f"{decided_at:%Y}",
            decision["kind"],
            decision["procedure"],
            decision["fine"] if decision["kind"] == "penalty" else 0,
            points,
            decision["driver"],
            timestamp(decided_at),
            decision["served_on"].isoformat() if decision["served_on"] else None,
            decision["served_by"],
            decision["notice_no"],
        ],
    ).fetchone()
    return row


def seed_cases(connection: sqlite3.Connection, *, today: date) -> None:
    """Record the violations of the first start: one that is decided, one that is not."""
    vehicles = connection.execute("SELECT * FROM police_vehicles ORDER BY plate").fetchall()
    drivers = connection.execute("SELECT * FROM police_licences ORDER BY archive").fetchall()
    moment = now()
    for vehicle, driver in zip(vehicles, drivers, strict=True):
        for days_ago, code in ((20, "1039"), (2, "1625")):
            case = _record(
                connection,
                vehicle,
                {
                    "driver": driver["licence"],
                    "offence_code": code,
                    "place": "人民中路与公园路路口",
                    "at": moment - timedelta(days=days_ago),
                    "officer": "420300117",
                },
            )
            if code == "1039":
                decision = {
                    "notice_no": case["notice_no"],
                    "kind": "penalty",
                    "procedure": "summary",
                    "fine": 10_000,
                    "points": None,
                    "served_on": today - timedelta(days=5),
                    "served_by": "electronic",
                    "driver": driver["licence"],
                    "decided_at": moment - timedelta(days=5),
                }
                put_decision(connection, decision)


def _record(
    connection: sqlite3.Connection, vehicle: sqlite3.Row, violation: Mapping[str, Any]
) -> sqlite3.Row:
    offence = _offence(violation)
    at: datetime = violation["at"]
    speed = violation.get("speed") or {"measured": None, "limit": None}
    last = connection.execute("SELECT coalesce(max(number), 0) FROM police_cases").fetchone()[0]
    row: sqlite3.Row = connection.execute(
        "INSERT INTO police_cases (notice_no, plate, driver, vehicle_class, offence_code,"
        " title_zh, title_en, legal_basis, points, usual_fine, place, at, speed_measured,"
        " speed_limit, officer)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        [
            f"{AREA}{at:%Y%m%d}{last + 1:06d}",
            vehicle["plate"],
            violation["driver"],
            vehicle["class"],
            offence.code,
            offence.title_zh,
            offence.title_en,
            offence.legal_basis,
            offence.points,
            offence.usual_fine,
            violation["place"],
            timestamp(at),
            speed["measured"],
            speed["limit"],
            violation["officer"],
        ],
    ).fetchone()
    return row


def _offence(violation: Mapping[str, Any]) -> Offence:
    code = violation["offence_code"]
    own = violation.get("offence")
    if own is not None:
        title = own["title"]
        return Offence(
            code, title["zh"], title["en"], own["legal_basis"], own["points"], own["usual_fine"]
        )
    if code not in OFFENCES:
        raise Problem(422, "invalid", "offence_code: not one that needs no words of its own")
    return OFFENCES[code]
