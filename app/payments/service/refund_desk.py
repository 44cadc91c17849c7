"""People and refunds: asked for by one, decided by another, tried again when they fail."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.db import owned
from app.core.errors import NotFound
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import (
    ItemNotRefundable,
    OtherDepartment,
    OwnRefund,
    PaymentDisputed,
    RefundAmountStale,
    RefundDecided,
    RefundNotFailed,
)
from app.payments.events import RefundApproved, RefundDeclined
from app.payments.models import Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.service.common import PaymentDeps
from app.payments.service.refund import (
    available_amount,
    captured_attempt,
    check_refundable,
    find_refund,
    is_disputed,
    open_refund,
    reserve,
    same_refund,
)
from app.payments.values import (
    DeclineReason,
    RefundCase,
    RefundStatus,
    RefundView,
    RefundWish,
    shown_state,
)


def ask_refund(uow: UnitOfWork, who: Principal, payment_id: UUID, wish: RefundWish) -> RefundView:
    """Ask for money back of one's own payment; a member of staff decides.

    Idempotent by the caller's reference. Raise what forbids it, and then nothing is written.
    """
    owned(uow, Payment, payment_id, who.id)
    return _view(_ask(uow, who, payment_id, wish))


def ask_refund_for(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, payment_id: UUID, wish: RefundWish
) -> RefundCase:
    """Ask for money back as a member of staff; somebody of a department, for its services only."""
    item = uow.get(PaymentItem, wish.item_id)
    if item is None or item.payment_id != payment_id:
        raise NotFound
    _check_department(deps, who, item.service)
    return _case(_ask(uow, who, payment_id, wish), item)


def _check_department(deps: PaymentDeps, who: Principal, service_id: str) -> None:
    """Let those who approve ask for every service, and a department for its own."""
    if "refunds.approve" in who.permissions:
        return
    service = deps.registry.services.get(service_id)
    if service is None or who.department is None or service.department != who.department:
        raise OtherDepartment


def _ask(uow: UnitOfWork, who: Principal, payment_id: UUID, wish: RefundWish) -> Refund:
    uow.lock(Payment, payment_id)
    item = uow.get(PaymentItem, wish.item_id, with_for_update=True, populate_existing=True)
    attempt_id = captured_attempt(uow, payment_id)
    if item is None or item.payment_id != payment_id:
        raise NotFound
    if attempt_id is None:
        raise ItemNotRefundable(item_status=item.status)
    attempt = uow.lock(PaymentAttempt, attempt_id)
    reference = f"{who.kind}:{wish.client_reference}"
    found = find_refund(uow, attempt.id, reference)
    if found is not None:
        return same_refund(found, item.id, wish.amount)
    available = available_amount(attempt, item)
    if wish.expected_available not in {None, available}:
        raise RefundAmountStale(available=available)
    amount = available if wish.amount is None else wish.amount
    check_refundable(uow, attempt, item, amount)
    return open_refund(
        uow,
        attempt,
        item=item,
        amount=amount,
        reason=wish.reason,
        client_reference=reference,
        requested_by=who.actor,
    )


def approve_request(uow: UnitOfWork, who: Principal, refund_id: UUID) -> RefundCase:
    """Approve somebody else's request: the money is reserved now and goes back by a job.

    Approving again what one has approved changes nothing. Raise `OwnRefund`, `RefundDecided`, or
    what has come to forbid it since it was asked for.
    """
    item, attempt, refund = _lock_refund(uow, refund_id)
    if refund.status != RefundStatus.REQUESTED:
        if refund.decided_by == who.actor and refund.status != RefundStatus.DECLINED:
            return _case(refund, item)
        raise RefundDecided(refund_status=refund.status)
    _check_other(who, refund)
    check_refundable(uow, attempt, item, refund.amount)
    refund.decided_by, refund.decided_at = who.actor, now()
    fact = RefundApproved(refund_id=refund.id)
    uow.move(refund, RefundStatus.APPROVED, cause="staff", fact=fact)
    reserve(uow, attempt, refund, item, cause="refund approved")
    return _case(refund, item)


def decline_request(
    uow: UnitOfWork, who: Principal, refund_id: UUID, reason: DeclineReason
) -> RefundCase:
    """Decline somebody else's request; declining again what one has declined changes nothing."""
    item, _, refund = _lock_refund(uow, refund_id)
    if refund.status != RefundStatus.REQUESTED:
        if refund.decided_by == who.actor and refund.status == RefundStatus.DECLINED:
            return _case(refund, item)
        raise RefundDecided(refund_status=refund.status)
    _check_other(who, refund)
    refund.decided_by, refund.decided_at = who.actor, now()
    refund.declined_because = reason
    fact = RefundDeclined(refund_id=refund.id)
    uow.move(refund, RefundStatus.DECLINED, cause=reason, fact=fact)
    return _case(refund, item)


