"""A citizen's bills: fresh within ten seconds, their own, and shown also when a biller is away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from time import monotonic, sleep

import pytest

from app.core.pagination import CursorInvalid
from app.factory import Rooms
from app.sdk import Citizen, House, PageRequest, now
from plugins.utilities import service
from plugins.utilities.errors import BillNotFound
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.values import BillerBill, BillStatus, CitizensBill
from tests.factories import later
from tests.plugins.utilities.conftest import (
    ALL,
    SECONDS_PER_BILLER,
    Subscriber,
    link,
    notice_of,
    statements,
)

FRESH = 11
"""Seconds after which billers are asked again."""


def bills_of(
    house: House,
    citizen: Citizen,
    page: PageRequest | None = None,
    *,
    status: str | None = None,
    biller: str | None = None,
) -> list[CitizensBill]:
    """Return what the route returns."""
    service.refresh_bills(house, citizen.reference, biller)
    with house.unit_of_work() as uow:
        return list(
            service.list_bills(
                house,
                uow,
                citizen.reference,
                page or PageRequest(100),
                status=status,
                biller=biller,
            ).items
        )


def test_bills_are_pulled_when_they_are_read(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill()
    account = link(house, citizen, subscriber)
    (bill,) = bills_of(house, citizen)
    assert bill == CitizensBill(
        id=bill.id,
        service="water-bill",
        reference=f"shiyan-water.{number}",
        biller="shiyan-water",
        account_number_masked=account.number_masked,
        amount=4250,
        currency="CNY",
        period_from=date(2026, 10, 1),
        period_to=date(2026, 10, 31),
        due_date=date(2026, 12, 7),
        status="open",
        paid_at=None,
        biller_reference=number,
        posting_reference=None,
        refreshed_at=bill.refreshed_at,
        standing=bill.standing,
        paid_amount=0,
        late_fee=0,
        owed=4250,
        expires_on=None,
        edition=1,
        amended_for=None,
        reversed_at=None,
        lines=(),
        reading=None,
        steps=(),
    )
    assert bill.refreshed_at is not None
    assert bill.refreshed_at <= now()


def test_bills_of_all_billers_come_nearest_due_date_first(
    house: House, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    for place, biller in enumerate(ALL):
        subscriber = open_account(biller)
        subscriber.add_bill(due_date=f"2026-12-{20 - place}")
        subscriber.add_bill(due_date="2026-12-24")
        link(house, citizen, subscriber)
    bills = bills_of(house, citizen)
    assert [bill.due_date.day for bill in bills] == [17, 18, 19, 20, 24, 24, 24, 24]
    assert {bill.service for bill in bills} == {
        "water-bill",
        "power-bill",
        "gas-bill",
        "heat-bill",
    }


def test_within_ten_seconds_a_biller_is_not_asked_again(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    link(house, citizen, subscriber)
    assert bills_of(house, citizen) == []
    subscriber.add_bill()
    assert bills_of(house, citizen) == []
    with later(FRESH):
        assert len(bills_of(house, citizen)) == 1


def test_what_the_biller_changed_is_seen(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill()
    link(house, citizen, subscriber)
    (bill,) = bills_of(house, citizen)
    subscriber.pay_at_counter(number)
    with later(FRESH):
        (paid,) = bills_of(house, citizen)
    assert (paid.id, paid.status) == (bill.id, "paid")
    assert paid.paid_at is not None


@pytest.mark.parametrize("mode", ["down", "garbage"])
def test_a_silent_biller_leaves_what_is_stored(
    house: House, citizen: Citizen, subscriber: Subscriber, mode: str
) -> None:
    subscriber.add_bill()
    link(house, citizen, subscriber)
    before = bills_of(house, citizen)
    subscriber.behave(mode)
    began = monotonic()
    with later(FRESH):
        assert bills_of(house, citizen) == before
    subscriber.behave("ok")
    subscriber.add_bill()
    with later(FRESH - (monotonic() - began)):  # the same moment, however long that took
        assert bills_of(house, citizen) == before  # left alone for two seconds
    with later(FRESH + 3):
        after = bills_of(house, citizen)
    assert len(after) == 2
    assert after[0].refreshed_at > before[0].refreshed_at


def test_a_slow_biller_costs_a_bounded_time_and_hides_no_other(
    hasty: UtilitiesProvider,
    house: House,
    citizen: Citizen,
    open_account: Callable[..., Subscriber],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SECONDS_PER_BILLER, 1.0)
    slow, quick = open_account("shiyan-gas"), open_account("shiyan-water")
    for subscriber in (slow, quick):
        subscriber.add_bill()
        link(house, citizen, subscriber)
    slow.behave("slow", seconds=30)
    deadline = monotonic() + 30
    while not (bills := bills_of(hasty.house, citizen)) and monotonic() < deadline:
        sleep(0.2)  # the quick one was crowded out, and is asked again after two seconds
    assert [bill.biller for bill in bills] == ["shiyan-water"]


def test_a_bill_that_is_no_longer_listed_is_withdrawn_and_may_come_back(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    link(house, citizen, subscriber)
    vanished = BillerBill(
        biller="shiyan-water",
        account=subscriber.number,
        number=f"V-{subscriber.number}",
        amount=100,
        currency="CNY",
        period_from=date(2026, 10, 1),
        period_to=date(2026, 10, 31),
        due_date=date(2026, 12, 1),
    )
    with house.unit_of_work() as uow:
        keep_asked(uow, house, [vanished], asked_at=now())
    (bill,) = bills_of(house, citizen)
    assert bill.status == "withdrawn"
    assert bills_of(house, citizen, status="open") == []
    with later(1), house.unit_of_work() as uow:
        keep_asked(uow, house, [vanished], asked_at=now())
    (again,) = bills_of(house, citizen)
    assert (again.id, again.status) == (bill.id, "open")


def test_older_news_never_overwrites_newer(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    link(house, citizen, subscriber)
    earlier = now()
    number = subscriber.add_bill()
    subscriber.pay_at_counter(number)
    (paid,) = bills_of(house, citizen)
    old = BillerBill(
        biller="shiyan-water",
        account=subscriber.number,
        number=number,
        amount=1,
        currency="CNY",
        period_from=paid.period_from,
        period_to=paid.period_to,
        due_date=paid.due_date,
    )
    with house.unit_of_work() as uow:
        keep_asked(uow, house, [old], asked_at=earlier)
    assert bills_of(house, citizen) == [paid]


def test_what_was_paid_through_us_stays_paid(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    number = subscriber.add_bill()
    link(house, citizen, subscriber)
    (bill,) = bills_of(house, citizen)
    done = provider.fulfil(notice_of(subscriber, number))
    lagging = BillerBill(
        biller="shiyan-water",
        account=subscriber.number,
        number=number,
        amount=bill.amount,
        currency="CNY",
        period_from=bill.period_from,
        period_to=bill.period_to,
        due_date=bill.due_date,
    )
    with later(5), house.unit_of_work() as uow:
        keep_asked(uow, house, [lagging], asked_at=now())
    (paid,) = bills_of(house, citizen)
    assert (paid.status, paid.paid_at) == ("paid", done.at)
    assert paid.posting_reference == done.reference


def test_filters_choose_by_status_and_biller(
    house: House, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    water, heat = open_account("shiyan-water"), open_account("shiyan-heat")
    for subscriber in (water, heat):
        subscriber.add_bill()
        subscriber.pay_at_counter(subscriber.add_bill())
        link(house, citizen, subscriber)
    assert len(bills_of(house, citizen)) == 4
    assert [b.status for b in bills_of(house, citizen, status="paid")] == ["paid", "paid"]
    (bill,) = bills_of(house, citizen, status="open", biller="shiyan-heat")
    assert bill.reference == heat.reference(heat.bills[0])


def test_pages_hold_every_bill_once(house: House, citizen: Citizen, subscriber: Subscriber) -> None:
    for _ in range(5):
        subscriber.add_bill(due_date="2026-12-07")
    link(house, citizen, subscriber)
    whole = bills_of(house, citizen)
    seen, cursor = [], None
    with house.unit_of_work() as uow:
        while True:
            page = service.list_bills(house, uow, citizen.reference, PageRequest(2, cursor))
            seen.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        with pytest.raises(CursorInvalid):
            service.list_bills(house, uow, citizen.reference, PageRequest(2, "eA"))
    assert seen == whole
    assert len(whole) == 5


def test_a_strangers_bill_is_not_found(
    house: House, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill()
    link(house, citizen, subscriber)
    (bill,) = bills_of(house, citizen)
    assert bills_of(house, stranger) == []
    with house.unit_of_work() as uow:
        assert service.find_bill(house, uow, citizen.reference, bill.id) == bill
        with pytest.raises(BillNotFound):
            service.find_bill(house, uow, stranger.reference, bill.id)


def test_an_unlinked_account_takes_its_bills_with_it(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill()
    account = link(house, citizen, subscriber)
    assert len(bills_of(house, citizen)) == 1
    with house.unit_of_work() as uow:
        service.unlink_account(uow, citizen.reference, account.id)
    assert bills_of(house, citizen) == []


def test_everybody_who_linked_an_account_sees_its_bills(
    house: House, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill()
    link(house, citizen, subscriber)
    link(house, stranger, subscriber)
    (mine,) = bills_of(house, citizen)
    (theirs,) = bills_of(house, stranger)
    assert mine.id == theirs.id


def test_a_list_is_read_in_one_statement_however_long_it_is(
    rooms: Rooms, house: House, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    for _ in range(3):
        subscriber = open_account()
        for _ in range(3):
            subscriber.add_bill()
        link(house, citizen, subscriber)
    service.refresh_bills(house, citizen.reference)
    with (
        statements(rooms.units.read) as seen,
        rooms.units.open(actor="test", read_only=True) as uow,
    ):
        page = service.list_bills(house, uow, citizen.reference, PageRequest(100))
    assert len(page.items) == 9
    assert len(seen) == 1
    assert "citizen_reference = " in seen[0].split("WHERE")[1]


def test_reading_at_once_stores_each_bill_once(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    for _ in range(4):
        subscriber.add_bill()
    link(house, citizen, subscriber)
    with ThreadPoolExecutor(6) as pool:
        lists = list(pool.map(lambda _: bills_of(house, citizen), range(6)))
    assert {len(found) for found in lists} == {4}
    assert len({bill.id for found in lists for bill in found}) == 4
    assert {bill.status for found in lists for bill in found} == {BillStatus.OPEN}
