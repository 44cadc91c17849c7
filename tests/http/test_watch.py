"""What the door tells the trail: acts of staff, refusals, worthless tokens; and no more of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import clock
from app.core.ids import new_id
from app.core.tokens import Tokens
from app.factory import Rooms, create_app
from config.settings import Settings
from tests.audit.support import knock, seal
from tests.conftest import World
from tests.contract import ContractClient
from tests.factories import bearer, log_in, staff_token


@pytest.fixture
def fresh(settings: Settings, rooms: Rooms) -> FlaskClient:
    """Return a client of an application that has refused nobody yet."""
    made = create_app(settings, rooms)
    made.test_client_class = ContractClient
    return made.test_client()


def newest(rooms: Rooms) -> int:
    return max((row.number for row in told(rooms, 0)), default=0)


def told(rooms: Rooms, after: int) -> list[Any]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        query = "select * from audit_entries where number > :after order by number"
        return list(uow.execute(text(query), {"after": after}))


def staff_id(rooms: Rooms, token: str) -> str:
    return str(rooms.deps[Tokens].verify(token)["sub"])


def test_what_staff_read_is_told(fresh: FlaskClient, rooms: Rooms) -> None:
    token = staff_token(rooms, "auditor")
    mark = newest(rooms)
    assert fresh.get("/v1/ledger/trial-balance", headers=bearer(token)).status_code == 200
    (row,) = told(rooms, mark)
    assert (row.event, row.result, row.actor_kind) == ("staff.acted", "done", "staff")
    assert row.actor == f"staff:{staff_id(rooms, token)}"
    assert row.details == {"operation": "GET:/v1/ledger/trial-balance", "path": {}, "status": 200}
    assert (row.address, row.request_id is not None) == ("127.0.0.1", True)


def test_what_staff_were_refused_is_told(fresh: FlaskClient, rooms: Rooms) -> None:
    token = staff_token(rooms, "catalog-editor")
    mark = newest(rooms)
    for _ in range(2):  # each act of staff is told, however alike
        assert fresh.get("/v1/ledger/trial-balance", headers=bearer(token)).status_code == 403
    auditor = bearer(staff_token(rooms, "auditor"))
    assert fresh.get("/v1/ledger/transactions?limit=0", headers=auditor).status_code == 422
    rows = [row for row in told(rooms, mark) if row.event == "staff.acted"]
    assert [(row.result, row.details["status"]) for row in rows] == [
        ("refused", 403),
        ("refused", 403),
        ("refused", 422),
    ]


def test_a_write_of_staff_is_told_with_its_path_and_its_commit(
    fresh: FlaskClient, rooms: Rooms
) -> None:
    token = staff_token(rooms, "department-operator", "water-bureau")
    mark = newest(rooms)
    path = "/v1/utilities/billers/shiyan-water/bill-files"
    answer = fresh.post(path, data=b"", content_type="text/csv", headers=bearer(token))
    rows = [row for row in told(rooms, mark) if row.event == "staff.acted"]
    assert [row.details for row in rows] == [
        {
            "operation": "POST:/v1/utilities/billers/<slug:biller_id>/bill-files",
            "path": {"biller_id": "shiyan-water"},
            "status": answer.status_code,
        }
    ]


def test_a_citizen_who_is_refused_is_told_once_a_minute(
    fresh: FlaskClient, world: World, rooms: Rooms
) -> None:
    mine = log_in(fresh, world, rooms)
    mark = newest(rooms)
    for path in ("/v1/audit/entries", "/v1/audit/entries", "/v1/audit/seals"):
        assert fresh.get(path, headers=mine.auth).status_code == 403
    rows = told(rooms, mark)
    assert [(row.event, row.details["operation"]) for row in rows] == [
        ("access.refused", "GET:/v1/audit/entries"),
        ("access.refused", "GET:/v1/audit/seals"),
    ]
    assert {str(row.subject_id) for row in rows} == {mine.id}
    assert {row.result for row in rows} == {"refused"}


def test_a_worthless_token_is_told_and_none_is_not(fresh: FlaskClient, rooms: Rooms) -> None:
    mark = newest(rooms)
    for _ in range(20):
        answer = fresh.get("/v1/me", headers=bearer(f"a.b.{new_id()}"))
        assert answer.status_code == 401
    assert fresh.get("/v1/me").status_code == 401
    (row,) = told(rooms, mark)
    assert (row.event, row.actor, row.result) == ("token.refused", "anonymous", "refused")
    assert row.details == {"operation": "GET:/v1/me", "code": "token-invalid", "more": 0}


def test_an_address_that_looks_personal_is_struck_out(fresh: FlaskClient, rooms: Rooms) -> None:
    token = staff_token(rooms, "department-operator", "water-bureau")
    mark = newest(rooms)
    path = "/v1/utilities/billers/13807190001/bill-files"
    fresh.post(path, data=b"", content_type="text/csv", headers=bearer(token))
    assert "13807190001" not in str(told(rooms, mark))


@contextmanager
def much_later(seconds: float) -> Iterator[None]:
    """Set business time ahead, and let wait what waits (`later` has it sealed first)."""
    clock.travel(timedelta(seconds=seconds))
    try:
        yield
    finally:
        clock.travel(timedelta(0))


@pytest.mark.promise("M12")
def test_nothing_is_changed_by_staff_while_the_trail_is_not_sealed(
    fresh: FlaskClient, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    """Four hours behind, staff may look and citizens go on, but no act of staff happens (M12)."""
    token = bearer(staff_token(rooms, "department-operator", "water-bureau"))
    auditor = bearer(staff_token(rooms, "auditor"))
    path = "/v1/utilities/billers/shiyan-water/bill-files"

    def write() -> Any:  # noqa: ANN401 - an answer
        return fresh.post(path, data=b"", content_type="text/csv", headers=token)

    seal(rooms)
    assert write().status_code != 503
    seal(rooms)
    with much_later(4 * 3600 + 60):
        assert write().status_code != 503  # nothing waits to be sealed
    seal(rooms)
    knock(rooms, 1)
    with much_later(4 * 3600 - 60):
        assert write().status_code != 503
    with much_later(4 * 3600 + 60):
        refused = write()
        assert (refused.status_code, refused.json["code"]) == (503, "audit-sealing-late")
        assert refused.headers["Retry-After"]
        assert fresh.get("/v1/ledger/trial-balance", headers=auditor).status_code == 200
        seal(rooms)
        assert write().status_code != 503
    shows("sealing 4 h 1 min behind: writes of staff 503, reads 200; after a seal they go on")
