"""Telling the biller, once: the posting's row is the fence, and a lost answer is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, select

from app.core.clock import now
from app.core.errors import Conflict, Invalid, NotFound, Unavailable
from app.core.logs import get_logger
from app.core.unit_of_work import JobRun, UnitOfWork
from app.payments.events import ItemClosed, ItemDue
from app.payments.models import BillerPosting, Payment, PaymentAttempt, PaymentItem
from app.payments.service.common import PaymentDeps
from app.payments.service.refund import approve_refund, captured_attempt
from app.payments.values import AttemptStatus, ItemStatus, PostingStatus
from app.sdk.provider import Fulfilment, OutcomeUnknown, PayableProvider, PaymentNotice
from app.sdk.registry import Posting

log = get_logger("payments")

QUIET_SECONDS = 60
"""How long after sending an inquiry's "no" may still be overtaken by the notice itself."""
REVIEW_AFTER = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The biller has it."""

    fulfilment: Fulfilment


@dataclass(frozen=True, slots=True)
class Refused:
    """The biller refuses for good."""

    code: str


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing happened: try again."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have happened: ask again."""


@dataclass(frozen=True, slots=True)
class Unknowable:
    """It may have happened, and this biller offers no way to find out."""


Outcome = Confirmed | Refused | Later | Unknown | Unknowable


def fulfil_item(uow: UnitOfWork, deps: PaymentDeps, event: ItemDue) -> None:
    """Tell the biller of a paid item, or find out whether it was told.

    Runs again after a crash, a silent biller or an ambiguous answer; the biller gets the same
    permanent key each time, and what its manifest declares decides whether it is sent again.
    Raise `Unavailable` while it has to be tried or asked again.
    """
    run = uow.job or JobRun(0, 0)
    listing = deps.registry.snapshot()  # may read: not while a row is locked
    with uow.phase():
        item = uow.lock(PaymentItem, event.item_id)
        if item.status not in {ItemStatus.DUE, ItemStatus.UNKNOWN}:
            return
        service, provider = listing.owed(item.service)
        before, sent_at = _claim(uow, item, run)
        notice = _notice(uow, item)
    outcome = _reach_biller(deps, service.posting, provider, notice, before, sent_at.timestamp())
    with uow.phase():
        is_recorded = _record(uow, item.id, run, before, outcome)
    if not is_recorded:
        # To end well would end the job, which by now is the other run's: its retry would be lost.
        raise Unavailable("Another run has taken the posting over.")
    if isinstance(outcome, Later | Unknown):
        raise Unavailable("The biller has not confirmed yet.")


def _claim(uow: UnitOfWork, item: PaymentItem, run: JobRun) -> tuple[PostingStatus, datetime]:
    """Take the item's posting for this run; return what was known of it and when it was sent."""
    posting = uow.get(BillerPosting, item.id, with_for_update=True, populate_existing=True)
    if posting is None:
        posting = BillerPosting(
            item_id=item.id,
            plugin=item.plugin,
            key=str(item.id),
            status=PostingStatus.IDLE,
            sent_at=now(),
        )
        uow.add(posting)
    before = PostingStatus(posting.status)
    if before is PostingStatus.IDLE:
        posting.sent_at = now()
    posting.status = PostingStatus.SENDING
    posting.claim_job, posting.claim_attempt = run.job_id, run.attempt
    return before, posting.sent_at


def _notice(uow: UnitOfWork, item: PaymentItem) -> PaymentNotice:
    paid_at = uow.scalars(
        select(func.coalesce(PaymentAttempt.captured_at, Payment.created_at))
        .select_from(Payment)
        .outerjoin(
            PaymentAttempt,
            and_(
                PaymentAttempt.payment_id == Payment.id,
                PaymentAttempt.status == AttemptStatus.SUCCEEDED,
            ),
        )
        .where(Payment.id == item.payment_id)
    ).one()
    return PaymentNotice(
        key=str(item.id),
        reference=item.reference,
        amount=item.amount,
        currency=item.currency,
        paid_at=paid_at,
        payee=item.payee,
    )


