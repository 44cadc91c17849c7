"""Numbers without gaps: parallel issuers, undone units, and raw SQL that tries to cheat."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain

import psycopg
import pytest
from psycopg import errors

from app.core import clock
from app.factory import Rooms
from app.receipts import service as receipts
from app.receipts.values import Draft, series_of
from tests.factories import later
from tests.live import at_once
from tests.receipts.support import Issued, issue, numbers, read, reverse, section, this_year

ISSUERS = 8
EACH = 25

COLUMNS = (
    "id, payment_id, citizen_id, original_id, refund_id, series, number, code, amount, currency, "
    "content, issued_at"
)


class Undone(Exception):
    """A unit of work that ends badly after it has taken its number."""


def fail_sometimes(chance: random.Random) -> None:
    if chance.random() < 0.3:
        raise Undone


@pytest.mark.promise("P07")
def test_parallel_issuers_and_undone_ones_leave_no_gap(
    rooms: Rooms, shows: Callable[[str], None]
) -> None:
    before = numbers(rooms, this_year())

    def issue_some(seed: int) -> list[uuid.UUID]:
        chance = random.Random(seed)  # noqa: S311 - which ones fail is to be the same each time
        kept = []
        for _ in range(EACH):
            payment_id = uuid.uuid4()
            try:
                with rooms.units.open(actor="test") as uow:
                    draft = Draft(payment_id, uuid.uuid4(), "CNY", [section(100)])
                    receipts.issue_receipt(uow, draft)
                    fail_sometimes(chance)
            except Undone:
                continue
            kept.append(payment_id)
        return kept

    shares = at_once([partial(issue_some, seed) for seed in range(ISSUERS)])
    kept = list(chain.from_iterable(shares))
    after = numbers(rooms, this_year())
    assert after == list(range(1, len(after) + 1))
    assert len(after) == len(before) + len(kept)
    assert len({read(rooms, payment_id).number for payment_id in kept}) == len(kept)
    undone = ISSUERS * EACH - len(kept)
    assert undone > 0
    shows(f"{ISSUERS} parallel issuers, {undone} undone: {len(kept)} numbers, 0 gaps, 0 repeats")


def test_a_payment_has_one_receipt_however_often_it_is_asked_for(rooms: Rooms) -> None:
    first = issue(rooms)
    again = issue(rooms, section(9900), payment_id=first.payment_id)
    assert again.receipt == first.receipt
    assert len(numbers(rooms, this_year())) == numbers(rooms, this_year())[-1]


def test_parallel_issuers_of_one_payment_leave_one_receipt(rooms: Rooms) -> None:
    payment_id = uuid.uuid4()

    def try_it() -> bool:
        try:
            issue(rooms, payment_id=payment_id)
        except Exception as error:  # noqa: BLE001 - which of two errors is PostgreSQL's choice
            return "uq_receipts_payment_id" not in str(error)
        return True

    at_once([try_it] * ISSUERS)
    assert read(rooms, payment_id).status == "issued"
    found = numbers(rooms, this_year())
    assert found == list(range(1, len(found) + 1))


def copy(raw: psycopg.Connection, issued: Issued, **changes: str) -> None:
    """Insert a copy of a receipt as the application's role, with some columns changed (SQL)."""
    fresh = {"id": "gen_random_uuid()", "number": "null", "code": "gen_random_uuid()::text"}
    chosen = {**fresh, "payment_id": "gen_random_uuid()", **changes}
    values = ", ".join(chosen.get(name, name) for name in COLUMNS.split(", "))
    raw.execute(
        f"insert into receipts ({COLUMNS}) select {values} from receipts where id = %s",  # noqa: S608 - our own
        (issued.receipt.id,),
    )


CHEATS = {
    "a second receipt of a payment": ({"payment_id": "payment_id"}, errors.UniqueViolation),
    "a number of its own choice": ({"number": "1000000"}, errors.RestrictViolation),
    "the number of another": ({"number": "number"}, errors.RestrictViolation),
    "the code of another": ({"code": "code"}, errors.UniqueViolation),
    "a series of another year": ({"series": "'2019'"}, errors.CheckViolation),
    "a receipt in the red series": ({"series": "series || 'R'"}, errors.CheckViolation),
    "less than nothing": ({"amount": "-1"}, errors.CheckViolation),
    "a red letter without a refund": (
        {"original_id": "id", "payment_id": "payment_id", "amount": "-1"},
        errors.CheckViolation,
    ),
    "a red letter to another payment": (
        {"original_id": "id", "refund_id": "gen_random_uuid()", "amount": "-1"},
        errors.CheckViolation,
    ),
    "more than was received": (
        {
            "original_id": "id",
            "refund_id": "gen_random_uuid()",
            "payment_id": "payment_id",
            "amount": "-amount - 1",
            "series": "series || 'R'",
        },
        errors.CheckViolation,
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_nobody_lays_a_receipt_that_is_not_so(
    rooms: Rooms, raw: psycopg.Connection, cheat: str
) -> None:
    issued = issue(rooms)
    changes, refusal = CHEATS[cheat]
    with pytest.raises(refusal):
        copy(raw, issued, **changes)
    assert numbers(rooms, this_year())[-1] == issued.receipt.number


def test_an_honest_copy_is_laid_so_the_cheats_fail_for_their_own_reasons(
    rooms: Rooms, raw: psycopg.Connection
) -> None:
    issued = issue(rooms)
    copy(raw, issued)
    assert numbers(rooms, this_year())[-1] == issued.receipt.number + 1


@pytest.mark.parametrize(
    "statement",
    [
        "update receipts set number = number + 1 where id = %s",
        "update receipts set amount = amount + 1 where id = %s",
        "delete from receipts where id = %s",
        "update receipt_counters set last_number = last_number + 1 where %s::uuid is not null",
        "insert into receipt_counters select %s, 1",
        "delete from receipt_counters where %s::uuid is not null",
    ],
)
def test_what_is_issued_and_counted_cannot_be_changed(
    rooms: Rooms, raw: psycopg.Connection, statement: str
) -> None:
    issued = issue(rooms)
    with pytest.raises((errors.InsufficientPrivilege, errors.RestrictViolation)):
        raw.execute(statement, (issued.receipt.id,))  # type: ignore[call-overload] # our own text
    assert read(rooms, issued.payment_id) == issued.receipt
    assert numbers(rooms, this_year())[-1] == issued.receipt.number


def test_a_year_begins_at_the_citys_midnight() -> None:
    midnight = datetime(2027, 1, 1, tzinfo=clock.CITY_TIME)
    last = midnight - timedelta(microseconds=1)
    assert midnight.astimezone(UTC).isoformat() == "2026-12-31T16:00:00+00:00"
    assert [series_of(one, is_red=False) for one in (last, midnight)] == ["2026", "2027"]
    assert [series_of(one.astimezone(UTC), is_red=True) for one in (last, midnight)] == [
        "2026R",
        "2027R",
    ]


def test_a_new_year_counts_from_one(rooms: Rooms) -> None:
    year = int(this_year()) + 7
    midnight = datetime(year, 1, 1, tzinfo=clock.CITY_TIME)
    for moment, name in ((midnight - timedelta(hours=1), year - 1), (midnight, year)):
        with later((moment - datetime.now(UTC)).total_seconds()):
            issued = issue(rooms)
            reverse(rooms, issued, 50, left=4200)
        (letter,) = read(rooms, issued.payment_id).reversals
        assert (issued.receipt.series, letter.series) == (str(name), f"{name}R")
    assert numbers(rooms, str(year)) == numbers(rooms, f"{year}R") == [1]
