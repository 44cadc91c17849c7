"""An account line by line: what came, what the platform and the gateway kept, what went back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from app.core.unit_of_work import UnitOfWork
from app.ledger.models import LedgerShare, LedgerSplit, LedgerTaking
from app.ledger.values import AccountRef, StatementLine

_TRANSACTIONS = text("""
    select t.id, t.kind, t.subject_id, t.external_ref, t.occurred_at, t.recorded_at, mine.amount
    from ledger_transactions t cross join lateral (
        select sum(e.amount) as amount from ledger_entries e
        where e.transaction_id = t.id and e.account_id = (
            select id from ledger_accounts where code = :code and currency = :currency
        )
        having count(*) > 0
    ) mine
    where t.recorded_at >= :begins and t.recorded_at < :ends
        and (t.recorded_at, t.id) > (:after_at, :after_id)
    order by t.recorded_at, t.id limit :limit
""")
_FIRST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """After which transaction a page of a statement begins."""

    at: datetime
    id: UUID = _FIRST_ID


@dataclass(frozen=True, slots=True)
class _Origin:
    """The item that a line is of: whose it was, and what all of it moved."""

    payee: str
    title: Mapping[str, Any]
    whole: int
    share: int | None = None


def read_lines(
    uow: UnitOfWork,
    account: AccountRef,
    begins: datetime,
    ends: datetime,
    after: Place | None,
    limit: int,
    currency: str = "CNY",
) -> tuple[list[StatementLine], Place | None]:
    """Return lines of a payee's account in a period, of `limit` transactions at most.

    The second is where the next page begins, None at the end. A capture has a line for each item,
    everything else one; the sum of `net` is what the account has gained. Lines of a period that is
    over never change.
    """
    place = after or Place(begins)
    rows = uow.execute(
        _TRANSACTIONS,
        {
            "code": account.code,
            "currency": currency,
            "begins": begins,
            "ends": ends,
            "after_at": place.at,
            "after_id": place.id,
            "limit": limit,
        },
    ).all()
    ids = [row.id for row in rows]
    captured, taken = _captured(uow, ids, account), _taken(uow, ids)
    payee_id = account.code.partition(":")[2]
    lines = [
        line
        for row in rows
        for line in _lines_of(
            row, account.kind.sign * int(row.amount), payee_id, captured, taken.get(row.id)
        )
    ]
    last = Place(rows[-1].recorded_at, rows[-1].id) if len(rows) == limit else None
    return lines, last


def _lines_of(
    row: Any,  # noqa: ANN401 - a row of the statement above
    net: int,
    payee_id: str,
    captured: Mapping[UUID, Sequence[_Origin]],
    taken: _Origin | None,
) -> list[StatementLine]:
    if row.kind == "payment.captured":
        origins = captured.get(row.id) or [_Origin(payee_id, {}, net, net)]
        return [
            _line(row, origin.share or 0, _gross(origin, payee_id), 0, origin.title)
            for origin in origins
        ]
    if row.kind.startswith(("refund.", "dispute.")):
        whole = net if taken is None or taken.payee != payee_id else -taken.whole
        return [_line(row, net, 0, whole, taken.title if taken else {})]
    if row.kind == "gateway.fee":
        return [_line(row, net, 0, 0, {})]
    return [_line(row, net, 0, 0, {}, moved=net)]


def _gross(origin: _Origin, payee_id: str) -> int:
    """Return what came for a payee's own item; of others' it gets a share, and that is all."""
    return origin.whole if origin.payee == payee_id else origin.share or 0


def _line(
    row: Any,  # noqa: ANN401 - a row of the statement above
    net: int,
    gross: int,
    refunded: int,
    title: Mapping[str, Any],
    *,
    moved: int = 0,
) -> StatementLine:
    return StatementLine(
        kind=row.kind,
        subject_id=row.subject_id,
        external_ref=row.external_ref,
        title=title or None,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        gross=gross,
        fee=net - gross - refunded - moved,
        refunded=refunded,
        moved=moved,
        net=net,
    )


def _captured(
    uow: UnitOfWork, ids: Sequence[UUID], account: AccountRef
) -> dict[UUID, list[_Origin]]:
    rows = uow.execute(
        select(
            LedgerSplit.transaction_id,
            LedgerSplit.payee,
            LedgerSplit.title,
            LedgerSplit.amount,
            LedgerShare.amount,
        )
        .join(LedgerShare, LedgerShare.split_id == LedgerSplit.id)
        .where(
            LedgerSplit.transaction_id.in_(ids),
            LedgerShare.account == account.code,
            LedgerShare.amount > 0,
        )
        .order_by(LedgerSplit.id)
    )
    found: dict[UUID, list[_Origin]] = {}
    for transaction_id, payee, title, whole, share in rows:
        found.setdefault(transaction_id, []).append(_Origin(payee, title, whole, share))
    return found


def _taken(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, _Origin]:
    rows = uow.execute(
        select(
            LedgerTaking.transaction_id,
            LedgerSplit.payee,
            LedgerSplit.title,
            func.sum(LedgerTaking.change),
        )
        .join(LedgerSplit, LedgerSplit.id == LedgerTaking.split_id)
        .where(LedgerTaking.transaction_id.in_(ids))
        .group_by(LedgerTaking.transaction_id, LedgerSplit.id)
    )
    return {tid: _Origin(payee, title, int(whole)) for tid, payee, title, whole in rows}
