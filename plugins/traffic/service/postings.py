"""Telling the police that a fine was paid: once, also when an answer is lost or we are killed.

The posting is written down before the police are called. They answer the same key alike, so one
without an answer is told again.
"""

from datetime import timedelta

from sqlalchemy import select

from app.sdk import (
    Conflict,
    Fulfilment,
    House,
    Invalid,
    NotFound,
    OutcomeUnknown,
    PaymentNotice,
    Unavailable,
    UnitOfWork,
    now,
)
from plugins.traffic.client import PoliceClient
from plugins.traffic.errors import FineNotFound, refusal
from plugins.traffic.models import Due, Posting, Violation
from plugins.traffic.service.dues import (
    day_of,
    pauses_of,
    return_rest,
    surcharge_of,
)
from plugins.traffic.service.mirror import settle
from plugins.traffic.values import CURRENCY, DueStatus, PostingState, ViolationStatus

_DAY = timedelta(days=1)
_STAYS = frozenset(
    {
        ViolationStatus.RECONSIDERATION,
        ViolationStatus.LITIGATION,
        ViolationStatus.CANCELLED,
        ViolationStatus.CLOSED,
    }
)
"""The states that a payment does not end: somebody reviews the case, or it is over."""


def post_notice(house: House, notice: PaymentNotice) -> Fulfilment:
    """Tell the police of a payment and return their confirmation; a repeat returns the same one.

    Raise a final refusal (again, on a repeat), `PoliceUnavailable` when surely nothing happened,
    and `OutcomeUnknown` when it may have.
    """
    with house.unit_of_work() as uow:
        posting = _write_down(uow, notice)
        decision_no = _decision_no(uow, posting)
        was_sent = posting.state == PostingState.SENT
        if posting.state == PostingState.UNSENT:
            posting.state = PostingState.SENT
            posting.sent_at = now()
    if posting.state == PostingState.BOOKED:
        return _confirmation(posting)
    if posting.state == PostingState.REFUSED:
        raise refusal(posting.refusal or "")
    return _send(house, posting, decision_no, was_sent=was_sent)


def find_posting(house: House, key: str) -> Fulfilment | None:
    """Return the police's confirmation for a key, None when they surely have booked nothing.

    Raise `OutcomeUnknown` when they cannot tell.
    """
    with house.unit_of_work() as uow:
        posting = uow.get(Posting, key)
    if posting is None or posting.state in (PostingState.UNSENT, PostingState.REFUSED):
        return None
    if posting.state == PostingState.BOOKED:
        return _confirmation(posting)
    found = PoliceClient.of(house).posting(key)
    if found is None:
        raise OutcomeUnknown("the posting may still be on its way")
    _book(house, key, found)
    return found


def _write_down(uow: UnitOfWork, notice: PaymentNotice) -> Posting:
    """Return the posting of this notice, locked; write it, refused or not, if it is new."""
    due, violation = _lock_due(uow, notice.reference)
    known: Posting | None = uow.get(Posting, notice.key, with_for_update=True)
    if known is not None:
        if (known.reference, known.amount) != (notice.reference, notice.amount):
            raise refusal("key-reused")
        return known
    reason = _objection(uow, violation, due, notice)
    surcharge = max(0, notice.amount - due.fine)
    posting = Posting(
        key=notice.key,
        reference=notice.reference,
        amount=notice.amount,
        fine=notice.amount - surcharge,
        surcharge=surcharge,
        currency=notice.currency,
        state=PostingState.UNSENT if reason is None else PostingState.REFUSED,
        refusal=reason,
        paid_at=notice.paid_at,
        sent_at=now(),
    )
    uow.add(posting)
    uow.flush()
    return posting


def _lock_due(uow: UnitOfWork, reference: str) -> tuple[Due, Violation]:
    """Return a due and its violation, both locked: violation first, as everywhere."""
    violation_id = uow.scalar(select(Due.violation_id).where(Due.reference == reference))
    if violation_id is None:
        raise FineNotFound(reason="decision-not-found")
    violation = uow.lock(Violation, violation_id)
    return uow.lock(Due, reference), violation


def _objection(
    uow: UnitOfWork, violation: Violation, due: Due, notice: PaymentNotice
) -> str | None:
    """Return why this money is not taken, or None.

    A payment that was begun on the day before its money came has that day's surcharge.
    """
    live = select(Posting.key).where(
        Posting.reference == due.reference, Posting.state != PostingState.REFUSED
    )
    if due.status == DueStatus.WITHDRAWN:
        return "decision-withdrawn"
    if due.status == DueStatus.PAID or uow.scalar(live) is not None:
        return "decision-paid"
    if notice.currency != CURRENCY:
        return "currency-differs"
    paid_on, pauses = day_of(notice.paid_at), pauses_of(uow, violation)
    right = {
        due.fine + surcharge_of(violation, due, pauses, on) for on in (paid_on, paid_on - _DAY)
    }
    return None if notice.amount in right else "amount-differs"


def _decision_no(uow: UnitOfWork, posting: Posting) -> str:
    number = uow.scalar(
        select(Violation.decision_no)
        .join(Due, Due.violation_id == Violation.id)
        .where(Due.reference == posting.reference)
    )
    assert number is not None
    return number


def _send(house: House, posting: Posting, decision_no: str, *, was_sent: bool) -> Fulfilment:
    """Call the police and write down what came of it."""
    body = {
        "key": posting.key,
        "decision_no": decision_no,
        "fine": posting.fine,
        "surcharge": posting.surcharge,
        "currency": posting.currency,
        "paid_at": posting.paid_at.isoformat(),
    }
    try:
        answer = PoliceClient.of(house).post(body)
    except Unavailable as error:
        if was_sent:
            raise OutcomeUnknown("an earlier call may have acted") from error
        _close(house, posting.key, PostingState.UNSENT)
        raise
    except (Conflict, Invalid, NotFound) as refused:
        _close(house, posting.key, PostingState.REFUSED, str(refused.extra["reason"]))
        raise
    _book(house, posting.key, answer)
    return answer


def _close(house: House, key: str, state: PostingState, reason: str | None = None) -> None:
    """Write down that a posting was not booked, unless another call has learnt otherwise."""
    with house.unit_of_work() as uow:
        posting = uow.lock(Posting, key)
        if posting.state == PostingState.SENT:
            posting.state = state
            posting.refusal = reason


def _book(house: House, key: str, answer: Fulfilment) -> None:
    """Write down a confirmation and that the due is paid; a second call changes nothing.

    Money that was on its way while the fine was cancelled is booked, and goes back.
    """
    with house.unit_of_work() as uow:
        reference = uow.get_one(Posting, key).reference
        due, violation = _lock_due(uow, reference)
        posting = uow.lock(Posting, key)
        if posting.state == PostingState.BOOKED:
            return
        posting.state = PostingState.BOOKED
        posting.refusal = None
        posting.answer_reference = answer.reference
        posting.answered_at = answer.at
        keeps = due.fine if due.status == DueStatus.OPEN else 0
        due.status = DueStatus.PAID
        due.fine = posting.fine
        due.paid_at = posting.paid_at
        due.paid_amount = posting.amount
        uow.flush()
        if keeps < posting.fine:
            return_rest(uow, violation, due, keeps, pauses_of(uow, violation), "changed-meanwhile")
        if violation.status not in _STAYS:
            settle(uow, violation, cause="paid")


def _confirmation(posting: Posting) -> Fulfilment:
    assert posting.answer_reference is not None
    assert posting.answered_at is not None
    return Fulfilment(posting.answer_reference, posting.answered_at)