def _reach_biller(
    deps: PaymentDeps,
    posting: Posting,
    provider: PayableProvider,
    notice: PaymentNotice,
    before: PostingStatus,
    sent_at: float,
) -> Outcome:
    def send() -> Fulfilment:
        return provider.fulfil(notice)

    if before is PostingStatus.IDLE:
        outcome = _ask(send)
        return Unknowable() if isinstance(outcome, Unknown) and posting == "neither" else outcome
    if posting == "neither":
        return Unknowable()
    try:
        found = provider.find_fulfilment(notice.key)
    except (OutcomeUnknown, Unavailable):
        # The key makes a second notice harmless where it is honoured, and nowhere else.
        return _ask(send) if posting == "idempotent" else Unknown()
    if found is not None:
        return Confirmed(found)
    is_quiet = now().timestamp() - sent_at >= QUIET_SECONDS / deps.policy.pace
    return _ask(send) if is_quiet or posting == "idempotent" else Unknown()


def _ask(send: Callable[[], Fulfilment]) -> Outcome:
    try:
        return Confirmed(send())
    except OutcomeUnknown:
        return Unknown()
    except (Conflict, NotFound, Invalid) as refusal:
        return Refused(refusal.code)
    except Unavailable:
        return Later()


def _record(
    uow: UnitOfWork, item_id: UUID, run: JobRun, before: PostingStatus, outcome: Outcome
) -> bool:
    """Write down what the biller said, unless another run has taken the posting over."""
    payment = uow.lock(Payment, _payment_of(uow, item_id))
    item = uow.lock(PaymentItem, item_id)
    posting = uow.get_one(BillerPosting, item_id, with_for_update=True, populate_existing=True)
    if (posting.claim_job, posting.claim_attempt) != (run.job_id, run.attempt):
        log.warning("posting.fenced", item_id=str(item_id), job_id=run.job_id)
        return False
    if isinstance(outcome, Confirmed):
        posting.status = PostingStatus.CONFIRMED
        item.biller_reference = outcome.fulfilment.reference
        item.fulfilled_at = outcome.fulfilment.at
        closed = ItemClosed(payment_id=payment.id, item_id=item.id)
        uow.move(item, ItemStatus.FULFILLED, cause="biller", fact=closed)
    elif isinstance(outcome, Refused):
        posting.status = PostingStatus.REJECTED
        _refund(uow, payment, item, outcome.code)
    elif isinstance(outcome, Later):
        posting.status = before
    else:
        posting.status = PostingStatus.UNKNOWN
        if item.status == ItemStatus.DUE:
            uow.move(item, ItemStatus.UNKNOWN, cause="biller silent")
        if isinstance(outcome, Unknowable):
            uow.move(item, ItemStatus.UNDER_REVIEW, cause="biller cannot be asked")
    return True


def _refund(uow: UnitOfWork, payment: Payment, item: PaymentItem, code: str) -> None:
    """Give the money back by itself: the biller will never have it."""
    uow.move(item, ItemStatus.REJECTED, cause=f"biller: {code}")
    closed = ItemClosed(payment_id=payment.id, item_id=item.id)
    uow.move(item, ItemStatus.REFUNDING, cause="biller refused", fact=closed)
    captured = captured_attempt(uow, payment.id)
    if captured is None or not item.amount:
        uow.move(item, ItemStatus.REFUNDED, cause="nothing to return")
        item.is_live = False
        return
    approve_refund(
        uow,
        uow.lock(PaymentAttempt, captured),
        item=item,
        amount=item.amount,
        reason="rejected",
        client_reference=f"item:{item.id}",
    )


def review_stuck_items(uow: UnitOfWork) -> None:
    """Hand items whose biller could not be asked for 26 hours to a person."""
    statement = (
        select(PaymentItem)
        .join(BillerPosting, BillerPosting.item_id == PaymentItem.id)
        .where(
            PaymentItem.status == ItemStatus.UNKNOWN,
            BillerPosting.sent_at < now() - REVIEW_AFTER,
        )
        .limit(100)
        .with_for_update(of=PaymentItem, skip_locked=True)
    )
    for item in uow.scalars(statement):
        uow.move(item, ItemStatus.UNDER_REVIEW, cause="no answer for 26 hours")


def _payment_of(uow: UnitOfWork, item_id: UUID) -> UUID:
    return uow.scalars(select(PaymentItem.payment_id).where(PaymentItem.id == item_id)).one()
