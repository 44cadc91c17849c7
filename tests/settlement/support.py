"""Payees, days and people of finance for tests of settlement."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.clock import CITY_TIME, city_day, now
from app.factory import Rooms
from tests.factories import bearer, later, staff_token
from tests.ledger.support import capture, new_payee, portion, rows

DAY = 86_400
NUMBER = "6222021702000012345"
BANK = "102521000027"
_ahead = itertools.count(3, 2)


@dataclass(frozen=True)
class Finance:
    """Who draws up and who approves."""

    clerk: Mapping[str, str]
    approver: Mapping[str, str]


def finance(rooms: Rooms) -> Finance:
    """Return two people whose tokens count now."""
    return Finance(
        bearer(staff_token(rooms, "finance")), bearer(staff_token(rooms, "finance-approver"))
    )


def fresh_day() -> date:
    """Return a day ahead that no other test has; its neighbours are nobody's either."""
    return (now() + timedelta(days=next(_ahead))).astimezone(CITY_TIME).date()


@contextmanager
def on(day: date, hour: int = 12) -> Iterator[None]:
    """Let the enclosed lines happen on a day."""
    moment = city_day(day)[0] + timedelta(hours=hour)
    with later((moment - now()).total_seconds()):
        yield


@contextmanager
def after(day: date) -> Iterator[None]:
    """Let the enclosed lines happen on the morning after a day."""
    with on(day + timedelta(days=1), 6):
        yield


def post(
    client: FlaskClient, path: str, who: Mapping[str, str], body: object = None
) -> TestResponse:
    more = {} if body is None else {"json": body}
    return client.post(f"/v1/settlement{path}", headers=who, **more)


def get(client: FlaskClient, path: str, who: Mapping[str, str]) -> TestResponse:
    return client.get(f"/v1/settlement{path}", headers=who)


def bank_details(payee: str, **changes: object) -> dict[str, Any]:
    return {
        "payee": payee,
        "holder": "十堰市某某有限公司",
        "number": NUMBER,
        "bank_code": BANK,
        **changes,
    }


def owed(rooms: Rooms, amount: int) -> str:
    """Return a payee that is owed an amount."""
    payee = new_payee()
    capture(rooms, portion(payee, amount))
    return payee


def with_account(client: FlaskClient, rooms: Rooms, payee: str) -> str:
    """Give a payee a bank account, by two people; return its id."""
    people = finance(rooms)
    proposed = post(client, "/accounts", people.clerk, bank_details(payee))
    assert proposed.status_code == 201, proposed.text
    account_id = proposed.json["id"]
    approved = post(client, f"/accounts/{account_id}/approval", people.approver)
    assert approved.status_code == 200, approved.text
    return str(account_id)


def draft(client: FlaskClient, who: Mapping[str, str], day: date) -> TestResponse:
    return post(client, "/batches", who, {"day": day.isoformat()})


def lines_of(client: FlaskClient, people: Finance, batch_id: str) -> list[dict[str, Any]]:
    answer = get(client, f"/batches/{batch_id}/lines?limit=100", people.clerk)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def sent(client: FlaskClient, people: Finance, day: date) -> dict[str, Any]:
    """Draw up, approve, file and send the batch of a day."""
    drafted = draft(client, people.clerk, day)
    assert drafted.status_code == 201, drafted.text
    path = f"/batches/{drafted.json['id']}"
    for step, who in (
        ("approval", people.approver),
        ("file", people.clerk),
        ("dispatch", people.clerk),
    ):
        answer = post(client, f"{path}/{step}", who)
        assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def balance(rooms: Rooms, code: str) -> int:
    """Return what an account holds: debit above zero."""
    ((found,),) = rows(
        rooms,
        "select coalesce(sum(e.amount), 0) from ledger_entries e "
        "join ledger_accounts a on a.id = e.account_id where a.code = :code",
        code=code,
    )
    return int(found)
