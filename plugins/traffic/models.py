"""Tables: who linked what, violations and what is owed for them, objections, news to the police."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, ForeignKey, Index
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, base_for, new_id, now
from plugins.traffic.values import (
    MAX_FINE,
    ContestKind,
    ContestStatus,
    DueStatus,
    OrderKind,
    OrderState,
    Outcome,
    PauseCause,
    PostingState,
    ReliefKind,
    ReliefStatus,
    ReturnState,
    ViolationStatus,
)


def _among(column: str, values: Iterable[StrEnum]) -> str:
    names = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({names})"


def _one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(_among(column, values), name=column)


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


class Base(base_for("traffic")):  # type: ignore[misc] # mypy knows no computed base class
    """The tables of this plug-in, in its own schema."""

    __abstract__ = True


class Vehicle(Base):
    """A vehicle that a citizen has linked; plate and proof are sealed.

    Several citizens may link the same one. `ask_after` is when the police may next be asked.
    """

    __tablename__ = "vehicles"
    __table_args__ = (Unique("citizen_reference", "plate_index"), Index(None, "plate_index"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    plate_index: Mapped[bytes]
    plate_sealed: Mapped[bytes]
    engine_sealed: Mapped[bytes]
    linked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    refreshed_at: Mapped[datetime | None]


class Licence(Base):
    """The driving licence of a citizen: each has one, and each licence one holder."""

    __tablename__ = "licences"
    __table_args__ = (Unique("citizen_reference"), Unique("number_index"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    number_index: Mapped[bytes]
    number_sealed: Mapped[bytes]
    archive_sealed: Mapped[bytes]
    licence_class: Mapped[str]
    issued_on: Mapped[date]
    linked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    refreshed_at: Mapped[datetime | None]


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
        _one_of("status", ViolationStatus),
        CheckConstraint(_among("outcome", Outcome), name="outcome"),
        CheckConstraint(
            "num_nonnulls(decision_no, outcome, decided_at, served_on) in (0, 4)", name="decision"
        ),
        CheckConstraint(
            f"coalesce(outcome, '') = 'penalty' or not {_among('status', OWING)}",
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


class Due(Base):
    """One thing that can be paid once: a whole fine (number 0), or an instalment of it.

    Its surcharge is reckoned for the day, and only what was paid is kept.
    """

    __tablename__ = "dues"
    __table_args__ = (
        _one_of("status", DueStatus),
        CheckConstraint(f"fine between 1 and {MAX_FINE}", name="fine"),
        CheckConstraint("number between 0 and 99", name="number"),
        CheckConstraint(
            "num_nonnulls(paid_at, paid_amount) = case status when 'paid' then 2 else 0 end",
            name="paid",
        ),
        CheckConstraint("paid_amount between fine and 2 * fine", name="paid_amount"),
        Unique("violation_id", "number"),
    )

    reference: Mapped[str] = mapped_column(primary_key=True)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    number: Mapped[int]
    fine: Mapped[int] = mapped_column(BigInteger)
    pay_by: Mapped[date]
    status: Mapped[str]
    paid_at: Mapped[datetime | None]
    paid_amount: Mapped[int | None] = mapped_column(BigInteger)


class Pause(Base):
    """Days, both ends counted, on which the clock of a violation's surcharge stands still."""

    __tablename__ = "pauses"
    __table_args__ = (
        _one_of("cause", PauseCause),
        CheckConstraint("first_day <= last_day", name="days"),
        Index(
            "uq_pauses_violation_id_open",
            "violation_id",
            "cause",
            unique=True,
            postgresql_where="last_day is null",
        ),
        Index(None, "violation_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    cause: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date | None]


class Contest(Base, Stateful):
    """An objection: each kind is open to a violation once, and one at a time.

    Whoever recorded the violation never decides on it: `recorder` and `reviewer_badge` are badges.
    """

    __tablename__ = "contests"
    __table_args__ = (
        _one_of("status", ContestStatus),
        _one_of("kind", ContestKind),
        Unique("violation_id", "kind"),
        Index(
            "uq_contests_violation_id_open",
            "violation_id",
            unique=True,
            postgresql_where="status in ('submitted', 'evidence_requested', 'under_review')",
        ),
        CheckConstraint("reviewer_badge <> recorder", name="recorder"),
        CheckConstraint("(reviewer is null) = (reviewer_badge is null)", name="reviewer"),
        CheckConstraint(
            "status in ('submitted', 'evidence_requested', 'under_review') or "
            "num_nonnulls(reviewer, decided_at, reason) = 3",
            name="decided",
        ),
        CheckConstraint("(status = 'reduced') = (reduced_to is not null)", name="reduced_to"),
        Index(None, "status", "filed_at", "id"),
    )

    ENTITY: ClassVar[str] = "traffic_contest"
    FIRST: ClassVar[frozenset[StrEnum]] = frozenset({ContestStatus.SUBMITTED})
    MOVES: ClassVar[Mapping[StrEnum, frozenset[StrEnum]]] = {
        ContestStatus.SUBMITTED: frozenset({ContestStatus.UNDER_REVIEW}),
        ContestStatus.EVIDENCE_REQUESTED: frozenset({ContestStatus.UNDER_REVIEW}),
        ContestStatus.UNDER_REVIEW: frozenset(
            {
                ContestStatus.EVIDENCE_REQUESTED,
                ContestStatus.UPHELD,
                ContestStatus.REDUCED,
                ContestStatus.CANCELLED,
            }
        ),
        ContestStatus.UPHELD: frozenset(),
        ContestStatus.REDUCED: frozenset(),
        ContestStatus.CANCELLED: frozenset(),
    }

    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    citizen_reference: Mapped[str | None]
    kind: Mapped[str]
    ground: Mapped[str]
    statement_sealed: Mapped[bytes | None]
    evidence: Mapped[list[Any]]
    recorder: Mapped[str]
    reviewer: Mapped[UUID | None]
    reviewer_badge: Mapped[str | None]
    filed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    reduced_to: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None]

    @property
    def subject_id(self) -> UUID:
        """Return the violation, whose timeline shows this."""
        return self.violation_id


class Relief(Base, Stateful):
    """What somebody in hardship asks for: to pay later, or in parts; an officer decides."""

    __tablename__ = "reliefs"
    __table_args__ = (
        _one_of("status", ReliefStatus),
        _one_of("kind", ReliefKind),
        Index(
            "uq_reliefs_violation_id_open",
            "violation_id",
            unique=True,
            postgresql_where="status = 'requested'",
        ),
        CheckConstraint(
            "case kind when 'deferral' then pay_later_by is not null and parts is null "
            "else coalesce(parts, 0) between 2 and 24 and pay_later_by is null end",
            name="wish",
        ),
        CheckConstraint(
            "num_nonnulls(officer, decided_at, reason)"
            " = case status when 'requested' then 0 else 3 end",
            name="decided",
        ),
        Index(None, "violation_id"),
    )

    ENTITY: ClassVar[str] = "traffic_relief"
    FIRST: ClassVar[frozenset[StrEnum]] = frozenset({ReliefStatus.REQUESTED})
    MOVES: ClassVar[Mapping[StrEnum, frozenset[StrEnum]]] = {
        ReliefStatus.REQUESTED: frozenset({ReliefStatus.GRANTED, ReliefStatus.REFUSED}),
        ReliefStatus.GRANTED: frozenset(),
        ReliefStatus.REFUSED: frozenset(),
    }

    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    citizen_reference: Mapped[str | None]
    kind: Mapped[str]
    statement_sealed: Mapped[bytes | None]
    pay_later_by: Mapped[date | None]
    parts: Mapped[int | None]
    asked_at: Mapped[datetime]
    officer: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]

    @property
    def subject_id(self) -> UUID:
        """Return the violation, whose timeline shows this."""
        return self.violation_id


