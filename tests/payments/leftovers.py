"""What the tests before this one have left behind, and that would get into its way."""

import pytest
from sqlalchemy import text

from app.factory import Rooms
from app.host.breaker import Ticket
from app.payments.service import PaymentDeps
from tests.clockwork import forget_failing_jobs

ASKED_ABOUT = ("payment_attempts", "refunds", "disputes", "saved_methods")


def forget_leftovers(request: pytest.FixtureRequest) -> None:
    """Let nothing old be asked about, tried again or held against a plug-in.

    The janitor looks at a hundred, the oldest first: others would take the place of a test's own
    payment, and whoever is asked about takes the faults that a test has planned for itself.
    """
    if "rooms" not in request.fixturenames:
        return
    rooms: Rooms = request.getfixturevalue("rooms")
    forget_failing_jobs()
    with rooms.units.open(actor="test") as uow:
        for table in ASKED_ABOUT:
            old = "where next_ask_at is not null"
            uow.execute(text(f"update {table} set next_ask_at = null {old}"))  # noqa: S608 - ours
    trust(rooms)


def trust(rooms: Rooms) -> None:
    """Close the breaker of the utilities, which counts what went badly for half a minute."""
    _, provider = rooms.deps[PaymentDeps].registry.payable("water-bill")
    provider._gate.breaker.leave(Ticket(is_probe=True), went_well=True)  # noqa: SLF001
