"""Sending: one worker at an endpoint at a time, each call written down before it is made."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.core.clock import monotonic, now
from app.core.ids import new_id
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.core.webhook_signatures import SigningKey, sign_webhook
from app.webhooks.events import EndpointDue
from app.webhooks.models import Attempt, Delivery, Endpoint, FeedEvent
from app.webhooks.service.deps import WebhooksDeps
from app.webhooks.service.endpoints import GONE
from app.webhooks.service.feed import body_of
from app.webhooks.service.keys import live_keys
from app.webhooks.values import (
    JITTER,
    LEASE,
    LONGEST_REST,
    SCHEDULE,
    Answer,
    DeliveryState,
    EndpointStatus,
)

log = get_logger("webhooks")

TICK_SECONDS = 5
_BATCH = 20
_GONE = 410
_LONGEST_RUN = 15.0


@dataclass(frozen=True, slots=True)
class _Parcel:
    """One delivery that this run has claimed: what to send where, and as which attempt."""

    endpoint_id: UUID
    delivery_id: UUID
    claim: UUID
    number: int
    url: str
    message_id: str
    body: bytes
    keys: Sequence[SigningKey]


def deliver_due(uow: UnitOfWork, deps: WebhooksDeps, event: EndpointDue) -> None:
    """Send what is due at an endpoint, one after the other, the longest due first.

    May run twice and beside itself: whoever holds the endpoint's claim sends, another run does
    nothing. A worker that dies leaves the claim to whoever comes when its time is over; then an
    event may arrive twice, with the same id.
    """
    if not deps.senders.acquire(blocking=False):
        return  # the worker's other threads are for payments; `question_due` comes again
    try:
        ends = monotonic() + _LONGEST_RUN
        for _ in range(_BATCH):
            parcel = _claim(uow, deps, event.endpoint_id)
            if parcel is None:
                return
            headers = sign_webhook(parcel.keys, parcel.message_id, now(), parcel.body)
            answer = deps.courier.send(parcel.url, headers, parcel.body)
            _record(uow, deps, parcel, answer)
            if monotonic() > ends:
                break  # who takes long over each event does not keep a sender for all of them
    finally:
        deps.senders.release()
    uow.emit(event)  # there may be more; others have their turn before it


def question_due(uow: UnitOfWork) -> None:
    """Queue the endpoints at which something is due and that nobody is sending to."""
    moment = now()
    due = (
        select(Endpoint.id)
        .where(
            Endpoint.status == EndpointStatus.ACTIVE,
            Endpoint.free_at <= moment,
            select(Delivery.id)
            .where(
                Delivery.endpoint_id == Endpoint.id,
                Delivery.state == DeliveryState.PENDING,
                Delivery.next_at <= moment,
            )
            .exists(),
        )
        .order_by(Endpoint.free_at)
        .limit(100)
    )
    for endpoint_id in uow.scalars(due):
        uow.emit(EndpointDue(endpoint_id=endpoint_id))


def _claim(uow: UnitOfWork, deps: WebhooksDeps, endpoint_id: UUID) -> _Parcel | None:
    """Take the next due delivery of an endpoint that nobody is sending to, or None."""
    with uow.phase():
        moment = now()
        endpoint = uow.lock(Endpoint, endpoint_id)
        if endpoint.status != EndpointStatus.ACTIVE or endpoint.free_at > moment:
            return None
        if not deps.clients.is_live(uow, endpoint.client_id):
            # To the end of the row: those of clients who may act have their turn before it.
            endpoint.free_at = moment + timedelta(seconds=LONGEST_REST)
            return None
        delivery = uow.scalar(
            select(Delivery)
            .where(
                Delivery.endpoint_id == endpoint_id,
                Delivery.state == DeliveryState.PENDING,
                Delivery.next_at <= moment,
            )
            .order_by(Delivery.next_at, Delivery.position)
            .limit(1)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if delivery is None:
            return None
        event = uow.get_one(FeedEvent, delivery.event_id)
        endpoint.claim, endpoint.free_at = new_id(), moment + LEASE
        delivery.tries += 1
        delivery.attempts += 1
        uow.add(Attempt(delivery_id=delivery.id, number=delivery.attempts, started_at=moment))
        return _Parcel(
            endpoint_id=endpoint_id,
            delivery_id=delivery.id,
            claim=endpoint.claim,
            number=delivery.attempts,
            url=endpoint.url,
            message_id=str(event.id),
            body=body_of(event),
            keys=[one.key for one in live_keys(uow, deps, endpoint)],
        )


def _record(uow: UnitOfWork, deps: WebhooksDeps, parcel: _Parcel, answer: Answer) -> None:
    """Write down what came of a call; a run that was overtaken tells of success only."""
    with uow.phase():
        moment = now()
        endpoint = uow.lock(Endpoint, parcel.endpoint_id)
        found = uow.scalar(
            select(Delivery)
            .where(Delivery.id == parcel.delivery_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if found is None:
            return  # forgotten meanwhile
        attempt = uow.get_one(Attempt, (parcel.delivery_id, parcel.number))
        attempt.status, attempt.milliseconds = answer.status, answer.milliseconds
        attempt.answer, attempt.error = answer.text, answer.error
        is_ours = endpoint.claim == parcel.claim
        if found.state == DeliveryState.PENDING and answer.is_good:
            _end(found, DeliveryState.DELIVERED, moment)
        elif found.state == DeliveryState.PENDING and is_ours:
            _put_off(deps, found, moment)
        if is_ours:
            _release(deps, endpoint, answer, moment)
        if answer.status == _GONE and endpoint.status == EndpointStatus.ACTIVE:
            endpoint.disabled_because = GONE
            uow.move(endpoint, EndpointStatus.DISABLED, cause="answered 410")
            log.warning("webhook.endpoint_gone", endpoint_id=str(endpoint.id))


def _put_off(deps: WebhooksDeps, delivery: Delivery, moment: datetime) -> None:
    if delivery.tries >= len(SCHEDULE):
        _end(delivery, DeliveryState.DEAD, moment)
        log.error("webhook.dead", delivery_id=str(delivery.id))
        return
    spread = 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - jitter is no secret
    wait = SCHEDULE[delivery.tries] * spread / deps.pace
    delivery.next_at = moment + timedelta(seconds=wait)


def _end(delivery: Delivery, state: DeliveryState, moment: datetime) -> None:
    delivery.state, delivery.next_at, delivery.finished_at = state, None, moment


def _release(deps: WebhooksDeps, endpoint: Endpoint, answer: Answer, moment: datetime) -> None:
    """Let go of an endpoint; one that keeps workers waiting for nothing is left alone a while."""
    rest = 0.0
    if answer.is_slow_failure:
        endpoint.slow_failures += 1
        rest = min(LONGEST_REST, 2.0 ** min(endpoint.slow_failures, 10))
    elif answer.is_good:
        endpoint.slow_failures = 0
    endpoint.claim, endpoint.free_at = None, moment + timedelta(seconds=rest / deps.pace)
