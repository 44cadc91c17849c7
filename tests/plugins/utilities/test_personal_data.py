"""A person takes their data along, and is forgotten."""

import json
from typing import Any

import pytest
from sqlalchemy import select, text

from app.factory import Rooms
from app.sdk import Citizen
from plugins.utilities import service
from plugins.utilities.errors import AccountMismatch
from plugins.utilities.models import Account
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.values import Ground, NewComplaint, NewOrder
from tests.plugins.utilities.conftest import Subscriber, link


def exported(provider: UtilitiesProvider, citizen: Citizen) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(provider.export(citizen)))
    return data


def test_an_export_holds_what_is_kept(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill()
    account = link(provider.house, citizen, subscriber)
    wrong = subscriber.wanted(holder_name="王芳")
    with pytest.raises(AccountMismatch), provider.house.unit_of_work() as uow:
        service.link_account(provider.house, uow, citizen, wrong)
    provider.list_payables(citizen)
    data = exported(provider, citizen)
    assert data["accounts"] == [
        {
            "id": str(account.id),
            "biller": "shiyan-water",
            "number": subscriber.number,
            "holder_name": "李雷",
            "linked_at": account.linked_at.isoformat(),
        }
    ]
    (bill,) = data["bills"]
    assert bill["reference"] == subscriber.reference(number)
    assert (bill["amount"], bill["due_date"], bill["paid_at"]) == (4250, "2026-12-07", None)
    assert len(data["link_attempts_until"]) == 1  # the wrong one: a right one counts no more


def test_an_export_holds_nothing_of_others(
    provider: UtilitiesProvider, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill()
    link(provider.house, citizen, subscriber)
    provider.list_payables(citizen)
    assert not any(exported(provider, stranger).values())


def test_erasing_leaves_no_trace_of_a_person_and_spares_others(
    provider: UtilitiesProvider,
    citizen: Citizen,
    stranger: Citizen,
    subscriber: Subscriber,
    rooms: Rooms,
) -> None:
    subscriber.add_bill()
    for somebody in (citizen, stranger):
        link(provider.house, somebody, subscriber)
    provider.list_payables(citizen)
    with provider.house.unit_of_work() as uow:
        (mine,) = uow.scalars(
            select(Account.id).where(Account.citizen_reference == citizen.reference)
        )
    with provider.house.unit_of_work() as uow:
        order = service.mint_order(provider.house, uow, citizen.reference, mine, NewOrder(1000))
    with provider.house.unit_of_work() as uow:
        wanted = NewComplaint(Ground.AMOUNT, "太贵了", order_id=order.id)
        service.register_complaint(provider.house, uow, citizen, wanted)
    (said,) = exported(provider, citizen)["complaints"]
    assert (said["words"], said["order_id"]) == ("太贵了", str(order.id))
    (kept,) = exported(provider, citizen)["orders"]
    assert (kept["reference"], kept["amount"]) == (order.reference, 1000)
    for _ in range(2):
        provider.erase(citizen)
        assert not any(exported(provider, citizen).values())
    assert provider.list_payables(citizen) == []
    assert len(provider.list_payables(stranger)) == 1
    with rooms.units.open(actor="test", read_only=True) as uow:
        for table in (
            "accounts",
            "bills",
            "orders",
            "postings",
            "bill_files",
            "link_allowances",
            "look_ups",
            "complaints",
        ):
            found = uow.scalar(
                text(
                    f"select count(*) from plugin_utilities.{table} t "  # noqa: S608 - our names
                    "where to_jsonb(t)::text like :name"
                ),
                {"name": f"%{citizen.reference}%"},
            )
            assert found == 0, table
