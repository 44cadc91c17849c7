"""The constraints that carry the money rules, tried with raw SQL as the application's role."""

from collections.abc import Iterator

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import errors

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen
from tests.live import at_once
from tests.payments.helpers import make_bill, order, pay, start


@pytest.fixture
def raw(world: World) -> Iterator[psycopg.Connection]:
    """Return a plain connection of the application's role."""
    url = world.env["DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def payment_id(client: FlaskClient, world: World, citizen: Citizen) -> str:
    """Return a pending payment of one bill."""
    bill = make_bill(client, world, citizen)
    return str(start(client, citizen, order(bill)).json["id"])


def copy_row(raw: psycopg.Connection, table: str, payment_id: str, **changes: object) -> None:
    """Insert a copy of a payment's row of a table under a new id, with some columns changed."""
    named = raw.execute(
        "select column_name from information_schema.columns where table_name = %s", (table,)
    ).fetchall()
    columns = [name for (name,) in named]
    values = {"id": "gen_random_uuid()", **{k: f"%({k})s" for k in changes}}
    chosen = ", ".join(values.get(column, column) for column in columns)
    raw.execute(
        f"insert into {table} ({', '.join(columns)}) "  # noqa: S608 - names of our own tables
        f"select {chosen} from {table} where payment_id = %(payment)s limit 1",
        {**changes, "payment": payment_id},
    )


def test_a_bill_has_one_live_item(raw: psycopg.Connection, payment_id: str) -> None:
    with pytest.raises(errors.UniqueViolation, match="uq_payment_items_live_payable"):
        copy_row(raw, "payment_items", payment_id, line_no=2)
    copy_row(raw, "payment_items", payment_id, line_no=2, is_live=False)


def test_twenty_parallel_inserts_leave_one_live_item(
    world: World, raw: psycopg.Connection, payment_id: str
) -> None:
    url = world.env["DATABASE_URL"].replace("+psycopg", "")

    def insert(number: int) -> bool:
        with psycopg.connect(url, autocommit=True) as connection:
            try:
                copy_row(
                    connection,
                    "payment_items",
                    payment_id,
                    line_no=number,
                    reference=f"x{payment_id}",
                )
            except errors.UniqueViolation:
                return False
            return True

    assert sum(at_once([lambda n=n: insert(n) for n in range(2, 22)])) == 1


def test_a_payment_has_one_live_attempt(raw: psycopg.Connection, payment_id: str) -> None:
    with pytest.raises(errors.UniqueViolation, match="uq_payment_attempts_live"):
        copy_row(raw, "payment_attempts", payment_id, number=2, gateway_key="k2", intent_id="i2")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("payments", "amount = -1"),
        ("payments", "status = 'paid'"),
        ("payments", "refunded_amount = amount + 1"),
        ("payment_items", "amount = 10000000001"),
        ("payment_items", "status = 'done'"),
        ("payment_items", "is_live = false, status = 'fulfilled'"),
        ("payment_attempts", "captured_amount = amount + 1"),
        ("payment_attempts", "refunded_amount = 1"),
        ("payment_attempts", "status = 'paid'"),
    ],
)
def test_a_row_out_of_bounds_is_refused(
    raw: psycopg.Connection, payment_id: str, table: str, change: str
) -> None:
    column = "id" if table == "payments" else "payment_id"
    with pytest.raises(errors.CheckViolation):
        raw.execute(f"update {table} set {change} where {column} = %s", (payment_id,))  # noqa: S608


def test_refunds_of_one_attempt_never_exceed_what_was_captured(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, raw: psycopg.Connection
) -> None:
    paid = pay(client, rooms, citizen, make_bill(client, world, citizen))
    url = world.env["DATABASE_URL"].replace("+psycopg", "")

    def reserve() -> bool:
        with psycopg.connect(url, autocommit=True) as connection:
            try:
                connection.execute(
                    "update payment_attempts set refunded_amount = refunded_amount + 1000 "
                    "where payment_id = %s",
                    (paid["id"],),
                )
            except errors.CheckViolation:
                return False
            return True

    assert sum(at_once([reserve] * 20)) == 4250 // 1000


@pytest.mark.parametrize("change", ["update {} set {} = {}", "delete from {}", "truncate {}"])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("receipts", "code"),
        ("event_log", "cause"),
        ("ledger_accounts", "code"),
        ("ledger_transactions", "kind"),
        ("ledger_entries", "currency"),
    ],
)
def test_what_is_append_only_cannot_be_changed(
    raw: psycopg.Connection, table: str, column: str, change: str
) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.RestrictViolation)):
        raw.execute(change.format(table, column, column))


@pytest.mark.parametrize(
    "table", ["receipts", "event_log", "ledger_accounts", "ledger_transactions", "ledger_entries"]
)
def test_not_even_the_owner_changes_what_is_append_only(world: World, table: str) -> None:
    url = world.env["DATABASE_OWNER_URL"].replace("+psycopg", "")
    with (
        psycopg.connect(url) as owner,
        pytest.raises(errors.RestrictViolation, match="append-only"),
    ):
        owner.execute(f"delete from {table}")  # noqa: S608 - names of our own tables


def test_an_illegal_move_is_refused_by_the_log_itself(
    raw: psycopg.Connection, payment_id: str
) -> None:
    with pytest.raises(errors.CheckViolation, match="cannot go from expired to succeeded"):
        raw.execute(
            "insert into event_log (id, entity, entity_id, subject_id, sequence, from_state, "
            "to_state, cause, actor, data, at) values (gen_random_uuid(), 'payment', %s, %s, 99, "
            "'expired', 'succeeded', 'test', 'test', '{}', now())",
            (payment_id, payment_id),
        )
