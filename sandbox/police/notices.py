"""What the city tells the police: decisions, payments and outcomes, each key once."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sandbox.police.cases import find_case, find_decision, objection_to_decision, put_decision
from sandbox.police.studies import find_study, objection_to_credit, put_credit
from sandbox.store import Store
from sandbox.wire import Problem, now, timestamp, today

TAKEN = "taken"
REPEATED = "repeated"

_STATUS = {
    "decision-not-found": 404,
    "violation-not-found": 404,
    "study-not-found": 404,
    "already-decided": 409,
    "withdrawn": 409,
    "decision-withdrawn": 409,
    "decision-paid": 409,
    "nothing-to-pay": 409,
    "study-credited": 409,
    "study-not-passed": 422,
    "points-too-many": 422,
    "currency-differs": 422,
    "fine-differs": 422,
    "fine-not-lower": 422,
    "points-not-lower": 422,
    "surcharge-too-high": 422,
    "key-reused": 422,
    "refused-by-police": 422,
}


class Call(StrEnum):
    """The four things that the city tells."""

    DECISION = "decision"
    POSTING = "posting"
    CHANGE = "change"
    CREDIT = "credit"


_PREFIX = {Call.DECISION: "JDD", Call.POSTING: "JDP", Call.CHANGE: "JDC", Call.CREDIT: "XFJ"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told: under which key, of which number, and what as it is kept.

    `number` is a decision's, of a decision that is told the violation's, of a credit the study's.
    """

    call: Call
    key: str
    number: str
    told: Mapping[str, object]

    @property
    def text(self) -> str:
        """Return what was told, always written alike."""
        return json.dumps(self.told, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """The police's own number for what they took; effective when this call did it."""

    reference: str
    at: str
    effective: bool


def take_notice(store: Store, notice: Notice, *, refusing: bool) -> Taken:
    """Act on a notice and return the police's number for it; each notice is kept.

    The same key with the same words is answered alike and does nothing again. Raises Problem with
    a final refusal, after which nothing has changed.
    """
    at = timestamp(now())
    with store.change() as connection:
        known = _first(connection, notice)
        if known is not None and (known["subject"], known["told"]) == _said(notice):
            _keep(connection, notice, at, REPEATED, known["reference"])
            return Taken(known["reference"], known["received_at"], effective=False)
        objection = "key-reused" if known else "refused-by-police" if refusing else None
        objection = objection or _objection(store, notice)
        if objection is None:
            _act(connection, notice)
            return Taken(_keep(connection, notice, at, TAKEN), at, effective=True)
        _keep(connection, notice, at, objection)
    raise Problem(_STATUS[objection], objection, f"the police refuse this: {objection}")


def find_taken(store: Store, call: Call, key: str) -> sqlite3.Row | None:
    """Return what was taken under a key, or None."""
    return store.row(
        "SELECT * FROM police_notices WHERE call = ? AND key = ? AND outcome = ?",
        [call, key, TAKEN],
    )


def list_notices(
    store: Store, call: Call, *, key: str | None, subject: str | None
) -> list[sqlite3.Row]:
    """Return what was told, oldest first; None means any."""
    return store.rows(
        "SELECT * FROM police_notices WHERE call = :call AND (:key IS NULL OR key = :key)"
        " AND (:subject IS NULL OR subject = :subject) ORDER BY number",
        {"call": call, "key": key, "subject": subject},
    )


def _first(connection: sqlite3.Connection, notice: Notice) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT * FROM police_notices WHERE call = ? AND key = ? AND outcome = ?",
        [notice.call, notice.key, TAKEN],
    ).fetchone()
    return found


def _said(notice: Notice) -> tuple[str, str]:
    return notice.number, notice.text


def _objection(store: Store, notice: Notice) -> str | None:
    try:
        if notice.call is Call.DECISION:
            return objection_to_decision(find_case(store, notice.number))
        if notice.call is Call.CREDIT:
            return objection_to_credit(find_study(store, notice.number), notice.told)
        return _objection_to_money(find_decision(store, notice.number), notice)
    except Problem as refused:
        return refused.code


def _objection_to_money(case: sqlite3.Row, notice: Notice) -> str | None:
    if case["withdrawn"]:
        return "decision-withdrawn"
    if case["kind"] != "penalty":
        return "nothing-to-pay"
    if notice.call is Call.POSTING:
        return _objection_to_posting(case, notice.told)
    return _objection_to_change(case, notice.told)


def _objection_to_posting(case: sqlite3.Row, told: Mapping[str, object]) -> str | None:
    still_open = case["fine"] - case["paid"]
    fine, surcharge = _number(told, "fine"), _number(told, "surcharge")
    if still_open <= 0:
        return "decision-paid"
    if told["currency"] != "CNY":
        return "currency-differs"
    if fine > still_open or (fine < still_open and not case["instalments"]):
        return "fine-differs"
    if case["surcharge_paid"] + surcharge > case["fine"]:
        return "surcharge-too-high"
    return None


def _objection_to_change(case: sqlite3.Row, told: Mapping[str, object]) -> str | None:
    if told["kind"] == "instalments":
        return "decision-paid" if case["paid"] >= case["fine"] else None
    if told["kind"] == "reduced":
        if _number(told, "fine") >= case["fine"]:
            return "fine-not-lower"
        if _number(told, "points") > case["points"]:
            return "points-not-lower"
    return None


def _act(connection: sqlite3.Connection, notice: Notice) -> None:
    told = notice.told
    if notice.call is Call.CREDIT:
        put_credit(connection, notice.number, told)
        return
    if notice.call is Call.DECISION:
        # Whoever decides in the city's system hands the decision over there and then.
        served = {"served_on": today(), "served_by": "electronic", "decided_at": now()}
        put_decision(
            connection,
            {**told, **served, "notice_no": notice.number, "procedure": "summary", "driver": None},
        )
        return
    if notice.call is Call.POSTING:
        what, values = (
            "paid = paid + ?, surcharge_paid = surcharge_paid + ?",
            [told["fine"], told["surcharge"]],
        )
    elif told["kind"] == "instalments":
        what, values = "instalments = 1", []
    elif told["kind"] == "reduced":
        what, values = "fine = ?, points = ?", [told["fine"], told["points"]]
    else:
        what, values = "withdrawn = 1", []
    connection.execute(
        f"UPDATE police_cases SET {what}, version = version + 1 WHERE decision_no = ?",  # noqa: S608 - one of those above
        [*values, notice.number],
    )


def _keep(
    connection: sqlite3.Connection,
    notice: Notice,
    at: str,
    outcome: str,
    reference: str | None = None,
) -> str:
    row = connection.execute(
        "INSERT INTO police_notices (call, key, subject, told, received_at, outcome, reference)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
        [notice.call, notice.key, notice.number, notice.text, at, outcome, reference],
    ).fetchone()
    if outcome != TAKEN:
        return ""
    taken = f"{_PREFIX[notice.call]}-{row['number']:06d}"
    connection.execute(
        "UPDATE police_notices SET reference = ? WHERE number = ?", [taken, row["number"]]
    )
    return taken


def _number(told: Mapping[str, object], name: str) -> int:
    value = told[name]
    assert isinstance(value, int)
    return value
