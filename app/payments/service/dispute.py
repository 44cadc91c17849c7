"""Disputes at a gateway: learnt by asking, what is in dispute held back, then released or gone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from sqlalchemy import select

from app.core.clock import now
from app.core.errors import NotFound, Unavailable
from app.core.logs import get_logger
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.payments.events import (
    DisputeClosed,
    DisputeOpened,
    DisputeQuestioned,
    RefundApproved,
)
from app.payments.gateway import DisputingGateway, GatewayAmbiguous, GatewayDispute, GatewayRefused
from app.payments.models import Dispute, Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.service.booking import (
    book_dispute_lost,
    book_dispute_opened,
    book_dispute_won,
)
from app.payments.service.common import PaymentDeps, lock_items
from app.payments.service.refund import available_amount, is_disputed, reserve
from app.payments.values import (
    HOUSE,
    OPEN_DISPUTES,
    DisputeStatus,
    ItemStatus,
    RefundStatus,
)

log = get_logger("payments")
_ASK_AGAIN = timedelta(hours=1)


def learn_disputes(uow: UnitOfWork, deps: PaymentDeps, event: DisputeQuestioned) -> None:
    """Ask the gateway which disputes an attempt's money is in, and apply each; idempotent.

    Raise `Unavailable` while the gateway does not answer.
    """
    with uow.phase():
        attempt = uow.get_one(PaymentAttempt, event.attempt_id)
    gateway = deps.gateways.named(attempt.gateway)
    if not isinstance(gateway, DisputingGateway) or attempt.intent_id is None:
        return
    try:
        answers = gateway.list_disputes(attempt.intent_id)
    except (GatewayAmbiguous, GatewayRefused) as error:
        raise Unavailable("The gateway does not say what is in dispute.") from error
    uow.lock(Payment, attempt.payment_id)
    items = lock_items(uow, attempt.payment_id)
    attempt = uow.lock(PaymentAttempt, attempt.id)
    waiting = _lock_waiting(uow, attempt)
    for answer in answers:
        _apply(uow, deps, Disputed(attempt, items, waiting), answer)


@dataclass(frozen=True, slots=True)
class Disputed:
    """What a dispute is about, locked: an attempt, its payment's items, refunds that wait."""

    attempt: PaymentAttempt
    items: Sequence[PaymentItem]
    waiting: Sequence[Refund]


def _apply(uow: UnitOfWork, deps: PaymentDeps, about: Disputed, answer: GatewayDispute) -> None:
    attempt = about.attempt
    if answer.currency != attempt.currency or not 0 < answer.amount <= attempt.captured_amount:
        log.error("dispute.mismatch", attempt_id=str(attempt.id), dispute=answer.id)
        return
    dispute = uow.scalar(
        select(Dispute)
        .where(Dispute.gateway == attempt.gateway, Dispute.gateway_dispute_id == answer.id)
        .with_for_update()
    )
    if dispute is None:
        dispute = _open(uow, attempt, answer)
    dispute.evidence_due_at = answer.evidence_due_at
    if dispute.status in OPEN_DISPUTES and dispute.status != answer.status:
        _go_on(uow, about, dispute, DisputeStatus(answer.status))
    is_open = dispute.status in OPEN_DISPUTES
    dispute.next_ask_at = now() + _ASK_AGAIN / deps.policy.pace if is_open else None


def _open(uow: UnitOfWork, attempt: PaymentAttempt, answer: GatewayDispute) -> Dispute:
    """Hold back what is disputed, as far as it has not gone back already or is on its way."""
    held = min(answer.amount, available_amount(attempt, None))
    dispute = Dispute(
        payment_id=attempt.payment_id,
        attempt_id=attempt.id,
        gateway=attempt.gateway,
        gateway_dispute_id=answer.id,
        amount=answer.amount,
        held_amount=held,
        currency=attempt.currency,
        reason=answer.reason,
        opened_at=now(),
        status=DisputeStatus.NEEDS_RESPONSE,
    )
    attempt.disputed_amount += held
    uow.open_record(dispute, cause="gateway", amount=answer.amount)
    book_dispute_opened(uow, attempt, answer.id, answer.amount)
    uow.emit(DisputeOpened(dispute_id=dispute.id))
    log.warning("dispute.opened", payment_id=str(attempt.payment_id), reason=answer.reason)
    return dispute


