"""A citizen's violations: what they are shown, and how a notice is accepted."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from app.sdk import House, Page, PageRequest, UnitOfWork, fetch_page
from plugins.traffic.errors import NotAnswerable, ViolationNotFound
from plugins.traffic.models import Due, Licence, Vehicle, Violation
from plugins.traffic.service.deadlines import find_defence_day
from plugins.traffic.service.dues import (
    day_of,
    deadlines_of,
    dues_by_violation,
    dues_of,
    pauses_by_violation,
    pauses_of,
    surcharge_of,
    today,
)
from plugins.traffic.service.leniency import may_go_unpunished
from plugins.traffic.service.linking import mask_plate
from plugins.traffic.service.orders import order_decision, send_order
from plugins.traffic.service.refresh import refresh
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.surcharge import Pause
from plugins.traffic.values import (
    CitizensViolation,
    DecisionWish,
    DueStatus,
    DueView,
    Outcome,
    ViolationStatus,
)


def list_violations(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    page: PageRequest,
    *,
    status: str | None = None,
) -> Page[CitizensViolation]:
    """Return a page of a citizen's violations, in the order in which they came to us."""
    mine = violations_of(citizen_reference)
    if status is not None:
        mine = mine.where(Violation.status == status)
    rows = fetch_page(uow, mine, [Violation.id], page)
    ids = [row.id for row in rows.items]
    dues, pauses = dues_by_violation(uow, ids), pauses_by_violation(uow, ids)
    shown = [show_violation(house, row, dues[row.id], pauses[row.id]) for row in rows.items]
    return Page(shown, rows.next_cursor)


def find_violation(
    house: House, uow: UnitOfWork, citizen_reference: str, violation_id: UUID
) -> CitizensViolation:
    """Return one of a citizen's violations, or raise `ViolationNotFound`."""
    violation = own(uow, citizen_reference, violation_id)
    return show_violation(house, violation, dues_of(uow, violation), pauses_of(uow, violation))


def accept_violation(
    house: House, uow: UnitOfWork, citizen_reference: str, violation_id: UUID
) -> CitizensViolation:
    """Accept a notice and have it decided; one that is decided is payable at once.

    A first offence that the rules name becomes a warning. Raise `NotAnswerable` when it was
    answered or decided. Without an answer of the police it stays accepted, and is decided later.
    """
    refresh(house, citizen_reference)
    with uow.phase():
        violation = lock_own(uow, citizen_reference, violation_id)
        if violation.status != ViolationStatus.NOTIFIED:
            raise NotAnswerable
        violation.answered_by = citizen_reference
        uow.move(violation, ViolationStatus.ACCEPTED, cause="accepted by the citizen")
        key = order_decision(uow, violation, _wish(uow, violation))
    send_order(house, key)
    with house.unit_of_work() as after:
        return find_violation(house, after, citizen_reference, violation_id)


def violations_of(citizen_reference: str) -> Select[Violation]:
    """Return the statement of a citizen's violations: whose they are stands in its WHERE."""
    return select(Violation).where(belongs_to(citizen_reference))


def belongs_to(citizen_reference: str) -> ColumnElement[bool]:
    """Return the condition that a citizen has the vehicle, or the licence of its driver."""
    vehicle = exists().where(
        and_(
            Vehicle.citizen_reference == citizen_reference,
            Vehicle.plate_index == Violation.plate_index,
        )
    )
    licence = exists().where(
        and_(
            Licence.citizen_reference == citizen_reference,
            Licence.number_index == Violation.licence_index,
        )
    )
    return or_(vehicle, licence)


def own(uow: UnitOfWork, citizen_reference: str, violation_id: UUID) -> Violation:
    """Return a citizen's own violation, or raise `ViolationNotFound`."""
    mine = violations_of(citizen_reference).where(Violation.id == violation_id)
    violation: Violation | None = uow.scalar(mine)
    if violation is None:
        raise ViolationNotFound
    return violation


def lock_own(uow: UnitOfWork, citizen_reference: str, violation_id: UUID) -> Violation:
    """Return a citizen's own violation with its row locked, or raise `ViolationNotFound`."""
    own(uow, citizen_reference, violation_id)
    return uow.lock(Violation, violation_id)


def show_violation(
    house: House, violation: Violation, dues: Sequence[Due], pauses: Sequence[Pause]
) -> CitizensViolation:
    """Return a violation as its citizen sees it, with what paying it costs today."""
    plate = house.vault.unseal(violation.plate_sealed, place=f"violations|plate|{violation.id}")
    is_decided = violation.outcome is not None
    terms = deadlines_of(violation) if is_decided else None
    notified = violation.notified_at
    defend_by = None if notified is None else find_defence_day(day_of(notified), find_rules())
    return CitizensViolation(
        id=violation.id,
        status=violation.status,
        notice_no=violation.notice_no,
        plate_masked=mask_plate(plate),
        vehicle_class=violation.vehicle_class,
        offence_code=violation.offence_code,
        title=violation.title,
        legal_basis=violation.legal_basis,
        place=violation.place,
        occurred_at=violation.occurred_at,
        speed=violation.speed,
        evidence=_evidence(violation),
        authority=violation.authority,
        points=violation.points,
        fine=violation.fine,
        currency=violation.currency,
        notified_at=notified,
        defend_by=None if is_decided else defend_by,
        decision_no=violation.decision_no,
        outcome=violation.outcome,
        decided_at=violation.decided_at,
        served_on=violation.served_on,
        served_by=violation.served_by,
        reconsider_by=None if terms is None else terms.reconsider_by,
        litigate_by=None if terms is None else terms.litigate_by,
        dues=show_dues(violation, dues, pauses, today()) if is_decided else (),
        seen_at=violation.seen_at,
    )


def show_dues(
    violation: Violation, dues: Sequence[Due], pauses: Sequence[Pause], on: date
) -> tuple[DueView, ...]:
    """Return what is or was to be paid for a decided violation, reckoned for a day."""

    def show(due: Due) -> DueView:
        if due.status == DueStatus.PAID:
            surcharge = (due.paid_amount or due.fine) - due.fine
        else:
            surcharge = surcharge_of(violation, due, pauses, on)
        return DueView(
            reference=due.reference,
            number=due.number,
            fine=due.fine,
            surcharge=surcharge,
            amount=due.fine + surcharge,
            pay_by=due.pay_by,
            status=due.status,
            paid_at=due.paid_at,
        )

    return tuple(show(due) for due in dues if due.status != DueStatus.WITHDRAWN)


def _evidence(violation: Violation) -> list[dict[str, str]]:
    """Return the pictures at our own address, where they are marked; the police's stays inside."""
    address = f"/v1/traffic/violations/{violation.id}/pictures"
    return [
        {name: one[name] for name in ("kind", "sha256")}
        | {"url": f"{address}/{one['sha256']}/content"}
        for one in violation.evidence
    ]


def _wish(uow: UnitOfWork, violation: Violation) -> DecisionWish:
    """Return what an accepted notice is decided to: the police's own schedule knows the fine."""
    others = select(Violation.occurred_at).where(
        Violation.plate_index == violation.plate_index, Violation.id != violation.id
    )
    day = day_of(violation.occurred_at)
    earlier = [day_of(at) for at in uow.scalars(others)]
    rules = [rule for rule in find_rules().first_offences if rule.valid_from <= day]
    rule = max(rules, key=lambda rule: rule.valid_from, default=None)
    if rule and may_go_unpunished(violation.offence_code, day, earlier, rule):
        return DecisionWish(Outcome.WARNING, 0, 0, "first-offence")
    return DecisionWish(Outcome.PENALTY, None, None, "accepted")
