"""What waiting costs is told before it does, by the rule that will reckon it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from plugins.utilities.models import Bill
from plugins.utilities.service.owing import today
from plugins.utilities.service.previews import month_after, preview_bill
from plugins.utilities.values import BillStatus
from tests.conftest import World
from tests.factories import log_in
from tests.plugins.utilities.conftest import Subscriber


def a_bill(biller: str, due: str, **more: Any) -> Bill:  # noqa: ANN401
    """Return a bill of 100 yuan as it is stored, told on the first day of December 2026."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "biller": biller,
        "amount": 10_000,
        "currency": "CNY",
        "paid_amount": 0,
        "late_fee": 0,
        "status": BillStatus.OPEN,
        "due_date": date.fromisoformat(due),
        "seen_at": datetime(2026, 12, 1, 4, tzinfo=UTC),
    }
    return Bill(**values | more)


@pytest.mark.parametrize(
    ("bill", "day", "costs"),
    [
        (  # within the year, then ten days of the next one, which cost three times as much
            a_bill("shiyan-power", "2026-12-20"),
            "2026-12-01",
            {
                "2026-12-01": 0,
                "2026-12-20": 0,
                "2026-12-21": 10,
                "2027-01-01": 11 * 10 + 30,
                "2027-01-20": 11 * 10 + 20 * 30,
            },
        ),
        (  # the counters are closed for the Spring Festival until the eleventh
            a_bill("shiyan-water", "2027-02-06"),
            "2027-02-01",
            {"2027-02-01": 0, "2027-02-12": 0, "2027-02-13": 10, "2027-03-12": 28 * 10},
        ),
        (  # ten days of grace, and a new year that changes nothing
            a_bill("shiyan-gas", "2026-12-10"),
            "2026-12-10",
            {
                "2026-12-10": 0,
                "2026-12-11": 0,
                "2026-12-21": 5,
                "2027-01-01": 12 * 5,
                "2027-01-10": 21 * 5,
            },
        ),
        (  # what was paid is not late
            a_bill("shiyan-power", "2027-01-05", paid_amount=4000, status="partially_paid"),
            "2027-01-05",
            {"2027-01-05": 0, "2027-01-06": 6, "2027-02-05": 31 * 6},
        ),
        (  # it is late already, and goes on to the cap: thirty in a hundred
            a_bill("shiyan-gas", "2026-01-01"),
            "2027-09-03",
            {"2027-09-03": 600 * 5, "2027-09-04": 3000, "2027-10-03": 3000},
        ),
        (  # a biller that adds nothing
            a_bill("shiyan-power", "2026-12-08", late_fee=None),
            "2026-12-01",
            {"2026-12-01": 0, "2026-12-08": 0, "2026-12-09": 0, "2027-01-01": 0, "2027-01-08": 0},
        ),
    ],
)
def test_worked_examples(bill: Bill, day: str, costs: dict[str, int]) -> None:
    found = preview_bill(bill, date.fromisoformat(day))
    assert {one.on.isoformat(): one.late_fee for one in found.days} == costs
    unpaid = bill.amount - bill.paid_amount
    assert {one.owed - one.late_fee for one in found.days} == {unpaid}
    assert (found.source is None) == (bill.late_fee is None)
    capped = [one.late_fee for one in found.days if one.is_capped]
    assert set(capped) <= {3000}


def test_a_bill_that_expires_is_said_to_be_payable_no_more_and_a_paid_one_costs_nothing() -> None:
    bill = a_bill("shiyan-water", "2026-12-07", expires_on=date(2026, 12, 20))
    found = preview_bill(bill, date(2026, 12, 1))
    payable = {one.on.isoformat(): one.can_be_paid for one in found.days}
    assert payable == {
        "2026-12-01": True,
        "2026-12-07": True,
        "2026-12-08": True,
        "2027-01-01": False,
        "2027-01-07": False,
    }
    paid = a_bill("shiyan-water", "2026-12-07", status=BillStatus.PAID)
    assert preview_bill(paid, date(2026, 12, 1)).days == []


def test_a_month_after_the_last_of_january_is_the_last_of_february() -> None:
    assert month_after(date(2027, 1, 31)) == date(2027, 2, 28)
    assert month_after(date(2028, 1, 31)) == date(2028, 2, 29)
    assert month_after(date(2026, 12, 31)) == date(2027, 1, 31)


def test_over_http_it_is_ones_own_and_names_its_source(
    client: FlaskClient, world: World, rooms: Rooms, subscriber: Subscriber
) -> None:
    me, other = log_in(client, world, rooms), log_in(client, world, rooms)
    due = today() + timedelta(days=200)
    subscriber.add_bill(10_000, due.isoformat(), late_fee_rate=10)
    account = {
        "biller": subscriber.biller,
        "number": subscriber.number,
        "holder_name": subscriber.holder_name,
    }
    assert client.post("/v1/utilities/accounts", json=account, headers=me.auth).status_code == 201
    (bill,) = client.get("/v1/utilities/bills", headers=me.auth).json["items"]
    path = f"/v1/utilities/bills/{bill['id']}/late-fee-preview"
    found = client.get(path, headers=me.auth)
    assert found.status_code == 200, found.text
    by_day = {day["on"]: day for day in found.json["days"]}
    after = by_day[(due + timedelta(days=1)).isoformat()]
    assert (after["late_fee"], after["owed"], after["days"]) == (10, 10_010, 1)
    assert by_day[due.isoformat()]["owed"] == 10_000
    assert found.json["source"] == "Sandbox city, terms of the Water Company, 2026, section 5"
    refused = client.get(path, headers=other.auth)
    assert (refused.status_code, refused.json["code"]) == (404, "bill-not-found")