def _go_on(uow: UnitOfWork, about: Disputed, dispute: Dispute, to: DisputeStatus) -> None:
    attempt = about.attempt
    if to is DisputeStatus.NEEDS_RESPONSE:  # what the gateway said before has overtaken this
        return
    if to is DisputeStatus.UNDER_REVIEW:
        uow.move(dispute, to, cause="gateway")
        return
    uow.move(dispute, to, cause="gateway", fact=DisputeClosed(dispute_id=dispute.id))
    dispute.closed_at = now()
    if to is DisputeStatus.WON or to is DisputeStatus.WITHDRAWN:
        attempt.disputed_amount -= dispute.held_amount
        book_dispute_won(uow, attempt, dispute.gateway_dispute_id, dispute.amount)
        if not is_disputed(uow, attempt):
            _release_refunds(uow, about)
    elif to is DisputeStatus.LOST:
        _write_off(uow, attempt, about.items, dispute)
        _drop_refunds(uow, about)
    else:
        assert_never(to)


def _write_off(
    uow: UnitOfWork, attempt: PaymentAttempt, items: Sequence[PaymentItem], dispute: Dispute
) -> None:
    """Take what is gone from the items, each in proportion to what is left of it.

    What no item has left (late money; parts that went back before) is nobody's: suspense pays.
    """
    left = [item.refundable_amount for item in items] if attempt.pays_items else []
    rest = dispute.amount
    for item, part in zip(items, share(min(dispute.amount, sum(left)), left), strict=False):
        if part:
            item.disputed_amount += part
            rest -= part
            book_dispute_lost(uow, attempt, dispute.gateway_dispute_id, part, item)
    if rest:
        book_dispute_lost(uow, attempt, dispute.gateway_dispute_id, rest, None)


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in proportion to weights whose sum it does not exceed, to the last fen.

    The largest remainders are rounded up, so that no part exceeds its weight.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    remainders = [amount * weight % whole for weight in weights]
    missing = amount - sum(parts)
    for index in sorted(range(len(weights)), key=lambda i: (-remainders[i], i))[:missing]:
        parts[index] += 1
    return parts


def _lock_waiting(uow: UnitOfWork, attempt: PaymentAttempt) -> Sequence[Refund]:
    """Return the refunds that a rule wants and cannot have while the money is disputed."""
    return uow.scalars(
        select(Refund)
        .where(
            Refund.attempt_id == attempt.id,
            Refund.status == RefundStatus.REQUESTED,
            Refund.requested_by == HOUSE,
        )
        .order_by(Refund.id)
        .with_for_update()
    ).all()


def _still_waiting(about: Disputed) -> Iterator[tuple[Refund, PaymentItem | None]]:
    by_id = {item.id: item for item in about.items}
    for refund in about.waiting:
        if refund.status == RefundStatus.REQUESTED:
            yield refund, by_id[refund.item_id] if refund.item_id else None


def _release_refunds(uow: UnitOfWork, about: Disputed) -> None:
    """Send what a rule wanted to send back, and could not while it was disputed."""
    for refund, item in _still_waiting(about):
        if refund.amount > available_amount(about.attempt, item):
            continue  # another dispute has taken it: a person decides
        refund.decided_by, refund.decided_at = f"rule:{refund.reason}", now()
        fact = RefundApproved(refund_id=refund.id)
        uow.move(refund, RefundStatus.APPROVED, cause="dispute won", fact=fact)
        reserve(uow, about.attempt, refund, item, cause="dispute won")


def _drop_refunds(uow: UnitOfWork, about: Disputed) -> None:
    """Give up what a rule wanted to send back: the citizen has it from their bank; have a look."""
    for refund, item in _still_waiting(about):
        refund.decided_by, refund.decided_at = "rule:dispute-lost", now()
        refund.declined_because = "already-returned"
        uow.move(refund, RefundStatus.DECLINED, cause="dispute lost")
        if item is not None and item.status == ItemStatus.REFUNDING:
            uow.move(item, ItemStatus.REFUND_FAILED, cause="dispute lost")
            uow.move(item, ItemStatus.UNDER_REVIEW, cause="dispute lost")


def list_disputes(
    uow: UnitOfWork, page: PageRequest, status: DisputeStatus | None
) -> Page[Dispute]:
    """Return disputes for the desk, oldest first: of one state, or all."""
    statement = select(Dispute)
    if status is not None:
        statement = statement.where(Dispute.status == status)
    return fetch_page(uow, statement, [Dispute.id], page)


def read_dispute(uow: UnitOfWork, dispute_id: object) -> Dispute:
    """Return one dispute for the desk, or raise `NotFound`."""
    dispute = uow.get(Dispute, dispute_id)
    if dispute is None:
        raise NotFound
    return dispute
