"""What each movement of money means in the books: the only place where payments meet the ledger."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.values import (
    REFUNDS_PAYABLE,
    SUSPENSE,
    AccountRef,
    Booking,
    Line,
    clearing,
    payee,
)
from app.payments.models import PaymentAttempt, PaymentItem, Refund


def book_capture(uow: UnitOfWork, attempt: PaymentAttempt, items: Sequence[PaymentItem]) -> None:
    """Book the money of a locked attempt as owed to the payees of its items; once an intent."""
    owed: dict[str, int] = defaultdict(int)
    for item in items:
        owed[item.payee] += item.amount
    credited = [Line(payee(name), -amount) for name, amount in sorted(owed.items()) if amount]
    debited = Line(clearing(attempt.gateway), attempt.captured_amount)
    lines = [debited, *credited]
    _book(uow, "payment.captured", _intent(attempt), attempt.payment_id, attempt.currency, lines)


def book_late_money(uow: UnitOfWork, attempt: PaymentAttempt) -> None:
    """Book money that came after its attempt had ended: it belongs to no open payment."""
    lines = _pair(clearing(attempt.gateway), SUSPENSE, attempt.captured_amount)
    _book(uow, "payment.late", _intent(attempt), attempt.payment_id, attempt.currency, lines)


def book_refund_asked(uow: UnitOfWork, refund: Refund, item: PaymentItem | None) -> None:
    """Book that money is owed to the citizen, and no longer to the payee of its item."""
    _book_refund(uow, "refund.asked", refund, _pair(_source(item), REFUNDS_PAYABLE, refund.amount))


def book_refund_done(uow: UnitOfWork, refund: Refund, attempt: PaymentAttempt) -> None:
    """Book that the gateway has returned the money."""
    lines = _pair(REFUNDS_PAYABLE, clearing(attempt.gateway), refund.amount)
    _book_refund(uow, "refund.done", refund, lines)


def book_refund_failed(uow: UnitOfWork, refund: Refund, item: PaymentItem | None) -> None:
    """Book that the money cannot go back and is owed as before."""
    _book_refund(uow, "refund.failed", refund, _pair(REFUNDS_PAYABLE, _source(item), refund.amount))


def book_refund_reversed(
    uow: UnitOfWork, refund: Refund, attempt: PaymentAttempt, item: PaymentItem | None
) -> None:
    """Book that returned money has come back to us and is owed as before."""
    lines = _pair(clearing(attempt.gateway), _source(item), refund.amount)
    _book_refund(uow, "refund.reversed", refund, lines)


def _source(item: PaymentItem | None) -> AccountRef:
    return payee(item.payee) if item else SUSPENSE


def _intent(attempt: PaymentAttempt) -> str:
    return f"{attempt.gateway}:{attempt.intent_id}"


def _pair(debit: AccountRef, credit: AccountRef, amount: int) -> list[Line]:
    return [Line(debit, amount), Line(credit, -amount)]


def _book_refund(uow: UnitOfWork, kind: str, refund: Refund, lines: Sequence[Line]) -> None:
    _book(uow, kind, str(refund.id), refund.payment_id, refund.currency, lines)


def _book(
    uow: UnitOfWork,
    kind: str,
    external_ref: str,
    payment_id: UUID,
    currency: str,
    lines: Sequence[Line],
) -> None:
    ledger.book(
        uow,
        Booking(
            kind=kind,
            external_ref=external_ref,
            subject_id=payment_id,
            occurred_at=now(),
            currency=currency,
            lines=lines,
        ),
    )
