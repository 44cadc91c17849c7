"""Our copy of the police's cases: what they say becomes a move, and never with older news."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import func, select

from app.sdk import House, UnitOfWork, new_id
from plugins.traffic.models import Due, Order, Posting, Violation
from plugins.traffic.service.dues import WHOLE, dues_of, limit_fine, open_whole, settled_state
from plugins.traffic.service.linking import plate_index
from plugins.traffic.service.notices import tell_of_decision, tell_of_new
from plugins.traffic.values import (
    CURRENCY,
    Decision,
    DueStatus,
    OrderState,
    Outcome,
    PoliceCase,
    PostingState,
    ViolationStatus,
)

_LOCK = 0x7AFF1C
_OLDEST = date(2012, 1, 1)
"""Older decisions have no rule in `rules.toml`: they are for the police's counter."""
_UNDECIDED = frozenset(
    {
        ViolationStatus.RECORDED,
        ViolationStatus.NOTIFIED,
        ViolationStatus.ACCEPTED,
        ViolationStatus.CONTESTED,
    }
)
_FINAL = frozenset({ViolationStatus.CLOSED, ViolationStatus.CANCELLED})
_REVIEWED = frozenset({ViolationStatus.RECONSIDERATION, ViolationStatus.LITIGATION})


def keep_cases(
    house: House,
    uow: UnitOfWork,
    cases: Iterable[PoliceCase],
    *,
    asked_at: datetime,
    licence_index: bytes | None = None,
) -> None:
    """Keep what the police said; whoever reads it was notified of what is new.

    Two units that bring the same cases wait for each other, case by case in the same order.
    """
    for case in sorted(cases, key=lambda case: case.notice_no):
        keep_case(house, uow, case, asked_at=asked_at, licence_index=licence_index)


def keep_case(
    house: House,
    uow: UnitOfWork,
    case: PoliceCase,
    *,
    asked_at: datetime,
    licence_index: bytes | None = None,
) -> Violation:
    """Keep one case and return its violation, whose row is locked."""
    uow.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(case.notice_no))))
    mine = select(Violation).where(Violation.notice_no == case.notice_no)
    violation: Violation | None = uow.scalar(
        mine.with_for_update().execution_options(populate_existing=True)
    )
    is_new = violation is None
    if violation is None:
        violation = _open(house, uow, case, asked_at)
    was_decided = violation.outcome is not None
    if licence_index is not None:
        violation.licence_index = licence_index
    if violation.seen_at <= asked_at:
        violation.seen_at = asked_at
        follow(uow, violation, case, at=asked_at)
    uow.flush()
    if is_new:
        tell_of_new(house, uow, violation, asked_at)
    if not was_decided and violation.outcome is not None:
        tell_of_decision(house, uow, violation, asked_at)
    return violation


def follow(uow: UnitOfWork, violation: Violation, case: PoliceCase, *, at: datetime) -> None:
    """Move a locked violation to where the police have it."""
    status = ViolationStatus(violation.status)
    if status in _FINAL:
        return
    if case.is_withdrawn:
        limit_fine(uow, violation, 0, "withdrawn")
        uow.move(violation, ViolationStatus.CANCELLED, cause="withdrawn by the police")
        return
    if case.decision is None or case.decision.served_on < _OLDEST:
        return
    if status in _UNDECIDED:
        _decide(uow, violation, case.decision)
        status = ViolationStatus(violation.status)
    if status in _FINAL or case.decision.outcome is not Outcome.PENALTY:
        return
    _amend(uow, violation, case.decision)
    if case.decision.is_paid:
        _take_counter_payment(uow, violation, case.decision, at)
    _settle(uow, violation)


def settle(uow: UnitOfWork, violation: Violation, *, cause: str) -> None:
    """Move a locked penalty to where its money says, unless somebody reviews it."""
    to = settled_state(uow, violation)
    if to != violation.status:
        uow.move(violation, to, cause=cause)


def _settle(uow: UnitOfWork, violation: Violation) -> None:
    if violation.status not in _REVIEWED and violation.status != ViolationStatus.PAID:
        uow.flush()
        settle(uow, violation, cause="the police's books")


