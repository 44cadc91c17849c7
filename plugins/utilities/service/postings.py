"""Telling a biller that a bill was paid: once, also when an answer is lost or we are killed.

The posting is written down before the biller is called, so that after a lost answer we know whom
to ask, and a biller that knows no keys is never told twice blindly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

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
from plugins.utilities.client import AnswerUnclear, BillerClient, Booking
from plugins.utilities.errors import refusal
from plugins.utilities.models import Order, Posting
from plugins.utilities.service.meter_loads import open_load
from plugins.utilities.service.mirror import mark_laid, mark_paid
from plugins.utilities.service.order_views import laid_of
from plugins.utilities.service.payables import bill_of
from plugins.utilities.service.terms import find_terms
from plugins.utilities.values import (
    BILLERS,
    CONFIRMED,
    Biller,
    Laid,
    OrderKind,
    PostingState,
    TopUp,
    order_id_of,
    order_number,
)

SETTLING = timedelta(seconds=10)
"""How long a posting without an answer may still take effect: longer than a call can last."""
PAID_BEFORE = "bill-already-paid"
"""What a booking without effect means to the citizen: their money goes back."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What a payment is for: a bill by its number, or an order by ours and how it is laid out."""

    biller: Biller
    number: str
    order_id: UUID | None = None
    laid: Laid | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """The right to send a posting now, and its state if this turn then surely did nothing."""

    sent_at: datetime
    if_nothing: PostingState = PostingState.UNSENT


def post_notice(house: House, notice: PaymentNotice) -> Fulfilment:
    """Tell the biller of a payment and return its confirmation; a repeat returns the same one.

    Raise the biller's final refusal (again, on a repeat), `AlreadyPaid` when it has taken the money
    without effect, `BillerUnavailable` when it surely has not acted, and `OutcomeUnknown` when it
    may have.
    """
    target = _target_of(house, notice)
    with house.unit_of_work() as uow:
        posting = _write_down(uow, target, notice)
        turn = _take_turn(uow, target.biller, posting)
    if posting.state in CONFIRMED:
        return _confirmation(posting)
    if posting.state == PostingState.REFUSED:
        raise refusal(posting.refusal or "")
    if turn is None:
        found = _ask_before_sending(house, posting)
        if found is not None:
            return found
        turn = _take_turn_after_inquiry(house, posting)
    return _send(house, target, notice, turn)


def find_posting(house: House, key: str) -> Fulfilment | None:
    """Return the biller's confirmation for a key, None when it surely has booked nothing.

    Raise `OutcomeUnknown` when the biller offers no inquiry or cannot tell yet.
    """
    with house.unit_of_work() as uow:
        posting = uow.get(Posting, key)
    if posting is None or posting.state in (PostingState.UNSENT, PostingState.REFUSED):
        return None
    if posting.state in CONFIRMED:
        return _confirmation(posting)
    try:
        return _inquire(house, posting)
    except Conflict:
        # It took the money without effect; told again, the house learns that from `fulfil`.
        return None


def _target_of(house: House, notice: PaymentNotice) -> _Target:
    """Return what a notice is about, or raise `BillNotFound`.

    What was told once stays the same, also when its bill has got another reference since.
    """
    order_id = order_id_of(notice.reference)
    with house.unit_of_work() as uow:
        if order_id is None:
            known = uow.get(Posting, notice.key)
            if known is not None and known.reference == notice.reference:
                return _Target(BILLERS[known.biller], known.biller_reference)
            return _Target(*bill_of(uow, notice.reference))
        order = uow.get(Order, order_id)
    if order is None:
        raise refusal("bill-not-found")
    return _Target(BILLERS[order.biller], order_number(order.id), order.id, laid_of(house, order))


def _write_down(uow: UnitOfWork, target: _Target, notice: PaymentNotice) -> Posting:
    """Return the posting of this notice, locked; write it if it is new."""
    uow.execute(
        insert(Posting)
        .values(
            key=notice.key,
            biller=target.biller.id,
            biller_reference=target.number,
            reference=notice.reference,
            order_id=target.order_id,
            amount=notice.amount,
            currency=notice.currency,
            state=PostingState.UNSENT,
            sent_at=now(),
        )
        .on_conflict_do_nothing()
    )
    posting = uow.get_one(Posting, notice.key, with_for_update=True)
    known = (posting.biller, posting.biller_reference, posting.amount, posting.currency)
    if known != (target.biller.id, target.number, notice.amount, notice.currency):
        raise refusal("key-reused")
    return posting


def _take_turn(uow: UnitOfWork, biller: Biller, posting: Posting) -> _Turn | None:
    """Mark a posting as sent where sending can do no harm; None when it must be asked for."""
    may_have_acted = posting.state in (PostingState.SENT, PostingState.UNCLEAR)
    if posting.state != PostingState.UNSENT and not (may_have_acted and biller.honours_key):
        return None
    turn = _Turn(now(), PostingState(posting.state))
    posting.state = PostingState.SENT
    posting.sent_at = turn.sent_at
    uow.flush()
    return turn


def _ask_before_sending(house: House, posting: Posting) -> Fulfilment | None:
    """Ask after a posting that may have been booked; no answer leaves that open."""
    try:
        return _inquire(house, posting)
    except Unavailable as error:
        raise OutcomeUnknown(f"{posting.biller} cannot be asked") from error


