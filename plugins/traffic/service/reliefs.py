"""Relief for those in hardship: to pay later or in parts, when an officer grants it."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.traffic.errors import NotDecidable, ReliefNotOpen
from plugins.traffic.events import ReliefDecided
from plugins.traffic.models import Due, Posting, Relief, Violation
from plugins.traffic.service.dated import NoRule, in_force
from plugins.traffic.service.dues import WHOLE, dues_of, today
from plugins.traffic.service.instalments import plan_instalments
from plugins.traffic.service.notices import tell_of_answer
from plugins.traffic.service.officers import badge_of
from plugins.traffic.service.orders import INSTALMENTS, order_change, send_order
from plugins.traffic.service.petitions import (
    lock_petition,
    open_petition,
    petitions_of,
    shared_fields,
)
from plugins.traffic.service.refresh import refresh
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.violations import lock_own, own
from plugins.traffic.values import (
    DueStatus,
    NewRelief,
    PostingState,
    ReliefKind,
    ReliefStatus,
    ReliefView,
    ViolationStatus,
)

LONGEST_DEFERRAL = timedelta(days=180)


def ask_relief(
    house: House, uow: UnitOfWork, citizen: Citizen, violation_id: UUID, wanted: NewRelief
) -> ReliefView:
    """Ask to pay later or in parts, as long as the fine is payable and not late.

    Raise `ReliefNotOpen` otherwise, while another request waits, and for more time or parts than
    the city's rules allow.
    """
    refresh(house, citizen.reference)
    violation = lock_own(uow, citizen.reference, violation_id)
    waiting = select(Relief.id).where(
        Relief.violation_id == violation.id, Relief.status == ReliefStatus.REQUESTED
    )
    due = _whole(uow, violation)
    if due is None or uow.scalar(waiting) is not None or not _is_allowed(violation, due, wanted):
        raise ReliefNotOpen
    relief = Relief(
        status=ReliefStatus.REQUESTED,
        violation_id=violation.id,
        kind=wanted.kind,
        pay_later_by=wanted.until,
        parts=wanted.parts,
        asked_at=now(),
    )
    open_petition(house, uow, citizen, relief, wanted.statement)
    uow.flush()
    return show_relief(house, relief)


def list_reliefs(
    house: House, uow: UnitOfWork, citizen_reference: str, violation_id: UUID
) -> Page[ReliefView]:
    """Return what a citizen has asked for of one fine, the first one first."""
    violation = own(uow, citizen_reference, violation_id)
    mine = petitions_of(Relief, citizen_reference, violation.id)
    return Page([show_relief(house, one) for one in uow.scalars(mine)])


def list_waiting_reliefs(house: House, uow: UnitOfWork, page: PageRequest) -> Page[ReliefView]:
    """Return a page of what waits for an officer, the oldest first."""
    waiting = select(Relief).where(Relief.status == ReliefStatus.REQUESTED)
    rows = fetch_page(uow, waiting, [Relief.id], page)
    return Page([show_relief(house, one) for one in rows.items], rows.next_cursor)


def decide_relief(
    house: House, uow: UnitOfWork, officer: UUID, relief_id: UUID, *, granted: bool, reason: str
) -> ReliefView:
    """Grant or refuse a request; what is granted takes effect at once.

    Raise `NotDecidable` when it was decided, or what it asks for is not possible any more.
    """
    badge_of(uow, officer)
    key = None
    with uow.phase():
        violation, relief = lock_petition(uow, Relief, relief_id)
        if relief.status != ReliefStatus.REQUESTED:
            raise NotDecidable
        relief.officer, relief.decided_at, relief.reason = officer, now(), reason
        to = ReliefStatus.GRANTED if granted else ReliefStatus.REFUSED
        uow.move(relief, to, cause="decided by an officer")
        uow.record(ReliefDecided(relief_id=relief.id, officer=officer, granted=granted))
        if granted:
            key = _grant(uow, violation, relief)
        tell_of_answer(house, uow, relief)
    if key is not None:
        send_order(house, key)
    with house.unit_of_work() as after:
        return show_relief(house, after.get_one(Relief, relief_id))


def show_relief(house: House, relief: Relief) -> ReliefView:
    """Return a request as the citizen and the officer see it."""
    return ReliefView(
        **shared_fields(house, relief),
        until=relief.pay_later_by,
        parts=relief.parts,
        asked_at=relief.asked_at,
    )


def _whole(uow: UnitOfWork, violation: Violation) -> Due | None:
    """Return the open due of a fine that is owed as a whole and is not late, else None."""
    if violation.status not in (ViolationStatus.PAYABLE, ViolationStatus.DEFERRED):
        return None
    open_dues = [due for due in dues_of(uow, violation) if due.status == DueStatus.OPEN]
    return open_dues[0] if open_dues and open_dues[0].pay_by >= today() else None


def _is_allowed(violation: Violation, due: Due, wanted: NewRelief) -> bool:
    if wanted.kind is ReliefKind.DEFERRAL:
        return (
            violation.status == ViolationStatus.PAYABLE
            and wanted.until is not None
            and due.pay_by < wanted.until <= due.pay_by + LONGEST_DEFERRAL
        )
    assert violation.served_on is not None
    try:
        rule = in_force(find_rules().instalments, violation.served_on)
    except NoRule:
        return False
    return wanted.parts is not None and wanted.parts <= rule.most_parts_of(due.fine)


def _grant(uow: UnitOfWork, violation: Violation, relief: Relief) -> UUID | None:
    """Let a granted request take effect; return what the police are to be told."""
    due = _whole(uow, violation)
    telling = select(Posting.key).where(Posting.state != PostingState.REFUSED)
    if due is None or uow.scalar(telling.where(Posting.reference == due.reference)) is not None:
        raise NotDecidable("The fine is late, paid or being paid.")
    if relief.kind == ReliefKind.DEFERRAL:
        assert relief.pay_later_by is not None
        due.pay_by = relief.pay_later_by
        uow.move(violation, ViolationStatus.DEFERRED, cause="deferral granted")
        return None
    _part(uow, violation, due, relief.parts or 0)
    uow.move(violation, ViolationStatus.INSTALMENTS, cause="instalments granted")
    return order_change(uow, violation, INSTALMENTS, "hardship")


def _part(uow: UnitOfWork, violation: Violation, whole: Due, parts: int) -> None:
    """Put instalments, each with a reference of its own, into the place of a whole fine."""
    assert violation.served_on is not None
    rules = find_rules()
    rule = in_force(rules.instalments, violation.served_on)
    first_due: date = whole.pay_by
    whole.status = DueStatus.WITHDRAWN
    for part in plan_instalments(whole.fine, first_due, parts, rule, rules.days_off):
        uow.add(
            Due(
                reference=f"{violation.decision_no}-{part.number}",
                violation_id=violation.id,
                number=WHOLE + part.number,
                fine=part.amount,
                pay_by=part.due_on,
                status=DueStatus.OPEN,
            )
        )
    uow.flush()
