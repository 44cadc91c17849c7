"""Postings that billers take back: the bill is owed again, or the money goes back.

Which of the two follows from a reason stands in the biller's terms. A posting is taken back once,
whoever says so: the desk, a file, or an answer to an inquiry.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select

from app.sdk import Conflict, House, NotFound, UnitOfWork, new_id, now
from plugins.utilities.errors import (
    AlreadyReversed,
    BillFileInvalid,
    PostingNotBooked,
    PostingNotFound,
    ReversalNotAllowed,
)
from plugins.utilities.events import PostingReversed
from plugins.utilities.models import Account, Bill, MeterLoad, Order, Posting, Reversal
from plugins.utilities.service.bills import is_lived_in
from plugins.utilities.service.desk import enter_desk, refuse_at_desk
from plugins.utilities.service.owing import LATE_FEE
from plugins.utilities.service.reversal_file import read_reversal_file
from plugins.utilities.service.terms import find_terms
from plugins.utilities.values import (
    BILLERS,
    BillStatus,
    Follows,
    LoadStatus,
    NewReversal,
    PostingState,
    ReversalLine,
    ReversalReason,
    ReversalStatus,
    ReversalView,
    ReversedBy,
    TakenReversals,
    reference_of,
)

RETRY = timedelta(minutes=10)
"""How long money that cannot go back now waits."""
_BATCH = 50
_STANDS = (BillStatus.PAID, BillStatus.PARTIALLY_PAID)
_FIRST = {
    Follows.OWED_AGAIN: ReversalStatus.OWED_AGAIN,
    Follows.MONEY_BACK: ReversalStatus.RETURNING,
}
_NOTICES = {
    Follows.OWED_AGAIN: "posting-reversed-owed",
    Follows.MONEY_BACK: "posting-reversed-returned",
}


def reverse_posting(
    house: House, uow: UnitOfWork, client_id: UUID, biller_id: str, wanted: NewReversal
) -> ReversalView:
    """Take a posting of a biller back on its word; the same once more changes nothing and says so.

    Raise `PostingNotFound`, `PostingNotBooked` while the biller has not confirmed it,
    `AlreadyReversed` for another reason than before, and `ReversalNotAllowed` for a reason of which
    the biller's terms say nothing.
    """
    biller = enter_desk(uow, client_id, biller_id)
    posting = lock_posting(uow, biller.id, wanted.key)
    if posting is None:
        refuse_at_desk(uow, client_id, biller.id, PostingNotFound())
    return take_back(
        house, uow, posting, wanted.reason, came_by=ReversedBy.DESK, client_id=client_id
    )


def take_reversals(
    house: House, uow: UnitOfWork, client_id: UUID, biller_id: str, raw: bytes
) -> TakenReversals:
    """Take back all postings that a file of a biller names, or none.

    What was taken back before, for the same reason, is counted and left. Raise `BillFileInvalid`
    with each line that names no booked posting of this biller with this bill and amount.
    """
    biller = enter_desk(uow, client_id, biller_id)
    lines = read_reversal_file(raw)
    by_key = {line.key: line for line in lines}
    # One order for everybody: two files that name the same postings never wait in a circle.
    theirs = select(Posting).where(Posting.biller == biller.id, Posting.key.in_(list(by_key)))
    locked = uow.scalars(theirs.order_by(Posting.key).with_for_update()).all()
    postings = {posting.key: posting for posting in locked}
    faults = [
        fault for line in lines if (fault := _fault(line, postings.get(line.key))) is not None
    ]
    if faults:
        raise BillFileInvalid(
            f"{len(faults)} faults; nothing was taken back.",
            errors=faults[:100],
            error_count=len(faults),
        )
    made = [
        take_back(
            house,
            uow,
            posting,
            by_key[key].reason,
            came_by=ReversedBy.FILE,
            client_id=client_id,
        ).is_new
        for key, posting in postings.items()
    ]
    return TakenReversals(
        lines=len(lines),
        total=sum(line.amount for line in lines),
        reversed=sum(made),
        unchanged=len(made) - sum(made),
    )


def lock_posting(uow: UnitOfWork, biller: str, key: str) -> Posting | None:
    """Return a posting of a biller, locked until the unit ends, or None."""
    mine = select(Posting).where(Posting.biller == biller, Posting.key == key)
    found: Posting | None = uow.scalar(mine.with_for_update())
    return found


def take_back(
    house: House,
    uow: UnitOfWork,
    posting: Posting,
    reason: ReversalReason,
    *,
    came_by: ReversedBy,
    client_id: UUID | None = None,
) -> ReversalView:
    """Take a locked posting back, see to what follows, and tell its citizens."""
    known = uow.scalar(select(Reversal).where(Reversal.posting_key == posting.key))
    if known is not None:
        if known.reason != reason:
            raise AlreadyReversed(reason=known.reason)
        return _show(known, posting, is_new=False)
    if posting.state != PostingState.BOOKED:
        raise PostingNotBooked
    follows = find_terms(posting.biller).reversals.get(reason)
    if follows is None:
        raise ReversalNotAllowed(reason=str(reason))
    moment = now()
    posting.state = PostingState.REVERSED
    row = Reversal(
        id=new_id(),
        status=_FIRST[follows],
        posting_key=posting.key,
        biller=posting.biller,
        reference=posting.reference or reference_of(posting.biller, posting.biller_reference),
        amount=posting.amount,
        reason=reason,
        came_by=came_by,
        client_id=client_id,
        reversed_at=moment,
    )
    uow.open_record(row, cause=str(reason))
    order = uow.get(Order, posting.order_id) if posting.order_id else None
    bills = _unpay(uow, posting, order, follows)
    _end_load(uow, posting.key)
    uow.flush()
    uow.record(PostingReversed(biller=posting.biller, reversal_id=row.id, reason=str(reason)))
    _tell(house, uow, row, follows, _letterboxes(uow, order, bills))
    return _show(row, posting)


def send_money_back(house: House) -> None:
    """Hand the house the money of postings that were taken back; the same twice is one.

    What cannot go back now is tried again later; what nobody has paid here never goes.
    """
    with house.unit_of_work() as uow:
        due = or_(Reversal.tried_at.is_(None), Reversal.tried_at < now() - RETRY)
        waiting = select(Reversal).where(Reversal.status == ReversalStatus.RETURNING, due)
        oldest = waiting.order_by(Reversal.tried_at.nulls_first(), Reversal.reversed_at)
        rows = uow.scalars(oldest.limit(_BATCH)).all()
    for row in rows:
        try:
            house.return_payment(row.reference, None, f"reversed-{row.id.hex}")
        except NotFound:
            _end(house, row.id, ReversalStatus.UNRETURNABLE)
        except Conflict:
            _end(house, row.id, None)
        else:
            _end(house, row.id, ReversalStatus.RETURNED)


def _end(house: House, reversal_id: UUID, status: ReversalStatus | None) -> None:
    """Write down how a try went; another worker may have been quicker."""
    with house.unit_of_work() as uow:
        row = uow.lock(Reversal, reversal_id)
        row.tried_at = now()
        if status is not None and row.status == ReversalStatus.RETURNING:
            uow.move(row, status, cause="house")


def _unpay(
    uow: UnitOfWork, posting: Posting, order: Order | None, follows: Follows
) -> Sequence[Bill]:
    """Take from each bill what the posting had paid of it, and return these bills.

    Each gets a reference of its own for whoever pays it once more: the house has the one before.
    """
    paid = _paid_of(posting, order)
    theirs = select(Bill).where(
        Bill.biller == posting.biller, Bill.biller_reference.in_(list(paid))
    )
    bills = uow.scalars(theirs.order_by(Bill.biller_reference).with_for_update()).all()
    for bill in bills:
        if bill.status not in _STANDS:
            continue
        left = max(0, bill.paid_amount - paid[bill.biller_reference])
        nothing = BillStatus.OPEN if follows == Follows.OWED_AGAIN else BillStatus.REVERSED
        bill.status = BillStatus.PARTIALLY_PAID if left else nothing
        bill.paid_amount = left
        bill.paid_at = bill.posting_reference = None
        bill.seen_at = bill.reversed_at = now()
        bill.again_id = new_id()
    return bills


def _paid_of(posting: Posting, order: Order | None) -> Mapping[str, int]:
    """Return what a posting paid of each bill, by the bill's number, without late fees."""
    if order is None:
        return {posting.biller_reference: posting.amount}
    sums: dict[str, int] = {}
    for part in order.parts:
        if part["head"] != LATE_FEE:
            sums[part["bill"]] = sums.get(part["bill"], 0) + part["amount"]
    return sums


