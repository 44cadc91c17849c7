"""The stored versions of the catalogue: which number is served, and the entries at a number."""

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.catalog.models import CatalogEntry, CatalogVersion
from app.catalog.values import Table
from app.core.unit_of_work import UnitOfWork

_NUMBER = select(func.coalesce(func.max(CatalogVersion.number), 0))

EntryRow = Row[tuple[str, str, int, bool, Table]]


def read_number(uow: UnitOfWork) -> int:
    """Return the number of the catalogue that is to be served; 0 when none was ever loaded."""
    return uow.scalars(_NUMBER).one()


def read_entries(uow: UnitOfWork, number: int) -> list[EntryRow]:
    """Return (kind, id, version, withdrawn, content) of every entry as it was at a number."""
    statement = (
        select(
            CatalogEntry.kind,
            CatalogEntry.id,
            CatalogEntry.version,
            CatalogEntry.withdrawn,
            CatalogEntry.content,
        )
        .where(CatalogEntry.since <= number)
        .ext(distinct_on(CatalogEntry.kind, CatalogEntry.id))
        .order_by(CatalogEntry.kind, CatalogEntry.id, CatalogEntry.version.desc())
    )
    return list(uow.execute(statement).all())
