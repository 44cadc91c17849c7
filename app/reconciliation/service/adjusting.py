"""Adjusting: what one person proposes for a difference, another one books; nothing is changed."""

from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.crypto import Keyring
from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.values import TwoPeople
from app.reconciliation.errors import (
    AdjustmentNotFound,
    AdjustmentPending,
    SecondPersonNeeded,
)
from app.reconciliation.events import AdjustmentApproved, SecondPersonRefused
from app.reconciliation.models import Difference, DifferenceAdjustment
from app.reconciliation.service.deps import ReconciliationDeps
from app.reconciliation.service.desk import (
    locked_difference,
    open_reason,
    own_difference,
    seal_reason,
)
from app.reconciliation.values import (
    Adjustment,
    AdjustmentView,
    DifferenceStatus,
    Resolution,
)

_TABLE = "difference_adjustments"


def propose_adjustment(
    uow: UnitOfWork, deps: ReconciliationDeps, who: UUID, difference_id: UUID, wish: Adjustment
) -> AdjustmentView:
    """Propose a correction of the books that ends a difference; nothing is booked yet.

    Raise `NotYourDifference`, `AdjustmentPending`, or `AccountUnknown`.
    """
    difference = own_difference(uow, who, difference_id)
    if _pending(uow, difference.id) is not None:
        raise AdjustmentPending
    currency = difference.currency or "CNY"
    for code in (wish.debit, wish.credit):
        ledger.find_account(uow, code, currency)
    proposal = DifferenceAdjustment(
        difference_id=difference.id,
        debit=wish.debit,
        credit=wish.credit,
        amount=wish.amount,
        currency=currency,
        requested_by=who,
        reason_sealed=b"",
    )
    uow.add(proposal)
    uow.flush()
    proposal.reason_sealed = seal_reason(deps.keyring, _TABLE, proposal.id, wish.reason)
    return _view(deps.keyring, proposal)


def approve_adjustment(
    uow: UnitOfWork, deps: ReconciliationDeps, who: UUID, adjustment_id: UUID
) -> AdjustmentView:
    """Book a proposed correction and close its difference; another person than who proposed it.

    Raise `AdjustmentNotFound` or `SecondPersonNeeded`.
    """
    proposal, difference = _to_decide(uow, who, adjustment_id)
    people = TwoPeople(
        proposed_by=proposal.requested_by,
        approved_by=who,
        grounds=f"difference-adjustment:{proposal.id}",
    )
    booking_id = ledger.adjust(
        uow,
        ledger.find_account(uow, proposal.debit, proposal.currency),
        ledger.find_account(uow, proposal.credit, proposal.currency),
        proposal.amount,
        difference.payment_id or difference.id,
        people,
        proposal.currency,
    )
    proposal.approved_by, proposal.booking_id = who, booking_id
    difference.booking_id, difference.resolution = booking_id, Resolution.ADJUSTED
    uow.move(difference, DifferenceStatus.ADJUSTED, cause="second-person")
    uow.flush()
    difference.closed_by, difference.closed_at = who, now()
    uow.move(difference, DifferenceStatus.CLOSED, cause="adjusted")
    uow.record(AdjustmentApproved(difference_id=difference.id, adjustment_id=proposal.id))
    return _view(deps.keyring, proposal)


def reject_adjustment(
    uow: UnitOfWork, deps: ReconciliationDeps, who: UUID, adjustment_id: UUID
) -> AdjustmentView:
    """Drop a proposal; its owner may propose another one. Raise as `approve_adjustment`."""
    proposal, _ = _to_decide(uow, who, adjustment_id)
    proposal.is_withdrawn = True
    return _view(deps.keyring, proposal)


def _to_decide(
    uow: UnitOfWork, who: UUID, adjustment_id: UUID
) -> tuple[DifferenceAdjustment, Difference]:
    proposal = uow.get(DifferenceAdjustment, adjustment_id)
    if proposal is None:
        raise AdjustmentNotFound
    difference = locked_difference(uow, proposal.difference_id)
    pending = _pending(uow, difference.id)
    if pending is None or pending.id != adjustment_id:
        raise AdjustmentNotFound
    if pending.requested_by == who:
        uow.record(SecondPersonRefused(difference_id=difference.id, result="refused"))
        raise SecondPersonNeeded
    return pending, difference


def _pending(uow: UnitOfWork, difference_id: UUID) -> DifferenceAdjustment | None:
    return uow.scalar(
        select(DifferenceAdjustment)
        .where(
            DifferenceAdjustment.difference_id == difference_id,
            DifferenceAdjustment.approved_by.is_(None),
            ~DifferenceAdjustment.is_withdrawn,
        )
        .execution_options(populate_existing=True)
    )


def _view(keyring: Keyring, proposal: DifferenceAdjustment) -> AdjustmentView:
    return AdjustmentView(
        id=proposal.id,
        difference_id=proposal.difference_id,
        debit=proposal.debit,
        credit=proposal.credit,
        amount=proposal.amount,
        currency=proposal.currency,
        reason=open_reason(keyring, _TABLE, proposal.id, proposal.reason_sealed) or "",
        requested_by=proposal.requested_by,
        approved_by=proposal.approved_by,
        booking=proposal.booking_id,
        created_at=proposal.created_at,
    )