def retry_refund(uow: UnitOfWork, deps: PaymentDeps, who: Principal, refund_id: UUID) -> RefundCase:
    """Send what failed or came back once more, as a refund of its own under the same decision.

    Idempotent: the same failure is tried again once. Raise `RefundNotFailed`.
    """
    item, attempt, refund = _lock_refund(uow, refund_id)
    if item is not None:
        _check_department(deps, who, item.service)
    if refund.status not in {RefundStatus.FAILED, RefundStatus.REVERSED}:
        raise RefundNotFailed(refund_status=refund.status)
    reference = f"retry:{refund.id}"
    again = find_refund(uow, attempt.id, reference)
    if again is None and is_disputed(uow, attempt):
        raise PaymentDisputed
    if again is None:
        again = open_refund(
            uow,
            attempt,
            item=item,
            amount=refund.amount,
            reason=refund.reason,
            client_reference=reference,
            requested_by=refund.requested_by,
            decided_by=refund.decided_by,
        )
    return _case(again, item)


def _lock_refund(
    uow: UnitOfWork, refund_id: UUID
) -> tuple[PaymentItem | None, PaymentAttempt, Refund]:
    found = uow.get(Refund, refund_id)
    if found is None:
        raise NotFound
    uow.lock(Payment, found.payment_id)
    item = uow.lock(PaymentItem, found.item_id) if found.item_id else None
    attempt = uow.lock(PaymentAttempt, found.attempt_id)
    return item, attempt, uow.lock(Refund, refund_id)


def _check_other(who: Principal, refund: Refund) -> None:
    if refund.requested_by == who.actor:
        raise OwnRefund


def list_refunds_of(
    uow: UnitOfWork, who: Principal, payment_id: UUID, page: PageRequest
) -> Page[RefundView]:
    """Return what was asked back of one's own payment, newest first."""
    owned(uow, Payment, payment_id, who.id)
    statement = select(Refund).where(Refund.payment_id == payment_id)
    found = fetch_page(uow, statement, [Refund.id], page, descending=True)
    return Page([_view(refund) for refund in found.items], found.next_cursor)


def list_refunds(
    uow: UnitOfWork, page: PageRequest, status: RefundStatus | None, payment_id: UUID | None
) -> Page[RefundCase]:
    """Return refunds for the desk, oldest first: of one state, of one payment, or all."""
    statement = select(Refund)
    if status is not None:
        statement = statement.where(Refund.status == status)
    if payment_id is not None:
        statement = statement.where(Refund.payment_id == payment_id)
    found = fetch_page(uow, statement, [Refund.id], page)
    return Page(_cases(uow, found.items), found.next_cursor)


def read_refund(uow: UnitOfWork, refund_id: UUID) -> RefundCase:
    """Return one refund for the desk, or raise `NotFound`."""
    refund = uow.get(Refund, refund_id)
    if refund is None:
        raise NotFound
    return _cases(uow, [refund])[0]


def _cases(uow: UnitOfWork, refunds: Sequence[Refund]) -> list[RefundCase]:
    wanted = [refund.item_id for refund in refunds if refund.item_id]
    items = {
        item.id: item for item in uow.scalars(select(PaymentItem).where(PaymentItem.id.in_(wanted)))
    }
    return [_case(refund, items.get(refund.item_id)) for refund in refunds]  # type: ignore[arg-type]


def _case(refund: Refund, item: PaymentItem | None) -> RefundCase:
    return RefundCase(
        id=refund.id,
        payment_id=refund.payment_id,
        item_id=refund.item_id,
        service=item.service if item else None,
        amount=refund.amount,
        currency=refund.currency,
        status=refund.status,
        reason=refund.reason,
        client_reference=refund.client_reference,
        requested_by=refund.requested_by,
        decided_by=refund.decided_by,
        declined_because=refund.declined_because,
        created_at=refund.created_at,
        decided_at=refund.decided_at,
    )


def _view(refund: Refund) -> RefundView:
    return RefundView(
        id=refund.id,
        payment_id=refund.payment_id,
        item_id=refund.item_id,
        amount=refund.amount,
        currency=refund.currency,
        status=shown_state(Refund.ENTITY, refund.status),
        reason=refund.reason,
        declined_because=refund.declined_because,
        created_at=refund.created_at,
        decided_at=refund.decided_at,
    )