def _open(house: House, uow: UnitOfWork, case: PoliceCase, asked_at: datetime) -> Violation:
    violation_id = new_id()
    speed = case.speed
    violation = Violation(
        id=violation_id,
        status=ViolationStatus.RECORDED,
        notice_no=case.notice_no,
        plate_index=plate_index(house, uow, case.plate),
        plate_sealed=house.vault.seal(case.plate, place=f"violations|plate|{violation_id}"),
        vehicle_class=case.vehicle_class,
        offence_code=case.offence_code,
        title=dict(case.title),
        legal_basis=case.legal_basis,
        place=case.place,
        occurred_at=case.at,
        speed=None if speed is None else {"measured": speed.measured, "limit": speed.limit},
        evidence=[dict(one) for one in case.evidence],
        authority=case.authority,
        recorder=case.recorder,
        points=case.points,
        fine=0,
        currency=CURRENCY,
        seen_at=asked_at,
    )
    uow.open_record(violation, cause="recorded by the police")
    uow.flush()
    if case.decision is None and not case.is_withdrawn:
        violation.notified_at = asked_at
        uow.move(violation, ViolationStatus.NOTIFIED, cause="shown to whoever has the vehicle")
    return violation


def _decide(uow: UnitOfWork, violation: Violation, decision: Decision) -> None:
    """Enter a decision: what a penalty asks for becomes payable, anything else is the end."""
    violation.decision_no = decision.decision_no
    violation.outcome = decision.outcome
    violation.procedure = decision.procedure
    violation.decided_at = decision.decided_at
    violation.served_on = decision.served_on
    violation.served_by = decision.served_by
    violation.fine = decision.fine
    violation.points = decision.points
    uow.move(
        violation,
        ViolationStatus.DECIDED,
        cause="decided by the police",
        outcome=str(decision.outcome),
        fine=decision.fine,
    )
    if decision.outcome is not Outcome.PENALTY:
        uow.move(violation, ViolationStatus.CLOSED, cause="nothing is owed")
        return
    open_whole(uow, violation)
    uow.move(violation, ViolationStatus.PAYABLE, cause="a penalty is payable")
    uow.flush()


def _amend(uow: UnitOfWork, violation: Violation, decision: Decision) -> None:
    """Follow a fine that the police changed by themselves.

    Downwards always. Upwards only what is owed as a whole and unpaid: a plan or a payment is a word
    that was given.
    """
    violation.points = decision.points
    if decision.fine < violation.fine:
        limit_fine(uow, violation, decision.fine, f"amended-{decision.fine}")
    elif decision.fine > violation.fine and not _has_news(uow, violation):
        live = [due for due in dues_of(uow, violation) if due.status != DueStatus.WITHDRAWN]
        if [(due.number, due.status) for due in live] == [(WHOLE, DueStatus.OPEN)]:
            live[0].fine = violation.fine = decision.fine


def _has_news(uow: UnitOfWork, violation: Violation) -> bool:
    """Say whether an officer here decided something that the police have not written down yet."""
    waiting = (Order.violation_id == violation.id, Order.state == OrderState.WAITING)
    return uow.scalar(select(Order.key).where(*waiting).limit(1)) is not None


def _take_counter_payment(
    uow: UnitOfWork, violation: Violation, decision: Decision, at: datetime
) -> None:
    """Close what was paid over the police's counter; what we are telling them of is ours."""
    ours = select(Posting.reference).where(Posting.state != PostingState.REFUSED)
    told = set(uow.scalars(ours.where(Posting.reference.in_(_references(uow, violation)))))
    for due in dues_of(uow, violation):
        if due.status == DueStatus.OPEN and due.reference not in told:
            _pay(due, decision, at)


def _references(uow: UnitOfWork, violation: Violation) -> list[str]:
    return [due.reference for due in dues_of(uow, violation)]


def _pay(due: Due, decision: Decision, at: datetime) -> None:
    due.status = DueStatus.PAID
    due.paid_at = at
    # Only of a whole fine do the police's sums say what this payment was.
    extra = min(decision.surcharge_paid, due.fine) if due.number == WHOLE else 0
    due.paid_amount = due.fine + extra
