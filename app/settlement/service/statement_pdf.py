"""The PDF of a payee's statement: what it says, in Chinese and English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.clock import CITY_TIME
from app.core.money import yuan
from app.ledger.values import StatementLine
from app.settlement.values import StatementView


@dataclass(frozen=True, slots=True)
class StatementPage:
    """What a statement shows; `titles` are of the kinds of bookings, in both languages."""

    head: StatementView
    lines: Sequence[StatementLine]
    titles: Mapping[str, tuple[str, str]]


HEADS = (
    ("记账时间", "Recorded"),
    ("业务 / 缴费项目", "Kind / item"),
    ("收款", "Gross"),
    ("手续费", "Fee"),
    ("退款", "Refunded"),
    ("划拨及调整", "Paid out, adjusted"),
    ("净额", "Net"),
    ("余额", "Balance"),
)


def render_statement(page: StatementPage) -> bytes:
    """Return the PDF of a statement, A4 across; the same bytes whenever the content is the same."""
    # Drawing costs a fifth of a second to import; only who prints a statement pays it.
    from app.settlement.service.statement_sheet import Grid, draw_grid  # noqa: PLC0415

    head = page.head
    begins = head.begins.astimezone(CITY_TIME)
    last = head.ends.astimezone(CITY_TIME)
    return draw_grid(
        Grid(
            title=("收款单位对账单", "Statement of account"),
            mark=f"{head.payee} {head.period}",
            moment=last,
            facts=(
                f"收款单位 Payee  {head.title['zh']} {head.title['en']} ({head.payee})",
                f"期间 Period  {begins:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M} (UTC+8)",
                f"期初余额 Opening balance  {yuan(head.opening)}",
                f"期末余额 Closing balance  {yuan(head.closing)}",
            ),
            heads=HEADS,
            rows=_rows(page),
        )
    )


def _rows(page: StatementPage) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("", "期初余额 Opening balance", "", "", "", "", "", yuan(page.head.opening))
    ]
    balance = page.head.opening
    for line in page.lines:
        balance += line.net
        rows.append(
            (
                line.recorded_at.astimezone(CITY_TIME).strftime("%m-%d %H:%M:%S"),
                _words(page, line),
                _amount(line.gross),
                _amount(line.fee),
                _amount(line.refunded),
                _amount(line.moved),
                yuan(line.net),
                yuan(balance),
            )
        )
    rows.append(("", "期末余额 Closing balance", "", "", "", "", "", yuan(balance)))
    return rows


def _words(page: StatementPage, line: StatementLine) -> str:
    kind = " ".join(page.titles.get(line.kind, (line.kind, ""))[:1])
    title = line.title or {}
    return f"{kind}  {title.get('zh', '')} {title.get('en', '')}".strip()


def _amount(amount: int) -> str:
    return yuan(amount) if amount else ""
