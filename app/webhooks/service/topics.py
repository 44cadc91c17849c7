"""Of which services a client is told: staff says so, since a payment is its payee's affair, too."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.webhooks.errors import ServiceUnknown, WebhookClientNotFound
from app.webhooks.events import WebhookServicesSet
from app.webhooks.models import Topic
from app.webhooks.service.deps import WebhooksDeps


def read_services(uow: UnitOfWork, deps: WebhooksDeps, client_id: UUID) -> Sequence[str]:
    """Return the services of which a client is told; raise `WebhookClientNotFound`."""
    if not deps.clients.exists(uow, client_id):
        raise WebhookClientNotFound
    return _services(uow, client_id)


def set_services(
    uow: UnitOfWork, deps: WebhooksDeps, client_id: UUID, services: Collection[str]
) -> Sequence[str]:
    """Say of which services a client is told from now on, and of no other; return them.

    Idempotent. What it was told stays told, and what happened before it is never told. Raise
    `WebhookClientNotFound` or `ServiceUnknown`.
    """
    if not deps.clients.exists(uow, client_id):
        raise WebhookClientNotFound
    unknown = sorted(name for name in services if not deps.service_exists(name))
    if unknown:
        raise ServiceUnknown(services=unknown)
    uow.execute(delete(Topic).where(Topic.client_id == client_id, Topic.service.not_in(services)))
    if services:
        rows = [
            {"client_id": client_id, "service": name, "granted_at": now()}
            for name in sorted(services)
        ]
        uow.execute(insert(Topic).on_conflict_do_nothing(), rows)
    uow.record(WebhookServicesSet(client_id=client_id, services=" ".join(sorted(services))))
    return _services(uow, client_id)


def _services(uow: UnitOfWork, client_id: UUID) -> Sequence[str]:
    return uow.scalars(
        select(Topic.service).where(Topic.client_id == client_id).order_by(Topic.service)
    ).all()
