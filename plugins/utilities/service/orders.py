"""Orders: one amount laid on an account's bills, oldest first, under a reference minted for it.

What an order pays is fixed when it is minted: what the citizen saw is what the biller is told, or
nothing. Whoever is quicker, the biller's counter or another order, is settled by the biller.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.sdk import (
    House,
    NotFound,
    Unavailable,
    UnitOfWork,
    new_id,
    now,
)
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import (
    AmountNotAllowed,
    BillNotFound,
    LateBillIndivisible,
    NoPrepaidMeter,
    TooManyOrders,
)
from plugins.utilities.models import Account, Bill, Order
from plugins.utilities.service.accounts import lock_citizen, number_of
from plugins.utilities.service.apportionment import Apportionment, apportion, total_owed
from plugins.utilities.service.look_ups import looked_up_number, own_look_up
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.service.order_views import show_order
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
    CURRENCY,
    OWED,
    AmountRule,
    BillerBill,
    CitizensOrder,
    Fetch,
    NewOrder,
    OrderKind,
    OrderStatus,
    TopUp,
)

LIFETIME = timedelta(minutes=30)
"""Longer than a payment of the house lives, so that one begun in time can be ended."""
MAX_OPEN = 20


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
    return show_order(house, order, OrderStatus.OPEN)


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
