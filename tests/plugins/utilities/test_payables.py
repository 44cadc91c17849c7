"""What is owed right now is what the biller says, and only to who has linked the account."""

from collections.abc import Callable
from datetime import date

import pytest

from app.sdk import Citizen, House, Payable, Unavailable, now
from plugins.utilities import service
from plugins.utilities.errors import AlreadyPaid, BillerUnavailable, BillNotFound
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.values import BillerBill
from tests.plugins.utilities.conftest import ALL, City, Subscriber, link, notice_of


@pytest.mark.parametrize(
    ("biller", "service_id", "zh"),
    [
        ("shiyan-water", "water-bill", "水费"),
        ("shiyan-power", "power-bill", "电费"),
        ("shiyan-gas", "gas-bill", "燃气费"),
        ("shiyan-heat", "heat-bill", "暖气费"),
    ],
)
def test_a_payable_says_what_whose_and_until_when(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber, service_id: str, zh: str
) -> None:
    number = subscriber.add_bill()
    link(provider.house, citizen, subscriber)
    payable = provider.get_payable(subscriber.reference(number), citizen)
    assert payable == Payable(
        reference=f"{subscriber.biller}.{number}",
        title={"zh": f"{zh} 2026-10-01 – 2026-10-31", "en": payable.title["en"]},
        amount=4250,
        currency="CNY",
        payee=subscriber.biller,
        due_date=date(2026, 12, 7),
        version="CNY-4250",
        service=service_id,
    )
    assert provider.list_payables(citizen) == [payable]


def test_the_same_number_at_two_billers_is_two_payables(
    provider: UtilitiesProvider, citizen: Citizen, city: City
) -> None:
    subscribers = []
    for biller in ("shiyan-water", "shiyan-power"):
        subscriber = Subscriber(city, biller, f"twin-{citizen.reference[2:14]}")
        account = {"number": subscriber.number, "holder_name": "李雷"}
        city("POST", f"/billers/{biller}/accounts", account)
        subscriber.add_bill(amount=100 if biller == "shiyan-water" else 200)
        link(provider.house, citizen, subscriber)
        subscribers.append(subscriber)
    assert subscribers[0].bills == subscribers[1].bills
    owed = {p.reference: p.amount for p in provider.list_payables(citizen)}
    assert owed == {
        s.reference(s.bills[0]): a for s, a in zip(subscribers, (100, 200), strict=True)
    }


@pytest.mark.parametrize("biller", ALL)
def test_a_strangers_bill_looks_like_none(
    provider: UtilitiesProvider,
    citizen: Citizen,
    stranger: Citizen,
    subscriber: Subscriber,
    open_account: Callable[..., Subscriber],
) -> None:
    number = subscriber.add_bill()
    link(provider.house, citizen, subscriber)
    with pytest.raises(BillNotFound) as without_account:
        provider.get_payable(subscriber.reference(number), stranger)
    link(provider.house, stranger, open_account(subscriber.biller))
    with pytest.raises(BillNotFound) as with_another:
        provider.get_payable(subscriber.reference(number), stranger)
    with pytest.raises(BillNotFound) as with_none_there:
        provider.get_payable(f"{subscriber.biller}.no-such-bill", stranger)
    assert vars(without_account.value) == vars(with_another.value) == vars(with_none_there.value)


@pytest.mark.parametrize(
    "reference",
    ["", ".", "shiyan-water", "shiyan-water.", "nobody.B-1", "shiyan-water.a/b", "shiyan-water.é"],
)
def test_a_reference_that_we_never_minted_is_not_found(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber, reference: str
) -> None:
    link(provider.house, citizen, subscriber)
    with pytest.raises(BillNotFound):
        provider.get_payable(reference, citizen)


def test_a_bill_that_was_never_pulled_can_be_asked_for(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    link(provider.house, citizen, subscriber)
    assert provider.list_payables(citizen) == []
    number = subscriber.add_bill(amount=77)
    assert provider.get_payable(subscriber.reference(number), citizen).amount == 77
    assert [p.amount for p in provider.list_payables(citizen)] == [77]


def test_a_new_amount_is_a_new_version(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill(amount=4250)
    link(provider.house, citizen, subscriber)
    stored = BillerBill(
        biller="shiyan-water",
        account=subscriber.number,
        number=number,
        amount=9999,
        currency="CNY",
        period_from=date(2026, 10, 1),
        period_to=date(2026, 10, 31),
        due_date=date(2026, 12, 7),
    )
    with provider.house.unit_of_work() as uow:
        keep_asked(uow, provider.house, [stored], asked_at=now())
        (was,) = service.list_open_bills(uow, citizen.reference)
    assert was.amount == 9999
    payable = provider.get_payable(subscriber.reference(number), citizen)
    assert (payable.amount, payable.version) == (4250, "CNY-4250")


@pytest.mark.parametrize("biller", ALL)
def test_a_bill_paid_through_us_is_already_paid(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill()
    link(provider.house, citizen, subscriber)
    provider.fulfil(notice_of(subscriber, number))
    with pytest.raises(AlreadyPaid) as refused:
        provider.get_payable(subscriber.reference(number), citizen)
    assert refused.value.code == "already-paid"
    assert provider.list_payables(citizen) == []


def test_a_bill_paid_at_the_counter_is_already_paid_at_once(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill()
    link(provider.house, citizen, subscriber)
    assert len(provider.list_payables(citizen)) == 1
    subscriber.pay_at_counter(number)
    with pytest.raises(AlreadyPaid):
        provider.get_payable(subscriber.reference(number), citizen)
    assert provider.list_payables(citizen) == []  # and what was learnt is kept


def test_a_bill_that_its_biller_does_not_know_is_withdrawn(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    link(provider.house, citizen, subscriber)
    ghost = BillerBill(
        biller="shiyan-water",
        account=subscriber.number,
        number=f"G-{subscriber.number}",
        amount=100,
        currency="CNY",
        period_from=date(2026, 10, 1),
        period_to=date(2026, 10, 31),
        due_date=date(2026, 12, 1),
    )
    assert provider.list_payables(citizen) == []
    with provider.house.unit_of_work() as uow:
        keep_asked(uow, provider.house, [ghost], asked_at=now())
    assert len(provider.list_payables(citizen)) == 1
    with pytest.raises(BillNotFound):
        provider.get_payable(subscriber.reference(ghost.number), citizen)
    assert provider.list_payables(citizen) == []


@pytest.mark.parametrize("mode", ["down", "garbage"])
def test_without_the_biller_nothing_can_be_paid_and_the_overview_stays(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber, mode: str
) -> None:
    number = subscriber.add_bill()
    link(provider.house, citizen, subscriber)
    owed = provider.list_payables(citizen)
    subscriber.behave(mode)
    with pytest.raises(BillerUnavailable):
        provider.get_payable(subscriber.reference(number), citizen)
    assert provider.list_payables(citizen) == owed


def test_a_slow_biller_is_unavailable_in_bounded_time(
    hasty: UtilitiesProvider, house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill()
    link(house, citizen, subscriber)
    subscriber.behave("slow", seconds=30)
    with pytest.raises(Unavailable):
        hasty.get_payable(subscriber.reference(number), citizen)
