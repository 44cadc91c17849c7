"""The feed of a client: numbered under its own lock, read by position, forgotten after 45 days."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now, wire_time
from app.core.unit_of_work import UnitOfWork
from app.webhooks.errors import CursorAhead, EventsForgotten
from app.webhooks.models import Feed, FeedEvent
from app.webhooks.values import RETENTION, Events, EventView

_BATCH = 5_000


def lock_feed(uow: UnitOfWork, client_id: UUID) -> Feed:
    """Return a client's feed, locked to the end of the transaction; make it if there is none."""
    made = insert(Feed).values(client_id=client_id, last=0, forgotten=0).on_conflict_do_nothing()
    uow.execute(made)
    return uow.lock(Feed, client_id)


def add_to_feed(uow: UnitOfWork, feed: Feed, event: FeedEvent) -> FeedEvent:
    """Give an event the next position of a locked feed."""
    feed.last += 1
    event.client_id, event.position = feed.client_id, feed.last
    uow.add(event)
    uow.flush()
    return event


def list_events(uow: UnitOfWork, client_id: UUID, after: int | None, limit: int) -> Events:
    """Return what a client was told after a position, oldest first; from the oldest without one.

    Going on from `next_cursor` misses nothing and repeats nothing. Raise `EventsForgotten` for a
    position below which events are gone, `CursorAhead` for one that there has not been.
    """
    begin = after or 0
    rows = uow.scalars(
        select(FeedEvent)
        .where(FeedEvent.client_id == client_id, FeedEvent.position > begin)
        .order_by(FeedEvent.position)
        .limit(limit)
    ).all()
    # Looked at afterwards: what was forgotten in between is noticed, and nothing is passed over.
    feed = uow.scalar(
        select(Feed).where(Feed.client_id == client_id).execution_options(populate_existing=True)
    )
    forgotten, last = (feed.forgotten, feed.last) if feed is not None else (0, 0)
    if after is not None and after < forgotten:
        raise EventsForgotten(oldest=forgotten)
    if begin > last:
        raise CursorAhead(last=last)
    return Events([view_event(row) for row in rows], rows[-1].position if rows else begin)


def view_event(row: FeedEvent) -> EventView:
    """Return an event as it is sent and fetched: the same, whichever way."""
    return EventView(row.id, row.position, row.type, row.happened_at, row.data)


def body_of(row: FeedEvent) -> bytes:
    """Return the bytes that are sent of an event; the same ones at each try."""
    shown: dict[str, Any] = {
        "id": str(row.id),
        "type": row.type,
        "timestamp": wire_time(row.happened_at),
        "position": row.position,
        "data": row.data,
    }
    return orjson.dumps(shown)


def forget_old(uow: UnitOfWork) -> None:
    """Forget events, and how they were sent, 45 days after they were told. Idempotent.

    Always the oldest of a feed, so that it says with one number what is gone.
    """
    over = now() - RETENTION
    ends = uow.execute(
        select(FeedEvent.client_id, func.max(FeedEvent.position))
        .where(FeedEvent.created_at < over)
        .group_by(FeedEvent.client_id)
        .order_by(FeedEvent.client_id)
        .limit(100)
    ).all()
    for client_id, newest in ends:
        with uow.phase():  # whoever adds an event to a feed waits for this lock
            feed = uow.lock(Feed, client_id)
            until = min(newest, feed.forgotten + _BATCH)
            old = FeedEvent.client_id == client_id, FeedEvent.position <= until
            uow.execute(delete(FeedEvent).where(*old))
            feed.forgotten = max(feed.forgotten, until)
