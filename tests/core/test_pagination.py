"""Pages: together they are the list, whatever its keys, and only their own cursors are taken."""

import base64
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from app.core.errors import Malformed
from app.core.ids import new_id
from app.core.pagination import (
    CursorInvalid,
    PageRequest,
    decode_cursor,
    encode_cursor,
    fetch_page,
)
from app.core.unit_of_work import Units
from tests.core.conftest import Line

START = datetime(2026, 11, 22, tzinfo=UTC)
ORDERS: dict[str, list[InstrumentedAttribute[Any]]] = {
    "id": [Line.id],
    "time": [Line.at, Line.id],
    "rank": [Line.rank, Line.id],
    "word": [Line.word, Line.id],
    "all": [Line.word, Line.rank, Line.at, Line.id],
}
WORDS = ("", "水费", "电费", "a", "B", '"', "\\", "𬱖", "a,b", "[]", "null")


@pytest.fixture(scope="module")
def owner() -> UUID:
    return new_id()


@pytest.fixture
def lines(units: Units, owner: UUID) -> list[Line]:
    """Return 57 lines, many of which share every key but the last."""
    with units.open(actor="test") as uow:
        found = list(uow.scalars(select(Line).where(Line.owner == owner)))
        if found:
            return found
        chance = random.Random(7)  # noqa: S311 - the same list in every run
        made = [
            Line(
                id=new_id(),
                owner=owner,
                at=START + timedelta(microseconds=chance.randrange(3)),
                rank=chance.choice([-(2**31), -1, 0, 1, 2**31 - 1]),
                word=chance.choice(WORDS),
            )
            for _ in range(57)
        ]
        uow.add_all(made)
        return made


def walk(
    units: Units,
    owner: UUID,
    keys: Sequence[InstrumentedAttribute[Any]],
    limit: int,
    *,
    descending: bool,
) -> list[list[Line]]:
    pages: list[list[Line]] = []
    cursor = None
    while True:
        with units.open(actor="test", read_only=True) as uow:
            page = fetch_page(
                uow,
                select(Line).where(Line.owner == owner),
                keys,
                PageRequest(limit, cursor),
                descending=descending,
            )
        pages.append(list(page.items))
        cursor = page.next_cursor
        if cursor is None:
            return pages


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    limit=st.integers(1, 60),
    order=st.sampled_from(sorted(ORDERS)),
    descending=st.booleans(),
)
def test_pages_together_are_the_list(
    units: Units,
    owner: UUID,
    lines: list[Line],
    limit: int,
    order: str,
    descending: bool,  # noqa: FBT001 - drawn
) -> None:
    keys = ORDERS[order]
    with units.open(actor="test", read_only=True) as uow:
        sorting = [key.desc() if descending else key.asc() for key in keys]
        whole = list(uow.scalars(select(Line.id).where(Line.owner == owner).order_by(*sorting)))
    pages = walk(units, owner, keys, limit, descending=descending)
    assert [line.id for page in pages for line in page] == whole
    assert {len(page) for page in pages[:-1]} <= {limit}
    assert len(pages) == -(-len(lines) // limit)


def test_a_row_that_comes_meanwhile_moves_no_other(units: Units, lines: list[Line]) -> None:
    mine = new_id()
    with units.open(actor="test") as uow:
        uow.add_all(
            Line(id=new_id(), owner=mine, at=START, rank=n * 10, word="w") for n in range(6)
        )
    select_mine = select(Line).where(Line.owner == mine)
    with units.open(actor="test") as uow:
        first = fetch_page(uow, select_mine, ORDERS["rank"], PageRequest(3))
        uow.add(Line(id=new_id(), owner=mine, at=START, rank=5, word="late"))
    with units.open(actor="test", read_only=True) as uow:
        rest = fetch_page(uow, select_mine, ORDERS["rank"], PageRequest(3, first.next_cursor))
    assert [line.rank for line in first.items] == [0, 10, 20]
    assert [line.rank for line in rest.items] == [30, 40, 50]
    assert rest.next_cursor is None


def test_an_empty_list_is_one_page(units: Units) -> None:
    assert walk(units, new_id(), [Line.id], 5, descending=False) == [[]]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_a_cursor_keeps_what_it_was_given(values: list[str]) -> None:
    cursor = encode_cursor(values)
    assert decode_cursor(cursor, len(values)) == values
    assert all(c.isalnum() or c in "-_" for c in cursor)


def pack(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


GOOD = [START.isoformat(), str(UUID(int=1))]
BAD = {
    "nothing": "",
    "no base64": "!!!!",
    "no JSON": pack(b"{"),
    "no UTF-8": pack(b'["\xff"]'),
    "UTF-16": pack('["a", "b"]'.encode("utf-16")),
    "an object": pack({"a": 1}),
    "a text": pack("ab"),
    "a number": pack(12),
    "null": pack(None),
    "too few": pack(GOOD[:1]),
    "too many": pack([*GOOD, "x"]),
    "numbers": pack([1, 2]),
    "nested": pack([GOOD, GOOD]),
    "deep": pack(b"[" * 400),
    "no moment": pack(["yesterday", GOOD[1]]),
    "a moment without an offset": pack(["2026-11-22T00:00:00", GOOD[1]]),
    "a moment outside the calendar": pack(["0001-01-01T00:00:00+23:59", GOOD[1]]),
    "no id": pack([GOOD[0], "1"]),
    "half a surrogate pair": pack(["\ud800", GOOD[1]]),
    "a NUL": pack(["\x00", GOOD[1]]),
    "swapped": pack(GOOD[::-1]),
    "SQL": pack(["' or 1=1 --", "x"]),
    "infinite": pack([float("inf"), "x"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_cursor_of_nobody_is_refused(units: Units, owner: UUID, case: str) -> None:
    with pytest.raises(CursorInvalid), units.open(actor="test", read_only=True) as uow:
        fetch_page(uow, select(Line), ORDERS["time"], PageRequest(5, BAD[case]))


@pytest.mark.parametrize(
    "values",
    [
        ["x", "1", START.isoformat(), str(UUID(int=1))],
        ["\ud800", "1", START.isoformat(), str(UUID(int=1))],
        ["x", "9" * 400, START.isoformat(), str(UUID(int=1))],
        ["x", "1.5", START.isoformat(), str(UUID(int=1))],
        ["x\x00", "1", START.isoformat(), str(UUID(int=1))],
    ],
)
def test_any_values_of_the_right_number_find_a_page_or_are_refused(
    units: Units, owner: UUID, values: list[str]
) -> None:
    """Whoever writes a cursor of their own gets rows or a refusal, never a fault of ours."""
    try:
        with units.open(actor="test", read_only=True) as uow:
            fetch_page(uow, select(Line), ORDERS["all"], PageRequest(5, pack(values)))
    except Malformed as refusal:
        assert refusal.code == "cursor-invalid"  # noqa: PT017 - either outcome is fine


@given(st.text(alphabet="abcXYZ019-_", min_size=1, max_size=600))
def test_no_text_breaks_a_cursor(text: str) -> None:
    try:
        decode_cursor(text, 2)
    except CursorInvalid:
        return


@pytest.mark.parametrize("case", [name for name in BAD if name not in {"nothing", "no base64"}])
def test_over_http_it_is_a_400(client: FlaskClient, case: str) -> None:
    answer = client.get("/v1/services", query_string={"cursor": BAD[case]})
    assert (answer.status_code, answer.json["code"]) == (400, "cursor-invalid")
