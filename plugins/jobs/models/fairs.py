"""Job fairs: booths and times, each with numbered seats that PostgreSQL gives away once."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, new_id, now
from plugins.jobs.models.base import Base, one_of
from plugins.jobs.values.fairs import (
    MOST_BOOTHS,
    MOST_CAPACITY,
    MOST_OFFERS,
    BoothStatus,
    FairBookingStatus,
    FairStatus,
    FairWaitStatus,
)

_SEATED = "status in ('held', 'confirmed', 'checked_in')"


class Fair(Stateful, Base):
    """A job fair of the city."""

    ENTITY: ClassVar = "jobs_fair"
    FIRST: ClassVar = frozenset({FairStatus.DRAFT})
    MOVES: ClassVar = {
        FairStatus.DRAFT: frozenset({FairStatus.PUBLISHED, FairStatus.CANCELLED}),
        FairStatus.PUBLISHED: frozenset({FairStatus.OVER, FairStatus.CANCELLED}),
    }

    __tablename__ = "fairs"
    __table_args__ = (
        one_of("status", FairStatus),
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint(f"booths between 0 and {MOST_BOOTHS}", name="booths"),
        UniqueConstraint("id", "booths"),
        Index(None, "status", "starts_at", "id"),
    )

    title_zh: Mapped[str]
    title_en: Mapped[str]
    place: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    booths: Mapped[int]


class FairSlot(Base):
    """A time of a fair at which so many citizens may come."""

    __tablename__ = "fair_slots"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint(f"capacity between 1 and {MOST_CAPACITY}", name="capacity"),
        UniqueConstraint("fair_id", "starts_at"),
        UniqueConstraint("id", "fair_id", "capacity"),
        Index(None, "ends_at"),
        Index(None, "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    fair_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.fairs.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]


class FairBooth(Stateful, Base):
    """That an employer has a booth at a fair; no number beyond the fair's can be written."""

    ENTITY: ClassVar = "jobs_fair_booth"
    FIRST: ClassVar = frozenset({BoothStatus.BOOKED})
    MOVES: ClassVar = {BoothStatus.BOOKED: frozenset({BoothStatus.CANCELLED})}

    __tablename__ = "fair_booths"
    __table_args__ = (
        one_of("status", BoothStatus),
        CheckConstraint("number >= 1 and (status != 'booked' or number <= booths)", name="number"),
        ForeignKeyConstraint(
            ["fair_id", "booths"],
            ["plugin_jobs.fairs.id", "plugin_jobs.fairs.booths"],
            onupdate="CASCADE",
        ),
        Index(
            "uq_fair_booths_number",
            "fair_id",
            "number",
            unique=True,
            postgresql_where="status = 'booked'",
        ),
        Index(
            "uq_fair_booths_employer",
            "fair_id",
            "employer_id",
            unique=True,
            postgresql_where="status = 'booked'",
        ),
        Index(None, "employer_id", "booked_at", "id"),
    )

    fair_id: Mapped[UUID]
    booths: Mapped[int]
    employer_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    number: Mapped[int]
    booked_at: Mapped[datetime] = mapped_column(default=now)


class FairBooking(Stateful, Base):
    """A citizen's seat at a time of a fair: held for some minutes, then confirmed.

    No seat is given twice, and none beyond the capacity, which is the time's own by a foreign key.
    """

    ENTITY: ClassVar = "jobs_fair_booking"
    FIRST: ClassVar = frozenset({FairBookingStatus.HELD})
    MOVES: ClassVar = {
        FairBookingStatus.HELD: frozenset(
            {
                FairBookingStatus.CONFIRMED,
                FairBookingStatus.EXPIRED,
                FairBookingStatus.CANCELLED,
            }
        ),
        FairBookingStatus.CONFIRMED: frozenset(
            {
                FairBookingStatus.CHECKED_IN,
                FairBookingStatus.CANCELLED,
                FairBookingStatus.NO_SHOW,
            }
        ),
    }

    __tablename__ = "fair_bookings"
    __table_args__ = (
        one_of("status", FairBookingStatus),
        CheckConstraint(f"seat >= 1 and (not ({_SEATED}) or seat <= capacity)", name="seat"),
        CheckConstraint("(status = 'held') = (hold_until is not null)", name="hold_until"),
        CheckConstraint(
            "citizen_reference is not null or status not in ('held', 'confirmed')", name="citizen"
        ),
        ForeignKeyConstraint(
            ["slot_id", "fair_id", "capacity"],
            [
                "plugin_jobs.fair_slots.id",
                "plugin_jobs.fair_slots.fair_id",
                "plugin_jobs.fair_slots.capacity",
            ],
            onupdate="CASCADE",
        ),
        Index(
            "uq_fair_bookings_seat",
            "slot_id",
            "seat",
            unique=True,
            postgresql_where=_SEATED,
        ),
        Index(
            "uq_fair_bookings_citizen",
            "fair_id",
            "citizen_reference",
            unique=True,
            postgresql_where="status in ('held', 'confirmed')",
        ),
        Index(None, "citizen_reference", "made_at", "id"),
        Index(None, "slot_id", "made_at", "id"),
        Index("ix_fair_bookings_held", "hold_until", postgresql_where="status = 'held'"),
        Index(
            "ix_fair_bookings_confirmed",
            "slot_id",
            "reminded_at",
            postgresql_where="status = 'confirmed'",
        ),
    )

    fair_id: Mapped[UUID]
    slot_id: Mapped[UUID]
    capacity: Mapped[int]
    seat: Mapped[int]
    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    hold_until: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    made_at: Mapped[datetime] = mapped_column(default=now)


class FairWait(Stateful, Base):
    """That a citizen waits for a seat, and which one is offered to them alone."""

    ENTITY: ClassVar = "jobs_fair_wait"
    FIRST: ClassVar = frozenset({FairWaitStatus.WAITING})
    MOVES: ClassVar = {
        FairWaitStatus.WAITING: frozenset(
            {FairWaitStatus.OFFERED, FairWaitStatus.LEFT, FairWaitStatus.ENDED}
        ),
        FairWaitStatus.OFFERED: frozenset(
            {
                FairWaitStatus.TAKEN,
                FairWaitStatus.WAITING,
                FairWaitStatus.LEFT,
                FairWaitStatus.ENDED,
            }
        ),
    }

    __tablename__ = "fair_waits"
    __table_args__ = (
        one_of("status", FairWaitStatus),
        CheckConstraint(f"offers between 0 and {MOST_OFFERS}", name="offers"),
        CheckConstraint("(status = 'offered') = (booking_id is not null)", name="booking"),
        CheckConstraint(
            "citizen_reference is not null or status not in ('waiting', 'offered')", name="citizen"
        ),
        Index(
            "uq_fair_waits_living",
            "slot_id",
            "citizen_reference",
            unique=True,
            postgresql_where="status in ('waiting', 'offered')",
        ),
        Index(
            "ix_fair_waits_queue",
            "slot_id",
            "queued_at",
            "id",
            postgresql_where="status in ('waiting', 'offered')",
        ),
        Index(None, "booking_id"),
        Index(None, "citizen_reference", "made_at", "id"),
    )

    slot_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.fair_slots.id"))
    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    offers: Mapped[int] = mapped_column(default=0)
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_jobs.fair_bookings.id"))
    queued_at: Mapped[datetime] = mapped_column(default=now)
    made_at: Mapped[datetime] = mapped_column(default=now)
