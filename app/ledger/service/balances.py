"""What accounts hold: the last snapshot and the tail after it; no row is a running balance."""

import time
from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import select, text

from app.core.clock import now
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.ledger.models import LedgerSnapshot
from app.ledger.values import AccountBalance, AccountRef, CurrencyBalance, TrialBalance

log = get_logger("ledger")
_BOOK_LOCK = 7_302_060  # every booking holds it in common, by a trigger of the table
_TRIES, _PAUSE = 100, 0.02
_STEP = 100_000
_SNAPSHOT = text("""
    with cut as (
        select coalesce((select max(sequence) from ledger_snapshots), 0) as before,
            (select max(sequence) from (
                select sequence from ledger_transactions where sequence > coalesce(
                    (select max(sequence) from ledger_snapshots), 0)
                order by sequence limit :step
            ) step) as until
    ), tail as (
        select e.account_id, sum(e.amount) as balance,
            coalesce(sum(e.amount) filter (where e.amount > 0), 0) as debit,
            max(t.recorded_at) as recorded_until
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where t.sequence > (select before from cut)
            and t.sequence <= (select until from cut)
        group by e.account_id
    )
    insert into ledger_snapshots
        (account_id, sequence, balance, debit, recorded_until, taken_at)
    select tail.account_id, cut.until,
        tail.balance + coalesce(last.balance, 0), tail.debit + coalesce(last.debit, 0),
        greatest(tail.recorded_until, last.recorded_until), :now
    from cut cross join tail left join lateral (
        select s.balance, s.debit, s.recorded_until from ledger_snapshots s
        where s.account_id = tail.account_id order by s.sequence desc limit 1
    ) last on true
    returning sequence
""")
_BALANCES = text("""
    with tail as (
        select e.account_id, sum(e.amount) as balance,
            coalesce(sum(e.amount) filter (where e.amount > 0), 0) as debit
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where t.sequence > coalesce((select max(sequence) from ledger_snapshots), 0)
        group by e.account_id
    )
    select a.code, a.kind, a.currency,
        coalesce(last.balance, 0) + coalesce(tail.balance, 0) as balance,
        coalesce(last.debit, 0) + coalesce(tail.debit, 0) as debit
    from ledger_accounts a left join tail on tail.account_id = a.id left join lateral (
        select s.balance, s.debit from ledger_snapshots s
        where s.account_id = a.id order by s.sequence desc limit 1
    ) last on true
    order by a.code, a.currency
""")
_FULL = text("""
    select a.code, a.kind, a.currency, coalesce(sum(e.amount), 0) as balance,
        coalesce(sum(e.amount) filter (where e.amount > 0), 0) as debit
    from ledger_accounts a left join ledger_entries e on e.account_id = a.id
    group by a.id order by a.code, a.currency
""")
_AT = text("""
    select coalesce(last.balance, 0) + coalesce((
        select sum(e.amount) from ledger_transactions t
        join ledger_entries e on e.transaction_id = t.id
        where e.account_id = a.id and t.recorded_at < :moment
            and t.sequence > coalesce(last.sequence, 0)
    ), 0) as balance,
    coalesce((
        select sum(e.amount) from ledger_transactions t
        join ledger_entries e on e.transaction_id = t.id
        where e.account_id = a.id and t.recorded_at >= :moment and e.amount * :sign > 0
    ), 0) as gone
    from ledger_accounts a left join lateral (
        select s.balance, s.sequence from ledger_snapshots s
        where s.account_id = a.id and s.recorded_until < :moment
        order by s.sequence desc limit 1
    ) last on true
    where a.code = :code and a.currency = :currency
""")


def take_snapshots(uow: UnitOfWork) -> None:
    """Write a snapshot when this hour of the clock has none yet."""
    with uow.phase():
        is_due = not _is_fresh(uow)
    if is_due:
        write_snapshot(uow)


def write_snapshot(uow: UnitOfWork) -> None:
    """Write what each account holds that has changed since the last time.

    A snapshot counts everything up to a transaction and nothing after it: it is written while
    nobody books. It never waits for that in a queue, so no booking waits for it; after two seconds
    without luck the next tick tries again, and balances stay true meanwhile.
    """
    for _ in range(_TRIES):
        with uow.phase():
            alone = text("select pg_try_advisory_xact_lock(:lock)")
            if uow.scalar(alone, {"lock": _BOOK_LOCK}):
                found = uow.execute(_SNAPSHOT, {"step": _STEP, "now": now()}).all()
                if not found:
                    return
                continue
        time.sleep(_PAUSE)
    log.warning("ledger.snapshot_not_taken")


def _is_fresh(uow: UnitOfWork) -> bool:
    latest: datetime | None = uow.scalar(
        select(LedgerSnapshot.taken_at).order_by(LedgerSnapshot.sequence.desc()).limit(1)
    )
    hour = now().replace(minute=0, second=0, microsecond=0)
    return latest is not None and hour <= latest < hour + timedelta(hours=1)


def read_trial_balance(uow: UnitOfWork) -> TrialBalance:
    """Return the balance of every account and the sum of the whole book, per currency."""
    return _trial_balance(uow, full=False)


def sum_book(uow: UnitOfWork) -> TrialBalance:
    """Return the same from every entry there is: what the snapshots are checked with."""
    return _trial_balance(uow, full=True)


def _trial_balance(uow: UnitOfWork, *, full: bool) -> TrialBalance:
    rows = uow.execute(_FULL if full else _BALANCES).all()
    debits: dict[str, int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row.currency] += int(row.balance)
        debits[row.currency] += int(row.debit)
    return TrialBalance(
        as_of=now(),
        currencies=[
            CurrencyBalance(name, debits[name], debits[name] - sums[name], sums[name])
            for name in sorted(sums)
        ],
        accounts=[
            AccountBalance(row.code, row.kind, row.currency, int(row.balance)) for row in rows
        ],
    )


def read_balances(uow: UnitOfWork, family: str | None = None) -> list[AccountBalance]:
    """Return what every account holds now, or every one of a family such as `payee`."""
    found = read_trial_balance(uow).accounts
    return [one for one in found if family is None or one.code.partition(":")[0] == family]


def read_balance_at(
    uow: UnitOfWork, account: AccountRef, moment: datetime, currency: str = "CNY"
) -> int:
    """Return what was recorded of an account before a moment, above zero where it is healthy."""
    return account.kind.sign * _read_at(uow, account, moment, currency)[0]


def read_payable(
    uow: UnitOfWork, account: AccountRef, cut_off: datetime, currency: str = "CNY"
) -> int:
    """Return what of an account may be paid out: what it held at a cut-off, less what left since.

    What has come since then waits for the next time. May be below zero.
    """
    balance, gone = _read_at(uow, account, cut_off, currency)
    return account.kind.sign * (balance + gone)


def _read_at(
    uow: UnitOfWork, account: AccountRef, moment: datetime, currency: str
) -> tuple[int, int]:
    row = uow.execute(
        _AT,
        {
            "code": account.code,
            "currency": currency,
            "moment": moment,
            "sign": -account.kind.sign,
        },
    ).one_or_none()
    return (int(row.balance), int(row.gone)) if row else (0, 0)