def _end_load(uow: UnitOfWork, key: str) -> None:
    """Ask no more about a meter whose money is taken back."""
    load = uow.scalar(select(MeterLoad).where(MeterLoad.posting_key == key).with_for_update())
    if load is not None and load.status == LoadStatus.ASKED:
        uow.move(load, LoadStatus.FAILED, cause="biller")
        load.ended_at = now()


def _letterboxes(uow: UnitOfWork, order: Order | None, bills: Sequence[Bill]) -> Sequence[str]:
    """Return where those are told who made the order, or live where the bill is of."""
    if order is not None:
        return [order.letterbox] if order.letterbox else []
    if not bills:
        return []
    theirs = (
        select(func.max(Account.letterbox))
        .select_from(Bill)
        .join(Bill.account)
        .where(Bill.id == bills[0].id, Account.letterbox != "", is_lived_in())
        .group_by(Account.citizen_reference)
    )
    return uow.scalars(theirs).all()


def _tell(
    house: House, uow: UnitOfWork, row: Reversal, follows: Follows, letterboxes: Sequence[str]
) -> None:
    title = BILLERS[row.biller].title
    for letterbox in letterboxes:
        house.tell(
            uow,
            letterbox,
            _NOTICES[follows],
            str(row.id),
            biller_zh=title["zh"],
            biller_en=title["en"],
            amount=row.amount,
        )


def _fault(line: ReversalLine, posting: Posting | None) -> dict[str, str | int] | None:
    """Return what is wrong with a line of a file, or None."""
    known = posting is not None and (posting.biller_reference, posting.amount) == (
        line.bill_number,
        line.amount,
    )
    if posting is None or not known:
        message = "没有这样的入账 (no posting has this key, bill and amount)"
    elif posting.state not in (PostingState.BOOKED, PostingState.REVERSED):
        message = "尚未入账 (it is not booked)"
    elif line.reason not in find_terms(posting.biller).reversals:
        message = "原因不适用 (the terms do not know this reason)"
    else:
        return None
    return {"line": line.place, "message": message}


def _show(row: Reversal, posting: Posting, *, is_new: bool = True) -> ReversalView:
    is_owed = row.status == ReversalStatus.OWED_AGAIN
    return ReversalView(
        id=row.id,
        key=row.posting_key,
        bill_number=posting.biller_reference,
        amount=row.amount,
        reason=row.reason,
        follows=Follows.OWED_AGAIN if is_owed else Follows.MONEY_BACK,
        status=row.status,
        reversed_at=row.reversed_at,
        is_new=is_new,
    )
