"""Orders: one amount laid on an account's bills, oldest first, under a reference minted for it.

What an order pays is fixed when it is minted: what the citizen saw is what the biller is told, or
nothing. Whoever is quicker, the biller's counter or another order, is settled by the biller.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from app.sdk import (
    House,
    NotFound,
    Page,
    PageRequest,
    Payable,
    Unavailable,
    UnitOfWork,
    fetch_page,
    mask_number,
    new_id,
    now,
)
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import (
    AlreadyPaid,
    AmountNotAllowed,
    BillNotFound,
    LateBillIndivisible,
    NoPrepaidMeter,
    OrderClosed,
    OrderNotFound,
    OrderOutdated,
    TooManyOrders,
)
from plugins.utilities.models import Account, Bill, Order
from plugins.utilities.service.accounts import lock_citizen, number_of
from plugins.utilities.service.apportionment import Apportionment, apportion, total_owed
from plugins.utilities.service.look_ups import looked_up_number, own_look_up
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.service.owing import (
    is_expired,
    late_fee_on,
    owed_lines,
    owed_on,
    today,
)
from plugins.utilities.service.terms import Terms, find_terms
from plugins.utilities.values import (
    BILLERS,
    CONFIRMED,
    CURRENCY,
    OWED,
    AmountRule,
    BillerBill,
    BillStatus,
    CitizensOrder,
    Fetch,
    Laid,
    NewOrder,
    OrderKind,
    OrderPart,
    OrderStatus,
    PostingState,
    TopUp,
    order_reference,
)

LIFETIME = timedelta(minutes=30)
"""Longer than a payment of the house lives, so that one begun in time can be ended."""
MAX_OPEN = 20
_TITLES = {
    OrderKind.PAYMENT: {"zh": "缴费", "en": "payment"},
    OrderKind.TOP_UP: {"zh": "充值", "en": "top-up"},
}
_UNDER_WAY = (PostingState.UNSENT, PostingState.SENT, PostingState.UNCLEAR)


@dataclass(frozen=True, slots=True)
class _Payee:
    """The account that is paid for, and the last day of periods that are paid."""

    biller: str
    number: str
    number_index: bytes
    last_day: date = date.max


@dataclass(frozen=True, slots=True)
class _Payer:
    """Who pays, and where they are told what becomes of it."""

    reference: str
    letterbox: str


def mint_order(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    account_id: UUID,
    wanted: NewOrder,
    *,
    billers: Collection[str] = BILLERS,
    letterbox: str = "",
) -> CitizensOrder:
    """Mint a reference for an amount, laid on what the biller says is owed right now.

    Raise `NotFound` for an account that is not the citizen's or at none of the named billers,
    `AmountNotAllowed` as the biller's terms say, `LateBillIndivisible`, `NoPrepaidMeter`,
    `BillNotFound` or `TooManyOrders`.
    """
    with house.unit_of_work() as reading:
        account = reading.scalar(
            select(Account).where(
                Account.id == account_id,
                Account.citizen_reference == citizen_reference,
                Account.biller.in_(billers),
            )
        )
    if account is None:
        raise NotFound
    payee = _Payee(
        account.biller,
        number_of(house, account),
        account.number_index,
        account.moved_out_on or date.max,
    )
    return _mint(house, uow, _Payer(citizen_reference, letterbox), payee, wanted)


def mint_order_for_others(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    look_up_id: UUID,
    wanted: NewOrder,
    *,
    letterbox: str = "",
) -> CitizensOrder:
    """Mint a reference for an account that the citizen has looked up, as `mint_order` does.

    Raise `LookUpNotFound` for one that is not the citizen's, or not of the last half hour.
    """
    with house.unit_of_work() as reading:
        found = own_look_up(reading, citizen_reference, look_up_id)
    payee = _Payee(found.biller, looked_up_number(house, found), found.number_index)
    return _mint(house, uow, _Payer(citizen_reference, letterbox), payee, wanted)


def _mint(
    house: House, uow: UnitOfWork, payer: _Payer, payee: _Payee, wanted: NewOrder
) -> CitizensOrder:
    client, asked_at = BillerClient.of(house), now()
    if wanted.kind == OrderKind.TOP_UP:
        _check_top_up(client, payee.biller, payee.number, wanted.amount)
        laid = Apportionment((), 0)
    else:
        told = fetch_bills(client, payee.biller, payee.number)
        keep_asked(uow, house, told or [], asked_at=asked_at)
        laid = lay_out(wanted.amount, _open_bills(uow, payee, wanted), payee.biller)
    lock_citizen(uow, payer.reference)
    _check_open(uow, payer.reference)
    order = _write_down(house, uow, payer, payee, wanted, laid)
    return _show(house, order, OrderStatus.OPEN)


def fetch_bills(client: BillerClient, biller: str, number: str) -> list[BillerBill] | None:
    """Return what a biller tells of an account, or None where it is paid without being asked.

    So it is at a biller that cannot be asked, and at one that need not be and does not answer; one
    that must be asked raises `BillerUnavailable`.
    """
    fetch = find_terms(biller).fetch
    if fetch == Fetch.NONE:
        return None
    try:
        return client.bills_of(biller, number)
    except Unavailable:
        if fetch == Fetch.MANDATORY:
            raise
        return None


def lay_out(amount: int, bills: Sequence[Bill], biller: str) -> Apportionment:
    """Return how an amount falls on bills, oldest period first; the surplus is an advance.

    The parts and the advance add up to the amount. Raise `AmountNotAllowed` for what the biller's
    terms do not take, and `LateBillIndivisible` where a bill that costs a late fee would be cut.
    """
    day = today()
    owed = owed_lines(bills, day)
    _check_amount(find_terms(biller), amount, total_owed(owed))
    laid = apportion(amount, owed)
    before = 0
    for bill in sorted(bills, key=lambda bill: (bill.period_from, bill.biller_reference)):
        whole = owed_on(bill, day)
        part = sum(p.amount for p in laid.parts if p.bill == bill.biller_reference)
        if part not in (0, whole) and late_fee_on(bill, day):
            raise LateBillIndivisible(at_least=before + whole)
        before += whole
    return laid


def list_orders(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    page: PageRequest,
    billers: Sequence[str],
) -> Page[CitizensOrder]:
    """Return a page of a citizen's orders at the named billers, the first minted first."""
    mine = _orders_of(citizen_reference).where(Order.biller.in_(billers))
    rows = fetch_page(uow, mine, [Order.made_at, Order.id], page)
    return Page([_show(house, row, status_of(row)) for row in rows.items], rows.next_cursor)


