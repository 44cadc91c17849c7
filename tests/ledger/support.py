"""Captures, refunds and rules for tests of the books."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import text

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.factory import Rooms
from app.ledger import service
from app.ledger.values import (
    REFUNDS_PAYABLE,
    Booking,
    Capture,
    FeeBearer,
    Part,
    PartKind,
    Portion,
    SplitRule,
)

T = TypeVar("T")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
TITLE = {"zh": "水费", "en": "Water"}


def new_payee() -> str:
    """Return the id of a payee that nobody has used."""
    return f"payee-{uuid4().hex[:12]}"


def within(rooms: Rooms, act: Callable[[UnitOfWork], T]) -> T:
    """Run something in a unit of work of its own."""
    with rooms.units.open(actor="test") as uow:
        return act(uow)


def rows(rooms: Rooms, statement: str, **values: object) -> list[Any]:
    """Run SQL as the service's own role and return its rows."""
    with rooms.units.open(actor="test") as uow:
        return [tuple(row) for row in uow.execute(text(statement), values)]


def rule(
    payee: str, *parts: Part, version: int = 1, bearer: FeeBearer = FeeBearer.PLATFORM
) -> SplitRule:
    """Return a version of a rule for a payee."""
    valid_from = LONG_AGO.replace(day=version)
    return SplitRule(f"payee:{payee}", version, valid_from, bearer, parts)


def publish(rooms: Rooms, *rules: SplitRule) -> int:
    return within(rooms, lambda uow: service.publish_split_rules(uow, rules))


def with_fee(payee: str, millionths: int) -> tuple[Part, Part]:
    """Return parts of which the platform keeps a fee, and the payee gets the rest."""
    return (
        Part("platform-fee", PartKind.PERCENT, millionths, 1),
        Part(f"payee:{payee}", PartKind.REMAINDER, 0, 2),
    )


def portion(payee: str, amount: int, service_id: str = "water-bill") -> Portion:
    return Portion(uuid4(), payee, service_id, amount, TITLE)


def capture(rooms: Rooms, *portions: Portion, payment: UUID | None = None) -> Capture:
    """Book money that has come for portions, and return what was booked."""
    booked = Capture(
        gateway="stripe",
        external_ref=f"stripe:pi_{uuid4().hex}",
        subject_id=payment or uuid4(),
        occurred_at=now(),
        amount=sum(one.amount for one in portions),
        portions=portions,
    )
    within(rooms, lambda uow: service.book_capture(uow, booked))
    return booked


def asked(reference: str, payment: UUID, kind: str = "refund.asked") -> Booking:
    return Booking(kind, reference, payment, now(), ())


def refund(
    rooms: Rooms, booked: Capture, of: Portion, amount: int, reference: str | None = None
) -> str:
    """Take an amount of a portion back, and return the refund's reference."""
    reference = reference or str(uuid4())
    booking = asked(reference, booked.subject_id)
    within(rooms, lambda uow: service.take_back(uow, of.id, booking, amount, REFUNDS_PAYABLE))
    return reference


def fail(rooms: Rooms, booked: Capture, reference: str) -> None:
    """Give back what a refund took."""
    booking = asked(reference, booked.subject_id, "refund.failed")
    within(rooms, lambda uow: service.give_back(uow, booking, "refund.asked", reference))


def sums(rooms: Rooms, payment: UUID) -> Mapping[str, int]:
    """Return what each account holds of one payment; accounts at zero are left out."""
    found = rows(
        rooms,
        "select a.code, sum(e.amount) from ledger_entries e "
        "join ledger_transactions t on t.id = e.transaction_id "
        "join ledger_accounts a on a.id = e.account_id "
        "where t.subject_id = :id group by a.code having sum(e.amount) <> 0",
        id=payment,
    )
    return {code: int(amount) for code, amount in found}


def lines(rooms: Rooms, kind: str, reference: str) -> list[tuple[str, int]]:
    """Return the lines of one transaction."""
    return rows(
        rooms,
        "select a.code, e.amount from ledger_entries e "
        "join ledger_transactions t on t.id = e.transaction_id "
        "join ledger_accounts a on a.id = e.account_id "
        "where t.kind = :kind and t.external_ref = :reference order by e.line_no",
        kind=kind,
        reference=reference,
    )


def per_account(*found: Sequence[tuple[str, int]]) -> Mapping[str, int]:
    total: dict[str, int] = defaultdict(int)
    for one in found:
        for code, amount in one:
            total[code] += amount
    return {code: amount for code, amount in total.items() if amount}


class Probe:
    """What a poll of the trial balance has seen: how often, and how often it was not zero."""

    def __init__(self) -> None:
        self.probes = 0
        self.broken: list[object] = []


@contextmanager
def probing(rooms: Rooms, pause: float = 0.02) -> Iterator[Probe]:
    """Poll the trial balance beside the enclosed lines, and once after them."""
    probe = Probe()
    over = threading.Event()

    def look() -> None:
        with rooms.units.open(actor="probe", read_only=True) as uow:
            balance = service.read_trial_balance(uow)
        probe.probes += 1
        if not balance.is_zero:
            probe.broken.append(balance.currencies)

    def poll() -> None:
        while not over.wait(pause):
            look()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield probe
    finally:
        over.set()
        thread.join()
        look()
