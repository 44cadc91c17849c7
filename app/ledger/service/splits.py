"""Money that comes is split by rule, and what goes back takes the same split back."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.unit_of_work import UnitOfWork
from app.ledger.errors import SplitExhausted
from app.ledger.models import LedgerShare, LedgerSplit, LedgerTaking
from app.ledger.service.booking import book, find_transaction, hold, lines_of
from app.ledger.service.rules import rule_for
from app.ledger.service.shares import split_amount, take_proportionally
from app.ledger.values import (
    AccountRef,
    Booking,
    Capture,
    FeeBearer,
    Line,
    Portion,
    Share,
    SplitRule,
    account_named,
    clearing,
    payee,
)


@dataclass(frozen=True, slots=True)
class _Split:
    portion: Portion
    rule: SplitRule | None
    shares: Sequence[Share]


def book_capture(uow: UnitOfWork, capture: Capture) -> UUID:
    """Book money that has come, each portion split by the rule that is valid now; once an object.

    What was split is kept with the version that split it: a repeat, even after a new version, is
    the same booking. Without a rule a portion is its payee's.
    """
    portions = [portion for portion in capture.portions if portion.amount]
    kept = find_transaction(uow, "payment.captured", capture.external_ref)
    splits = [
        _kept_split(uow, portion) if kept else _new_split(uow, portion, capture)
        for portion in portions
    ]
    credited = [Line(share.account, -share.amount) for split in splits for share in split.shares]
    transaction_id = book(
        uow,
        Booking(
            kind="payment.captured",
            external_ref=capture.external_ref,
            subject_id=capture.subject_id,
            occurred_at=capture.occurred_at,
            currency=capture.currency,
            lines=[
                Line(clearing(capture.gateway), capture.amount),
                *(line for line in credited if line.amount),
            ],
        ),
    )
    if kept is None:
        _keep(uow, transaction_id, splits)
    return transaction_id


def _new_split(uow: UnitOfWork, portion: Portion, capture: Capture) -> _Split:
    rule = rule_for(uow, portion.service, portion.payee, capture.occurred_at)
    if rule is None:
        return _Split(portion, None, [Share(payee(portion.payee), portion.amount)])
    amounts = split_amount(portion.amount, rule.parts)
    shares = [
        Share(account_named(part.account), amount)
        for part, amount in zip(rule.parts, amounts, strict=True)
    ]
    return _Split(portion, rule, shares)


def _kept_split(uow: UnitOfWork, portion: Portion) -> _Split:
    return _Split(portion, None, shares_of(uow, portion.id))


def shares_of(uow: UnitOfWork, split_id: UUID) -> list[Share]:
    """Return how an item's money was split, in the order of the rule's parts; empty if it was not.

    What came before there were splits has none.
    """
    rows = uow.execute(
        select(LedgerShare.account, LedgerShare.amount)
        .where(LedgerShare.split_id == split_id)
        .order_by(LedgerShare.line_no)
    )
    return [Share(account_named(account), amount) for account, amount in rows]


def _keep(uow: UnitOfWork, transaction_id: UUID, splits: Sequence[_Split]) -> None:
    if not splits:
        return
    uow.execute(
        insert(LedgerSplit),
        [
            {
                "id": split.portion.id,
                "transaction_id": transaction_id,
                "payee": split.portion.payee,
                "title": dict(split.portion.title),
                "amount": split.portion.amount,
                "fee_bearer": split.rule.fee_bearer if split.rule else FeeBearer.PLATFORM,
                "rule": split.rule.applies_to if split.rule else None,
                "rule_version": split.rule.version if split.rule else None,
            }
            for split in splits
        ],
    )
    uow.execute(
        insert(LedgerShare),
        [
            {
                "split_id": split.portion.id,
                "line_no": number,
                "account": share.account.code,
                "amount": share.amount,
            }
            for split in splits
            for number, share in enumerate(split.shares, start=1)
        ],
    )


def take_back(
    uow: UnitOfWork, split_id: UUID, booking: Booking, amount: int, to: AccountRef
) -> UUID:
    """Book that `amount` of an item's money belongs to `to` now, taken from its split; once.

    The lines of `booking` come first. The split is the one of the capture, whatever rules say now;
    any sequence that takes the whole takes exactly what each account got. Raise `SplitExhausted`
    when the item has not that much left, LookupError when it was never split.
    """
    hold(uow, split_id)
    kept = find_transaction(uow, booking.kind, booking.external_ref)
    if kept is not None:
        return kept
    shares = shares_of(uow, split_id)
    if not shares:
        raise LookupError(f"{split_id} was never split")
    sequence, taken = _taken(uow, split_id, len(shares))
    try:
        more = take_proportionally([share.amount for share in shares], taken, amount)
    except ValueError as error:
        raise SplitExhausted from error
    lines = [
        *(Line(s.account, part) for s, part in zip(shares, more, strict=True) if part),
        Line(to, -amount),
    ]
    transaction_id = book(uow, replace(booking, lines=[*booking.lines, *lines]))
    _note_taking(uow, split_id, transaction_id, sequence + 1, shares, taken, more)
    return transaction_id


def give_back(
    uow: UnitOfWork,
    booking: Booking,
    taking_kind: str,
    taking_ref: str,
    source: AccountRef | None = None,
) -> UUID:
    """Book that what was taken for an object is returned, line by line; once.

    It comes from where it went, or from `source` when it has gone on since then. Raise LookupError
    when nothing was taken for it.
    """
    taking = find_transaction(uow, taking_kind, taking_ref)
    if taking is None:
        raise LookupError(f"nothing was taken for {taking_ref}")
    split_id: UUID | None = uow.scalar(
        select(LedgerTaking.split_id).where(LedgerTaking.transaction_id == taking).limit(1)
    )
    hold(uow, split_id or taking)
    kept = find_transaction(uow, booking.kind, booking.external_ref)
    if kept is not None:
        return kept
    *shared, last = [Line(line.account, -line.amount) for line in lines_of(uow, taking)]
    lines = [*shared, Line(source or last.account, last.amount)]
    if split_id is None:  # it came from suspense, or from before there were splits
        return book(uow, replace(booking, lines=[*booking.lines, *lines], reversal_of=taking))
    shares = shares_of(uow, split_id)
    sequence, taken = _taken(uow, split_id, len(shares))
    changes = uow.scalars(
        select(LedgerTaking.change)
        .where(LedgerTaking.transaction_id == taking)
        .order_by(LedgerTaking.line_no)
    ).all()
    transaction_id = book(uow, replace(booking, lines=[*booking.lines, *lines], reversal_of=taking))
    less = [-change for change in changes]
    _note_taking(uow, split_id, transaction_id, sequence + 1, shares, taken, less)
    return transaction_id


def _taken(uow: UnitOfWork, split_id: UUID, count: int) -> tuple[int, list[int]]:
    """Return the last sequence of a split, and what is back of each of its shares."""
    last = select(func.max(LedgerTaking.sequence)).where(LedgerTaking.split_id == split_id)
    rows = uow.execute(
        select(LedgerTaking.sequence, LedgerTaking.taken)
        .where(LedgerTaking.split_id == split_id, LedgerTaking.sequence == last.scalar_subquery())
        .order_by(LedgerTaking.line_no)
    ).all()
    if not rows:
        return 0, [0] * count
    return rows[0][0], [taken for _, taken in rows]


def _note_taking(
    uow: UnitOfWork,
    split_id: UUID,
    transaction_id: UUID,
    sequence: int,
    shares: Sequence[Share],
    taken: Sequence[int],
    changes: Sequence[int],
) -> None:
    uow.execute(
        insert(LedgerTaking),
        [
            {
                "split_id": split_id,
                "sequence": sequence,
                "line_no": number,
                "transaction_id": transaction_id,
                "share": share.amount,
                "change": change,
                "taken": before + change,
            }
            for number, (share, before, change) in enumerate(
                zip(shares, taken, changes, strict=True), start=1
            )
        ],
    )


def bearers_of(uow: UnitOfWork, transaction_ids: Sequence[UUID]) -> dict[AccountRef | None, int]:
    """Return how much of captures each bearer of fees stands for; None is the platform."""
    rows = uow.execute(
        select(LedgerSplit.payee, LedgerSplit.fee_bearer, func.sum(LedgerSplit.amount))
        .where(LedgerSplit.transaction_id.in_(transaction_ids))
        .group_by(LedgerSplit.payee, LedgerSplit.fee_bearer)
        .order_by(LedgerSplit.payee, LedgerSplit.fee_bearer)
    )
    found: dict[AccountRef | None, int] = defaultdict(int)
    for payee_id, bearer, amount in rows:
        found[payee(payee_id) if bearer == FeeBearer.PAYEE else None] += int(amount)
    return found
