"""Books of their own for the tests of the room."""

import pytest

from app.factory import Rooms
from tests.reconciliation.books import Books, make_books


@pytest.fixture
def books(rooms: Rooms) -> Books:
    """Return empty books with a gateway and a biller that nobody else has."""
    return make_books(rooms)
