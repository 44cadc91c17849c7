"""Payments, their items, attempts and refunds: the money rules are constraints here."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful, one_of
from app.core.money import MAX_AMOUNT
from app.payments.values import (
    LIVE_ATTEMPTS,
    RELEASED_ITEMS,
    AttemptStatus,
    DisputeStatus,
    ItemStatus,
    PaymentStatus,
    PostingStatus,
    RefundStatus,
    SavedMethodStatus,
)

MAX_ITEMS = 20


class Payment(Stateful, Base):
    """One payment of 1 to 20 items by one citizen; succeeded means captured.

    `mandate_id`: a delegate makes it in the citizen's name, under this mandate. `origin`: what made
    it while nobody was there; there is one payment for each. `by_guest`: `citizen_id` is the pass
    of somebody without an account, who has no inbox.
    """

    ENTITY = "payment"
    FIRST = frozenset({PaymentStatus.PENDING})
    MOVES = {
        PaymentStatus.PENDING: frozenset(
            {
                PaymentStatus.PROCESSING,
                PaymentStatus.CANCELLED,
                PaymentStatus.EXPIRED,
                PaymentStatus.FAILED,
            }
        ),
        PaymentStatus.PROCESSING: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.PENDING}),
    }

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(one_of("status", PaymentStatus), name="status"),
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT * MAX_ITEMS}", name="amount"),
        CheckConstraint("refunded_amount between 0 and amount", name="refunded_amount"),
        UniqueConstraint("origin"),
        Index(None, "citizen_id", "id"),
        Index(
            "ix_payments_mandate_id",
            "mandate_id",
            "created_at",
            postgresql_where=text("mandate_id is not null"),
        ),
        Index(
            "ix_payments_expires_at_open",
            "expires_at",
            postgresql_where=text("status in ('pending', 'processing')"),
        ),
    )

    citizen_id: Mapped[UUID]
    mandate_id: Mapped[UUID | None]
    origin: Mapped[str | None]
    by_guest: Mapped[bool] = mapped_column(default=False, server_default=false())
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    method: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class PaymentItem(Stateful, Base):
    """One thing paid for; while `is_live`, no other item may name the same (service, reference).

    `refunding_amount` is approved and on its way back, `refunded_amount` is back, and
    `disputed_amount` was lost: the payer has it from their bank. An item that was
    refunded has let its bill go for good: should the refund bounce, the money is owed to the
    citizen, and the item never becomes fulfilled again.
    """

    ENTITY = "payment_item"
    FIRST = frozenset({ItemStatus.WAITING})
    MOVES = {
        ItemStatus.WAITING: frozenset({ItemStatus.DUE}),
        ItemStatus.DUE: frozenset({ItemStatus.FULFILLED, ItemStatus.UNKNOWN, ItemStatus.REJECTED}),
        ItemStatus.UNKNOWN: frozenset(
            {ItemStatus.FULFILLED, ItemStatus.REJECTED, ItemStatus.UNDER_REVIEW}
        ),
        ItemStatus.REJECTED: frozenset({ItemStatus.REFUNDING}),
        ItemStatus.FULFILLED: frozenset({ItemStatus.REFUNDING}),
        ItemStatus.UNDER_REVIEW: frozenset({ItemStatus.FULFILLED, ItemStatus.REFUNDING}),
        ItemStatus.REFUNDING: frozenset({ItemStatus.REFUNDED, ItemStatus.REFUND_FAILED}),
        ItemStatus.REFUND_FAILED: frozenset({ItemStatus.REFUNDING, ItemStatus.UNDER_REVIEW}),
        ItemStatus.REFUNDED: frozenset({ItemStatus.UNDER_REVIEW}),
    }

    __tablename__ = "payment_items"
    __table_args__ = (
        CheckConstraint(one_of("status", ItemStatus), name="status"),
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint(
            "refunded_amount >= 0 and refunding_amount >= 0 and disputed_amount >= 0 "
            "and refunded_amount + refunding_amount + disputed_amount <= amount",
            name="refunds",
        ),
        CheckConstraint(
            "status <> 'refunded' or refunded_amount + disputed_amount = amount", name="refunded"
        ),
        CheckConstraint(f"is_live or {one_of('status', RELEASED_ITEMS)}", name="is_live"),
        UniqueConstraint("payment_id", "line_no"),
        Index(
            "uq_payment_items_live_payable",
            "service",
            "reference",
            unique=True,
            postgresql_where=text("is_live"),
        ),
    )

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    line_no: Mapped[int]
    is_live: Mapped[bool] = mapped_column(default=True)
    service: Mapped[str]
    plugin: Mapped[str]
    reference: Mapped[str]
    payee: Mapped[str]
    title: Mapped[dict[str, Any]]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    payable_version: Mapped[str]
    biller_reference: Mapped[str | None]
    fulfilled_at: Mapped[datetime | None]
    refunding_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    disputed_amount: Mapped[int] = mapped_column(BigInteger, default=0)

    @property
    def refundable_amount(self) -> int:
        """Return what is neither back, nor on its way, nor lost."""
        return self.amount - self.refunded_amount - self.refunding_amount - self.disputed_amount

    @property
    def subject_id(self) -> UUID:
        """Show an item's moves on its payment's timeline."""
        return self.payment_id


class PaymentAttempt(Stateful, Base):
    """One try to move a payment's money: one intent at the gateway. Only one is live.

    `saved_customer` and `saved_method`: the kept method that is charged, nobody being there.
    `refunded_amount` is back or on its way; `disputed_amount` is held in disputes, or lost in them.
    """

    ENTITY = "payment_attempt"
    FIRST = frozenset({AttemptStatus.REQUESTED, AttemptStatus.SUCCEEDED_LATE})
    MOVES = {
        AttemptStatus.REQUESTED: frozenset(
            {AttemptStatus.OPEN, AttemptStatus.UNKNOWN, AttemptStatus.FAILED}
        ),
        AttemptStatus.UNKNOWN: frozenset(
            {
                AttemptStatus.OPEN,
                AttemptStatus.PROCESSING,
                AttemptStatus.SUCCEEDED,
                AttemptStatus.FAILED,
                AttemptStatus.CANCELLED,
            }
        ),
        AttemptStatus.OPEN: frozenset(
            {
                AttemptStatus.PROCESSING,
                AttemptStatus.SUCCEEDED,
                AttemptStatus.FAILED,
                AttemptStatus.CANCELLED,
                AttemptStatus.UNKNOWN,
            }
        ),
        AttemptStatus.PROCESSING: frozenset(
            {
                AttemptStatus.OPEN,
                AttemptStatus.SUCCEEDED,
                AttemptStatus.FAILED,
                AttemptStatus.CANCELLED,
                AttemptStatus.UNKNOWN,
            }
        ),
        AttemptStatus.CANCELLED: frozenset({AttemptStatus.SUCCEEDED_LATE}),
        AttemptStatus.FAILED: frozenset({AttemptStatus.SUCCEEDED_LATE}),
    }

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint(one_of("status", AttemptStatus), name="status"),
        CheckConstraint("amount >= 0 and captured_amount between 0 and amount", name="captured"),
        CheckConstraint(
            "refunded_amount >= 0 and disputed_amount >= 0 "
            "and refunded_amount + disputed_amount <= captured_amount",
            name="refunded",
        ),
        CheckConstraint("(saved_customer is null) = (saved_method is null)", name="saved"),
        UniqueConstraint("payment_id", "number"),
        UniqueConstraint("gateway_key"),
        UniqueConstraint("gateway", "intent_id"),
        Index(
            "uq_payment_attempts_live",
            "payment_id",
            unique=True,
            postgresql_where=text(one_of("status", (*LIVE_ATTEMPTS, AttemptStatus.SUCCEEDED))),
        ),
        Index(
            "ix_payment_attempts_next_ask_at",
            "next_ask_at",
            postgresql_where=text("next_ask_at is not null"),
        ),
    )

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    number: Mapped[int]
    method: Mapped[str]
    return_url: Mapped[str | None]
    gateway: Mapped[str]
    gateway_key: Mapped[str]
    saved_customer: Mapped[str | None]
    saved_method: Mapped[str | None]
    intent_id: Mapped[str | None]
    next_action: Mapped[bytes | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    captured_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    captured_at: Mapped[datetime | None]
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    disputed_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    asks: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None]
    decline_code: Mapped[str | None]
    mismatch: Mapped[str | None]

    @property
    def pays_items(self) -> bool:
        """Say whether its money is what the payment's items were paid with."""
        return self.status == AttemptStatus.SUCCEEDED

    @property
    def subject_id(self) -> UUID:
        """Show an attempt's moves on its payment's timeline."""
        return self.payment_id


