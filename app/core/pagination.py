"""Keyset pages: a cursor is the sort key of the last row, so depth costs nothing."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.exc import DataError
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.errors import Malformed

T = TypeVar("T")


class CursorInvalid(Malformed):
    """The cursor is not one that this list has given."""

    code = "cursor-invalid"
    title_zh = "分页游标无效"
    title_en = "The cursor is not valid"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a caller asks of a list: how many, and after which row."""

    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of the next ones (None at the end)."""

    items: Sequence[T]
    next_cursor: str | None = None


def fetch_page(
    session: Session,
    statement: Select[T],
    keys: Sequence[InstrumentedAttribute[Any]],
    page: PageRequest,
    *,
    descending: bool = False,
) -> Page[T]:
    """Return one page of a statement sorted by `keys`, the last of which must be unique.

    All keys run in the same direction and are never null. Raise `CursorInvalid` for a cursor that
    this list has not given.
    """
    if page.cursor is not None:
        values = [
            literal(_convert(key, value), key.type)
            for key, value in zip(keys, decode_cursor(page.cursor, len(keys)), strict=True)
        ]
        place = tuple_(*keys)
        edge = tuple_(*values)
        statement = statement.where(place < edge if descending else place > edge)
    order = [key.desc() if descending else key.asc() for key in keys]
    try:
        rows: list[T] = list(session.scalars(statement.order_by(*order).limit(page.limit + 1)))
    except DataError as error:  # a value that the column's type does not reach
        if page.cursor is None:
            raise
        raise CursorInvalid from error
    if len(rows) <= page.limit:
        return Page(rows)
    rows = rows[: page.limit]
    return Page(rows, encode_cursor([getattr(rows[-1], key.key) for key in keys]))


def encode_cursor(values: Sequence[Any]) -> str:
    """Return sort-key values as an opaque cursor."""
    plain = [v.isoformat() if isinstance(v, date) else str(v) for v in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[str]:
    """Return the texts that `encode_cursor` was given, or raise `CursorInvalid`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise CursorInvalid from error
    if (
        not isinstance(values, list)
        or len(values) != length
        or not all(isinstance(v, str) for v in values)
    ):
        raise CursorInvalid
    return values


def _convert(key: InstrumentedAttribute[Any], value: str) -> object:
    kind = key.type.python_type
    try:
        if kind is datetime:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise CursorInvalid
            return moment.astimezone(UTC)
        if kind is date:
            return date.fromisoformat(value)
        if kind is UUID:
            return UUID(value)
        if b"\0" in value.encode():  # which also refuses half of a surrogate pair
            raise CursorInvalid
        return kind(value)
    except (ValueError, OverflowError) as error:
        raise CursorInvalid from error
