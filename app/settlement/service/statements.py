"""Statements of payees by day and month: opening balance, each line, closing balance."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.core.clock import CITY_TIME, city_day, now
from app.core.pagination import (
    CursorInvalid,
    Page,
    PageRequest,
    decode_cursor,
    encode_cursor,
)
from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.service import Place
from app.ledger.values import POSTINGS, StatementLine
from app.ledger.values import payee as payee_account
from app.settlement.errors import PayeeNotFound, PeriodInvalid, PeriodOpen, StatementTooLong
from app.settlement.events import StatementRead
from app.settlement.models import PayeeAccount
from app.settlement.service.batches import CURRENCY, GRACE
from app.settlement.service.common import SettlementDeps, is_payee, title_of
from app.settlement.service.statement_pdf import StatementPage, render_statement
from app.settlement.service.tables import Cell, Fen, write_csv
from app.settlement.values import (
    AccountStatus,
    Encoding,
    PayeeView,
    Period,
    StatementFormat,
    StatementView,
)

BATCH = 1000
MOST_PDF_LINES = 5_000
_MONTH, _DAY = 7, 10  # characters
_HEAD = (
    "记账时间 Recorded",
    "业务 Kind",
    "缴费编号 Payment",
    "缴费项目 Item",
    "收款（元）Gross",
    "手续费（元）Fee",
    "退款（元）Refunded",
    "划拨及调整（元）Paid out and adjusted",
    "净额（元）Net",
    "余额（元）Balance",
)


def parse_period(name: str) -> Period:
    """Return a day (2026-11-28) or a month (2026-11) of the city, or raise `PeriodInvalid`."""
    try:
        if len(name) == _DAY:
            begins, ends = city_day(date.fromisoformat(name))
        elif len(name) == _MONTH:
            first = date.fromisoformat(f"{name}-01")
            next_month = (first + timedelta(days=31)).replace(day=1)
            begins, ends = city_day(first)[0], city_day(next_month)[0]
        else:
            raise PeriodInvalid
    except (ValueError, OverflowError) as error:
        raise PeriodInvalid from error
    return Period(name, begins, ends)


def read_statement(
    uow: UnitOfWork, deps: SettlementDeps, payee_id: str, period: Period
) -> StatementView:
    """Return the head of a payee's statement of a period that is over; it never changes again.

    Raise `PayeeNotFound` or `PeriodOpen`.
    """
    if not is_payee(uow, deps, payee_id):
        raise PayeeNotFound
    if now() < period.ends + GRACE:
        raise PeriodOpen
    account = payee_account(payee_id)
    return StatementView(
        payee=payee_id,
        title=title_of(deps, payee_id),
        period=period.name,
        begins=period.begins,
        ends=period.ends,
        currency=CURRENCY,
        opening=ledger.read_balance_at(uow, account, period.begins),
        closing=ledger.read_balance_at(uow, account, period.ends),
    )


def list_statement_lines(
    uow: UnitOfWork, deps: SettlementDeps, payee_id: str, period: Period, page: PageRequest
) -> Page[StatementLine]:
    """Return lines of a statement in their order; a page never parts the items of one payment.

    So a page has at least as many lines as were asked for, unless it is the last.
    """
    read_statement(uow, deps, payee_id, period)
    account = payee_account(payee_id)
    lines, place = ledger.read_lines(
        uow, account, period.begins, period.ends, _place(page.cursor), page.limit
    )
    return Page(lines, encode_cursor([place.at, place.id]) if place else None)


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    at, transaction_id = decode_cursor(cursor, 2)
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise CursorInvalid
        return Place(moment.astimezone(UTC), UUID(transaction_id))
    except (ValueError, OverflowError) as error:
        raise CursorInvalid from error


def read_statement_file(
    uow: UnitOfWork,
    deps: SettlementDeps,
    payee_id: str,
    period: Period,
    kind: StatementFormat,
    encoding: Encoding,
) -> Iterator[bytes]:
    """Return a statement as a file, in pieces that are made as they are taken.

    A CSV of any length takes the memory of a thousand lines. Raise `PayeeNotFound`, `PeriodOpen`,
    or `StatementTooLong` for a PDF of more than five thousand lines, before the first piece.
    """
    head = read_statement(uow, deps, payee_id, period)
    uow.record(StatementRead(payee=payee_id, period=period.name, file=kind.value))
    if kind == StatementFormat.CSV:
        return write_csv(_rows(deps, head), encoding)
    lines: list[StatementLine] = []
    for line in _all_lines(deps, head):
        lines.append(line)
        if len(lines) > MOST_PDF_LINES:
            raise StatementTooLong
    return iter([render_statement(StatementPage(head, lines, TITLES))])


TITLES = {kind: (posting.title_zh, posting.title_en) for kind, posting in POSTINGS.items()}


def _all_lines(deps: SettlementDeps, head: StatementView) -> Iterator[StatementLine]:
    """Yield every line; each thousand are read for themselves, since the reader may be slow."""
    account, place = payee_account(head.payee), None
    while True:
        with deps.units.open(actor="statement", read_only=True) as uow:
            lines, place = ledger.read_lines(uow, account, head.begins, head.ends, place, BATCH)
        yield from lines
        if place is None:
            return


def _rows(deps: SettlementDeps, head: StatementView) -> Iterator[tuple[Cell, ...]]:
    blank = ("",) * 5
    yield ("对账单 Statement", head.title["zh"], head.title["en"], head.period, *blank, "")
    yield _HEAD
    balance = head.opening
    yield ("", "期初余额 Opening balance", "", "", *blank, Fen(balance))
    for line in _all_lines(deps, head):
        balance += line.net
        yield _row(line, balance)
    yield ("", "期末余额 Closing balance", "", "", *blank, Fen(balance))


def _row(line: StatementLine, balance: int) -> tuple[Cell, ...]:
    title = line.title or {}
    return (
        line.recorded_at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S"),
        " ".join(TITLES.get(line.kind, (line.kind, ""))).strip(),
        str(line.subject_id),
        title.get("zh", ""),
        Fen(line.gross),
        Fen(line.fee),
        Fen(line.refunded),
        Fen(line.moved),
        Fen(line.net),
        Fen(balance),
    )


def list_payees(uow: UnitOfWork, deps: SettlementDeps, page: PageRequest) -> Page[PayeeView]:
    """Return every payee that plug-ins name or that was ever owed something, by id."""
    balances = {
        one.code.partition(":")[2]: -one.balance
        for one in ledger.read_balances(uow, "payee")
        if one.currency == CURRENCY
    }
    after = decode_cursor(page.cursor, 1)[0] if page.cursor else ""
    names = sorted(name for name in {*balances, *deps.registry.payees} if name > after)
    shown = names[: page.limit]
    active = set(
        uow.scalars(
            select(PayeeAccount.payee).where(
                PayeeAccount.payee.in_(shown), PayeeAccount.status == AccountStatus.ACTIVE
            )
        )
    )
    views = [
        PayeeView(name, title_of(deps, name), balances.get(name, 0), CURRENCY, name in active)
        for name in shown
    ]
    return Page(views, encode_cursor([shown[-1]]) if len(names) > len(shown) else None)