class BillerPosting(Base):
    """The notice of one item to its biller: at most one row, whatever is retried."""

    __tablename__ = "biller_postings"
    __table_args__ = (
        CheckConstraint(one_of("status", PostingStatus), name="status"),
        UniqueConstraint("plugin", "key"),
    )

    item_id: Mapped[UUID] = mapped_column(ForeignKey("payment_items.id"), primary_key=True)
    plugin: Mapped[str]
    key: Mapped[str]
    status: Mapped[str]
    sent_at: Mapped[datetime]
    claim_job: Mapped[int] = mapped_column(BigInteger)
    claim_attempt: Mapped[int]


class Refund(Stateful, Base):
    """Money going back from one attempt; the attempt's row lock and checks bound the sum.

    Whoever asks for one never decides it: `requested_by` and `decided_by` name people as the event
    log does, or `house` and the `rule:` that lets money go back by itself.
    """

    ENTITY = "refund"
    FIRST = frozenset({RefundStatus.REQUESTED, RefundStatus.APPROVED})
    MOVES = {
        RefundStatus.REQUESTED: frozenset({RefundStatus.APPROVED, RefundStatus.DECLINED}),
        RefundStatus.APPROVED: frozenset({RefundStatus.SUBMITTED, RefundStatus.UNKNOWN}),
        RefundStatus.UNKNOWN: frozenset(
            {RefundStatus.SUBMITTED, RefundStatus.SUCCEEDED, RefundStatus.FAILED}
        ),
        RefundStatus.SUBMITTED: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
        RefundStatus.SUCCEEDED: frozenset({RefundStatus.REVERSED}),
    }

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint(one_of("status", RefundStatus), name="status"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("decided_by <> requested_by", name="four_eyes"),
        CheckConstraint("(status = 'requested') = (decided_by is null)", name="decided"),
        UniqueConstraint("attempt_id", "client_reference"),
        UniqueConstraint("gateway_key"),
        UniqueConstraint("gateway_refund_id"),
        Index(None, "payment_id"),
        Index(None, "status", "id"),
        Index(
            "ix_refunds_next_ask_at",
            "next_ask_at",
            postgresql_where=text("next_ask_at is not null"),
        ),
    )

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempts.id"))
    item_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_items.id"))
    client_reference: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    reason: Mapped[str]
    requested_by: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    declined_because: Mapped[str | None]
    gateway_key: Mapped[str]
    gateway_refund_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    asks: Mapped[int] = mapped_column(default=0)
    next_ask_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Show a refund's moves on its payment's timeline."""
        return self.payment_id


class SavedMethod(Stateful, Base):
    """A method that a citizen keeps at a gateway; it was proven while they were there.

    Of a card the house knows the brand and the last digits, and the gateway's names of it.
    """

    ENTITY = "saved_method"
    FIRST = frozenset({SavedMethodStatus.REQUESTED})
    MOVES = {
        SavedMethodStatus.REQUESTED: frozenset(
            {SavedMethodStatus.ACTIVE, SavedMethodStatus.FAILED, SavedMethodStatus.REMOVED}
        ),
        SavedMethodStatus.ACTIVE: frozenset({SavedMethodStatus.REMOVED}),
    }

    __tablename__ = "saved_methods"
    __table_args__ = (
        CheckConstraint(one_of("status", SavedMethodStatus), name="status"),
        CheckConstraint(
            "status <> 'active' or (gateway_customer is not null and gateway_method is not null "
            "and label is not null)",
            name="active",
        ),
        CheckConstraint("label !~ '[0-9]{5}'", name="label_is_short"),
        UniqueConstraint("gateway", "gateway_method"),
        Index(None, "citizen_id", "id"),
        Index(
            "ix_saved_methods_next_ask_at",
            "next_ask_at",
            postgresql_where=text("next_ask_at is not null"),
        ),
    )

    citizen_id: Mapped[UUID]
    gateway: Mapped[str]
    method: Mapped[str]
    gateway_customer: Mapped[str | None]
    gateway_setup: Mapped[str | None]
    gateway_method: Mapped[str | None]
    label: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    asks: Mapped[int] = mapped_column(default=0)
    next_ask_at: Mapped[datetime | None]


class Dispute(Stateful, Base):
    """One dispute of one attempt's money at its gateway; `held_amount` of it cannot be refunded.

    `amount` is what the gateway took. Won and withdrawn give it back, lost does not.
    """

    ENTITY = "dispute"
    FIRST = frozenset({DisputeStatus.NEEDS_RESPONSE})
    MOVES = {
        DisputeStatus.NEEDS_RESPONSE: frozenset(
            {
                DisputeStatus.UNDER_REVIEW,
                DisputeStatus.WON,
                DisputeStatus.LOST,
                DisputeStatus.WITHDRAWN,
            }
        ),
        DisputeStatus.UNDER_REVIEW: frozenset(
            {DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.WITHDRAWN}
        ),
    }

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint(one_of("status", DisputeStatus), name="status"),
        CheckConstraint("amount > 0 and held_amount between 0 and amount", name="amount"),
        UniqueConstraint("gateway", "gateway_dispute_id"),
        Index(None, "payment_id"),
        Index(None, "attempt_id"),
        Index(None, "status", "id"),
        Index(
            "ix_disputes_next_ask_at",
            "next_ask_at",
            postgresql_where=text("next_ask_at is not null"),
        ),
    )

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempts.id"))
    gateway: Mapped[str]
    gateway_dispute_id: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    held_amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    reason: Mapped[str]
    evidence_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Show a dispute's moves on its payment's timeline."""
        return self.payment_id


class GatewayEvent(Base):
    """The webhook inbox: a genuine event once, sealed; unmatched ones stay for an operator."""

    __tablename__ = "gateway_events"
    __table_args__ = (
        CheckConstraint("state in ('received', 'applied', 'unmatched', 'ignored')", name="state"),
        Index(None, "received_at"),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    intent_id: Mapped[str | None]
    attempt_id: Mapped[UUID | None]
    refund_id: Mapped[UUID | None]
    body: Mapped[bytes]
    body_digest: Mapped[bytes]
    state: Mapped[str]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