def find_order(
    house: House, uow: UnitOfWork, citizen_reference: str, order_id: UUID, billers: Sequence[str]
) -> CitizensOrder:
    """Return one of a citizen's orders at the named billers, or raise `OrderNotFound`."""
    mine = _orders_of(citizen_reference).where(Order.biller.in_(billers), Order.id == order_id)
    order = uow.scalar(mine)
    if order is None:
        raise OrderNotFound
    return _show(house, order, status_of(order))


def list_all_orders(house: House, uow: UnitOfWork, citizen_reference: str) -> list[CitizensOrder]:
    """Return every order of a citizen."""
    return [
        _show(house, order, status_of(order))
        for order in uow.scalars(_orders_of(citizen_reference))
    ]


def ask_order(house: House, order_id: UUID, citizen_reference: str) -> Payable:
    """Return what an order pays, once more after its biller was asked.

    Raise `BillNotFound` for somebody else's order, `AlreadyPaid`, `OrderClosed`, or `OrderOutdated`
    when a bill of it does not owe any more what the order lays on it.
    """
    with house.unit_of_work() as uow:
        order = uow.scalar(_orders_of(citizen_reference).where(Order.id == order_id))
    if order is None:
        raise BillNotFound
    status = status_of(order)
    if status == OrderStatus.PAID:
        raise AlreadyPaid
    if status in (OrderStatus.REFUSED, OrderStatus.EXPIRED, OrderStatus.REVERSED):
        raise OrderClosed
    laid = laid_of(house, order)
    if laid.bills:
        asked_at = now()
        told = fetch_bills(BillerClient.of(house), order.biller, laid.account)
        with house.unit_of_work() as uow:
            keep_asked(uow, house, told or [], asked_at=asked_at)
        if told is not None and not _still_owes(told, laid):
            raise OrderOutdated
    biller = BILLERS[order.biller]
    titles = _TITLES[OrderKind(order.kind)]
    return Payable(
        reference=order_reference(order.id),
        title={language: f"{biller.title[language]} {titles[language]}" for language in titles},
        amount=order.amount,
        currency=order.currency,
        payee=biller.id,
        due_date=None,
        version=f"{order.currency}-{order.amount}",
        service=biller.service,
    )


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


