"""Wrapped data keys: one for each person, and one of the house for what belongs to nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.crypto import Keyring, wrapped_by
from app.core.db import Base
from app.core.unit_of_work import UnitOfWork, Units

HOUSE = "house"
BATCH = 500


class DataKey(Base):
    """The wrapped data key of one owner; without this row nothing sealed for them opens again."""

    __tablename__ = "data_keys"

    owner: Mapped[str] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)


class HouseKey:
    """Finds the key from which the keys of whole tables are derived; made at the first need."""

    def __init__(self, units: Units, keyring: Callable[[], Keyring]) -> None:
        self._units = units
        self._keyring = keyring
        self._found: bytes | None = None
        self._lock = Lock()

    def __call__(self) -> bytes:
        """Return the key; the row it is wrapped in is read once in a process."""
        with self._lock:
            if self._found is None:
                with self._units.open(actor="keys") as uow:
                    self._found = house_key(uow, self._keyring())
            return self._found


def house_key(uow: UnitOfWork, keyring: Keyring) -> bytes:
    """Return the house's own data key, and make it when there is none; parallel calls agree.

    An installation that has sealed before the house had a key of its own goes on with what it
    derived its keys from: the first key-encryption key.
    """
    has_sealed = uow.scalar(select(func.count()).select_from(select(DataKey).limit(1).subquery()))
    if uow.get(DataKey, HOUSE) is None:
        wrapped = (
            keyring.wrap(HOUSE, keyring.encryption)
            if has_sealed
            else keyring.new_data_key(HOUSE)[1]
        )
        uow.execute(insert(DataKey).values(owner=HOUSE, wrapped=wrapped).on_conflict_do_nothing())
    found = uow.scalars(select(DataKey.wrapped).where(DataKey.owner == HOUSE)).one()
    return keyring.open_data_key(HOUSE, found)


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How many data keys a key-encryption key wraps, and whether it may be used."""

    number: int
    data_keys: int
    is_live: bool
    is_newest: bool


def count_wrappings(uow: UnitOfWork, keyring: Keyring) -> list[Wrapping]:
    """Return how far a rotation is: the wrapped data keys of each key-encryption key."""
    counts: dict[int, int] = dict.fromkeys(keyring.encryption_keys, 0)
    heads = select(func.substring(DataKey.wrapped, 1, 3).label("head"), func.count().label("n"))
    for head, count in uow.execute(heads.group_by("head")).all():
        number = wrapped_by(bytes(head))
        counts[number] = counts.get(number, 0) + count
    newest = max(keyring.encryption_keys)
    return [
        Wrapping(number, count, number in keyring.encryption_keys, number == newest)
        for number, count in sorted(counts.items())
    ]


def rewrap_batch(uow: UnitOfWork, keyring: Keyring) -> int:
    """Wrap up to 500 data keys anew by the newest key; return how many there were.

    Safe beside readers and in parallel: a row that somebody else holds is left to them.
    """
    newest = max(keyring.encryption_keys)
    head = b"\x02" + newest.to_bytes(2)
    rows = uow.execute(
        select(DataKey.owner, DataKey.wrapped)
        .where(func.substring(DataKey.wrapped, 1, 3) != head)
        .order_by(DataKey.owner)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for owner, wrapped in rows:
        key = keyring.open_data_key(owner, bytes(wrapped))
        uow.execute(
            update(DataKey).where(DataKey.owner == owner).values(wrapped=keyring.wrap(owner, key))
        )
    return len(rows)
