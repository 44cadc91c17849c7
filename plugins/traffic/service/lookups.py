"""Finding a decision by its number and a second fact: few tries, little shown, all of it kept."""

from datetime import timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import House, UnitOfWork, now
from plugins.traffic.client import PoliceClient
from plugins.traffic.errors import (
    AlreadyPaid,
    FineNotFound,
    ProofMismatch,
    TooManyReferences,
    TooManyTries,
)
from plugins.traffic.events import DecisionLookedUp, ReferenceTried
from plugins.traffic.models import Lookup, Violation
from plugins.traffic.service.dues import dues_of, pauses_of, today
from plugins.traffic.service.linking import attempt, mask_plate
from plugins.traffic.service.mirror import keep_case
from plugins.traffic.service.violations import show_dues
from plugins.traffic.values import (
    SERVICE,
    AdmittedGuest,
    DueStatus,
    FoundDecision,
    Outcome,
    PoliceCase,
    ViolationStatus,
)

LOOKUP, REFERENCE, DECISION = "lookup", "reference", "decision"
"""What tries are counted of: by whom, by whom without a second fact, and against what."""
ADDRESS = "address"
MOST_OF_AN_ADDRESS = 30
"""Tries an hour of people without an account: many may share an address."""
GOOD_FOR = timedelta(minutes=30)


def look_up(
    house: House, uow: UnitOfWork, citizen_reference: str, decision_no: str, digits: str
) -> FoundDecision:
    """Return a decision, masked, to whoever knows its number and a second fact.

    The last six of the engine's number, or the last four of the driver's licence. They may pay it
    within half an hour. Raise `ProofMismatch` alike for an unknown number and a wrong fact, and
    `TooManyTries` for a citizen who guesses, and for a decision that is guessed at.
    """
    with attempt(house, LOOKUP, citizen_reference):
        violation, case = _prove(house, uow, decision_no, digits)
    return _let_pay(uow, citizen_reference, violation, case)


def admit_guest(house: House, uow: UnitOfWork, decision_no: str, digits: str) -> AdmittedGuest:
    """Let somebody without an account pay what a decision asks for next, by the same two facts.

    Raise what `look_up` raises, the tries being counted for an address; and `AlreadyPaid` or
    `FineNotFound` when nothing is to be paid.
    """
    address = sha256((uow.address or "").encode()).hexdigest()
    with attempt(house, ADDRESS, address, most=MOST_OF_AN_ADDRESS):
        violation, case = _prove(house, uow, decision_no, digits)
    due = next((due for due in dues_of(uow, violation) if due.status == DueStatus.OPEN), None)
    if due is None:
        is_paid = violation.status in (ViolationStatus.PAID, ViolationStatus.CLOSED)
        raise AlreadyPaid if is_paid else FineNotFound
    guest = house.guest_token(uow, SERVICE, due.reference)
    found = _let_pay(uow, guest.reference, violation, case)
    return AdmittedGuest(found, SERVICE, due.reference, guest.token)


def _prove(
    house: House, uow: UnitOfWork, decision_no: str, digits: str
) -> tuple[Violation, PoliceCase]:
    """Return a decided case to whoever knows a second fact of it; raise what `look_up` raises."""
    # The number itself is kept nowhere before somebody has proven to know it.
    with attempt(house, DECISION, sha256(decision_no.encode()).hexdigest()):
        client = PoliceClient.of(house)
        asked_at = now()
        case = client.of_decision(decision_no) if client.knows(decision_no, digits) else None
        if case is None:
            uow.record(DecisionLookedUp(result="refused"))
            raise ProofMismatch
    violation = keep_case(house, uow, case, asked_at=asked_at)
    uow.record(DecisionLookedUp(violation_id=violation.id))
    return violation, case


def _let_pay(
    uow: UnitOfWork, reference: str, violation: Violation, case: PoliceCase
) -> FoundDecision:
    """Let a citizen, or a guest, pay a decision for half an hour, and return it masked."""
    until = now() + GOOD_FOR
    uow.execute(
        insert(Lookup)
        .values(citizen_reference=reference, violation_id=violation.id, expires_at=until)
        .on_conflict_do_update(
            index_elements=[Lookup.citizen_reference, Lookup.violation_id],
            set_={"expires_at": until},
        )
    )
    is_owed, dues = violation.outcome == Outcome.PENALTY, dues_of(uow, violation)
    return FoundDecision(
        decision_no=violation.decision_no or "",
        status=violation.status,
        title=violation.title,
        plate_masked=mask_plate(case.plate),
        dues=show_dues(violation, dues, pauses_of(uow, violation), today()) if is_owed else (),
        payable_until=until,
    )


def may_pay(uow: UnitOfWork, citizen_reference: str, violation: Violation) -> bool:
    """Say whether a citizen has proven of late to know a second fact of a decision."""
    live = select(Lookup.violation_id).where(
        Lookup.citizen_reference == citizen_reference,
        Lookup.violation_id == violation.id,
        Lookup.expires_at > now(),
    )
    return uow.scalar(live) is not None


def note_miss(house: House, citizen_reference: str) -> None:
    """Count that somebody named a reference that is not theirs; raise `TooManyReferences`."""
    with house.unit_of_work() as uow:
        uow.record(ReferenceTried(result="refused"))
    try:
        with attempt(house, REFERENCE, citizen_reference):
            pass  # it is none of theirs: that is the answer
    except TooManyTries as error:
        raise TooManyReferences from error
