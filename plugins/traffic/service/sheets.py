"""The fairness sheet of a citizen's fine, from what stands in our books."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy import func, select

from app.sdk import UnitOfWork
from plugins.traffic.errors import NoPenalty
from plugins.traffic.models import Due, Return, Violation
from plugins.traffic.service.dated import in_force
from plugins.traffic.service.dues import day_of, dues_of, pauses_of, today
from plugins.traffic.service.fairness import FairnessSheet, Part, Standing, make_sheet
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.similar_cases import find_similar
from plugins.traffic.service.violations import own
from plugins.traffic.values import DueStatus, Outcome, ReturnState, ViolationStatus


def find_sheet(uow: UnitOfWork, citizen_reference: str, violation_id: UUID) -> FairnessSheet:
    """Return the sheet of a citizen's fine as it stands today.

    Raise `NoPenalty` as long as nothing was decided, and when nothing is left of the penalty.
    """
    violation = own(uow, citizen_reference, violation_id)
    if violation.outcome != Outcome.PENALTY or violation.status == ViolationStatus.CANCELLED:
        raise NoPenalty
    rules, day = find_rules(), today()
    similar = find_similar(uow, violation.offence_code, day, in_force(rules.similar, day))
    return replace(make_sheet(_standing(uow, violation), day, rules), similar=tuple(similar))


def _standing(uow: UnitOfWork, violation: Violation) -> Standing:
    assert violation.served_on is not None
    assert violation.procedure is not None
    live = [due for due in dues_of(uow, violation) if due.status != DueStatus.WITHDRAWN]
    parts, left = [], violation.fine
    for due in live:
        amount = min(due.fine, left)
        left -= amount
        if amount:
            paid_on = None if due.paid_at is None else day_of(due.paid_at)
            parts.append(Part(amount, due.pay_by, paid_on))
    back = _surcharges_back(uow, live)
    return Standing(
        fine=violation.fine,
        received_on=violation.served_on,
        procedure=violation.procedure,
        parts=tuple(parts),
        surcharge_paid=sum(_surcharge_kept(due, back.get(due.reference, 0)) for due in live),
        pauses=tuple(pauses_of(uow, violation)),
    )


def _surcharges_back(uow: UnitOfWork, dues: Iterable[Due]) -> Mapping[str, int]:
    """Return how much surcharge of each due goes back."""
    back = (
        select(Return.reference, func.sum(Return.surcharge))
        .where(
            Return.reference.in_([due.reference for due in dues]),
            Return.state != ReturnState.REFUSED,
        )
        .group_by(Return.reference)
    )
    return {reference: int(surcharge) for reference, surcharge in uow.execute(back)}


def _surcharge_kept(due: Due, back: int) -> int:
    """Return the surcharge that was paid for a due and does not go back."""
    return 0 if due.paid_amount is None else max(0, due.paid_amount - due.fine - back)
