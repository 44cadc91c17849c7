"""The rows of one owner, one change at a time."""

from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from app.core.db import Base
from app.core.unit_of_work import UnitOfWork
from app.credentials.models import Passkey, PasskeyCeremony, Password, RecoveryCode, Totp
from app.credentials.values import Factors, Owner

_LOCK = 7_303


def of(table: type[Base], owner: Owner) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a row of a table is this owner's."""
    columns: Any = table.__table__.c
    return columns.owner_kind == owner.kind, columns.owner_id == owner.id


def lock_owner(uow: UnitOfWork, owner: Owner) -> None:
    """Let changes of one owner's credentials wait for each other until the commit."""
    key = int.from_bytes(sha256(f"{owner.kind}:{owner.id}".encode()).digest()[:4], signed=True)
    uow.execute(select(func.pg_advisory_xact_lock(_LOCK, key)))


def factors_of(uow: UnitOfWork, owner: Owner) -> Factors:
    """Return what an owner has to prove themselves with, beside a phone."""

    def count(table: type[Base], *conditions: ColumnElement[bool]) -> int:
        counted = select(func.count()).select_from(table).where(*of(table, owner), *conditions)
        return uow.scalar(counted) or 0

    return Factors(
        password=count(Password, Password.replaced_at.is_(None)) > 0,
        passkeys=count(Passkey),
        recovery_codes=count(RecoveryCode, RecoveryCode.used_at.is_(None)),
        totp=count(Totp, Totp.confirmed_at.is_not(None)) > 0,
    )


def forget_owner(uow: UnitOfWork, owner: Owner) -> None:
    """Delete every credential of an owner whose account is closed."""
    lock_owner(uow, owner)
    for table in (Password, Passkey, PasskeyCeremony, RecoveryCode, Totp):
        uow.execute(delete(table).where(*of(table, owner)))
