"""A company applies, is let in, is paid, is switched off everywhere, and gives money back."""

import json
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from app.sdk.registry import Registry
from tests.conftest import World
from tests.factories import bearer, log_in, run_jobs, staff_token
from tests.payments.helpers import Bill, order, pay, start
from tests.providers.support import NAME, PAYEE, SERVICE, Town

PATIENCE = 30.0


def shown(client: FlaskClient) -> tuple[int, bool | None]:
    """Return whether a process shows the service, and offers it."""
    answer = client.get(f"/v1/services/{SERVICE}")
    return answer.status_code, (answer.json or {}).get("available")


def until(holds: Callable[[], bool]) -> float:
    """Wait until something holds, and return how many seconds it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)
    return time.monotonic() - began


def refuses(rooms: Rooms) -> bool:
    """Say whether a process asks the company no more."""
    registry: Registry = rooms.deps[Registry]
    return registry.snapshot().services[SERVICE].unavailable is not None


@pytest.mark.promise("P25")
def test_from_the_application_to_the_receipt_and_back(
    town: Town, world: World, shows: Callable[[str], None]
) -> None:
    assert shown(town.second)[0] == 404
    town.company.register()
    assert shown(town.second)[0] == 404
    town.office.bring(town.company, "live")
    until(lambda: shown(town.second) == (200, True))

    citizen = log_in(town.first, world, town.rooms)
    town.house.issue("P-1", 700)
    payment = pay(town.first, town.rooms, citizen, Bill(SERVICE, "P-1", 700, "", "", "", ""))
    assert payment["items"][0]["status"] == "fulfilled"
    (receipt,) = town.first.get("/v1/me/receipts", headers=citizen.auth).json["items"]
    assert receipt["amount"] == 700
    finance = bearer(staff_token(town.rooms, "finance"))
    payees = town.first.get("/v1/settlement/payees?limit=100", headers=finance).json["items"]
    titles = {one["id"]: one["title"]["en"] for one in payees}
    assert titles[PAYEE] == "Example Parking"

    body = json.dumps({"reference": "P-1", "amount": 200, "reason": "left-early"}).encode()
    assert town.company.call(body, town.company.sign(body)).status_code == 204
    run_jobs(town.rooms)
    with town.rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(text("select sum(amount) from refunds")) == 200

    town.house.issue("P-2", 300)
    assert not refuses(town.other)
    assert town.office.suspend(NAME).status_code == 200
    took = until(lambda: refuses(town.other))
    until(lambda: shown(town.second) == (200, False))
    before = town.house.count("GET")
    refused = start(town.second, citizen, order(Bill(SERVICE, "P-2", 300, "", "", "", "")))
    assert (refused.status_code, refused.json["code"]) == (503, "service-unavailable")
    assert town.house.count("GET") == before
    assert town.office.resume(NAME).status_code == 200
    until(lambda: shown(town.second) == (200, True))
    left = town.company.post(
        f"{town.company.path}/withdrawal", {"reason": {"zh": "再见", "en": "Goodbye"}}
    )
    assert left.status_code == 200
    until(lambda: shown(town.second) == (404, None))
    shows(f"the other process asked no more {took:.2f} s after the kill switch; no deployment")
