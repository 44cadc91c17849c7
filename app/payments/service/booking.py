"""What each movement of money means in the books: the only place where payments meet the ledger."""

from collections.abc import Sequence
from dataclasses import replace

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.values import (
    DISPUTES,
    REFUNDS_PAYABLE,
    SUSPENSE,
    AccountRef,
    Booking,
    Capture,
    Line,
    Portion,
    clearing,
    payee,
)
from app.payments.models import PaymentAttempt, PaymentItem, Refund


def book_capture(uow: UnitOfWork, attempt: PaymentAttempt, items: Sequence[PaymentItem]) -> None:
    """Book the money of a locked attempt, each item split by the rule of today; once an intent."""
    ledger.book_capture(
        uow,
        Capture(
            gateway=attempt.gateway,
            external_ref=_intent(attempt),
            subject_id=attempt.payment_id,
            occurred_at=now(),
            amount=attempt.captured_amount,
            currency=attempt.currency,
            portions=[
                Portion(item.id, item.payee, item.service, item.amount, item.title)
                for item in sorted(items, key=lambda item: item.line_no)
            ],
        ),
    )


def book_late_money(uow: UnitOfWork, attempt: PaymentAttempt) -> None:
    """Book money that came after its attempt had ended: it belongs to no open payment."""
    lines = _pair(clearing(attempt.gateway), SUSPENSE, attempt.captured_amount)
    ledger.book(uow, _booking("payment.late", _intent(attempt), attempt, lines))


def book_refund_asked(uow: UnitOfWork, refund: Refund, item: PaymentItem | None) -> None:
    """Book that money is owed to the citizen, taken from the split that its item had when it came.

    The item's attempt is locked. All refunds of an item together take exactly what each got.
    """
    booking = _booking("refund.asked", str(refund.id), refund)
    _take(uow, booking, item, refund.amount, REFUNDS_PAYABLE)


def book_refund_done(uow: UnitOfWork, refund: Refund, attempt: PaymentAttempt) -> None:
    """Book that the gateway has returned the money."""
    lines = _pair(REFUNDS_PAYABLE, clearing(attempt.gateway), refund.amount)
    ledger.book(uow, _booking("refund.done", str(refund.id), refund, lines))


def book_refund_failed(uow: UnitOfWork, refund: Refund, item: PaymentItem | None) -> None:
    """Book that the money cannot go back: everybody gets again what the refund took of them."""
    del item  # what was taken knows of whom
    booking = _booking("refund.failed", str(refund.id), refund)
    ledger.give_back(uow, booking, "refund.asked", str(refund.id))


def book_refund_reversed(
    uow: UnitOfWork, refund: Refund, attempt: PaymentAttempt, item: PaymentItem | None
) -> None:
    """Book that returned money has come back to us: everybody gets what the refund took of them."""
    del item  # what was taken knows of whom
    booking = _booking("refund.reversed", str(refund.id), refund)
    source = clearing(attempt.gateway)
    ledger.give_back(uow, booking, "refund.asked", str(refund.id), source)


def book_dispute_opened(
    uow: UnitOfWork, attempt: PaymentAttempt, dispute_id: str, amount: int
) -> None:
    """Book that a gateway holds money of an attempt back; once a dispute of theirs."""
    lines = _pair(DISPUTES, clearing(attempt.gateway), amount)
    ledger.book(uow, _booking("dispute.opened", f"{attempt.gateway}:{dispute_id}", attempt, lines))


def book_dispute_won(
    uow: UnitOfWork, attempt: PaymentAttempt, dispute_id: str, amount: int
) -> None:
    """Book that the gateway has released what it held back."""
    lines = _pair(clearing(attempt.gateway), DISPUTES, amount)
    ledger.book(uow, _booking("dispute.won", f"{attempt.gateway}:{dispute_id}", attempt, lines))


def book_dispute_lost(
    uow: UnitOfWork,
    attempt: PaymentAttempt,
    dispute_id: str,
    amount: int,
    item: PaymentItem | None,
) -> None:
    """Book that what was held back is gone, taken from the split of its item.

    A dispute over several items is booked item by item; without one it is suspense that pays.
    """
    reference = f"{attempt.gateway}:{dispute_id}" + (f":{item.line_no}" if item else "")
    _take(uow, _booking("dispute.lost", reference, attempt), item, amount, DISPUTES)


def _take(
    uow: UnitOfWork, booking: Booking, item: PaymentItem | None, amount: int, to: AccountRef
) -> None:
    if item is not None and ledger.shares_of(uow, item.id):
        ledger.take_back(uow, item.id, booking, amount, to)
        return
    # Late money, or an item that was paid before there were splits: all of it was one account's.
    source = SUSPENSE if item is None else payee(item.payee)
    ledger.book(uow, replace(booking, lines=_pair(source, to, amount)))


def _intent(attempt: PaymentAttempt) -> str:
    return f"{attempt.gateway}:{attempt.intent_id}"


def _pair(debit: AccountRef, credit: AccountRef, amount: int) -> list[Line]:
    return [Line(debit, amount), Line(credit, -amount)]


def _booking(
    kind: str,
    external_ref: str,
    record: PaymentAttempt | Refund,
    lines: Sequence[Line] = (),
) -> Booking:
    return Booking(
        kind=kind,
        external_ref=external_ref,
        subject_id=record.payment_id,
        occurred_at=now(),
        currency=record.currency,
        lines=lines,
    )
