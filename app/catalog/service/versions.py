"""The stored versions of the catalogue: what is served, and each service as it ever was."""

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from app.catalog.errors import ServiceNotFound, VersionNotFound
from app.catalog.models import CatalogEntry, CatalogVersion, PopularService
from app.catalog.values import Change, Changes, Kind, Table, VersionLine, VersionView, priced
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork

_MOST_DIGITS = 9
_NUMBER = select(func.coalesce(func.max(CatalogVersion.number), 0))
_RANKED = select(
    func.array_agg(
        aggregate_order_by(
            PopularService.service, PopularService.score.desc(), PopularService.service
        )
    )
).scalar_subquery()

EntryRow = Row[tuple[str, str, int, bool, Table]]


def read_number(uow: UnitOfWork) -> int:
    """Return the number of the catalogue that is to be served; 0 when none was ever loaded."""
    return uow.scalars(_NUMBER).one()


def read_served(uow: UnitOfWork) -> tuple[int, tuple[str, ...]]:
    """Return the number that is to be served, and which services are popular, most used first."""
    number, ranked = uow.execute(_NUMBER.add_columns(_RANKED)).one()
    return number, tuple(ranked or ())


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


def list_versions(uow: UnitOfWork, service_id: str, page: PageRequest) -> Page[VersionLine]:
    """Return the versions of a service, newest first; those of a withdrawn one are there for good.

    Raise `ServiceNotFound` when there never was such a service.
    """
    mine = select(CatalogEntry).where(
        CatalogEntry.kind == Kind.SERVICE, CatalogEntry.id == service_id
    )
    found = fetch_page(uow, mine, [CatalogEntry.version], page, descending=True)
    if not found.items and page.cursor is None:
        raise ServiceNotFound
    numbers = [entry.since for entry in found.items]
    loaded = {
        version.number: version.loaded_at
        for version in uow.scalars(select(CatalogVersion).where(CatalogVersion.number.in_(numbers)))
    }
    lines = [
        VersionLine(entry.version, entry.since, loaded[entry.since], entry.withdrawn)
        for entry in found.items
    ]
    return Page(lines, found.next_cursor)


def read_version(uow: UnitOfWork, service_id: str, number: str) -> VersionView:
    """Return a service as one of its versions has it, or raise `VersionNotFound`."""
    return _read(uow, service_id, _parse(number))


def _parse(number: str) -> int:
    if not number.isdecimal() or len(number) > _MOST_DIGITS:
        raise VersionNotFound
    return int(number)


def _read(uow: UnitOfWork, service_id: str, number: int) -> VersionView:
    row = uow.execute(
        select(CatalogEntry, CatalogVersion.loaded_at)
        .join(CatalogVersion, CatalogVersion.number == CatalogEntry.since)
        .where(
            CatalogEntry.kind == Kind.SERVICE,
            CatalogEntry.id == service_id,
            CatalogEntry.version == number,
        )
    ).one_or_none()
    if row is None:
        raise VersionNotFound
    entry, loaded_at = row
    return VersionView(
        version=entry.version,
        catalogue=entry.since,
        published_at=loaded_at,
        withdrawn=entry.withdrawn,
        id=entry.id,
        content={**entry.content, "fees": priced(entry.content["fees"])},
    )


def compare_versions(uow: UnitOfWork, service_id: str, number: str, since: int | None) -> Changes:
    """Return what a version says otherwise than another (the one before it unless one is named).

    Raise `VersionNotFound` if there is not each of them.
    """
    version = _parse(number)
    earlier = version - 1 if since is None else since
    after = _said(_read(uow, service_id, version))
    before = _said(_read(uow, service_id, earlier)) if earlier else {}
    changes = tuple(
        Change(member, before.get(member), after.get(member))
        for member in sorted(before.keys() | after.keys())
        if before.get(member) != after.get(member)
    )
    return Changes(service_id, earlier, version, changes)


def _said(version: VersionView) -> Table:
    return {**version.content, "withdrawn": version.withdrawn}
