"""Our copy of the police's cases, and the moves that a violation can make."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful
from plugins.traffic.models.base import Base, among, one_of
from plugins.traffic.values import MAX_FINE, Outcome, ViolationStatus

OWING = (
    ViolationStatus.PAYABLE,
    ViolationStatus.OVERDUE,
    ViolationStatus.DEFERRED,
    ViolationStatus.INSTALMENTS,
    ViolationStatus.RECONSIDERATION,
    ViolationStatus.LITIGATION,
    ViolationStatus.PAID,
)
"""The states that only a penalty has."""
_OBJECTED = frozenset({ViolationStatus.RECONSIDERATION, ViolationStatus.LITIGATION})
_RELIEVED = frozenset({ViolationStatus.DEFERRED, ViolationStatus.INSTALMENTS})
_SETTLED = frozenset({ViolationStatus.PAID, ViolationStatus.CANCELLED})
_DUE = frozenset({ViolationStatus.PAYABLE, ViolationStatus.OVERDUE})


class Violation(Base, Stateful):
    """Our copy of a case of the police, and what became of it here.

    It belongs to whoever has linked its vehicle, or holds the licence of its driver. `seen_at` is
    when the police were asked for what stands here; `fine` and `points` are what the notice
    announces, and what the decision says once there is one.
    """

    __tablename__ = "violations"
    __table_args__ = (
        Unique("notice_no"),
        Unique("decision_no"),
        one_of("status", ViolationStatus),
        CheckConstraint(among("outcome", Outcome), name="outcome"),
        CheckConstraint(
            "num_nonnulls(decision_no, outcome, decided_at, served_on) in (0, 4)", name="decision"
        ),
        CheckConstraint(
            f"coalesce(outcome, '') = 'penalty' or not {among('status', OWING)}",
            name="penalty",
        ),
        CheckConstraint("status <> 'decided' or outcome is not null", name="decided"),
        CheckConstraint(f"fine between 0 and {MAX_FINE}", name="fine"),
        CheckConstraint("outcome <> 'penalty' or fine > 0", name="penalty_fine"),
        CheckConstraint("points between 0 and 12", name="points"),
        Index(None, "plate_index", "occurred_at", "id"),
        Index(None, "licence_index", "occurred_at", "id"),
    )

    ENTITY: ClassVar[str] = "traffic_violation"
    FIRST: ClassVar[frozenset[StrEnum]] = frozenset({ViolationStatus.RECORDED})
    MOVES: ClassVar[Mapping[StrEnum, frozenset[StrEnum]]] = {
        ViolationStatus.RECORDED: frozenset(
            {ViolationStatus.NOTIFIED, ViolationStatus.DECIDED, ViolationStatus.CANCELLED}
        ),
        ViolationStatus.NOTIFIED: frozenset(
            {
                ViolationStatus.ACCEPTED,
                ViolationStatus.CONTESTED,
                ViolationStatus.DECIDED,
                ViolationStatus.CANCELLED,
            }
        ),
        ViolationStatus.ACCEPTED: frozenset({ViolationStatus.DECIDED, ViolationStatus.CANCELLED}),
        ViolationStatus.CONTESTED: frozenset({ViolationStatus.DECIDED, ViolationStatus.CANCELLED}),
        ViolationStatus.DECIDED: frozenset({ViolationStatus.PAYABLE, ViolationStatus.CLOSED}),
        ViolationStatus.PAYABLE: _RELIEVED | _OBJECTED | _SETTLED | {ViolationStatus.OVERDUE},
        ViolationStatus.OVERDUE: _RELIEVED | _OBJECTED | _SETTLED,
        ViolationStatus.DEFERRED: _OBJECTED
        | _SETTLED
        | {ViolationStatus.OVERDUE, ViolationStatus.INSTALMENTS},
        ViolationStatus.INSTALMENTS: _OBJECTED | _SETTLED | {ViolationStatus.OVERDUE},
        ViolationStatus.RECONSIDERATION: _DUE | _RELIEVED | _SETTLED,
        ViolationStatus.LITIGATION: _DUE | _RELIEVED | _SETTLED,
        ViolationStatus.PAID: _OBJECTED | {ViolationStatus.CLOSED, ViolationStatus.CANCELLED},
        ViolationStatus.CLOSED: frozenset(),
        ViolationStatus.CANCELLED: frozenset(),
    }

    notice_no: Mapped[str]
    plate_index: Mapped[bytes]
    plate_sealed: Mapped[bytes]
    licence_index: Mapped[bytes | None]
    vehicle_class: Mapped[str]
    offence_code: Mapped[str]
    title: Mapped[dict[str, Any]]
    legal_basis: Mapped[str]
    place: Mapped[str]
    occurred_at: Mapped[datetime]
    speed: Mapped[dict[str, Any] | None]
    evidence: Mapped[list[Any]]
    authority: Mapped[str]
    recorder: Mapped[str]
    points: Mapped[int]
    fine: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    notified_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    decision_no: Mapped[str | None]
    outcome: Mapped[str | None]
    procedure: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    served_on: Mapped[date | None]
    served_by: Mapped[str | None]
    seen_at: Mapped[datetime]
