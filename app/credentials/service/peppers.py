"""The rotation of the pepper: the newest one is laid over every hash that lacks it."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, union_all, update

from app.core.unit_of_work import UnitOfWork
from app.credentials.models import Password, RecoveryCode
from app.credentials.service.deps import CredentialsDeps

BATCH = 500
_HASHED = (Password, RecoveryCode)


@dataclass(frozen=True, slots=True)
class PepperUse:
    """How many hashes a pepper is the newest layer of."""

    number: int
    hashes: int
    is_newest: bool


def count_peppers(uow: UnitOfWork, deps: CredentialsDeps) -> list[PepperUse]:
    """Return how far a rotation is: the hashes of passwords and recovery codes by their pepper."""
    hashes = union_all(*(select(_pepper(model).label("pepper")) for model in _HASHED)).subquery()
    grouped = select(hashes.c.pepper, func.count()).group_by(hashes.c.pepper)
    counts = {name: count for name, count in uow.execute(grouped).all()}  # noqa: C416 - typed rows
    names = deps.passwords.names()
    return [
        PepperUse(number, counts.get(name, 0), name == names[-1])
        for number, name in enumerate(names, 1)
    ]


def lay_pepper_batch(uow: UnitOfWork, deps: CredentialsDeps) -> int:
    """Lay the newest pepper over up to 500 hashes that lack it; return how many there were.

    No password is needed. Safe beside log-ins and in parallel: a row that somebody else holds is
    left for the next time.
    """
    newest = deps.passwords.names()[-1]
    for model in _HASHED:
        rows = uow.execute(
            select(model.id, model.hash)
            .where(_pepper(model) != newest)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        for row_id, kept in rows:
            laid = deps.passwords.lay_newest(kept)
            uow.execute(update(model).where(model.id == row_id).values(hash=laid))
        if rows:
            return len(rows)
    return 0


def _pepper(model: type[Password] | type[RecoveryCode]) -> ColumnElement[str]:
    return func.split_part(model.hash, "$", 5)
