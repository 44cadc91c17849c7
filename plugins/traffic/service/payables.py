"""What a citizen owes: from our copy for the overview, from the police for a payment."""

from collections.abc import Sequence

from sqlalchemy import select

from app.sdk import House, Payable, UnitOfWork, now
from plugins.traffic.client import PoliceClient
from plugins.traffic.errors import AlreadyPaid, FineNotFound
from plugins.traffic.models import Contest, Due, Violation
from plugins.traffic.service.contests import (
    contests_by_violation,
    contests_of,
    is_contestable,
)
from plugins.traffic.service.dues import (
    pauses_by_violation,
    pauses_of,
    surcharge_of,
    today,
)
from plugins.traffic.service.lookups import may_pay, note_miss
from plugins.traffic.service.mirror import keep_case
from plugins.traffic.service.refresh import refresh
from plugins.traffic.service.surcharge import Pause
from plugins.traffic.service.violations import belongs_to
from plugins.traffic.values import CURRENCY, PAYEE, SERVICE, DueStatus

_WORDS = {"zh": "交通违法罚款", "en": "Traffic fine"}
_PART = {"zh": "第{}期", "en": "instalment {}"}


def list_payables(house: House, citizen_reference: str) -> Sequence[Payable]:
    """Return what is open for a citizen's vehicles and licence, refreshed where it is old."""
    refresh(house, citizen_reference)
    with house.unit_of_work() as uow:
        rows = uow.execute(
            select(Due, Violation)
            .join(Violation, Violation.id == Due.violation_id)
            .where(belongs_to(citizen_reference), Due.status == DueStatus.OPEN)
            .order_by(Due.pay_by, Due.reference)
        ).all()
        ids = {violation.id for _, violation in rows}
        pauses, contests = pauses_by_violation(uow, ids), contests_by_violation(uow, ids)
        return [
            _payable(violation, due, pauses[violation.id], contests[violation.id])
            for due, violation in rows
        ]


def ask_payable(house: House, reference: str, citizen_reference: str) -> Payable:
    """Return what is owed under a reference right now, after asking the police.

    Raise `FineNotFound` also for somebody else's, and `AlreadyPaid`.
    """
    with house.unit_of_work() as uow:
        found = _find(uow, reference, citizen_reference)
    if found is None:
        note_miss(house, citizen_reference)
        raise FineNotFound
    decision_no = found[1].decision_no
    assert decision_no is not None
    asked_at = now()
    told = PoliceClient.of(house).of_decision(decision_no)
    with house.unit_of_work() as uow:
        if told is not None:
            keep_case(house, uow, told, asked_at=asked_at)
        found = _find(uow, reference, citizen_reference)
        if told is None or found is None or found[0].status == DueStatus.WITHDRAWN:
            raise FineNotFound
        due, violation = found
        if due.status == DueStatus.PAID:
            raise AlreadyPaid
        return _payable(violation, due, pauses_of(uow, violation), contests_of(uow, violation))


def _find(uow: UnitOfWork, reference: str, citizen_reference: str) -> tuple[Due, Violation] | None:
    row = uow.execute(
        select(Due, Violation)
        .join(Violation, Violation.id == Due.violation_id)
        .where(Due.reference == reference)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        return None
    due, violation = row
    is_own = select(belongs_to(citizen_reference)).where(Violation.id == violation.id)
    if not uow.scalar(is_own) and not may_pay(uow, citizen_reference, violation):
        return None
    return due, violation


def _payable(
    violation: Violation, due: Due, pauses: Sequence[Pause], contests: Sequence[Contest]
) -> Payable:
    """Return a due as it is today; what can still be objected to is never taken by itself."""
    surcharge = surcharge_of(violation, due, pauses, today())
    amount = due.fine + surcharge
    part = {language: f" {words.format(due.number)}" for language, words in _PART.items()}
    return Payable(
        reference=due.reference,
        title={
            language: f"{words} {violation.decision_no}{part[language] if due.number else ''}"
            for language, words in _WORDS.items()
        },
        amount=amount,
        currency=CURRENCY,
        payee=PAYEE,
        due_date=due.pay_by,
        version=f"{CURRENCY}-{due.fine}-{surcharge}",
        service=SERVICE,
        contestable=is_contestable(violation, contests),
    )