class Officer(Base):
    """Which badge a member of staff wears: the police know their officers by it."""

    __tablename__ = "officers"
    __table_args__ = (Unique("badge"),)

    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    badge: Mapped[str]
    named_by: Mapped[str]
    named_at: Mapped[datetime] = mapped_column(default=now)


class Order(Base):
    """What the police's system is to write down: a decision, or the change of one.

    Kept before it is told, and told under the same key until it is answered.
    """

    __tablename__ = "orders"
    __table_args__ = (
        _one_of("kind", OrderKind),
        _one_of("state", OrderState),
        CheckConstraint(f"fine between 0 and {MAX_FINE}", name="fine"),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="refusal"),
        Index(
            "uq_orders_violation_id_decision",
            "violation_id",
            unique=True,
            postgresql_where="kind = 'decision' and state <> 'refused'",
        ),
        Index("ix_orders_waiting", "made_at", postgresql_where="state = 'waiting'"),
    )

    key: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    kind: Mapped[str]
    what: Mapped[str]
    fine: Mapped[int | None] = mapped_column(BigInteger)
    points: Mapped[int | None]
    reason: Mapped[str]
    state: Mapped[str]
    refusal: Mapped[str | None]
    made_at: Mapped[datetime] = mapped_column(default=now)


class Posting(Base):
    """The news of one payment, written down before the police's system is told."""

    __tablename__ = "postings"
    __table_args__ = (
        _one_of("state", PostingState),
        CheckConstraint("fine > 0 and surcharge >= 0 and amount = fine + surcharge", name="amount"),
        CheckConstraint("(state = 'booked') = (answer_reference is not null)", name="answer"),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="refusal"),
        Index(
            "uq_postings_reference_live",
            "reference",
            unique=True,
            postgresql_where="state <> 'refused'",
        ),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(ForeignKey(Due.reference))
    amount: Mapped[int] = mapped_column(BigInteger)
    fine: Mapped[int] = mapped_column(BigInteger)
    surcharge: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    state: Mapped[str]
    paid_at: Mapped[datetime]
    sent_at: Mapped[datetime]
    answer_reference: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    refusal: Mapped[str | None]


class Return(Base):
    """Money that goes back to its payer, and how far that has come; each reason once for a due."""

    __tablename__ = "returns"
    __table_args__ = (
        _one_of("state", ReturnState),
        CheckConstraint("amount > 0 and surcharge between 0 and amount", name="amount"),
        Unique("reference", "reason"),
        Index("ix_returns_waiting", "decided_at", postgresql_where="state = 'waiting'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(ForeignKey(Due.reference))
    amount: Mapped[int] = mapped_column(BigInteger)
    surcharge: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    state: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


class Lookup(Base):
    """Who has proven to know two facts of a decision, and may pay it until when."""

    __tablename__ = "lookups"

    citizen_reference: Mapped[str] = mapped_column(primary_key=True)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id), primary_key=True)
    expires_at: Mapped[datetime]


class Allowance(Base):
    """When somebody tried to prove something lately; its row is the lock of their trying."""

    __tablename__ = "allowances"

    kind: Mapped[str] = mapped_column(primary_key=True)
    tried_by: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
