"""Blind indexes: how a value that is stored sealed is found again, and its key replaced.

Each value has a name, drawn by chance, which never changes. The tables of the rooms keep the name
(columns `*_index`), and only the table here knows which value it belongs to: by the HMACs of the
value. So a rotation touches this one table, and whatever else names the value (a limit, a lock, a
unique index) does not notice it.

Every name is found under each key from `oldest` to `newest`, which are one and the same except
during a rotation. A trigger refuses a name that is not, and lets `oldest` rise only when every name
has a digest under the next key. So two processes that differ about the keys still meet in one
unique index. The digests under odd and even keys have a column each.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    LargeBinary,
    TableValuedAlias,
    UniqueConstraint,
    any_,
    column,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from app.core.clock import now
from app.core.crypto import Keyring, layers
from app.core.db import Base
from app.core.unit_of_work import UnitOfWork

NAME_SIZE = 16
BATCH = 500
FORGOTTEN_AFTER = timedelta(days=1)
"""A name that no row keeps is forgotten once it is so old."""


class BlindIndex(Base):
    """The name of one value, and the HMACs by which it is found."""

    __tablename__ = "blind_indexes"
    __table_args__ = (UniqueConstraint("odd"), UniqueConstraint("even"))

    name: Mapped[bytes] = mapped_column(primary_key=True)
    odd: Mapped[bytes | None]
    even: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class IndexKeys(Base):
    """The one row that says under which keys every name is found; writers of names hold it."""

    __tablename__ = "blind_index_keys"
    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("oldest >= 1 and newest - oldest in (0, 1)", name="neighbours"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    oldest: Mapped[int]
    newest: Mapped[int]


class IndexKeyMissing(RuntimeError):
    """The database has moved on to a key that this process cannot find in its key file."""


class RotationUnderWay(RuntimeError):
    """A key is still being replaced; another one can follow only after it."""


@dataclass(frozen=True, slots=True)
class IndexKeyUse:
    """How many names are found under a key, and whether all new ones are."""

    number: int
    names: int
    is_newest: bool


def find_index(uow: UnitOfWork, keyring: Keyring, kind: str, value: str) -> bytes:
    """Return the name of a canonical value, or one that no row has; nothing is written."""
    found = _found(uow, keyring, kind, [value])
    if not found:
        newest = uow.scalars(select(IndexKeys.newest)).one()
        if newest > len(keyring.index_keys):
            _catch_up(keyring, newest)
            found = _found(uow, keyring, kind, [value])
    return found.get(value) or os.urandom(NAME_SIZE)


def take_index(uow: UnitOfWork, keyring: Keyring, kind: str, value: str) -> bytes:
    """Return the name of a canonical value to be stored by this transaction; made if need be.

    Parallel calls get the same one: the later waits for the commit of the first.
    """
    return take_indexes(uow, keyring, kind, [value])[value]


def take_indexes(
    uow: UnitOfWork, keyring: Keyring, kind: str, values: Iterable[str]
) -> Mapping[str, bytes]:
    """Return the name of each of many values, as `take_index` does for one."""
    wanted = sorted(set(values))  # in one order, so that two callers never wait in a circle
    names = _found(uow, keyring, kind, wanted, hold=True)
    missing = [value for value in wanted if value not in names]
    if missing:
        _make(uow, keyring, kind, missing)
        names |= _found(uow, keyring, kind, missing, hold=True)
    return names


def _found(
    uow: UnitOfWork, keyring: Keyring, kind: str, values: Sequence[str], *, hold: bool = False
) -> dict[str, bytes]:
    by_digest: list[dict[bytes, str]] = [{}, {}]
    for value in values:
        for place, digest in enumerate(keyring.index_digests(kind, value)):
            by_digest[place % 2][digest] = value
    odd, even = by_digest
    statement = select(BlindIndex.name, BlindIndex.odd, BlindIndex.even).where(
        or_(BlindIndex.odd == any_(_array(odd)), BlindIndex.even == any_(_array(even)))
    )
    if hold:  # whoever forgets what nobody keeps leaves these alone until the commit
        statement = statement.with_for_update(read=True, key_share=True)
    return {
        odd.get(row.odd or b"") or even[row.even or b""]: row.name for row in uow.execute(statement)
    }


def _make(uow: UnitOfWork, keyring: Keyring, kind: str, values: Sequence[str]) -> None:
    """Store names of values that have none, under each key that the row of keys asks for."""
    keys = select(IndexKeys.oldest, IndexKeys.newest).with_for_update(read=True)
    oldest, newest = uow.execute(keys).one()
    if newest > len(keyring.index_keys):
        _catch_up(keyring, newest)
    digests = [keyring.index_digests(kind, value) for value in values]
    none: list[bytes | None] = [None] * len(values)
    live = {_of(n).key: [under[n - 1] for under in digests] for n in (oldest, newest)}
    rows = _rows(
        name=[os.urandom(NAME_SIZE) for _ in values],
        odd=live.get("odd", none),
        even=live.get("even", none),
    )
    made = insert(BlindIndex).from_select(
        ["name", "odd", "even", "created_at"], select(rows, literal(now()))
    )
    uow.execute(made.on_conflict_do_nothing())


def _catch_up(keyring: Keyring, newest: int) -> None:
    keyring.look_again()
    if newest > len(keyring.index_keys):
        raise IndexKeyMissing(f"key {newest} of the blind indexes is not in the key file")


def _of(number: int) -> InstrumentedAttribute[bytes | None]:
    """Return the column of the digests under a key."""
    return BlindIndex.odd if number % 2 else BlindIndex.even


def _array(digests: Iterable[bytes | None]) -> Any:  # noqa: ANN401 - SQLAlchemy has no name for it
    return literal(list(digests), ARRAY(LargeBinary))


def _rows(**columns: Sequence[bytes | None]) -> TableValuedAlias:
    """Return rows to be used in a statement, given by their columns: many cost like one."""
    names = [column(name, LargeBinary) for name in columns]
    arrays = [_array(values) for values in columns.values()]
    return func.unnest(*arrays).table_valued(*names, name="given").render_derived()


# Rotation: `begin_reindexing`, `lay_batch` until it finds none, `end_oldest`, and `clear_batch`
# until it finds none. Each is a transaction of its own and may be run again at any time.


def check_may_add(uow: UnitOfWork, keyring: Keyring) -> None:
    """Raise `RotationUnderWay` unless the newest key is the only one that names are found under."""
    oldest = uow.scalars(select(IndexKeys.oldest)).one()
    former = _of(oldest + 1)
    if oldest != len(keyring.index_keys) or uow.scalar(
        select(BlindIndex.name).where(former.is_not(None)).limit(1)
    ):
        raise RotationUnderWay("run `keys reindex` to its end first")


def begin_reindexing(uow: UnitOfWork, keyring: Keyring) -> None:
    """Let every name that is made from now on be found under the newest key, too."""
    newest = len(keyring.index_keys)
    uow.execute(update(IndexKeys).where(IndexKeys.newest < newest).values(newest=newest))


def lay_batch(uow: UnitOfWork, keyring: Keyring) -> int:
    """Lay the newest key over up to 500 digests that lack it; return how many there were.

    A row that somebody else holds is left for the next time.
    """
    oldest, newest = uow.execute(select(IndexKeys.oldest, IndexKeys.newest)).one()
    if oldest == newest:
        return 0
    old, new = _of(oldest), _of(newest)
    rows = uow.execute(
        select(BlindIndex.name, old)
        .where(new.is_(None))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    _, *later = keyring.index_keys[oldest - 1 : newest]
    laid = _rows(
        name=[row.name for row in rows],
        digest=[layers(later, digest or b"")[-1] for _, digest in rows],
    )
    uow.execute(
        update(BlindIndex)
        .where(BlindIndex.name == laid.c.name)
        .values({new: laid.c.digest})
        .execution_options(synchronize_session=False)
    )
    return len(rows)


def end_oldest(uow: UnitOfWork) -> bool:
    """Stop finding names under the old key; False when some lack a digest under the new one."""
    oldest, newest = uow.execute(select(IndexKeys.oldest, IndexKeys.newest).with_for_update()).one()
    lacking = select(BlindIndex.name).where(_of(newest).is_(None)).limit(1)
    if uow.scalar(lacking) is not None:
        return False
    if oldest < newest:
        uow.execute(update(IndexKeys).values(oldest=newest))
    return True


def clear_batch(uow: UnitOfWork) -> int:
    """Remove up to 500 digests under a key that has ended; return how many there were."""
    oldest, newest = uow.execute(select(IndexKeys.oldest, IndexKeys.newest)).one()
    if oldest < newest:
        return 0
    former = _of(oldest + 1)
    names = select(BlindIndex.name).where(former.is_not(None)).limit(BATCH)
    done = uow.scalars(
        update(BlindIndex)
        .where(BlindIndex.name.in_(names.with_for_update(skip_locked=True)))
        .values({former: None})
        .returning(BlindIndex.name)
        .execution_options(synchronize_session=False)
    )
    return len(done.all())


def count_index_keys(uow: UnitOfWork, keyring: Keyring) -> list[IndexKeyUse]:
    """Return how far a rotation is: how many names are found under each key."""
    oldest, odd, even = uow.execute(
        select(
            select(IndexKeys.oldest).scalar_subquery(),
            func.count(BlindIndex.odd),
            func.count(BlindIndex.even),
        )
    ).one()
    here = {oldest: odd if oldest % 2 else even}
    # The other column is the next key's, or what is left of the one before.
    other = oldest + 1 if len(keyring.index_keys) > oldest else oldest - 1
    here[other] = even if oldest % 2 else odd
    newest = len(keyring.index_keys)
    return [IndexKeyUse(n, here.get(n, 0), n == newest) for n in range(1, newest + 1)]


def forget_unused(uow: UnitOfWork) -> None:
    """Forget the names that no row keeps and that are older than a day.

    Every column of the database that is called `*_index` and holds bytes is looked at, also of
    plug-ins. What a transaction is about to store it holds, and is left alone.
    """
    columns = uow.execute(text(_COLUMNS)).all()
    unused = " and ".join(
        f'not exists (select from "{schema}"."{table}" where "{column}" = i.name)'
        for schema, table, column in columns
    )
    aged = {"before": now() - FORGOTTEN_AFTER, "batch": 10 * BATCH}
    chosen = text(
        f"select name from blind_indexes i where created_at < :before and {unused} "  # noqa: S608 - names of our own tables
        "limit :batch for update skip locked"
    )
    names = uow.scalars(chosen, aged).all()
    # Looked at once more, now that nobody can take them: somebody may have done so in between.
    again = text(
        f"delete from blind_indexes i where name = any(:names) and {unused}"  # noqa: S608 - the same
    )
    uow.execute(again, {"names": list(names)})


_COLUMNS = r"""
select table_schema, table_name, column_name from information_schema.columns
where column_name like '%\_index' and data_type = 'bytea'
  and (table_schema = 'public' or table_schema like 'plugin\_%')
order by 1, 2, 3
"""
