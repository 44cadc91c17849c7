"""What is never taken by itself: services that do not offer it, and what can be contested."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.autopay import service
from app.autopay.errors import AutopayNotOffered
from app.autopay.events import CollectionDue, OrderLookDue
from app.autopay.service import AutopayDeps
from app.autopay.values import Bounds, NewOrder
from app.core.tokens import Principal
from app.factory import Rooms
from app.sdk.provider import Citizen as Payer
from app.sdk.provider import Fulfilment, Payable, PayableProvider, PaymentNotice
from app.sdk.registry import Registry
from tests.conftest import World
from tests.factories import Citizen, later
from tests.payments.helpers import Bill, postings, step_up

from .support import ORDERS, collections, keep_card, make_order, status_of, tick, until


class Contestable(PayableProvider):
    """A plug-in all of whose bills can be contested just now."""

    def __init__(self, own: PayableProvider) -> None:
        self._own = own  # stands before a guarded one, which has the house

    def list_payables(self, citizen: Payer) -> Sequence[Payable]:
        return [replace(one, contestable=True) for one in self._own.list_payables(citizen)]

    def get_payable(self, reference: str, citizen: Payer) -> Payable:
        return replace(self._own.get_payable(reference, citizen), contestable=True)

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        raise AssertionError(notice)

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        raise AssertionError(key)


def offering(rooms: Rooms, *, autopay: bool, contestable: bool = False) -> AutopayDeps:
    """Return the room's collaborators in a city that offers water bills in another way."""
    deps = rooms.deps[AutopayDeps]
    known, provider = deps.payments.registry.payable("water-bill")
    registry = Registry(
        [replace(known, autopay=autopay)],
        {known.plugin: Contestable(provider) if contestable else provider},
        deps.payments.registry.payees,
    )
    return replace(deps, payments=replace(deps.payments, registry=registry))


def test_an_order_for_a_service_that_does_not_offer_it_is_refused(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    method = keep_card(client, rooms, citizen)
    who = Principal("citizen", UUID(citizen.id), UUID(citizen.session_id))
    wanted = NewOrder("water-bill", UUID(method), Bounds(20_000, None, 3), None, 1)
    with pytest.raises(AutopayNotOffered), rooms.units.open(actor="test") as uow:
        service.make_order(uow, offering(rooms, autopay=False), who, wanted)
    assert client.get(ORDERS, headers=citizen.auth).json["items"] == []


def test_an_order_ends_when_its_service_offers_it_no_more(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    look = OrderLookDue(order_id=UUID(order["id"]))
    with rooms.units.open(actor="test") as uow:
        service.look_for_bills(uow, offering(rooms, autopay=False), look)
    assert status_of(rooms, order["id"]) == "cancelled_by_payee"
    tick(rooms)
    assert collections(rooms, order["id"]) == []


def test_what_can_be_contested_is_neither_announced_nor_taken(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    deps = offering(rooms, autopay=True, contestable=True)
    with rooms.units.open(actor="test") as uow:
        service.look_for_bills(uow, deps, OrderLookDue(order_id=UUID(order["id"])))
    assert collections(rooms, order["id"]) == []
    tick(rooms)
    [announced] = collections(rooms, order["id"])  # it could not be contested for a while
    with later(until(announced.charge_at)), rooms.units.open(actor="test") as uow:
        service.collect_due(uow, deps, CollectionDue(collection_id=announced.id))
    [row] = collections(rooms, order["id"])
    assert (row.status, row.payment_id) == ("skipped", None)
    assert postings(world, bill) == []


def test_a_bound_that_was_lowered_holds_the_next_try_of_a_declined_bill(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen, "pm_card_chargeCustomerFail")
    tick(rooms)
    [row] = collections(rooms, order["id"])
    with later(until(row.charge_at)):
        tick(rooms)
    [row] = collections(rooms, order["id"])
    assert (row.status, row.tries) == ("failed", 1)
    step_up(rooms, citizen)
    lowered = client.patch(
        f"{ORDERS}/{order['id']}", json={"cap_per_bill": 100}, headers=citizen.auth
    )
    assert lowered.status_code == 200, lowered.text
    with later(until(row.charge_at)):
        tick(rooms)
    [row] = collections(rooms, order["id"])
    assert (row.status, row.reason, row.tries) == ("held", "above_bill_cap", 1)
