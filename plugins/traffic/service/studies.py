"""Points of a licence, and study that takes some away: proven by the police, so many a cycle."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from app.sdk import (
    Citizen,
    Conflict,
    House,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Page,
    Unavailable,
    UnitOfWork,
    new_id,
    now,
)
from plugins.traffic.client import PoliceClient
from plugins.traffic.errors import StudyNotOpen, StudyNotProven
from plugins.traffic.models import Due, Licence, Study, Violation
from plugins.traffic.service.dated import in_force
from plugins.traffic.service.dues import day_of, today
from plugins.traffic.service.linking import attempt, licence_facts
from plugins.traffic.service.points import (
    PointsBalance,
    PointsEntry,
    PointsRule,
    count_points,
)
from plugins.traffic.service.points import Study as Taken
from plugins.traffic.service.rules import find_rules
from plugins.traffic.values import (
    Outcome,
    PointsView,
    PoliceStudy,
    StudyStatus,
    StudyView,
    ViolationStatus,
)

STUDY = "study"
_BATCH = 20
_OPEN = (
    ViolationStatus.RECORDED,
    ViolationStatus.NOTIFIED,
    ViolationStatus.ACCEPTED,
    ViolationStatus.CONTESTED,
)
"""A violation in one of these is not dealt with: its points are not counted yet."""


def find_points(uow: UnitOfWork, citizen_reference: str) -> PointsView:
    """Return how a citizen's licence stands today, or raise `NotFound` without one."""
    licence = _own(uow, citizen_reference)
    balance, rule = _balance(uow, licence), _points_rule()
    left = rule.study_most - _used(uow, licence, balance) if rule.study_open else 0
    return PointsView(
        cycle_from=balance.cycle_from,
        cycle_to=balance.cycle_to,
        points=balance.points,
        carried=balance.carried,
        left=balance.left,
        is_full=balance.is_full,
        study_left=0 if balance.is_full else max(0, left),
        source=rule.source,
    )


def list_studies(uow: UnitOfWork, citizen_reference: str) -> Page[StudyView]:
    """Return what a citizen has asked to have points taken away for, the first one first."""
    mine = select(Study).where(Study.citizen_reference == citizen_reference)
    return Page([show_study(row) for row in uow.scalars(mine.order_by(Study.id))])


def ask_study(house: House, uow: UnitOfWork, citizen: Citizen, study_no: str) -> StudyView:
    """Ask that a course takes points of one's licence away; the police prove that it was passed.

    Raise `NotFound` without a licence, `TooManyTries`, `StudyNotProven` for a course that the
    police do not know of this licence, and `StudyNotOpen` when the rules leave nothing to take.
    """
    with attempt(house, STUDY, citizen.reference):
        with house.unit_of_work() as before:
            licence = _own(before, citizen.reference)
        proof = _prove(house, licence, study_no)
    with uow.phase():
        licence = uow.lock(Licence, licence.id)
        points = _allowed(uow, licence, proof)
        study = Study(
            id=new_id(),
            status=StudyStatus.REQUESTED,
            citizen_reference=citizen.reference,
            letterbox=citizen.letterbox,
            licence_index=licence.number_index,
            study_no=study_no,
            kind=proof.kind,
            finished_on=proof.finished_on,
            points=points,
            requested_at=now(),
        )
        uow.open_record(study, cause="asked for by the citizen", points=points)
        uow.flush()
    send_study(house, study.id)
    with house.unit_of_work() as after:
        return show_study(after.get_one(Study, study.id))


def send_study(house: House, study_id: UUID) -> None:
    """Tell the police of points that a course takes away; it may be told again.

    Without a clear answer the request goes on waiting: they answer the same key alike.
    """
    with house.unit_of_work() as uow:
        study = uow.get_one(Study, study_id)
    if study.status != StudyStatus.REQUESTED:
        return
    refused = None
    try:
        PoliceClient.of(house).credit(study.study_no, str(study.id), study.points)
    except (Unavailable, OutcomeUnknown):
        return
    except (Conflict, Invalid, NotFound) as error:
        refused = str(error.extra["reason"])
    with house.unit_of_work() as uow:
        study = uow.lock(Study, study_id)
        if study.status != StudyStatus.REQUESTED:
            return  # another worker was as fast
        study.decided_at, study.refusal = now(), refused
        to = StudyStatus.CREDITED if refused is None else StudyStatus.REFUSED
        uow.move(study, to, cause="answered by the police")
        if study.letterbox:
            kind = "study-credited" if refused is None else "study-refused"
            points, number = study.points, study.study_no
            house.tell(uow, study.letterbox, kind, str(study.id), study_no=number, points=points)


