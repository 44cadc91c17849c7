"""Fees booked many at once mean what they mean one by one."""

import secrets
from collections.abc import Sequence
from uuid import UUID

import pytest

from app.core.clock import now
from app.core.ids import new_id
from app.core.pagination import PageRequest
from app.factory import Rooms
from app.ledger import service
from app.ledger.errors import BookingDiffers
from app.ledger.values import Fee, TransactionView


def make_fee(gateway: str, number: int, amount: int, subject: UUID | None = None) -> Fee:
    return Fee(gateway, f"txn_{number}", amount, now(), subject)


def of_gateway(rooms: Rooms, subject: UUID) -> Sequence[TransactionView]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return service.list_transactions(uow, PageRequest(100), subject).items


def test_many_fees_are_booked_once_each(rooms: Rooms) -> None:
    gateway, subjects = f"paper-{secrets.token_hex(4)}", [new_id() for _ in range(40)]
    fees = [make_fee(gateway, n, n - 20 or 1, subject) for n, subject in enumerate(subjects)]
    for _ in range(2):
        with rooms.units.open(actor="test") as uow:
            assert service.book_gateway_fees(uow, fees) == []
    for fee, subject in zip(fees, subjects, strict=True):
        (booked,) = of_gateway(rooms, subject)
        assert (booked.kind, booked.external_ref) == ("gateway.fee", f"{gateway}:{fee.reference}")
        assert [(e.account, e.amount) for e in booked.entries] == [
            ("gateway-fees", fee.amount),
            (f"clearing:{gateway}", -fee.amount),
        ]
    with rooms.units.open(actor="test") as uow:
        service.book_gateway_fee(uow, fees[0])  # the same booking as one by one


def test_what_is_booked_otherwise_is_named_and_left_as_it_is(rooms: Rooms) -> None:
    gateway, subject = f"paper-{secrets.token_hex(4)}", new_id()
    first, other = make_fee(gateway, 1, 5, subject), make_fee(gateway, 1, 6, subject)
    with rooms.units.open(actor="test") as uow:
        assert service.book_gateway_fees(uow, [first, make_fee(gateway, 2, 7)]) == []
    with rooms.units.open(actor="test") as uow:
        assert service.book_gateway_fees(uow, [other, make_fee(gateway, 3, 8)]) == ["txn_1"]
    assert [e.amount for e in of_gateway(rooms, subject)[0].entries] == [5, -5]
    with pytest.raises(BookingDiffers), rooms.units.open(actor="test") as uow:
        service.book_gateway_fee(uow, other)


def test_the_same_reference_twice_in_one_call_is_booked_once(rooms: Rooms) -> None:
    gateway, subject = f"paper-{secrets.token_hex(4)}", new_id()
    fees = [make_fee(gateway, 1, 5, subject), make_fee(gateway, 1, 6, subject)]
    with rooms.units.open(actor="test") as uow:
        assert service.book_gateway_fees(uow, fees) == ["txn_1", "txn_1"]
    assert [e.amount for e in of_gateway(rooms, subject)[0].entries] == [5, -5]
