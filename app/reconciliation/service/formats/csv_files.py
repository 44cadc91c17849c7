"""The two CSV forms: a biller's postings of a day, and an account's entries at the bank.

A header in Chinese, amounts in yuan, a line of totals at the end; UTF-8 or GB18030. Text is never
read as a formula.
"""

import csv
import io
from collections.abc import Callable, Sequence
from uuid import UUID

from app.reconciliation.service.formats.reading import (
    MAX_LINES,
    Faults,
    decode,
    noon,
    parse_amount,
    parse_currency,
    parse_day,
    parse_id,
    parse_moment,
    refuse,
    words_of,
)
from app.reconciliation.values import Family, Line, LineKind, StatementFile

POSTINGS_HEADER = ("流水号", "商户订单号", "账单号", "金额(元)", "入账时间")
BANK_HEADER = ("交易日期", "流水号", "收支", "金额(元)", "币种", "附言")
TOTALS = "合计"
_DIRECTIONS = {"收": 1, "支": -1}
_Row = tuple[int, list[str]]


def read_postings_csv(raw: bytes) -> StatementFile:
    """Return what a biller posted on a day; raise `StatementFileInvalid` naming each wrong line."""
    return StatementFile(_read(raw, POSTINGS_HEADER, _posting))


def read_bank_csv(raw: bytes) -> StatementFile:
    """Return the entries of one day of an account; raise `StatementFileInvalid`."""
    lines = _read(raw, BANK_HEADER, _entry)
    days = {line.occurred_at.date() for line in lines}
    if len(days) > 1:
        raise refuse("一个文件只能有一天 (a file is of one day)")
    return StatementFile(lines, days.pop() if days else None)


def _posting(cells: Sequence[str]) -> Line:
    posting, key, bill, amount, at = cells
    own = UUID(key) if key else None
    return Line(
        line_id=parse_id(posting),
        kind=LineKind.POSTING,
        subject=f"{Family.POSTING}:{own or parse_id(posting)}",
        amount=parse_amount(amount),
        currency="CNY",
        occurred_at=parse_moment(at),
        our_id=own,
        reference=words_of(bill),
    )


def _entry(cells: Sequence[str]) -> Line:
    day, number, direction, amount, currency, text = cells
    if direction not in _DIRECTIONS:
        raise ValueError("收支应为 收 或 支 (in or out)")
    sign = _DIRECTIONS[direction]
    kind, family = (LineKind.CREDIT, Family.CREDIT) if sign > 0 else (LineKind.DEBIT, Family.DEBIT)
    return Line(
        line_id=parse_id(number),
        kind=kind,
        subject=f"{family}:{number}",
        amount=sign * parse_amount(amount),
        currency=parse_currency(currency),
        occurred_at=noon(parse_day(day, "%Y-%m-%d")),
        reference=words_of(text),
    )


def _read(raw: bytes, header: Sequence[str], make: Callable[[Sequence[str]], Line]) -> list[Line]:
    faults = Faults()
    rows = _rows(decode(raw), header)
    if not rows or rows[-1][1][0] != TOTALS:
        raise refuse(f"最后一行应为{TOTALS} (the last line holds the totals)", _last(rows))
    lines = []
    for number, cells in rows[:-1]:
        try:
            lines.append(make(_fitting(cells, header)))
        except ValueError as error:
            faults.add(number, str(error))
    faults.check()
    _check_totals(rows[-1], lines)
    return lines


def _rows(text: str, header: Sequence[str]) -> list[_Row]:
    """Return the rows below the header with the number of their last line; no blank ones."""
    rows: list[_Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if any(row):
                rows.append((reader.line_num, row))
            if len(rows) > MAX_LINES + 2:
                raise refuse(f"超过 {MAX_LINES} 行 (more lines than that)", reader.line_num)
    except csv.Error:
        raise refuse("CSV 格式错误 (not CSV)", reader.line_num) from None
    if not rows or tuple(_half_width(cell) for cell in rows[0][1]) != tuple(header):
        raise refuse(f"表头应为 {','.join(header)} (another header was expected)")
    return rows[1:]


def _fitting(cells: Sequence[str], header: Sequence[str]) -> Sequence[str]:
    if len(cells) != len(header):
        raise ValueError(f"应有 {len(header)} 列 (that many columns were expected)")
    return cells


def _half_width(cell: str) -> str:
    return cell.replace("（", "(").replace("）", ")")


def _last(rows: Sequence[_Row]) -> int:
    return rows[-1][0] if rows else 1


def _check_totals(row: _Row, lines: Sequence[Line]) -> None:
    """Compare count and sum: a file that was cut off, or a line of which was lost, is refused."""
    number, cells = row
    try:
        count, total = int(cells[1]), parse_amount(cells[2])
    except (IndexError, ValueError):
        raise refuse(
            "合计行应为 合计,笔数,金额 (totals: the word, count, amount)", number
        ) from None
    if (count, total) != (len(lines), sum(abs(line.amount) for line in lines)):
        raise refuse("合计不符 (the totals do not agree with the lines)", number)
