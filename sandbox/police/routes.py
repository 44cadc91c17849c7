"""`/police`: what the product asks and tells the police, and what tests ask of them."""

import sqlite3
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.behaviour import Mode, is_refusing, set_behaviour, show_behaviour
from sandbox.police import schemas
from sandbox.police.access import ROOM, for_the_city
from sandbox.police.cases import (
    amend,
    decide,
    find_case,
    find_cases,
    find_decision,
    is_second_fact,
    record_violation,
    withdraw,
    withdraw_violation,
)
from sandbox.police.notices import Call, Notice, find_taken, list_notices, take_notice
from sandbox.police.registry import add_licence, add_vehicle, find_licence, find_vehicle
from sandbox.police.studies import add_study, find_studies
from sandbox.store import current_store
from sandbox.wire import Problem, read_body, read_query

_READING = (Mode.DOWN, Mode.SLOW, Mode.GARBAGE)
_TELLING = (*_READING, Mode.ANSWER_LOST, Mode.REFUSE)

police = Blueprint("police", __name__, url_prefix="/police")


@police.post("/searches")
@for_the_city(*_READING)
def search() -> Response:
    """List the cases of a vehicle or a licence; personal numbers stay out of addresses."""
    facts = read_body(schemas.Search())
    store = current_store()
    if "plate" in facts:
        vehicle = find_vehicle(store, facts["plate"], facts["engine"])
        cases, licence = find_cases(store, plate=vehicle["plate"]), None
    else:
        holder = find_licence(store, facts["licence"], facts["archive"])
        cases = find_cases(store, driver=holder["licence"])
        licence = {"issued_on": holder["issued_on"], "class": holder["class"]}
    return jsonify({"items": [_case(case) for case in cases], "licence": licence})


@police.get("/violations/<notice_no>")
@for_the_city(*_READING)
def get_violation(notice_no: str) -> Response:
    """Show a violation."""
    return jsonify(_case(find_case(current_store(), notice_no)))


@police.get("/decisions/<decision_no>")
@for_the_city(*_READING)
def get_decision(decision_no: str) -> Response:
    """Show a decision and its violation."""
    return jsonify(_case(find_decision(current_store(), decision_no)))


@police.post("/decisions/<decision_no>/checks")
@for_the_city(*_READING)
def check_second_fact(decision_no: str) -> Response:
    """Tell whether somebody who knows a decision's number knows a second fact of it."""
    digits = read_body(schemas.SecondFact())["digits"]
    store = current_store()
    case = find_decision(store, decision_no)
    return jsonify({"result": "match" if is_second_fact(store, case, digits) else "mismatch"})


@police.get("/evidence/<notice_no>/<int:place>")
@for_the_city(*_READING)
def get_evidence(notice_no: str, place: int) -> Response:
    """Show a picture of a violation."""
    picture = schemas.evidence_of(find_case(current_store(), notice_no), place)
    if picture is None:
        raise Problem(404, "evidence-not-found", "there are not so many pictures")
    return Response(picture, content_type="image/png")


@police.post("/violations/<notice_no>/decisions")
@for_the_city(*_TELLING)
def take_decision(notice_no: str) -> Response:
    """Take the decision that an officer made in the city's system, and show the case."""
    notice = schemas.decision_from(read_body(schemas.CityDecision()), notice_no)
    store = current_store()
    taken = take_notice(store, notice, refusing=is_refusing())
    answer = jsonify(_case(find_case(store, notice_no)))
    answer.status_code = 201 if taken.effective else 200
    return answer


@police.post("/postings")
@for_the_city(*_TELLING)
def take_posting() -> Response:
    """Take the notice that a fine, or a part of it, was paid."""
    return _take(schemas.posting_from(read_body(schemas.NewPosting())))


@police.post("/study-searches")
@for_the_city(*_READING)
def search_studies() -> Response:
    """List the courses that the holder of a licence took."""
    facts = read_body(schemas.StudySearch())
    store = current_store()
    holder = find_licence(store, facts["licence"], facts["archive"])
    rows = find_studies(store, holder["licence"])
    return jsonify({"items": [schemas.show_study(row) for row in rows]})


@police.post("/studies/<study_no>/credits")
@for_the_city(*_TELLING)
def take_credit(study_no: str) -> Response:
    """Take the notice that a course takes points away."""
    return _take(schemas.credit_from(read_body(schemas.NewCredit()), study_no))