def _take_turn_after_inquiry(house: House, posting: Posting) -> _Turn:
    """Mark a posting, of which the biller knows nothing, as sent again; only one caller may."""
    turn = _Turn(now())
    with house.unit_of_work() as uow:
        changes = {"state": PostingState.SENT, "sent_at": turn.sent_at}
        taken = _change(uow, posting.key, posting.sent_at, changes)
    if not taken:
        raise OutcomeUnknown("somebody else is telling the biller")
    return turn


def _send(house: House, target: _Target, notice: PaymentNotice, turn: _Turn) -> Fulfilment:
    """Call the biller and write down what came of it."""
    client = BillerClient.of(house)
    try:
        booking = client.post(target.biller.id, target.number, notice, target.laid)
    except Unavailable as error:
        _close(house, notice.key, turn, state=turn.if_nothing)
        if turn.if_nothing != PostingState.UNSENT:
            raise OutcomeUnknown("an earlier call may have acted") from error
        raise
    except AnswerUnclear:
        _close(house, notice.key, turn, state=PostingState.UNCLEAR)
        raise
    except (Conflict, Invalid, NotFound) as refused:
        reason = str(refused.extra["reason"])
        _close(house, notice.key, turn, state=PostingState.REFUSED, refusal=reason)
        raise
    if booking.without_effect and target.biller.offers_inquiry:
        booking = _earlier(client, target, notice.key, booking)
    return _book(house, notice.key, target.biller.id, target.number, booking)


def _earlier(client: BillerClient, target: _Target, key: str, booking: Booking) -> Booking:
    """Return what took effect under a key if something did: it was told before, by us."""
    try:
        found = client.posting(target.biller.id, key)
    except Unavailable as error:
        raise OutcomeUnknown("an earlier call may have taken effect") from error
    return booking if found is None or found.booking.without_effect else found.booking


def _inquire(house: House, posting: Posting) -> Fulfilment | None:
    """Ask the biller what it booked under a key, and write it down.

    Raise `AlreadyPaid` when it booked it without effect.
    """
    if not BILLERS[posting.biller].offers_inquiry:
        raise OutcomeUnknown(f"{posting.biller} cannot tell what it booked")
    asked_at = now()
    found = BillerClient.of(house).posting(posting.biller, posting.key)
    if found is None:
        if posting.state == PostingState.SENT and asked_at < posting.sent_at + SETTLING:
            raise OutcomeUnknown("the posting may still be on its way")
        return None
    if (found.bill_number, found.amount) != (posting.biller_reference, posting.amount):
        raise OutcomeUnknown(f"{posting.biller} booked something else under this key")
    return _book(house, posting.key, posting.biller, posting.biller_reference, found.booking)


def _book(house: House, key: str, biller: str, number: str, booking: Booking) -> Fulfilment:
    """Write down a confirmation and what it has paid, and return it; twice changes nothing.

    Raise `AlreadyPaid` for a booking without effect: the money has to go back.
    """
    answer = booking.fulfilment
    with house.unit_of_work() as uow:
        posting = uow.get_one(Posting, key, with_for_update=True)
        if posting.state == PostingState.REVERSED:
            # The biller has taken it back since: what it paid is not paid any more.
            return _confirmation(posting)
        if booking.without_effect:
            _refuse(uow, key)
        else:
            _confirm(house, uow, key, booking)
            mark_laid(uow, booking.bills, answer)
            mark_paid(uow, biller, number, answer)
    if booking.without_effect:
        raise refusal(PAID_BEFORE)
    return answer


def _confirm(house: House, uow: UnitOfWork, key: str, booking: Booking) -> None:
    answer = booking.fulfilment
    order_id = uow.scalar(
        update(Posting)
        .where(Posting.key == key, Posting.state != PostingState.BOOKED)
        .values(
            state=PostingState.BOOKED,
            answer_reference=answer.reference,
            answered_at=answer.at,
            refusal=None,
        )
        .returning(Posting.order_id)
        .execution_options(synchronize_session=False)
    )
    if order_id is None:
        return
    order = uow.get_one(Order, order_id, with_for_update=True)
    if order.citizen_reference is not None and booking.token is not None:
        place = f"orders|token|{order.id}"
        order.token_sealed = house.vault.seal(booking.token, place=place)
    is_remote = find_terms(order.biller).top_up == TopUp.REMOTE
    if order.kind == OrderKind.TOP_UP and is_remote:
        open_load(uow, order, key)


def _refuse(uow: UnitOfWork, key: str) -> None:
    uow.execute(
        update(Posting)
        .where(Posting.key == key, Posting.state != PostingState.BOOKED)
        .values(state=PostingState.REFUSED, refusal=PAID_BEFORE)
        .execution_options(synchronize_session=False)
    )


def _close(house: House, key: str, turn: _Turn, **values: object) -> None:
    """Write down how this turn ended, unless somebody else's has begun since."""
    with house.unit_of_work() as uow:
        _change(uow, key, turn.sent_at, values)


def _change(uow: UnitOfWork, key: str, sent_at: datetime, values: Mapping[str, object]) -> bool:
    """Change a posting that is still on its way since `sent_at`; say whether it was."""
    statement = (
        update(Posting)
        .where(
            Posting.key == key,
            Posting.sent_at == sent_at,
            Posting.state.in_((PostingState.SENT, PostingState.UNCLEAR)),
        )
        .values(**values)
        .returning(Posting.key)
        .execution_options(synchronize_session=False)
    )
    return uow.scalar(statement) is not None


def _confirmation(posting: Posting) -> Fulfilment:
    assert posting.answer_reference is not None
    assert posting.answered_at is not None
    return Fulfilment(posting.answer_reference, posting.answered_at)
