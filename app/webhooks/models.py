"""Endpoints and their keys, the numbered feed of each client, and what is on its way."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful, one_of
from app.core.ids import new_id
from app.webhooks.values import DeliveryState, EndpointStatus, EventType, Scheme


class Endpoint(Stateful, Base):
    """A place of a client's that events are sent to, by one worker at a time.

    `claim` is held by whoever sends; nobody else does before `free_at`. `slow_failures` in a row
    make the rests between two calls longer.
    """

    ENTITY = "webhook_endpoint"
    FIRST = frozenset({EndpointStatus.ACTIVE})
    MOVES = {
        EndpointStatus.ACTIVE: frozenset({EndpointStatus.DISABLED, EndpointStatus.REMOVED}),
        EndpointStatus.DISABLED: frozenset({EndpointStatus.ACTIVE, EndpointStatus.REMOVED}),
        EndpointStatus.REMOVED: frozenset(),
    }

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        CheckConstraint(one_of("status", EndpointStatus), name="status"),
        CheckConstraint(one_of("scheme", Scheme), name="scheme"),
        CheckConstraint("(status = 'disabled') = (disabled_because is not null)", name="disabled"),
        CheckConstraint("slow_failures >= 0", name="slow_failures"),
        Index(None, "client_id", "id"),
    )

    client_id: Mapped[UUID]
    url: Mapped[str]
    scheme: Mapped[str]
    events: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    disabled_because: Mapped[str | None]
    claim: Mapped[UUID | None]
    free_at: Mapped[datetime] = mapped_column(default=now)
    slow_failures: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class EndpointKey(Base):
    """What an endpoint's events are signed with, sealed; at most one is current, one is leaving."""

    __tablename__ = "webhook_keys"
    __table_args__ = (
        Index(
            "uq_webhook_keys_current",
            "endpoint_id",
            unique=True,
            postgresql_where=text("expires_at is null"),
        ),
        Index(
            "uq_webhook_keys_leaving",
            "endpoint_id",
            unique=True,
            postgresql_where=text("expires_at is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    key_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]


class Topic(Base):
    """A service of which a client is told, from a moment on; granted by staff."""

    __tablename__ = "webhook_topics"
    __table_args__ = (Index(None, "service"),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(default=now)


class Feed(Base):
    """How many events a client has had, and up to where they are forgotten.

    Its row is locked by whoever adds one, until that is committed: so positions become visible in
    their order, and whoever has read up to one has missed nothing below it.
    """

    __tablename__ = "webhook_feeds"
    __table_args__ = (CheckConstraint("0 <= forgotten and forgotten <= last", name="forgotten"),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger, default=0)
    forgotten: Mapped[int] = mapped_column(BigInteger, default=0)


class FeedEvent(Base):
    """One thing that a client is told: at most one for each row of the log that it tells of."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        CheckConstraint(one_of("type", EventType), name="type"),
        CheckConstraint("position > 0", name="position"),
        UniqueConstraint("client_id", "position"),
        UniqueConstraint("client_id", "source_id"),
        Index(None, "created_at"),
        Index(None, "citizen_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_feeds.client_id"))
    position: Mapped[int] = mapped_column(BigInteger)
    source_id: Mapped[UUID]
    type: Mapped[str]
    citizen_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    happened_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Delivery(Base):
    """One event on its way to one endpoint; `tries` counts those since it was last begun anew."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint(one_of("state", DeliveryState), name="state"),
        CheckConstraint("(state = 'pending') = (next_at is not null)", name="next_at"),
        CheckConstraint("(state = 'pending') = (finished_at is null)", name="finished_at"),
        CheckConstraint("0 <= tries and tries <= attempts", name="tries"),
        UniqueConstraint("event_id", "endpoint_id"),
        Index(None, "endpoint_id", "created_at", "id"),
        Index(None, "client_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_dead",
            "client_id",
            "created_at",
            "id",
            postgresql_where=text("state = 'dead'"),
        ),
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_at",
            "position",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_events.id", ondelete="CASCADE"))
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    client_id: Mapped[UUID]
    event_type: Mapped[str]
    position: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default=DeliveryState.PENDING)
    tries: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One call; written before it is made, so that one whose worker died is seen, too."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("octet_length(answer) <= 4096", name="answer"),
    )

    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(default=now)
    status: Mapped[int | None]
    milliseconds: Mapped[int | None]
    answer: Mapped[str | None]
    error: Mapped[str | None]
