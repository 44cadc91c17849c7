"""A bill explains itself: each figure by the rule, the difference flagged, unusual use flagged."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from app.sdk import Citizen, House, NotFound
from plugins.utilities import service
from plugins.utilities.errors import BillNotFound
from plugins.utilities.service.owing import today
from plugins.utilities.values import Consumed, ExplainedFigure, Explanation
from tests.conftest import World
from tests.factories import log_in
from tests.plugins.utilities.conftest import Subscriber, link


def reading(previous: str, current: str, **more: object) -> dict[str, Any]:
    told = {"previous": previous, "current": current, "unit": "m3", "status": "working"}
    return {"reading": told | more}


def charge(amount: int) -> dict[str, Any]:
    return {"lines": [{"head": "water", "kind": "charge", "order": 1, "amount": amount}]}


def step(beyond: str, to: str | None, price: str, quantity: str, amount: int) -> dict[str, Any]:
    named = {"beyond": beyond, "price": price, "quantity": quantity, "amount": amount}
    return named if to is None else named | {"to": to}


STEPS = {"steps": [step("0", "15", "250", "15", 3750), step("15", "25", "375", "5.5", 2063)]}


def explained(house: House, citizen: Citizen, subscriber: Subscriber, number: str) -> Explanation:
    """Return the explanation of a bill by the biller's number."""
    service.refresh_bills(house, citizen.reference)
    with house.unit_of_work() as uow:
        (bill,) = [
            bill
            for bill in service.list_open_bills(uow, citizen.reference)
            if bill.biller_reference == number
        ]
        return service.explain_bill(uow, citizen.reference, bill.id)


def told_and_reckoned(figures: list[ExplainedFigure], kind: str) -> list[tuple[str, str, bool]]:
    return [(str(f.told), str(f.reckoned), f.differs) for f in figures if f.kind == kind]


