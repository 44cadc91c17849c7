"""What is owed for a violation: minted when it is decided, reckoned for the day, settled once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from app.sdk import CITY_TIME, UnitOfWork, now
from plugins.traffic.models import Due, Pause, Return, Violation
from plugins.traffic.service.deadlines import Deadlines, reckon_deadlines
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.surcharge import Halt, reckon_surcharge
from plugins.traffic.service.surcharge import Pause as Halted
from plugins.traffic.values import DueStatus, Outcome, ReturnState, ViolationStatus

WHOLE = 0
"""The number of a due that is not an instalment."""


def today() -> date:
    """Return the city's day."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """Return the city's day of a moment."""
    return moment.astimezone(CITY_TIME).date()


def deadlines_of(violation: Violation, answered_on: date | None = None) -> Deadlines:
    """Return the terms of a decided violation."""
    assert violation.served_on is not None
    assert violation.procedure is not None
    return reckon_deadlines(
        violation.served_on, violation.procedure, find_rules(), answered_on=answered_on
    )


def open_whole(uow: UnitOfWork, violation: Violation) -> None:
    """Mint what is owed for a penalty: the decision's number is its reference."""
    assert violation.decision_no is not None
    uow.add(
        Due(
            reference=violation.decision_no,
            violation_id=violation.id,
            number=WHOLE,
            fine=violation.fine,
            pay_by=deadlines_of(violation).pay_by,
            status=DueStatus.OPEN,
        )
    )


def dues_of(uow: UnitOfWork, violation: Violation) -> Sequence[Due]:
    """Return everything that was ever to be paid for a violation, in the order of payment."""
    return dues_by_violation(uow, [violation.id])[violation.id]


def dues_by_violation(uow: UnitOfWork, ids: Iterable[UUID]) -> Mapping[UUID, Sequence[Due]]:
    """Return what `dues_of` does for each of many violations, in one statement."""
    found: dict[UUID, list[Due]] = {violation_id: [] for violation_id in ids}
    theirs = select(Due).where(Due.violation_id.in_(found))
    for due in uow.scalars(theirs.order_by(Due.number)):
        found[due.violation_id].append(due)
    return found


def pauses_of(uow: UnitOfWork, violation: Violation) -> Sequence[Halted]:
    """Return when the clock of a violation's surcharge stands still."""
    return pauses_by_violation(uow, [violation.id])[violation.id]


def pauses_by_violation(uow: UnitOfWork, ids: Iterable[UUID]) -> Mapping[UUID, Sequence[Halted]]:
    """Return what `pauses_of` does for each of many violations, in one statement."""
    found: dict[UUID, list[Halted]] = {violation_id: [] for violation_id in ids}
    for row in uow.scalars(select(Pause).where(Pause.violation_id.in_(found))):
        halted = Halted(Halt(row.cause), row.first_day, row.last_day)
        found[row.violation_id].append(halted)
    return found


def surcharge_of(violation: Violation, due: Due, pauses: Iterable[Halted], on: date) -> int:
    """Return what paying a due on a day costs above its fine."""
    assert violation.served_on is not None
    rule = find_rules().surcharge(violation.served_on)
    return reckon_surcharge(due.fine, due.pay_by, on, rule, pauses).amount


def limit_fine(uow: UnitOfWork, violation: Violation, fine: int, reason: str) -> None:
    """Let no more be owed for a violation than a fine (0: nothing), whose row the caller has.

    Dues keep their order. What is open becomes less, or is withdrawn; of what was paid the rest
    goes back, with the surcharge that would not have been due on the day of the payment.
    """
    pauses = pauses_of(uow, violation)
    left = fine
    for due in dues_of(uow, violation):
        if due.status == DueStatus.WITHDRAWN:
            continue
        keeps = min(due.fine, left)
        left -= keeps
        if due.status == DueStatus.PAID:
            return_rest(uow, violation, due, keeps, pauses, reason)
        elif keeps == 0:
            due.status = DueStatus.WITHDRAWN
        else:
            due.fine = keeps
    if fine:  # a penalty that is cancelled goes on saying what it was
        violation.fine = fine


def return_rest(
    uow: UnitOfWork,
    violation: Violation,
    due: Due,
    keeps: int,
    pauses: Iterable[Halted],
    reason: str,
) -> None:
    """Have sent back what a paid due was too much, when only a part of its fine stands."""
    assert due.paid_amount is not None
    assert due.paid_at is not None
    owed = Due(fine=keeps, pay_by=due.pay_by)
    surcharge = surcharge_of(violation, owed, pauses, day_of(due.paid_at))
    amount = due.paid_amount - keeps - surcharge - returned(uow, due)
    if amount > 0:
        uow.add(
            Return(
                reference=due.reference,
                amount=amount,
                surcharge=min(amount, max(0, due.paid_amount - due.fine - surcharge)),
                reason=reason,
                state=ReturnState.WAITING,
            )
        )


def returned(uow: UnitOfWork, due: Due) -> int:
    """Return how much of a due goes back already."""
    rows = select(Return.amount).where(
        Return.reference == due.reference, Return.state != ReturnState.REFUSED
    )
    return sum(uow.scalars(rows))


def settled_state(uow: UnitOfWork, violation: Violation) -> ViolationStatus:
    """Return how a penalty stands when nothing but money is left to say."""
    live = [due for due in dues_of(uow, violation) if due.status != DueStatus.WITHDRAWN]
    unpaid = [due for due in live if due.status == DueStatus.OPEN]
    if violation.outcome != Outcome.PENALTY or not live:
        return ViolationStatus.CANCELLED
    if not unpaid:
        return ViolationStatus.PAID
    if any(due.pay_by < today() for due in unpaid):
        return ViolationStatus.OVERDUE
    if unpaid[0].number != WHOLE:
        return ViolationStatus.INSTALMENTS
    is_deferred = unpaid[0].pay_by > deadlines_of(violation).pay_by
    return ViolationStatus.DEFERRED if is_deferred else ViolationStatus.PAYABLE
