"""What a biller says of a bill, and when it says something else: each edition is kept, with why."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from app.http.server import Server
from app.sdk import Citizen, House, PageRequest
from plugins.utilities import service
from plugins.utilities.errors import BillerUnavailable, BillExpired, BillNotFound
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.owing import today
from plugins.utilities.values import CitizensBill, Edition
from tests.factories import later
from tests.plugins.utilities.conftest import Subscriber, link, notice_for
from tests.plugins.utilities.desk import bill_file, open_desk

DETAIL = {
    "lines": [{"head": "water", "kind": "charge", "order": 1, "amount": 4250}],
    "reading": {
        "previous": "1203.5",
        "current": "1220",
        "unit": "m3",
        "status": "working",
        "digits": 5,
    },
    "steps": [{"beyond": "0", "to": "15", "price": "250", "quantity": "15", "amount": 3750}],
}


def seen(house: House, citizen: Citizen, after: float = 11) -> CitizensBill:
    """Return the citizen's only bill, asked for again some seconds later."""
    with later(after):
        service.refresh_bills(house, citizen.reference)
    with house.unit_of_work() as uow:
        (bill,) = service.list_bills(house, uow, citizen.reference, PageRequest(5)).items
    return bill


def editions(house: House, citizen: Citizen, bill: CitizensBill) -> list[Edition]:
    with house.unit_of_work() as uow:
        return service.list_editions(uow, citizen.reference, bill.id)


def test_lines_reading_and_steps_are_shown_as_told(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill(detail=DETAIL)
    link(house, citizen, subscriber)
    bill = seen(house, citizen, 0)
    assert [(line.head, line.amount) for line in bill.lines] == [("water", 4250)]
    assert bill.reading is not None
    assert str(bill.reading.current - bill.reading.previous) == "16.5"
    assert [(str(step.quantity), step.amount) for step in bill.steps] == [("15", 3750)]


@pytest.mark.parametrize(
    "detail",
    [
        {"lines": [{"head": "water", "kind": "gift", "order": 1, "amount": 1}]},
        {"lines": [{"head": "", "kind": "charge", "order": 1, "amount": 1}]},
        {"lines": "none"},
        {"reading": {**DETAIL["reading"], "current": "1e9"}},  # type: ignore[dict-item]
        {"reading": {**DETAIL["reading"], "current": 1220.0}},  # type: ignore[dict-item]
        {"steps": [{"beyond": "0"}]},
        {"paid_amount": 4250},
        {"late_fee": -1},
        {"expires_on": "soon"},
    ],
)
def test_a_bill_that_says_nonsense_is_not_believed(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber, detail: object
) -> None:
    number = subscriber.add_bill(detail=detail)
    link(provider.house, citizen, subscriber)
    with pytest.raises(BillerUnavailable):
        provider.get_payable(subscriber.reference(number), citizen)
    assert provider.list_payables(citizen) == []


def test_another_amount_is_another_edition_and_the_one_before_stays_with_the_reason(
    house: House, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill(4250)
    link(house, citizen, subscriber)
    first = seen(house, citizen, 0)
    assert (first.edition, first.amended_for) == (1, None)
    path = f"/billers/{subscriber.biller}/bills/{number}"
    subscriber.city("PUT", path, {"amount": 4000, "amended_for": "remission"})
    again = seen(house, citizen)
    assert (again.id, again.edition, again.amended_for) == (first.id, 2, "remission")
    assert seen(house, citizen, 22).edition == 2  # the same news is no other edition
    subscriber.city("PUT", path, {"amount": 3900, "amended_for": "a_word_of_its_own"})
    assert seen(house, citizen, 33).amended_for == "other"
    kept = editions(house, citizen, again)
    assert [(e.edition, e.amount, e.reason) for e in kept] == [
        (1, 4250, None),
        (2, 4000, "remission"),
        (3, 3900, "other"),
    ]
    with pytest.raises(BillNotFound):
        editions(house, stranger, again)


def test_files_and_the_desk_make_editions_too(
    app: Server,
    client: FlaskClient,
    rooms: Rooms,
    house: House,
    citizen: Citizen,
    subscriber: Subscriber,
) -> None:
    desk = open_desk(app, client, rooms)
    number = f"F-{subscriber.number}"
    for place, fen in enumerate((1000, 1200)):
        sent = bill_file(f"{subscriber.number}-{place}", [(subscriber.number, number, fen)])
        assert desk.send("bill-files", sent.encode()).status_code == 201
    body = {"bill_number": number, "reason": "court_settlement", "amount": 900}
    assert desk.post("amendments", body).status_code == 201
    link(house, citizen, subscriber)
    bill = seen(house, citizen, 0)
    assert (bill.amount, bill.edition, bill.amended_for) == (900, 3, "court_settlement")
    kept = editions(house, citizen, bill)
    assert [(e.amount, e.reason) for e in kept] == [
        (1000, None),
        (1200, None),
        (900, "court_settlement"),
    ]


def test_an_expired_bill_is_not_paid_until_it_is_issued_anew(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    yesterday = today() - timedelta(days=1)
    number = subscriber.add_bill(expires_on=str(yesterday))
    link(house, citizen, subscriber)
    assert seen(house, citizen, 0).standing == "expired"
    assert provider.list_payables(citizen) == []
    with pytest.raises(BillExpired):
        provider.get_payable(subscriber.reference(number), citizen)
    path = f"/billers/{subscriber.biller}/bills/{number}"
    subscriber.city("PUT", path, {"amount": 4300, "expires_on": "2031-01-06"})
    assert provider.get_payable(subscriber.reference(number), citizen).amount == 4300


@pytest.mark.parametrize("biller", ["shiyan-heat"])  # no closed days move its due dates
def test_a_late_fee_is_the_billers_and_for_later_days_the_rules(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    due = today() - timedelta(days=10)
    number = subscriber.add_bill(10_000, str(due), late_fee_rate=10)
    link(house, citizen, subscriber)
    bill = seen(house, citizen, 0)
    assert bill.late_fee == 100  # the biller charges twice what its rule says
    payable = provider.get_payable(subscriber.reference(number), citizen)
    assert payable.amount == 10_100
    with later(3 * 86_400), house.unit_of_work() as uow:
        shown = service.find_bill(house, uow, citizen.reference, bill.id)
    assert shown.late_fee == 65  # thirteen days at 5 in ten thousand
    provider.fulfil(notice_for(payable))
    paid = seen(house, citizen)
    assert (paid.status, paid.late_fee, paid.owed) == ("paid", 0, 0)


def test_a_bill_whose_biller_adds_no_fee_costs_none(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill(10_000, "2026-10-01")
    link(house, citizen, subscriber)
    bill = seen(house, citizen, 0)
    assert (bill.standing, bill.late_fee, bill.owed) == ("overdue", 0, 10_000)
