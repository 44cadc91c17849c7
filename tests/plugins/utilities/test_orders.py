"""Orders: a part, several bills at once, ahead, a meter; laid out oldest first, paid once."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core.errors import DomainError
from app.factory import Rooms
from app.sdk import (
    Citizen,
    Conflict,
    House,
    NotFound,
    OutcomeUnknown,
    PageRequest,
    PaymentNotice,
    new_id,
    now,
)
from plugins.utilities import service
from plugins.utilities.errors import (
    AlreadyPaid,
    AmountNotAllowed,
    BillerUnavailable,
    BillNotFound,
    LateBillIndivisible,
    NoPrepaidMeter,
    OrderClosed,
    OrderNotFound,
    OrderOutdated,
    TooManyOrders,
)
from plugins.utilities.models import Bill, Order
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.orders import LIFETIME, MAX_OPEN, lay_out
from plugins.utilities.service.owing import owed_on, today
from plugins.utilities.service.terms import TERMS
from plugins.utilities.values import (
    BILLERS,
    BillStatus,
    CitizensBill,
    CitizensOrder,
    Fetch,
    NewOrder,
    OrderKind,
    OrderPart,
)
from tests.conftest import World
from tests.factories import Citizen as Payer
from tests.factories import later, log_in, run_jobs
from tests.payments.helpers import confirm, deliver, new_key, read
from tests.plugins.utilities.conftest import Subscriber, link, notice_for

LINES = {
    "lines": [
        {"head": "sewage", "kind": "fee", "order": 2, "amount": 900},
        {"head": "water", "kind": "charge", "order": 1, "amount": 3000},
        {"head": "rebate", "kind": "rebate", "order": 3, "amount": -400},
    ]
}
RACES = 208
HEAD_STARTS = (0, 0.003, 0.006, 0.01, 0.015, 0.025, 0.05)
"""So long our notice is under way, in seconds: the counter comes before it, with it, after it."""


def mint(
    house: House,
    citizen: Citizen,
    account_id: UUID,
    amount: int,
    **more: Any,  # noqa: ANN401
) -> CitizensOrder:
    """Mint an order as the route does."""
    with house.unit_of_work() as uow:
        return service.mint_order(
            house, uow, citizen.reference, account_id, NewOrder(amount, **more)
        )


def order_of(house: House, citizen: Citizen, order: CitizensOrder) -> CitizensOrder:
    with house.unit_of_work() as uow:
        return service.find_order(house, uow, citizen.reference, order.id, list(BILLERS))


def bills_of(house: House, citizen: Citizen) -> dict[str, CitizensBill]:
    """Return the citizen's bills by the biller's numbers, asked for anew."""
    with later(11):
        service.refresh_bills(house, citizen.reference)
    with house.unit_of_work() as uow:
        page = service.list_bills(house, uow, citizen.reference, PageRequest(100))
    return {bill.biller_reference: bill for bill in page.items}


def tell(provider: UtilitiesProvider, citizen: Citizen, order: CitizensOrder) -> str:
    """Pay an order as the house does; return the confirmation, or the refusal's code."""
    payable = provider.get_payable(order.reference, citizen)
    try:
        return provider.fulfil(notice_for(payable)).reference
    except DomainError as refusal:
        return refusal.code


