"""Who answers for a provider: the client that has registered it."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select

from app.core.unit_of_work import UnitOfWork
from app.providers.models import Provider


def owners_of(uow: UnitOfWork, names: Collection[str]) -> Mapping[str, UUID]:
    """Return the client of each of these providers that has one; plug-ins of the house have none.

    Those that are gone, too: money of their services may still go back.
    """
    rows = uow.execute(
        select(Provider.name, Provider.client_id).where(
            Provider.name.in_(names), Provider.client_id.is_not(None)
        )
    )
    return {name: client_id for name, client_id in rows if client_id is not None}
