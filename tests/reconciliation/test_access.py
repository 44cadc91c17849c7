"""Who may see and do what."""

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.factories import bearer, staff_token
from tests.reconciliation.books import yesterday

NEW = {"source": "gateway:stripe", "day": str(yesterday())}


@pytest.mark.parametrize("role", ["system-admin", "catalog-editor", "citizen-support"])
def test_others_neither_read_nor_run(client: FlaskClient, rooms: Rooms, role: str) -> None:
    who = bearer(staff_token(rooms, role))
    assert client.get("/v1/reconciliation/differences", headers=who).status_code == 403
    assert client.post("/v1/reconciliation/runs", json=NEW, headers=who).status_code == 403


def test_a_day_that_lasts_is_not_compared(client: FlaskClient, rooms: Rooms) -> None:
    who = bearer(staff_token(rooms, "finance"))
    today = {**NEW, "day": "2098-01-01"}
    answer = client.post("/v1/reconciliation/runs", json=today, headers=who)
    assert (answer.status_code, answer.json["code"]) == (409, "reconciliation-day-not-over")
    bank = {"source": "bank:main", "day": "2001-01-01"}
    answer = client.post("/v1/reconciliation/runs", json=bank, headers=who)
    assert (answer.status_code, answer.json["code"]) == (409, "reconciliation-statement-needed")


def test_what_is_not_there_is_not_found(client: FlaskClient, rooms: Rooms) -> None:
    who = bearer(staff_token(rooms, "finance"))
    nothing = "01890a5d-ac96-774b-bcce-b302099a8057"
    for path in (f"runs/{nothing}", f"differences/{nothing}"):
        assert client.get(f"/v1/reconciliation/{path}", headers=who).status_code == 404
