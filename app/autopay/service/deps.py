"""What standing orders work with."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.autopay.models import Collection, StandingOrder
from app.core.unit_of_work import UnitOfWork
from app.payments.service import PaymentDeps


@dataclass(frozen=True, slots=True)
class AutopayDeps:
    """The collaborators of this room."""

    payments: PaymentDeps
    pace: int


def lock_order(uow: UnitOfWork, order_id: UUID) -> StandingOrder:
    """Return an order with its row locked and as it is now; always before its collections."""
    statement = select(StandingOrder).where(StandingOrder.id == order_id).with_for_update()
    return uow.scalars(statement.execution_options(populate_existing=True)).one()


def lock_collection(uow: UnitOfWork, collection_id: UUID) -> Collection:
    """Return a collection with its row locked and as it is now."""
    statement = select(Collection).where(Collection.id == collection_id).with_for_update()
    return uow.scalars(statement.execution_options(populate_existing=True)).one()