def send_waiting_studies(house: House) -> None:
    """Tell the police of what they have not answered yet, the oldest first."""
    with house.unit_of_work() as uow:
        waiting = select(Study.id).where(Study.status == StudyStatus.REQUESTED)
        ids = uow.scalars(waiting.order_by(Study.requested_at).limit(_BATCH)).all()
    for study_id in ids:
        send_study(house, study_id)


def show_study(study: Study) -> StudyView:
    """Return a request as its citizen sees it."""
    return StudyView(
        id=study.id,
        study_no=study.study_no,
        kind=study.kind,
        finished_on=study.finished_on,
        points=study.points,
        status=study.status,
        refusal=study.refusal,
        requested_at=study.requested_at,
        decided_at=study.decided_at,
    )


def _prove(house: House, licence: Licence, study_no: str) -> PoliceStudy:
    theirs = PoliceClient.of(house).studies(*licence_facts(house, licence)) or []
    proof = next((one for one in theirs if one.study_no == study_no), None)
    if proof is None or not proof.is_passed:
        raise StudyNotProven
    return proof


def _allowed(uow: UnitOfWork, licence: Licence, proof: PoliceStudy) -> int:
    """Return how many points a course takes away, or raise `StudyNotOpen`."""
    rule, balance = _points_rule(), _balance(uow, licence)
    worth = in_force(find_rules().studies, proof.finished_on).points[proof.kind]
    is_known = uow.scalar(
        select(Study.id).where(
            Study.study_no == proof.study_no, Study.status != StudyStatus.REFUSED
        )
    )
    is_open = (
        rule.study_open
        and balance.cycle_from <= proof.finished_on <= today()
        and not balance.is_full
        and not proof.credited
        and is_known is None
        and not _undecided(uow, licence)
    )
    points = min(
        worth, rule.study_most - _used(uow, licence, balance), _left(uow, licence, balance)
    )
    if not is_open or points < 1:
        raise StudyNotOpen
    return points


def _points_rule() -> PointsRule:
    return in_force(find_rules().points, today())


def _undecided(uow: UnitOfWork, licence: Licence) -> bool:
    waiting = (Violation.licence_index == licence.number_index, Violation.status.in_(_OPEN))
    return uow.scalar(select(Violation.id).where(*waiting).limit(1)) is not None


def _used(uow: UnitOfWork, licence: Licence, balance: PointsBalance) -> int:
    """Return what study has taken away in a cycle, or is about to."""
    return sum(
        one.points for one in _studies(uow, licence) if one.finished_on >= balance.cycle_from
    )


def _left(uow: UnitOfWork, licence: Licence, balance: PointsBalance) -> int:
    """Return the points from which nothing is about to be taken away yet."""
    waiting = (one.points for one in _studies(uow, licence) if one.status == StudyStatus.REQUESTED)
    return balance.points - sum(waiting)


def _studies(uow: UnitOfWork, licence: Licence) -> Sequence[Study]:
    theirs = select(Study).where(
        Study.licence_index == licence.number_index, Study.status != StudyStatus.REFUSED
    )
    return uow.scalars(theirs.order_by(Study.id)).all()


def _balance(uow: UnitOfWork, licence: Licence) -> PointsBalance:
    taken = [
        Taken(day_of(one.decided_at), one.points)
        for one in _studies(uow, licence)
        if one.decided_at is not None
    ]
    return count_points(
        licence.issued_on, _entries(uow, licence), today(), _points_rule(), studies=taken
    )


def _entries(uow: UnitOfWork, licence: Licence) -> list[PointsEntry]:
    """Return the points that decisions gave to a licence; what was cancelled gives none."""
    paid_at = func.max(Due.paid_at)
    rows = uow.execute(
        select(Violation.decided_at, Violation.points, Violation.status, paid_at)
        .outerjoin(Due, Due.violation_id == Violation.id)
        .where(
            Violation.licence_index == licence.number_index,
            Violation.outcome == Outcome.PENALTY,
            Violation.status != ViolationStatus.CANCELLED,
            Violation.points > 0,
        )
        .group_by(Violation.id)
        .order_by(Violation.decided_at, Violation.id)
    )
    settled = (ViolationStatus.PAID, ViolationStatus.CLOSED)
    entries = []
    for decided_at, points, status, paid in rows:
        assert decided_at is not None
        on = max(day_of(decided_at), licence.issued_on)
        settled_on = day_of(paid) if paid is not None and status in settled else None
        entries.append(PointsEntry(on, points, settled_on))
    return entries


def _own(uow: UnitOfWork, citizen_reference: str) -> Licence:
    mine = select(Licence).where(Licence.citizen_reference == citizen_reference)
    licence: Licence | None = uow.scalar(mine)
    if licence is None:
        raise NotFound
    return licence
