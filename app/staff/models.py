"""Staff, their roles, invitations, sessions and failures; four-eyes requests and elevations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import APPEND_ONLY, Base, Stateful
from app.core.ids import new_id
from app.staff.values import (
    Attribute,
    RequestStatus,
    StaffSessionStatus,
    StaffStatus,
)


def _listed(values: object) -> str:
    return ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]


ROLE_FITS_OFFICE = (
    "office = case role when 'system-admin' then 'system' when 'security-admin' then 'security' "
    "when 'auditor' then 'audit' else 'operations' end"
)


class Staff(Stateful, Base):
    """A member of staff: a label, a log-in name, the one office whose roles they may hold.

    The office is what keeps the three administrators apart: a role belongs to one office, and
    `staff_roles` refers to the person and their office together.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("status in ('invited', 'active', 'suspended', 'ended')", name="status"),
        CheckConstraint("office in ('system', 'security', 'audit', 'operations')", name="office"),
        CheckConstraint("login ~ '^[a-z][a-z0-9._-]{2,39}$'", name="login"),
        UniqueConstraint("login"),
        UniqueConstraint("id", "office"),
        Index(None, "created_at", "id"),
    )
    ENTITY = "staff"
    FIRST = frozenset({StaffStatus.INVITED, StaffStatus.ACTIVE})
    MOVES = {
        StaffStatus.INVITED: frozenset({StaffStatus.ACTIVE, StaffStatus.ENDED}),
        StaffStatus.ACTIVE: frozenset({StaffStatus.SUSPENDED, StaffStatus.ENDED}),
        StaffStatus.SUSPENDED: frozenset({StaffStatus.ACTIVE, StaffStatus.ENDED}),
        StaffStatus.ENDED: frozenset(),
    }

    label: Mapped[str]
    login: Mapped[str | None]
    office: Mapped[str]
    department: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime | None]


class StaffRole(Base):
    """A role that a person holds; it can only be one of their office's."""

    __tablename__ = "staff_roles"
    __table_args__ = (
        ForeignKeyConstraint(["staff_id", "office"], ["staff.id", "staff.office"]),
        CheckConstraint(ROLE_FITS_OFFICE, name="role_fits_office"),
    )

    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    office: Mapped[str]
    granted_at: Mapped[datetime] = mapped_column(default=now)


class StaffInvitation(Base):
    """A link for one person, kept as a digest; it works once and for 72 hours."""

    __tablename__ = "staff_invitations"
    __table_args__ = (
        UniqueConstraint("token_digest"),
        Index(
            "uq_staff_invitations_open",
            "staff_id",
            unique=True,
            postgresql_where=text("used_at is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    token_digest: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffSession(Stateful, Base):
    """A log-in of a member of staff: waiting for the second factor, then open, then over.

    `secret_digest` belongs to whatever the client has to bring next: the second factor's ticket,
    later the secret of the next renewal. One person has one open session.
    """

    __tablename__ = "staff_sessions"
    __table_args__ = (
        Index(None, "staff_id", "created_at", "id"),
        UniqueConstraint("secret_digest"),
        Index(
            "uq_staff_sessions_one_is_open",
            "staff_id",
            unique=True,
            postgresql_where=text("status = 'active' and means <> 'sandbox'"),
        ),
        CheckConstraint("means in ('sandbox', 'password')", name="means"),
        CheckConstraint("status in ('waiting', 'active', 'ended')", name="status"),
        CheckConstraint("(status = 'ended') = (ended_at is not null)", name="end"),
        CheckConstraint(
            "status <> 'active' or means = 'sandbox' or second_factor is not null",
            name="second_factor_always",
        ),
        CheckConstraint("second_factor in ('totp', 'passkey')", name="second_factor"),
        CheckConstraint("expires_at <= created_at + interval '8 hours'", name="absolute"),
    )
    ENTITY = "staff_session"
    FIRST = frozenset({StaffSessionStatus.WAITING, StaffSessionStatus.ACTIVE})
    MOVES = {
        StaffSessionStatus.WAITING: frozenset(
            {StaffSessionStatus.ACTIVE, StaffSessionStatus.ENDED}
        ),
        StaffSessionStatus.ACTIVE: frozenset({StaffSessionStatus.ENDED}),
        StaffSessionStatus.ENDED: frozenset(),
    }

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    means: Mapped[str]
    second_factor: Mapped[str | None]
    password_expired: Mapped[bool] = mapped_column(default=False)
    secret_digest: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    idle_until: Mapped[datetime]
    expires_at: Mapped[datetime]
    stepped_up_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the member's id: their timeline shows their sessions."""
        return self.staff_id


class StaffRequest(Stateful, Base):
    """A dangerous act that one has asked for and another decides on."""

    __tablename__ = "staff_requests"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(
            "ix_staff_requests_open", "expires_at", postgresql_where=text("status = 'requested'")
        ),
        CheckConstraint(
            "status in ('requested', 'approved', 'executed', 'rejected', 'expired')",
            name="status",
        ),
        CheckConstraint("decided_by <> requested_by", name="four_eyes"),
        CheckConstraint(
            "(status in ('approved', 'executed', 'rejected')) = (decided_by is not null)",
            name="decided_by_somebody",
        ),
        CheckConstraint("(decided_by is null) = (decided_at is null)", name="decided_at"),
        CheckConstraint("expires_at <= created_at + interval '24 hours'", name="one_day"),
    )
    ENTITY = "staff_request"
    FIRST = frozenset({RequestStatus.REQUESTED})
    MOVES = {
        RequestStatus.REQUESTED: frozenset(
            {RequestStatus.APPROVED, RequestStatus.REJECTED, RequestStatus.EXPIRED}
        ),
        RequestStatus.APPROVED: frozenset({RequestStatus.EXECUTED}),
        RequestStatus.EXECUTED: frozenset(),
        RequestStatus.REJECTED: frozenset(),
        RequestStatus.EXPIRED: frozenset(),
    }

    act: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    reason_sealed: Mapped[bytes]
    requested_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class StaffElevation(Base):
    """A permission held for an hour at most; nothing has to happen for it to end."""

    __tablename__ = "staff_elevations"
    __table_args__ = (
        UniqueConstraint("request_id"),
        Index(None, "staff_id", "ends_at"),
        CheckConstraint(
            "ends_at > begins_at and ends_at <= begins_at + interval '60 minutes'", name="one_hour"
        ),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    permission: Mapped[str]
    request_id: Mapped[UUID] = mapped_column(ForeignKey("staff_requests.id"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class StaffUnmasking(Base):
    """One look at one citizen by one member of staff, and why: masked, or a field in clear."""

    __tablename__ = "staff_unmaskings"
    __table_args__ = (
        Index(None, "staff_id", "at"),
        CheckConstraint(f"attribute in ({_listed([*Attribute, 'masked'])})", name="attribute"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    citizen_id: Mapped[UUID]
    attribute: Mapped[str]
    reason_sealed: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(default=now)