def test_a_part_is_laid_on_the_oldest_period_first_and_the_biller_is_told_so(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    young = subscriber.add_bill(2000)
    old = subscriber.add_bill(3500, period_from="2026-08-01", period_to="2026-08-31", detail=LINES)
    account = link(house, citizen, subscriber)
    order = mint(house, citizen, account.id, 4000)
    assert list(order.parts) == [
        OrderPart(old, "rebate", -400),
        OrderPart(old, "water", 3000),
        OrderPart(old, "sewage", 900),
        OrderPart(young, "bill", 500),
    ]
    assert (order.status, order.advance, order.service) == ("open", 0, "water-bill")
    assert sum(part.amount for part in order.parts) == order.amount == 4000
    payable = provider.get_payable(order.reference, citizen)
    assert (payable.amount, payable.payee) == (4000, "shiyan-water")
    notice = notice_for(payable)
    done = provider.fulfil(notice)
    assert provider.fulfil(notice) == done
    (told,) = subscriber.postings(f"O-{order.id.hex}")
    assert (told["amount"], told["effective"]) == (4000, True)
    paid = bills_of(house, citizen)
    assert (paid[old].status, paid[old].posting_reference) == ("paid", done.reference)
    assert (paid[young].status, paid[young].paid_amount, paid[young].owed) == (
        "partially_paid",
        500,
        1500,
    )
    seen = order_of(house, citizen, order)
    assert (seen.status, seen.posting_reference) == ("paid", done.reference)
    with pytest.raises(AlreadyPaid):
        provider.get_payable(order.reference, citizen)


def test_what_remains_of_a_bill_is_paid_by_its_own_reference_or_by_another_order(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    bill = subscriber.add_bill(3500, detail=LINES)
    account = link(house, citizen, subscriber)
    assert tell(provider, citizen, mint(house, citizen, account.id, 3200)).startswith("WTR-")
    payable = provider.get_payable(subscriber.reference(bill), citizen)
    assert (payable.amount, payable.version) == (300, "CNY-300")
    assert provider.list_payables(citizen) == [payable]
    again = mint(house, citizen, account.id, 100)
    assert list(again.parts) == [OrderPart(bill, "sewage", 100)]
    assert tell(provider, citizen, again).startswith("WTR-")
    last = provider.get_payable(subscriber.reference(bill), citizen)
    assert last.amount == 200
    provider.fulfil(notice_for(last))
    found = bills_of(house, citizen)[bill]
    assert (found.status, found.paid_amount, found.owed) == ("paid", 3500, 0)
    assert found.edition == 1  # what was paid is no other bill


def test_a_lost_answer_of_an_order_is_asked_for_and_it_takes_effect_once(
    provider: UtilitiesProvider, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    for biller in ("shiyan-water", "shiyan-power"):
        subscriber = open_account(biller)
        bill = subscriber.add_bill(1000)
        account = link(provider.house, citizen, subscriber)
        order = mint(provider.house, citizen, account.id, 400)
        notice = notice_for(provider.get_payable(order.reference, citizen))
        subscriber.behave("answer_lost", times=1)
        with pytest.raises(OutcomeUnknown):
            provider.fulfil(notice)
        assert order_of(provider.house, citizen, order).status == "processing"
        done = provider.fulfil(notice)
        assert provider.find_fulfilment(notice.key) == done
        assert subscriber.effects(f"O-{order.id.hex}") == [True]
        assert bills_of(provider.house, citizen)[bill].paid_amount == 400


def test_ahead_of_every_bill_the_biller_keeps_an_advance(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    account = link(provider.house, citizen, subscriber)
    order = mint(provider.house, citizen, account.id, 5000)
    assert (order.parts, order.advance) == ([], 5000)
    assert tell(provider, citizen, order).startswith("WTR-")
    path = f"/billers/{subscriber.biller}/accounts/{subscriber.number}"
    assert subscriber.city("GET", path).body["advance"] == 5000


def test_a_prepaid_meter_is_loaded_by_a_token_that_only_its_citizen_reads(
    provider: UtilitiesProvider,
    citizen: Citizen,
    stranger: Citizen,
    open_account: Callable[..., Subscriber],
    rooms: Rooms,
) -> None:
    house = provider.house
    meter = open_account("shiyan-power", prepaid=True)
    account = link(house, citizen, meter)
    order = mint(house, citizen, account.id, 5000, kind=OrderKind.TOP_UP)
    assert tell(provider, citizen, order).startswith("PWR-")
    token = order_of(house, citizen, order).token
    assert token is not None
    assert (len(token), token.isdecimal()) == (20, True)
    with pytest.raises(OrderNotFound):
        order_of(house, stranger, order)
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.get_one(Order, order.id)
        assert row.token_sealed is not None
        assert token.encode() not in row.token_sealed
    plain = link(house, citizen, open_account("shiyan-power"))
    with pytest.raises(NoPrepaidMeter):
        mint(house, citizen, plain.id, 5000, kind=OrderKind.TOP_UP)
    water = link(house, citizen, open_account("shiyan-water", prepaid=True))
    with pytest.raises(NoPrepaidMeter):
        mint(house, citizen, water.id, 5000, kind=OrderKind.TOP_UP)


@pytest.mark.parametrize(
    ("biller", "amount", "is_taken"),
    [
        ("shiyan-water", 5000, True),
        ("shiyan-water", 4999, True),
        ("shiyan-water", 99, False),  # below the least amount
        ("shiyan-water", 5001, False),  # at most what is owed
        ("shiyan-power", 5001, True),
        ("shiyan-power", 200, True),
        ("shiyan-gas", 5000, True),  # two bills at once
        ("shiyan-gas", 4999, False),
        ("shiyan-heat", 4999, False),
        ("shiyan-heat", 5000, True),
        ("shiyan-heat", 20_000, True),
    ],
)
def test_each_biller_takes_what_its_terms_say(
    house: House, citizen: Citizen, subscriber: Subscriber, amount: int, *, is_taken: bool
) -> None:
    for owed in (2000, 3000):
        subscriber.add_bill(owed)
    account = link(house, citizen, subscriber)
    if is_taken:
        order = mint(house, citizen, account.id, amount)
        assert order.advance == max(0, amount - 5000)
        return
    with pytest.raises(AmountNotAllowed) as refused:
        mint(house, citizen, account.id, amount)
    assert refused.value.extra["owed"] == 5000
    with house.unit_of_work() as uow:
        assert (
            service.list_orders(house, uow, citizen.reference, PageRequest(5), list(BILLERS)).items
            == []
        )


def test_named_bills_are_paid_and_no_other(
    provider: UtilitiesProvider, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    first, second = subscriber.add_bill(1000), subscriber.add_bill(2000)
    account = link(house, citizen, subscriber)
    known = bills_of(house, citizen)
    order = mint(house, citizen, account.id, 1500, bills=[known[second].id])
    assert list(order.parts) == [OrderPart(second, "bill", 1500)]
    tell(provider, citizen, order)
    assert bills_of(house, citizen)[first].paid_amount == 0
    with pytest.raises(BillNotFound):
        mint(house, citizen, account.id, 1500, bills=[new_id()])
    with pytest.raises(NotFound):
        mint(house, stranger, account.id, 1500)


def test_a_bill_that_costs_a_late_fee_is_paid_whole(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    due = today() - timedelta(days=5)
    late = subscriber.add_bill(
        10_000, str(due), period_from="2026-08-01", period_to="2026-08-31", late_fee_rate=10
    )
    subscriber.add_bill(2000, "2031-01-06")
    account = link(house, citizen, subscriber)
    found = bills_of(house, citizen)[late]
    assert found.standing == "overdue"
    assert found.owed == 10_000 + found.late_fee
    assert found.late_fee in (50, 60)  # the sixth day may have begun
    with pytest.raises(LateBillIndivisible) as refused:
        mint(house, citizen, account.id, 10_000)
    assert refused.value.extra["at_least"] in (10_050, 10_060)
    order = mint(house, citizen, account.id, int(refused.value.extra["at_least"]) + 500)
    assert ("late-fee", 10_000) not in [(p.head, p.amount) for p in order.parts]
    assert sum(p.amount for p in order.parts if p.bill == late) in (10_050, 10_060)
    assert tell(provider, citizen, order).startswith("WTR-")
    assert bills_of(house, citizen)[late].status == "paid"


def test_an_order_ends_after_half_an_hour_and_others_take_its_place(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    subscriber.add_bill(1000)
    account = link(house, citizen, subscriber)
    orders = [mint(house, citizen, account.id, 500) for _ in range(MAX_OPEN)]
    with pytest.raises(TooManyOrders):
        mint(house, citizen, account.id, 500)
    with later(LIFETIME.total_seconds() + 1):
        assert order_of(house, citizen, orders[0]).status == "expired"
        with pytest.raises(OrderClosed):
            provider.get_payable(orders[0].reference, citizen)
        assert mint(house, citizen, account.id, 500).status == "open"


def test_orders_minted_at_once_never_exceed_their_number(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    account = link(house, citizen, subscriber)
    for _ in range(MAX_OPEN - 2):
        mint(house, citizen, account.id, 500)

    def try_one(_: int) -> bool:
        try:
            return mint(house, citizen, account.id, 500).status == "open"
        except TooManyOrders:
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(try_one, range(6))) == 2
    with house.unit_of_work() as uow:
        mine = select(func.count()).where(Order.citizen_reference == citizen.reference)
        assert uow.scalar(mine) == MAX_OPEN


def test_an_order_that_is_not_owed_any_more_cannot_be_paid(
    provider: UtilitiesProvider, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    bill = subscriber.add_bill(1000)
    account = link(provider.house, citizen, subscriber)
    order = mint(provider.house, citizen, account.id, 600)
    with pytest.raises(BillNotFound):
        provider.get_payable(order.reference, stranger)
    with pytest.raises(BillNotFound):
        provider.get_payable("order.no-such-order", citizen)
    subscriber.pay_at_counter(bill)
    with pytest.raises(OrderOutdated):
        provider.get_payable(order.reference, citizen)


def test_a_biller_that_must_be_asked_and_does_not_answer_takes_no_order(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    assert TERMS[subscriber.biller].fetch == Fetch.MANDATORY
    house = provider.house
    subscriber.add_bill(1000)
    account = link(house, citizen, subscriber)
    order = mint(house, citizen, account.id, 400)  # our copy knows the bill from now on
    subscriber.behave("down")
    with pytest.raises(BillerUnavailable):
        mint(house, citizen, account.id, 400)
    with pytest.raises(BillerUnavailable):
        provider.get_payable(order.reference, citizen)
    with house.unit_of_work() as uow:
        page = service.list_orders(house, uow, citizen.reference, PageRequest(5), list(BILLERS))
    assert page.items == [order]


@pytest.mark.parametrize(("fetch", "mode"), [(Fetch.NONE, "ok"), (Fetch.OPTIONAL, "down")])
def test_our_copy_will_do_where_a_biller_is_never_asked_or_need_not_be_and_is_silent(
    provider: UtilitiesProvider,
    citizen: Citizen,
    subscriber: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
    fetch: Fetch,
    mode: str,
) -> None:
    house = provider.house
    bill = subscriber.add_bill(1000)
    account = link(house, citizen, subscriber)
    first = mint(house, citizen, account.id, 400)
    subscriber.pay_at_counter(bill)  # of which our copy does not know
    say_fetch(monkeypatch, subscriber, fetch)
    subscriber.behave(mode)
    second = mint(house, citizen, account.id, 300)
    assert (list(second.parts), second.advance) == ([OrderPart(bill, "bill", 300)], 0)
    assert provider.get_payable(first.reference, citizen).amount == 400
    assert bills_of(house, citizen)[bill].status == "open"


def test_a_biller_that_need_not_be_asked_is_believed_where_it_answers(
    provider: UtilitiesProvider,
    citizen: Citizen,
    subscriber: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = provider.house
    bill = subscriber.add_bill(1000)
    account = link(house, citizen, subscriber)
    first = mint(house, citizen, account.id, 400)
    subscriber.pay_at_counter(bill)
    say_fetch(monkeypatch, subscriber, Fetch.OPTIONAL)
    with pytest.raises(OrderOutdated):
        provider.get_payable(first.reference, citizen)
    second = mint(house, citizen, account.id, 300)
    assert (second.parts, second.advance) == ([], 300)


def say_fetch(monkeypatch: pytest.MonkeyPatch, subscriber: Subscriber, fetch: Fetch) -> None:
    """Let a biller's terms say whether it is asked; the test ends it."""
    terms = replace(TERMS[subscriber.biller], fetch=fetch)
    monkeypatch.setitem(TERMS, subscriber.biller, terms)


@pytest.mark.parametrize("biller", ["shiyan-water", "shiyan-power"])
def test_of_two_orders_that_together_are_too_much_one_takes_effect(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    bill = subscriber.add_bill(1000)
    account = link(house, citizen, subscriber)
    payables = [
        provider.get_payable(mint(house, citizen, account.id, 1000).reference, citizen)
        for _ in range(2)
    ]
    provider.fulfil(notice_for(payables[0]))
    second = notice_for(payables[1])
    for _ in range(2):  # for good: the house gives the money back
        with pytest.raises(AlreadyPaid):
            provider.fulfil(second)
    assert provider.find_fulfilment(second.key) is None
    assert bills_of(house, citizen)[bill].status == "paid"


def test_money_that_a_biller_took_without_effect_goes_back_also_when_the_answer_was_lost(
    provider: UtilitiesProvider, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    subscriber = open_account("shiyan-power")
    bill = subscriber.add_bill(1000)
    link(provider.house, citizen, subscriber)
    notice = notice_for(provider.get_payable(subscriber.reference(bill), citizen))
    subscriber.pay_at_counter(bill)
    subscriber.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(notice)
    assert provider.find_fulfilment(notice.key) is None
    with pytest.raises(AlreadyPaid):
        provider.fulfil(notice)
    assert subscriber.effects(bill) == [False]


def pays_here(provider: UtilitiesProvider, notice: PaymentNotice, start: Barrier) -> bool:
    """Tell the biller when both are ready; say whether our payment took effect."""
    start.wait()
    try:
        provider.fulfil(notice)
    except Conflict:
        return False
    return True


def pays_there(subscriber: Subscriber, bill: str, start: Barrier, behind: float) -> bool:
    """Pay at the biller's counter so long after both are ready; say whether it took the money."""
    start.wait()
    time.sleep(behind)
    path = f"/billers/{subscriber.biller}/bills/{bill}/counter-payments"
    return subscriber.city("POST", path).status == 201


@pytest.mark.promise("P03")
def test_counter_and_payment_race_for_a_bill_and_one_of_them_pays_it(
    provider: UtilitiesProvider,
    citizen: Citizen,
    open_account: Callable[..., Subscriber],
    shows: Callable[[str], None],
) -> None:
    """At a biller that knows keys and at one that does not, by bill and by order, over sockets."""
    house = provider.house
    outcomes: Counter[str] = Counter()
    lanes = [
        (open_account(biller), by_order)
        for biller in ("shiyan-water", "shiyan-power")
        for by_order in (True, False)
    ]
    ids = [link(house, citizen, subscriber).id for subscriber, _ in lanes]
    with ThreadPoolExecutor(2) as pool:
        for place in range(RACES):
            subscriber, by_order = lanes[place % len(lanes)]
            bill = subscriber.add_bill(1000)
            reference = subscriber.reference(bill)
            if by_order:
                reference = mint(house, citizen, ids[place % len(lanes)], 1000).reference
            notice = notice_for(provider.get_payable(reference, citizen))
            start = Barrier(2)
            here = pool.submit(pays_here, provider, notice, start).result
            there = pool.submit(
                pays_there, subscriber, bill, start, HEAD_STARTS[place % len(HEAD_STARTS)]
            ).result
            assert sorted([here(), there()]) == [False, True]
            outcomes["here" if here() else "there"] += 1
    assert sum(outcomes.values()) == RACES
    shows(
        f"{RACES} races of a payment with the biller's counter: each bill paid once, "
        f"{outcomes['here']} here, {outcomes['there']} there and refused here"
    )


def test_money_for_a_bill_that_the_counter_was_quicker_to_take_is_returned(
    client: FlaskClient, world: World, rooms: Rooms, open_account: Callable[..., Subscriber]
) -> None:
    """All the way: an order is paid by card, its bill at the counter, and the money goes back."""
    payer = log_in(client, world, rooms)
    subscriber = open_account("shiyan-power")
    bill = subscriber.add_bill(4250)
    order = order_over_http(client, payer, subscriber, 2000)
    wanted = {
        "items": [{"service": order["service"], "reference": order["reference"]}],
        "method": "card",
    }
    headers = {**payer.auth, "Idempotency-Key": new_key()}
    payment = client.post("/v1/payments", json=wanted, headers=headers).json
    assert confirm(payment)["status"] == "succeeded"
    subscriber.pay_at_counter(bill)
    deliver(client, payment)
    run_jobs(rooms)
    seen = read(client, payer, payment["id"])
    assert (seen["refunded_amount"], seen["receipt_code"]) == (2000, None)
    assert subscriber.effects(f"O-{order['id'].replace('-', '')}") == [False]
    shown = client.get(f"/v1/utilities/orders/{order['id']}", headers=payer.auth).json
    assert (shown["status"], shown["refusal"]) == ("refused", "bill-already-paid")


def order_over_http(
    client: FlaskClient, payer: Payer, subscriber: Subscriber, amount: int
) -> dict[str, Any]:
    account = {
        "biller": subscriber.biller,
        "number": subscriber.number,
        "holder_name": subscriber.holder_name,
    }
    linked = client.post("/v1/utilities/accounts", json=account, headers=payer.auth).json
    path = f"/v1/utilities/accounts/{linked['id']}/orders"
    made = client.post(path, json={"amount": amount}, headers=payer.auth)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/v1/utilities/orders/{made.json['id']}"
    order: dict[str, Any] = made.json
    return order


def test_over_http_an_order_is_its_citizens_and_input_is_strict(
    client: FlaskClient, world: World, rooms: Rooms, subscriber: Subscriber
) -> None:
    me, other = log_in(client, world, rooms), log_in(client, world, rooms)
    subscriber.add_bill(4250)
    order = order_over_http(client, me, subscriber, 1000)
    path = f"/v1/utilities/orders/{order['id']}"
    assert client.get(path, headers=me.auth).json == order
    assert client.get("/v1/utilities/orders", headers=me.auth).json["items"] == [order]
    assert client.get(path, headers=other.auth).json["code"] == "order-not-found"
    assert client.get("/v1/utilities/orders", headers=other.auth).json["items"] == []
    account = client.get("/v1/utilities/accounts", headers=me.auth).json["items"][0]["id"]
    minting = f"/v1/utilities/accounts/{account}/orders"
    for body in ({"amount": 0}, {"amount": 1.5}, {"amount": 500, "bills": []}, {"kind": "gift"}):
        answer = client.post(minting, json=body, headers=me.auth)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    stranger = client.post(minting, json={"amount": 500}, headers=other.auth)
    assert (stranger.status_code, stranger.json["code"]) == (404, "not-found")
    key = {**me.auth, "Idempotency-Key": new_key()}
    twice = [client.post(minting, json={"amount": 500}, headers=key).json["id"] for _ in range(2)]
    assert twice[0] == twice[1]


def a_bill(number: str, month: int, amount: int, paid: int, lines: list[int]) -> Bill:
    named = [
        {"head": f"h{place}", "kind": "charge", "order": place, "amount": line}
        for place, line in enumerate(lines)
    ]
    return Bill(
        biller="shiyan-power",
        biller_reference=number,
        amount=amount,
        paid_amount=paid,
        status=BillStatus.PARTIALLY_PAID if paid else BillStatus.OPEN,
        period_from=date(2026, month, 1),
        due_date=date(2031, 1, 6),
        seen_at=now(),
        detail={"lines": named},
    )


@st.composite
def some_bills(draw: st.DrawFn) -> list[Bill]:
    bills = []
    for place in range(draw(st.integers(1, 4))):
        lines = draw(st.lists(st.integers(-300, 3000), max_size=4))
        amount = sum(lines) if lines and sum(lines) > 0 else draw(st.integers(1, 5000))
        paid = draw(st.integers(0, amount - 1))
        bills.append(a_bill(f"B-{place}", draw(st.integers(1, 12)), amount, paid, lines))
    return bills


@given(some_bills(), st.integers(100, 30_000))
def test_parts_and_advance_are_the_whole_and_no_bill_takes_more_than_it_owes(
    bills: list[Bill], amount: int
) -> None:
    laid = lay_out(amount, bills, "shiyan-power")
    assert sum(part.amount for part in laid.parts) + laid.advance == amount
    owed = {bill.biller_reference: owed_on(bill, today()) for bill in bills}
    for number, whole in owed.items():
        assert 0 <= sum(p.amount for p in laid.parts if p.bill == number) <= whole
    assert laid.advance == max(0, amount - sum(owed.values()))