def _orders_of(citizen_reference: str) -> Select[Order]:
    """Return the statement of a citizen's orders: whose they are stands in its WHERE."""
    return (
        select(Order)
        .options(selectinload(Order.postings), selectinload(Order.load))
        .where(Order.citizen_reference == citizen_reference)
    )


def _check_top_up(client: BillerClient, biller: str, number: str, amount: int) -> None:
    terms = find_terms(biller)
    found = client.account(biller, number) if terms.top_up != TopUp.NONE else None
    if found is None or not found.is_prepaid:
        raise NoPrepaidMeter
    if amount < terms.min_amount:
        raise AmountNotAllowed(min_amount=terms.min_amount)


def _check_amount(terms: Terms, amount: int, owed: int) -> None:
    """Raise `AmountNotAllowed` for what the biller does not take while so much is owed."""
    is_part, is_surplus = amount < owed, amount > owed
    rule = terms.amount_rule
    is_allowed = (
        (not is_part or terms.partial_allowed)
        and (not is_surplus or terms.advance_allowed)
        and not (owed and is_part and rule in (AmountRule.EXACT, AmountRule.AT_LEAST))
        and not (owed and is_surplus and rule in (AmountRule.EXACT, AmountRule.AT_MOST))
        and (amount == owed or amount >= terms.min_amount)
    )
    if not is_allowed:
        raise AmountNotAllowed(owed=owed, min_amount=terms.min_amount, amount_rule=str(rule))


def _open_bills(uow: UnitOfWork, payee: _Payee, wanted: NewOrder) -> Sequence[Bill]:
    """Return the bills that are paid: all open ones of the account, or those that were named."""
    day = today()
    theirs = select(Bill).where(
        Bill.biller == payee.biller,
        Bill.account_index == payee.number_index,
        Bill.period_from <= payee.last_day,
        Bill.status.in_(OWED),
    )
    # What the biller has just told was written past the objects of this unit.
    fresh = theirs.execution_options(populate_existing=True)
    bills = [bill for bill in uow.scalars(fresh) if not is_expired(bill, day)]
    if wanted.bills is None:
        return bills
    named = set(wanted.bills)
    if named - {bill.id for bill in bills}:
        raise BillNotFound
    return [bill for bill in bills if bill.id in named]


def _check_open(uow: UnitOfWork, citizen_reference: str) -> None:
    open_orders = (
        select(func.count())
        .select_from(Order)
        .where(
            Order.citizen_reference == citizen_reference,
            Order.expires_at > now(),
            ~Order.postings.any(),
        )
    )
    if (uow.scalar(open_orders) or 0) >= MAX_OPEN:
        raise TooManyOrders(f"At most {MAX_OPEN} orders can be open.")


def _write_down(
    house: House,
    uow: UnitOfWork,
    payer: _Payer,
    payee: _Payee,
    wanted: NewOrder,
    laid: Apportionment,
) -> Order:
    order_id, moment = new_id(), now()
    order = Order(
        id=order_id,
        citizen_reference=payer.reference,
        letterbox=payer.letterbox,
        kind=wanted.kind,
        biller=payee.biller,
        number_sealed=house.vault.seal(payee.number, place=f"orders|number|{order_id}"),
        amount=wanted.amount,
        currency=CURRENCY,
        parts=[{"bill": p.bill, "head": p.head, "amount": p.amount} for p in laid.parts],
        advance=laid.advance,
        made_at=moment,
        expires_at=moment + LIFETIME,
    )
    uow.add(order)
    uow.flush()
    return order


def _still_owes(told: Sequence[BillerBill], laid: Laid) -> bool:
    """Say whether each bill still owes at least what is laid on it."""
    asked = {bill.number: bill for bill in told if bill.status != BillStatus.PAID}
    for number, amount in laid.bills:
        bill = asked.get(number)
        if bill is None:
            return False
        whole = bill.amount - bill.paid_amount + (bill.late_fee or 0)
        if amount != whole and (amount > whole or bill.late_fee):
            return False
    return True


def _show(house: House, order: Order, status: OrderStatus) -> CitizensOrder:
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