@police.get("/postings/by-key/<path:key>")
@for_the_city(*_READING)
def find_posting(key: str) -> Response:
    """Tell what was booked under a key."""
    row = find_taken(current_store(), Call.POSTING, key)
    if row is None:
        raise Problem(404, "posting-not-found", "nothing was booked under this key")
    return jsonify(schemas.show_taken(row))


@police.post("/decisions/<decision_no>/changes")
@for_the_city(*_TELLING)
def take_change(decision_no: str) -> Response:
    """Take the outcome of a contest, or leave to pay by instalments."""
    return _take(schemas.change_from(read_body(schemas.NewChange()), decision_no))


@police.get("/vehicles")
def list_vehicles() -> Response:
    """List the vehicles with their engine numbers."""
    rows = current_store().rows("SELECT * FROM police_vehicles ORDER BY plate")
    return jsonify({"items": [schemas.show_vehicle(row) for row in rows]})


@police.post("/vehicles")
def make_vehicle() -> Response:
    """Register a vehicle."""
    row = add_vehicle(current_store(), **read_body(schemas.NewVehicle()))
    return _created(schemas.show_vehicle(row))


@police.get("/licences")
def list_licences() -> Response:
    """List the driving licences."""
    rows = current_store().rows("SELECT * FROM police_licences ORDER BY archive")
    return jsonify({"items": [schemas.show_licence(row) for row in rows]})


@police.post("/licences")
def make_licence() -> Response:
    """Issue a driving licence."""
    row = add_licence(current_store(), **read_body(schemas.NewLicence()))
    return _created(schemas.show_licence(row))


@police.post("/studies")
def make_study() -> Response:
    """Write down that a driver took a course."""
    row = add_study(current_store(), **read_body(schemas.NewStudy()))
    return _created(schemas.show_study(row))


@police.post("/violations")
def make_violation() -> Response:
    """Record a violation."""
    return _created(_case(record_violation(current_store(), read_body(schemas.NewViolation()))))


@police.post("/decisions")
def make_decision() -> Response:
    """Decide on a violation without a word to the city."""
    return _created(_case(decide(current_store(), read_body(schemas.NewDecision()))))


@police.put("/decisions/<decision_no>")
def amend_decision(decision_no: str) -> Response:
    """Amend a penalty, upwards or downwards, without a word to the city."""
    body = read_body(schemas.Amendment())
    return jsonify(_case(amend(current_store(), decision_no, **body)))


@police.post("/decisions/<decision_no>/withdrawals")
def withdraw_decision(decision_no: str) -> Response:
    """Withdraw a decision without a word to the city."""
    return _created(_case(withdraw(current_store(), decision_no)))


@police.post("/violations/<notice_no>/withdrawals")
def strike_violation(notice_no: str) -> Response:
    """Strike a violation off without a word to the city."""
    return _created(_case(withdraw_violation(current_store(), notice_no)))


@police.get("/postings")
def list_postings() -> Response:
    """List the notices of payments that arrived, oldest first."""
    return _list(Call.POSTING)


@police.get("/changes")
def list_changes() -> Response:
    """List the outcomes that arrived, oldest first."""
    return _list(Call.CHANGE)


@police.get("/credits")
def list_credits() -> Response:
    """List the points taken away that the city told, oldest first."""
    return _list(Call.CREDIT)


@police.get("/told-decisions")
def list_told_decisions() -> Response:
    """List the decisions that the city told, oldest first."""
    return _list(Call.DECISION)


@police.put("/behaviour")
def put_behaviour() -> Response:
    """Set how the police's system behaves."""
    return set_behaviour(ROOM, *Mode)


@police.get("/behaviour")
def get_behaviour() -> Response:
    """Tell how the police's system behaves."""
    return show_behaviour(ROOM)


def _take(notice: Notice) -> Response:
    taken = take_notice(current_store(), notice, refusing=is_refusing())
    answer = jsonify({"reference": taken.reference, "at": taken.at, "effective": taken.effective})
    answer.status_code = 201 if taken.effective else 200
    return answer


def _list(call: Call) -> Response:
    rows = list_notices(current_store(), call, **read_query(schemas.NoticeFilter()))
    return jsonify({"items": [schemas.show_notice(row) for row in rows]})


def _case(row: sqlite3.Row) -> dict[str, object]:
    return schemas.show_case(row, f"{request.host_url}police")


def _created(body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.status_code = 201
    return answer
