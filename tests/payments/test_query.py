"""Reading payments: one moment for a payment and its items."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask.testing import FlaskClient
from sqlalchemy import event, text

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen
from tests.payments.helpers import make_bill, order, read, start

REFUND = (
    "update payments set refunded_amount = amount where id = :id",
    (
        "update payment_items set status = 'refunded', refunded_amount = amount "
        "where payment_id = :id"
    ),
)
# There is no history of it: whoever looks whether rows and histories agree would find it.
UNDO = (
    "update payments set refunded_amount = 0 where id = :id",
    "update payment_items set status = 'waiting', refunded_amount = 0 where payment_id = :id",
)


@contextmanager
def overtaken(rooms: Rooms, payment_id: str) -> Iterator[None]:
    """Refund a payment's item, in one transaction, just before the first look at any item."""
    done: list[bool] = []

    def run(statements: Sequence[str]) -> None:
        with rooms.units.open(actor="test") as uow:
            for statement in statements:
                uow.execute(text(statement), {"id": payment_id})

    def overtake(*call: object) -> None:
        if "payment_items" in str(call[2]) and not done:
            done.append(True)
            run(REFUND)

    event.listen(rooms.units.read, "before_cursor_execute", overtake)
    try:
        yield
    finally:
        event.remove(rooms.units.read, "before_cursor_execute", overtake)
        run(UNDO)
    assert done


def test_a_payment_and_its_items_are_of_one_moment(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    started = start(client, citizen, order(bill)).json
    with overtaken(rooms, started["id"]):
        seen = read(client, citizen, started["id"])
    assert (seen["refunded_amount"], seen["items"][0]["status"]) == (bill.amount, "refunded")
