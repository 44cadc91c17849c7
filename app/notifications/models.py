"""The inbox, and what went out to a citizen's phone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful
from app.core.ids import new_id
from app.notifications.values import DeliveryStatus


class InboxMessage(Base):
    """One thing a citizen was told; the same kind about the same subject is told once."""

    __tablename__ = "inbox_messages"
    __table_args__ = (
        UniqueConstraint("citizen_id", "kind", "subject"),
        Index(None, "citizen_id", "created_at", "id"),
        Index(
            "ix_inbox_messages_unread",
            "citizen_id",
            "created_at",
            "id",
            postgresql_where=text("read_at is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_id: Mapped[UUID]
    kind: Mapped[str]
    subject: Mapped[str]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    body_zh: Mapped[str]
    body_en: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    read_at: Mapped[datetime | None]

    @property
    def title(self) -> dict[str, str]:
        """Return the title in both languages."""
        return {"zh": self.title_zh, "en": self.title_en}

    @property
    def body(self) -> dict[str, str]:
        """Return the text in both languages."""
        return {"zh": self.body_zh, "en": self.body_en}


class Delivery(Stateful, Base):
    """One message on its way over one channel, with the text that goes out."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("message_id", "channel"),
        CheckConstraint("channel in ('sms')", name="channel"),
        CheckConstraint("status in ('queued', 'sent', 'undeliverable')", name="status"),
    )
    ENTITY = "delivery"
    FIRST = frozenset({DeliveryStatus.QUEUED})
    MOVES = {
        DeliveryStatus.QUEUED: frozenset({DeliveryStatus.SENT, DeliveryStatus.UNDELIVERABLE}),
        DeliveryStatus.SENT: frozenset(),
        DeliveryStatus.UNDELIVERABLE: frozenset(),
    }

    message_id: Mapped[UUID] = mapped_column(ForeignKey("inbox_messages.id"))
    channel: Mapped[str]
    text: Mapped[str]
    sent_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the id of the message: its timeline shows its deliveries."""
        return self.message_id
