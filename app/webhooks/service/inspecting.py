"""What a client's integrator looks at: what went where, what was answered; and sending it again."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Select, Uuid, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.webhooks.errors import EndpointNotActive
from app.webhooks.events import EndpointDue
from app.webhooks.models import Attempt, Delivery, Endpoint, FeedEvent
from app.webhooks.service.endpoints import own_endpoint
from app.webhooks.values import (
    MOST_REPLAYED,
    AttemptView,
    DeliveryFilter,
    DeliveryState,
    DeliveryView,
    EndpointStatus,
    Span,
)


def list_deliveries(
    uow: UnitOfWork, client_id: UUID, wanted: DeliveryFilter, page: PageRequest
) -> Page[DeliveryView]:
    """Return a client's deliveries, newest first; without the attempts."""
    statement = _own(client_id)
    if wanted.endpoint_id is not None:
        statement = statement.where(Delivery.endpoint_id == wanted.endpoint_id)
    if wanted.state is not None:
        statement = statement.where(Delivery.state == wanted.state)
    found = fetch_page(uow, statement, [Delivery.created_at, Delivery.id], page, descending=True)
    return Page([_view(row) for row in found.items], found.next_cursor)


def read_delivery(uow: UnitOfWork, client_id: UUID, delivery_id: UUID) -> DeliveryView:
    """Return a client's own delivery with every attempt, or raise `NotFound`."""
    row = uow.scalar(_own(client_id).where(Delivery.id == delivery_id))
    if row is None:
        raise NotFound
    return replace(_view(row), attempts=_attempts(uow, delivery_id))


def replay_delivery(uow: UnitOfWork, client_id: UUID, delivery_id: UUID) -> DeliveryView:
    """Send an event to its endpoint again, from the beginning of the schedule; its id stays.

    Raise `NotFound`, or `EndpointNotActive`.
    """
    row = uow.scalar(_own(client_id).where(Delivery.id == delivery_id))
    if row is None:
        raise NotFound
    _lock_active(uow, row.endpoint_id)
    row = uow.lock(Delivery, delivery_id)
    row.state, row.tries, row.next_at, row.finished_at = DeliveryState.PENDING, 0, now(), None
    uow.emit(EndpointDue(endpoint_id=row.endpoint_id))
    return _view(row)


def replay_span(uow: UnitOfWork, client_id: UUID, endpoint_id: UUID, span: Span) -> int:
    """Send what a span of the feed holds to an endpoint again, and return how many events that is.

    Those that were never queued for it are, too: what happened while it was switched off. Raise
    `Invalid` for more than a thousand positions, `NotFound`, or `EndpointNotActive`.
    """
    if not 0 < span.until - span.after <= MOST_REPLAYED:
        raise Invalid(
            errors=[{"pointer": "/until", "message": f"1 to {MOST_REPLAYED} above `after`."}]
        )
    own_endpoint(uow, client_id, endpoint_id)
    endpoint = _lock_active(uow, endpoint_id)
    moment = now()
    events = select(
        func.gen_random_uuid(),
        FeedEvent.id,
        literal(endpoint_id, Uuid()),
        literal(client_id, Uuid()),
        FeedEvent.type,
        FeedEvent.position,
        literal(str(DeliveryState.PENDING)),
        literal(0),
        literal(0),
        literal(moment),
        literal(moment),
    ).where(
        FeedEvent.client_id == client_id,
        FeedEvent.position > span.after,
        FeedEvent.position <= span.until,
    )
    if endpoint.events is not None:
        events = events.where(FeedEvent.type.in_(endpoint.events))
    if span.only_dead:
        events = events.where(
            FeedEvent.id.in_(
                select(Delivery.event_id).where(
                    Delivery.endpoint_id == endpoint_id, Delivery.state == DeliveryState.DEAD
                )
            )
        )
    columns = (
        "id",
        "event_id",
        "endpoint_id",
        "client_id",
        "event_type",
        "position",
        "state",
        "tries",
        "attempts",
        "next_at",
        "created_at",
    )
    again = {"state": DeliveryState.PENDING, "tries": 0, "next_at": moment, "finished_at": None}
    queued = uow.scalars(
        insert(Delivery)
        .from_select(columns, events)
        .on_conflict_do_update(index_elements=["event_id", "endpoint_id"], set_=again)
        .returning(Delivery.id)
    ).all()
    if queued:
        uow.emit(EndpointDue(endpoint_id=endpoint_id))
    return len(queued)


def _own(client_id: UUID) -> Select[Delivery]:
    return select(Delivery).where(Delivery.client_id == client_id)


def _lock_active(uow: UnitOfWork, endpoint_id: UUID) -> Endpoint:
    endpoint = uow.lock(Endpoint, endpoint_id)
    if endpoint.status != EndpointStatus.ACTIVE:
        raise EndpointNotActive
    return endpoint


def _attempts(uow: UnitOfWork, delivery_id: UUID) -> Sequence[AttemptView]:
    rows = uow.scalars(
        select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.number)
    )
    return [
        AttemptView(row.number, row.started_at, row.status, row.milliseconds, row.answer, row.error)
        for row in rows
    ]


def _view(row: Delivery) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        endpoint_id=row.endpoint_id,
        event_id=row.event_id,
        event_type=row.event_type,
        position=row.position,
        state=row.state,
        tries=row.tries,
        next_at=row.next_at,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
