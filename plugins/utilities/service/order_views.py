"""A citizen's orders as they stand: read in one statement, their state said by their postings."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from app.sdk import House, Page, PageRequest, UnitOfWork, fetch_page, mask_number, now
from plugins.utilities.errors import BillNotFound, OrderNotFound
from plugins.utilities.models import Order
from plugins.utilities.values import (
    BILLERS,
    CONFIRMED,
    CitizensOrder,
    Laid,
    OrderKind,
    OrderPart,
    OrderStatus,
    PostingState,
    order_reference,
)

_UNDER_WAY = (PostingState.UNSENT, PostingState.SENT, PostingState.UNCLEAR)


def list_orders(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    page: PageRequest,
    billers: Sequence[str],
) -> Page[CitizensOrder]:
    """Return a page of a citizen's orders at the named billers, the first minted first."""
    mine = orders_of(citizen_reference).where(Order.biller.in_(billers))
    rows = fetch_page(uow, mine, [Order.made_at, Order.id], page)
    return Page([show_order(house, row, status_of(row)) for row in rows.items], rows.next_cursor)


def find_order(
    house: House, uow: UnitOfWork, citizen_reference: str, order_id: UUID, billers: Sequence[str]
) -> CitizensOrder:
    """Return one of a citizen's orders at the named billers, or raise `OrderNotFound`."""
    mine = orders_of(citizen_reference).where(Order.biller.in_(billers), Order.id == order_id)
    order = uow.scalar(mine)
    if order is None:
        raise OrderNotFound
    return show_order(house, order, status_of(order))


def list_all_orders(house: House, uow: UnitOfWork, citizen_reference: str) -> list[CitizensOrder]:
    """Return every order of a citizen."""
    return [
        show_order(house, order, status_of(order))
        for order in uow.scalars(orders_of(citizen_reference))
    ]


def orders_of(citizen_reference: str) -> Select[Order]:
    """Return the statement of a citizen's orders: whose they are stands in its WHERE."""
    return (
        select(Order)
        .options(selectinload(Order.postings), selectinload(Order.load))
        .where(Order.citizen_reference == citizen_reference)
    )


def status_of(order: Order) -> OrderStatus:
    """Return how an order stands: its postings say so, and without any the clock does."""
    states = {posting.state for posting in order.postings}
    if PostingState.BOOKED in states:
        return OrderStatus.PAID
    if PostingState.REVERSED in states:
        return OrderStatus.REVERSED
    if states.intersection(_UNDER_WAY):
        return OrderStatus.PROCESSING
    if PostingState.REFUSED in states:
        return OrderStatus.REFUSED
    return OrderStatus.EXPIRED if order.expires_at <= now() else OrderStatus.OPEN


def laid_of(house: House, order: Order) -> Laid:
    """Return how a biller is told to lay out an order. Raise `BillNotFound` for an erased one."""
    if order.number_sealed is None:
        raise BillNotFound(reason="bill-not-found")
    sums: dict[str, int] = {}
    for part in order.parts:
        sums[part["bill"]] = sums.get(part["bill"], 0) + part["amount"]
    return Laid(
        account=house.vault.unseal(order.number_sealed, place=f"orders|number|{order.id}"),
        bills=[(bill, amount) for bill, amount in sums.items() if amount],
        advance=order.advance,
        top_up=order.amount if order.kind == OrderKind.TOP_UP else 0,
    )


def show_order(house: House, order: Order, status: OrderStatus) -> CitizensOrder:
    """Return an order as its citizen sees it."""
    postings = order.postings if status != OrderStatus.OPEN else []
    load = order.load if status != OrderStatus.OPEN else None
    booked = [p.answer_reference for p in postings if p.state in CONFIRMED]
    refused = [p.refusal for p in postings if p.state == PostingState.REFUSED]
    token = order.token_sealed
    return CitizensOrder(
        id=order.id,
        service=BILLERS[order.biller].service,
        reference=order_reference(order.id),
        biller=order.biller,
        account_number_masked=mask_number(laid_of(house, order).account),
        kind=order.kind,
        amount=order.amount,
        currency=order.currency,
        status=status,
        parts=[OrderPart(**part) for part in order.parts],
        advance=order.advance,
        made_at=order.made_at,
        expires_at=order.expires_at,
        posting_reference=booked[0] if booked else None,
        refusal=refused[0] if refused and not booked else None,
        token=None
        if token is None
        else house.vault.unseal(token, place=f"orders|token|{order.id}"),
        meter_load=None if load is None else load.status,
    )
