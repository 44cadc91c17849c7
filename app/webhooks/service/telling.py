"""What each client is told of payments and applications: once, in order, and no more."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.payments import service as payments
from app.payments.events import (
    ItemClosed,
    PaymentSucceeded,
    RefundApproved,
    RefundFailed,
    RefundSucceeded,
)
from app.payments.values import Fact, FactItem
from app.webhooks.errors import EndpointNotActive
from app.webhooks.events import ApplicationMoved, EndpointDue
from app.webhooks.models import Delivery, Endpoint, FeedEvent, Topic
from app.webhooks.service.deps import WebhooksDeps
from app.webhooks.service.endpoints import own_endpoint
from app.webhooks.service.feed import add_to_feed, lock_feed, view_event
from app.webhooks.values import TYPES, EndpointStatus, EventType, EventView

_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _News:
    """One thing that has happened, as one client may know it: its own part, and nobody's name."""

    source_id: UUID
    type: EventType
    at: datetime
    data: Mapping[str, Any]


def tell_of_payment(
    uow: UnitOfWork, deps: WebhooksDeps, event: PaymentSucceeded | ItemClosed
) -> None:
    """Tell whom it concerns what has become of a payment. May run twice, and in any order."""
    _tell(uow, deps, event.payment_id)


def tell_of_refund(
    uow: UnitOfWork, deps: WebhooksDeps, event: RefundApproved | RefundSucceeded | RefundFailed
) -> None:
    """Tell whom it concerns what has become of a payment, a refund of which has moved."""
    _tell(uow, deps, payments.payment_of_refund(uow, event.refund_id))


def tell_of_application(uow: UnitOfWork, deps: WebhooksDeps, event: ApplicationMoved) -> None:
    """Tell whoever follows the service how an application goes on. May run twice."""
    at = datetime.fromisoformat(event.at)
    data = {"service": event.service, "reference": event.reference}
    if event.part:
        data["part"] = event.part
    news = _News(event.source_id, EventType(f"application.{event.step}"), at, data)
    topics = select(Topic).where(Topic.service == event.service, Topic.granted_at <= at)
    for topic in uow.scalars(topics.order_by(Topic.client_id)).all():
        _tell_client(uow, deps, topic.client_id, event.citizen_id, [news])


def send_test(uow: UnitOfWork, client_id: UUID, endpoint_id: UUID) -> EventView:
    """Send an event that says nothing to one endpoint, and return it; it is in the feed, too.

    Raise `EndpointNotActive`.
    """
    own_endpoint(uow, client_id, endpoint_id)
    feed = lock_feed(uow, client_id)
    endpoint = uow.get_one(Endpoint, endpoint_id, populate_existing=True)
    if endpoint.status != EndpointStatus.ACTIVE:
        raise EndpointNotActive
    own_id = new_id()
    made = FeedEvent(
        id=own_id,
        source_id=own_id,
        type=EventType.TEST,
        citizen_id=None,
        data={"endpoint_id": str(endpoint_id)},
        happened_at=now(),
    )
    add_to_feed(uow, feed, made)
    _queue(uow, made, [endpoint])
    return view_event(made)


def _tell(uow: UnitOfWork, deps: WebhooksDeps, payment_id: UUID) -> None:
    facts = payments.read_facts(uow, payment_id, TYPES.keys())
    items = {item.id: item for fact in facts for item in fact.items}.values()
    granted = _granted(uow, deps, items)
    for client_id in sorted(granted):  # feeds are locked in one order
        own = ((fact, _own_items(fact, granted[client_id])) for fact in facts)
        news = [_news(fact, items) for fact, items in own if items]
        if news:
            _tell_client(uow, deps, client_id, facts[0].citizen_id, news)


def _granted(
    uow: UnitOfWork, deps: WebhooksDeps, items: Collection[FactItem]
) -> Mapping[UUID, Mapping[str, datetime]]:
    """Return who is told of which services of these items, and from when on.

    Staff has said so; or it is the client's own service, of which it was always told.
    """
    granted: dict[UUID, dict[str, datetime]] = defaultdict(dict)
    services = {item.service for item in items}
    for topic in uow.scalars(select(Topic).where(Topic.service.in_(services))):
        granted[topic.client_id][topic.service] = topic.granted_at
    owners = deps.owners_of(uow, {item.provider for item in items})
    for item in items:
        if item.provider in owners:
            granted[owners[item.provider]][item.service] = _ALWAYS
    return granted


def _tell_client(
    uow: UnitOfWork,
    deps: WebhooksDeps,
    client_id: UUID,
    citizen_id: UUID,
    news: Sequence[_News],
) -> None:
    feed = lock_feed(uow, client_id)
    known = set(
        uow.scalars(
            select(FeedEvent.source_id).where(
                FeedEvent.client_id == client_id,
                FeedEvent.source_id.in_([one.source_id for one in news]),
            )
        )
    )
    fresh = [one for one in news if one.source_id not in known]
    if not fresh:
        return
    endpoints = _active(uow, client_id)
    subject = deps.clients.subject_of(uow, client_id, citizen_id)
    for one in fresh:
        event = FeedEvent(
            source_id=one.source_id,
            type=one.type,
            citizen_id=citizen_id,
            data={"subject": subject, **one.data},
            happened_at=one.at,
        )
        made = add_to_feed(uow, feed, event)
        _queue(uow, made, [e for e in endpoints if e.events is None or made.type in e.events])


def _own_items(fact: Fact, granted: Mapping[str, datetime]) -> Sequence[FactItem]:
    return [i for i in fact.items if i.service in granted and fact.at >= granted[i.service]]


def _news(fact: Fact, items: Iterable[FactItem]) -> _News:
    """Return a fact as a client is told it: with its own items, and no others."""
    data: dict[str, Any] = {
        "payment_id": str(fact.payment_id),
        "sequence": fact.sequence,
        "items": [
            {
                "id": str(item.id),
                "service": item.service,
                "reference": item.reference,
                "amount": item.amount,
                "currency": item.currency,
            }
            for item in items
        ],
    }
    if fact.amount is not None:
        data["refund"] = {"id": str(fact.record_id), "amount": fact.amount}
    return _News(fact.id, TYPES[fact.entity, fact.state], fact.at, data)


def _active(uow: UnitOfWork, client_id: UUID) -> Sequence[Endpoint]:
    return uow.scalars(
        select(Endpoint)
        .where(Endpoint.client_id == client_id, Endpoint.status == EndpointStatus.ACTIVE)
        .order_by(Endpoint.id)
    ).all()


def _queue(uow: UnitOfWork, event: FeedEvent, endpoints: Iterable[Endpoint]) -> None:
    for endpoint in endpoints:
        uow.add(
            Delivery(
                event_id=event.id,
                endpoint_id=endpoint.id,
                client_id=endpoint.client_id,
                event_type=event.type,
                position=event.position,
            )
        )
        uow.emit(EndpointDue(endpoint_id=endpoint.id))
