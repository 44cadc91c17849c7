"""What gateways keep and pay out, as their own books say: booked once for each movement."""

from collections.abc import Mapping
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import select

from app.core.unit_of_work import UnitOfWork
from app.ledger.models import LedgerTransaction
from app.ledger.service.booking import book
from app.ledger.service.shares import allocate
from app.ledger.service.splits import bearers_of
from app.ledger.values import (
    BANK,
    GATEWAY_FEES,
    AccountRef,
    Booking,
    Fee,
    Line,
    Payout,
    clearing,
)


def book_gateway_fee(uow: UnitOfWork, fee: Fee) -> UUID:
    """Book what a gateway keeps of a movement, as borne by whom the rules of its payment say.

    The fee of a payment with several items is divided by their amounts. Idempotent by gateway and
    reference; `BookingDiffers` for another amount. A fee of nothing is a ValueError.
    """
    bearers: Mapping[AccountRef | None, int] = {None: 1}
    if fee.subject_id is not None:
        captures = select(LedgerTransaction.id).where(
            LedgerTransaction.subject_id == fee.subject_id,
            LedgerTransaction.kind == "payment.captured",
        )
        bearers = bearers_of(uow, uow.scalars(captures).all()) or bearers
    return book(uow, booking_of_fee(fee, bearers))


def booking_of_fee(fee: Fee, bearers: Mapping[AccountRef | None, int]) -> Booking:
    """Return the booking of a fee, divided among those who bear it by what they stand for."""
    sign = 1 if fee.amount > 0 else -1
    divided = zip(bearers, allocate(abs(fee.amount), list(bearers.values())), strict=True)
    lines = [Line(who or GATEWAY_FEES, sign * part) for who, part in divided if part]
    return Booking(
        kind="gateway.fee",
        external_ref=f"{fee.gateway}:{fee.reference}",
        subject_id=fee.subject_id or _subject(fee.gateway, fee.reference),
        occurred_at=fee.occurred_at,
        currency=fee.currency,
        lines=[*lines, Line(clearing(fee.gateway), -fee.amount)],
    )


def book_payout(uow: UnitOfWork, payout: Payout) -> UUID:
    """Book that a gateway has paid out to our bank; idempotent by gateway and payout id."""
    return book(
        uow,
        Booking(
            kind="gateway.payout",
            external_ref=f"{payout.gateway}:{payout.payout_id}",
            subject_id=_subject(payout.gateway, payout.payout_id),
            occurred_at=payout.occurred_at,
            currency=payout.currency,
            lines=[Line(BANK, payout.amount), Line(clearing(payout.gateway), -payout.amount)],
        ),
    )


def _subject(gateway: str, reference: str) -> UUID:
    """Return the id under which what belongs to no payment of ours is found again."""
    return uuid5(NAMESPACE_URL, f"{gateway}:{reference}")
