"""Paying for somebody else, moving out, and letting others see to an account."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.sdk import Citizen, House, new_id
from plugins.utilities import service
from plugins.utilities.errors import (
    AccountMismatch,
    BillNotFound,
    LookUpNotFound,
    TooManyLinkAttempts,
)
from plugins.utilities.models import LookUp
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.look_ups import LIFETIME, MAX_FOR_A_NUMBER
from plugins.utilities.values import FoundAccount, NewLookUp, NewOrder
from tests.conftest import World
from tests.delegation.support import acting, give, make_citizen
from tests.factories import later, log_in
from tests.payments.helpers import make_bill
from tests.plugins.utilities.conftest import Subscriber, link, notice_for

LOOK_UPS = "/v1/utilities/look-ups"


def look_up(
    house: House, citizen: Citizen, subscriber: Subscriber, name: str = "李"
) -> FoundAccount:
    wanted = NewLookUp(subscriber.biller, subscriber.number, name)
    with house.unit_of_work() as uow:
        return service.look_up_account(house, uow, citizen.reference, wanted)


def kept(rooms: Rooms) -> int:
    """Return how many look-ups the trail holds."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = "select count(*) from audit_entries where event = 'utilities.account_looked_up'"
        return int(uow.scalar(text(found)) or 0)


