"""What stands in the tables, by statements of the application's own role."""

from typing import Any

from sqlalchemy import text

from app.factory import Rooms


def run(rooms: Rooms, statement: str, **values: object) -> None:
    """Run one statement."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), values)


def many(rooms: Rooms, statement: str, **values: object) -> list[Any]:
    """Return the rows of a statement, or of one column its values."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.execute(text(statement), values).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in rows]


def one(rooms: Rooms, statement: str, **values: object) -> Any:  # noqa: ANN401 - a column's value
    """Return the only value of a statement."""
    (found,) = many(rooms, statement, **values)
    return found


def moves(rooms: Rooms, record: str) -> list[tuple[str, str]]:
    """Return each state that a record came to, and the cause."""
    return many(
        rooms,
        "select to_state, cause from event_log where entity_id = cast(:id as uuid)"
        " order by sequence",
        id=record,
    )