def test_a_right_bill_agrees_with_readings_steps_and_the_rule(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill(5813, detail=reading("1203.5", "1224") | STEPS | charge(5813))
    link(house, citizen, subscriber)
    found = explained(house, citizen, subscriber, number)
    assert not found.differs
    figures = list(found.figures)
    assert told_and_reckoned(figures, "quantity") == [("20.5", "20.5", False)]
    assert told_and_reckoned(figures, "step") == [
        ("3750", "3750", False),
        ("2063", "2063", False),
    ]
    assert told_and_reckoned(figures, "charges") == [("5813", "5813", False)]
    assert told_and_reckoned(figures, "lines") == [("5813", "5813", False)]
    sources = {f.source for f in figures if f.kind in ("step", "charges")}
    assert sources == {"Sandbox city, price list of the Water Company, 2026, table 1"}
    assert {f.rule for f in figures if f.kind == "step"} == {"water-2026"}


@pytest.mark.parametrize(
    ("detail", "kind", "told", "reckoned"),
    [
        # A reading one off, a step at another price, a charge and a sum of the biller's own.
        (reading("1203.5", "1225") | STEPS | charge(5813), "quantity", "20.5", "21.5"),
        (
            {"steps": [STEPS["steps"][0], step("15", "25", "395", "5.5", 2173)]} | charge(5813),
            "step",
            "2173",
            "2063",
        ),
        (reading("1203.5", "1224") | STEPS | charge(5814), "charges", "5814", "5813"),
        (charge(5000), "lines", "5813", "5000"),
        # A step of the price that the biller left out is money it did not ask for, and said so.
        ({"steps": [step("0", "15", "250", "20.5", 5125)]}, "step", "0", "2063"),
    ],
)
def test_each_figure_that_differs_is_flagged(
    house: House,
    citizen: Citizen,
    subscriber: Subscriber,
    detail: dict[str, Any],
    kind: str,
    told: str,
    reckoned: str,
) -> None:
    number = subscriber.add_bill(5813, detail=detail)
    link(house, citizen, subscriber)
    found = explained(house, citizen, subscriber, number)
    assert found.differs
    assert (told, reckoned, True) in told_and_reckoned(list(found.figures), kind)


@pytest.mark.parametrize(
    ("detail", "doubt", "reckoned"),
    [
        (reading("99990", "10.5", digits=5) | STEPS, None, "20.5"),  # it passed its last digit
        (reading("1224", "1203.5") | STEPS, "readings-go-backwards", "None"),
        (reading("0", "20.5", status="breakdown") | STEPS, "meter-not-working", "None"),
        (STEPS, "no-reading", "None"),
    ],
)
def test_what_a_meter_cannot_say_is_said(
    house: House,
    citizen: Citizen,
    subscriber: Subscriber,
    detail: dict[str, Any],
    doubt: str | None,
    reckoned: str,
) -> None:
    number = subscriber.add_bill(5813, detail=detail)
    link(house, citizen, subscriber)
    found = explained(house, citizen, subscriber, number)
    (quantity,) = [f for f in found.figures if f.kind == "quantity"]
    assert (str(quantity.told), str(quantity.reckoned), quantity.doubt) == (
        "20.5",
        reckoned,
        doubt,
    )
    assert not found.differs


def test_use_without_a_price_of_ours_and_bills_without_detail_explain_nothing_false(
    house: House, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    heat = open_account("shiyan-heat")
    number = heat.add_bill(5813, detail=STEPS)
    bare = heat.add_bill(100)
    link(house, citizen, heat)
    (_, charges) = explained(house, citizen, heat, number).figures
    assert (charges.reckoned, charges.doubt, charges.differs) == (None, "no-rule", False)
    assert explained(house, citizen, heat, bare).figures == []


@pytest.mark.parametrize("biller", ["shiyan-heat"])  # no closed days move its due dates
def test_a_late_fee_above_the_rule_is_flagged_with_its_source(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    due = today() - timedelta(days=10)
    number = subscriber.add_bill(10_000, str(due), late_fee_rate=10)
    link(house, citizen, subscriber)
    found = explained(house, citizen, subscriber, number)
    (late,) = found.figures
    assert late.kind == "late_fee"
    assert late.told == 2 * (late.reckoned or Decimal(0)) > 0
    assert late.source == "Sandbox city, terms of the Heating Company, 2026, section 4"
    assert late.differs
    assert found.differs


def add_month(subscriber: Subscriber, month: int, quantity: str) -> str:
    return subscriber.add_bill(
        1000,
        period_from=f"2026-{month:02d}-01",
        period_to=f"2026-{month:02d}-28",
        detail=reading("0", quantity),
    )


def test_use_beyond_twice_the_median_of_ones_own_periods_is_unusual(
    house: House, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    for month, quantity in ((5, "10"), (6, "12"), (7, "11")):
        add_month(subscriber, month, quantity)
    much, usual = add_month(subscriber, 8, "23"), add_month(subscriber, 9, "20")
    account = link(house, citizen, subscriber)
    found = explained(house, citizen, subscriber, much)
    assert (found.is_unusual, found.usual) == (True, Decimal(11))
    assert explained(house, citizen, subscriber, usual).is_unusual is False
    with house.unit_of_work() as uow:
        series = service.list_consumption(uow, citizen.reference, account.id)
        with pytest.raises(NotFound):
            service.list_consumption(uow, stranger.reference, account.id)
        with pytest.raises(BillNotFound):
            service.explain_bill(uow, stranger.reference, found.bill_id)
    assert [str(point.quantity) for point in series] == ["10", "12", "11", "23", "20"]
    assert [point.is_unusual for point in series] == [False, False, False, True, False]
    assert [point.period_from.month for point in series] == [5, 6, 7, 8, 9]
    assert isinstance(series[0], Consumed)


def test_over_http_numbers_are_exact_texts_and_others_see_nothing(
    client: FlaskClient, world: World, rooms: Rooms, subscriber: Subscriber
) -> None:
    me, other = log_in(client, world, rooms), log_in(client, world, rooms)
    subscriber.add_bill(5813, detail=reading("1203.5", "1224") | STEPS | charge(5814))
    account = {
        "biller": subscriber.biller,
        "number": subscriber.number,
        "holder_name": subscriber.holder_name,
    }
    place = client.post("/v1/utilities/accounts", json=account, headers=me.auth).headers["Location"]
    (bill,) = client.get("/v1/utilities/bills", headers=me.auth).json["items"]
    path = f"/v1/utilities/bills/{bill['id']}/explanation"
    found = client.get(path, headers=me.auth)
    assert found.status_code == 200
    assert found.json["differs"] is True
    assert found.json["figures"][0] == {
        "kind": "quantity",
        "unit": "m3",
        "told": "20.5",
        "reckoned": "20.5",
        "differs": False,
        "rule": None,
        "source": None,
        "doubt": None,
        "beyond": None,
        "to": None,
        "price": None,
        "quantity": None,
    }
    (point,) = client.get(f"{place}/consumption", headers=me.auth).json["items"]
    assert (point["quantity"], point["unit"], point["amount"]) == ("20.5", "m3", 5813)
    for hidden, code in ((path, "bill-not-found"), (f"{place}/consumption", "not-found")):
        answer = client.get(hidden, headers=other.auth)
        assert (answer.status_code, answer.json["code"]) == (404, code)