def test_somebody_elses_bills_are_paid_without_seeing_whose_they_are(
    provider: UtilitiesProvider, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    bill = subscriber.add_bill(4250)
    found = look_up(house, citizen, subscriber)
    assert (found.holder_masked, found.owed, found.open_bills) == ("李*", 4250, 1)
    assert subscriber.number not in repr(found)
    assert provider.list_payables(citizen) == []
    with pytest.raises(BillNotFound):
        provider.get_payable(subscriber.reference(bill), citizen)
    for who, look_up_id in ((stranger, found.id), (citizen, new_id())):
        with pytest.raises(LookUpNotFound), house.unit_of_work() as uow:
            service.mint_order_for_others(house, uow, who.reference, look_up_id, NewOrder(4250))
    with house.unit_of_work() as uow:
        order = service.mint_order_for_others(
            house, uow, citizen.reference, found.id, NewOrder(4250)
        )
    provider.fulfil(notice_for(provider.get_payable(order.reference, citizen)))
    assert subscriber.city("GET", f"/billers/shiyan-water/bills/{bill}").body["status"] == "paid"
    with (
        later(LIFETIME.total_seconds() + 1),
        pytest.raises(LookUpNotFound),
        house.unit_of_work() as uow,
    ):
        service.mint_order_for_others(house, uow, citizen.reference, found.id, NewOrder(4250))


def post(client: FlaskClient, auth: dict[str, str], subscriber: Subscriber, **changed: str) -> Any:  # noqa: ANN401 - an answer
    body = {"biller": subscriber.biller, "number": subscriber.number, "family_name": "李"}
    return client.post(LOOK_UPS, json=body | changed, headers=auth)


def said(answer: TestResponse) -> dict[str, object]:
    return {k: v for k, v in answer.json.items() if k != "request_id"}


def test_an_unknown_number_and_another_name_are_one_refusal_and_both_are_in_the_trail(
    client: FlaskClient, world: World, rooms: Rooms, subscriber: Subscriber
) -> None:
    me = log_in(client, world, rooms)
    before = kept(rooms)
    name = post(client, me.auth, subscriber, family_name="王")
    number = post(client, me.auth, subscriber, number=f"no-{uuid4().hex[:8]}")
    assert (name.status_code, name.json["code"]) == (422, "account-mismatch")
    assert said(name) == said(number)
    right = post(client, me.auth, subscriber)
    assert right.status_code == 201
    assert kept(rooms) == before + 3


def test_ten_attempts_an_hour_also_when_each_is_refused(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    for _ in range(10):
        with pytest.raises(AccountMismatch):
            look_up(house, citizen, subscriber, "王")
    with pytest.raises(TooManyLinkAttempts):
        look_up(house, citizen, subscriber)
    with later(3601):
        assert look_up(house, citizen, subscriber).open_bills == 0


def test_a_number_is_not_guessed_by_many_together(house: House, subscriber: Subscriber) -> None:
    for place in range(MAX_FOR_A_NUMBER):
        with pytest.raises(AccountMismatch):
            look_up(house, Citizen(f"c-{uuid4().hex}"), subscriber, f"王{place}")
    last = Citizen(f"c-{uuid4().hex}")
    with pytest.raises(TooManyLinkAttempts):
        look_up(house, last, subscriber)
    with house.unit_of_work() as uow:
        mine = select(func.count()).where(LookUp.citizen_reference == last.reference)
        assert uow.scalar(mine) == 0


def test_whoever_moved_out_owes_no_later_period_until_they_link_it_again(
    provider: UtilitiesProvider,
    citizen: Citizen,
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    subscriber: Subscriber,
) -> None:
    me = log_in(client, world, rooms)
    old = subscriber.add_bill(1000, period_from="2026-08-01", period_to="2026-08-31")
    young = subscriber.add_bill(2000)
    account = {
        "biller": subscriber.biller,
        "number": subscriber.number,
        "holder_name": subscriber.holder_name,
    }
    place = client.post("/v1/utilities/accounts", json=account, headers=me.auth).headers["Location"]
    moved = client.put(f"{place}/move-out", json={"last_day": "2026-09-15"}, headers=me.auth)
    assert (moved.status_code, moved.json["status"]) == (200, "moved_out")
    assert moved.json["moved_out_on"] == "2026-09-15"
    bills = client.get("/v1/utilities/bills", headers=me.auth).json["items"]
    assert [bill["biller_reference"] for bill in bills] == [old]
    order = client.post(f"{place}/orders", json={"amount": 1000}, headers=me.auth)
    assert [part["bill"] for part in order.json["parts"]] == [old]
    other = log_in(client, world, rooms)
    refused = client.put(f"{place}/move-out", json={"last_day": "2026-09-15"}, headers=other.auth)
    assert (refused.status_code, refused.json["code"]) == (404, "not-found")
    mine = link(provider.house, citizen, subscriber)
    assert provider.get_payable(subscriber.reference(young), citizen).amount == 2000
    with provider.house.unit_of_work() as uow:
        service.move_out(
            provider.house, uow, citizen.reference, mine.id, date.fromisoformat("2026-09-15")
        )
    with pytest.raises(BillNotFound):
        provider.get_payable(subscriber.reference(young), citizen)
    assert provider.get_payable(subscriber.reference(old), citizen).amount == 1000
    again = client.post("/v1/utilities/accounts", json=account, headers=me.auth).json
    assert (again["status"], again["moved_out_on"]) == ("verified", None)
    assert len(client.get("/v1/utilities/bills", headers=me.auth).json["items"]) == 2


def test_a_mandate_shares_an_account_as_far_as_it_goes(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    father = make_citizen(client, world, rooms)
    daughter = make_citizen(client, world, rooms, "韩梅梅", "1985-01-01")
    make_bill(client, world, father.citizen)
    make_bill(client, world, father.citizen, "power-bill")
    owned = client.get("/v1/utilities/accounts", headers=father.auth).json["items"]
    ids = {account["biller"]: account["id"] for account in owned}
    auth = acting(client, rooms, daughter, give(client, rooms, father, daughter)["id"])
    seen = client.get("/v1/utilities/accounts", headers=auth).json["items"]
    assert [account["id"] for account in seen] == [ids["shiyan-water"]]
    water = f"/v1/utilities/accounts/{ids['shiyan-water']}"
    made = client.post(f"{water}/orders", json={"amount": 4250}, headers=auth)
    assert made.status_code == 201, made.text
    assert client.get(f"{water}/consumption", headers=auth).status_code == 200
    power = f"/v1/utilities/accounts/{ids['shiyan-power']}"
    for answer in (
        client.get(power, headers=auth),
        client.get(f"{power}/consumption", headers=auth),
        client.post(f"{power}/orders", json={"amount": 4250}, headers=auth),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")
    assert client.delete(water, headers=auth).json["code"] == "acting-not-allowed"
    orders = client.get("/v1/utilities/orders", headers=father.auth).json["items"]
    assert [order["id"] for order in orders] == [made.json["id"]]
    to_see = {"service": "water-bill", "actions": ["view"]}
    only = acting(client, rooms, daughter, give(client, rooms, father, daughter, to_see)["id"])
    assert client.get(water, headers=only).status_code == 200
    refused = client.post(f"{water}/orders", json={"amount": 4250}, headers=only)
    assert refused.status_code in {403, 404}
    assert len(client.get("/v1/utilities/orders", headers=father.auth).json["items"]) == 1
