"""Reads the file that billers send by night: CSV in Chinese, in yuan, with a line of totals.

Either every line is right, or every wrong one is named. Text is never read as a formula.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from plugins.utilities.errors import BillFileInvalid
from plugins.utilities.values import (
    ACCOUNT_NUMBER,
    CURRENCY,
    MAX_AMOUNT,
    MAX_HOLDER_NAME,
    BillerBill,
    is_bill_number,
)

HEADER = ("户号", "户名", "账单号", "账期起", "账期止", "金额(元)", "缴费截止日")
TOTALS = "合计"
MAX_LINES = 50_000
SHOWN_FAULTS = 100
_TOTALS_CELLS = 3
_FIRST_YEAR, _LAST_YEAR = 1990, 2100

_ACCOUNT = re.compile(ACCOUNT_NUMBER)
_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_COUNT = re.compile(r"[0-9]{1,9}")
_DATES = (
    re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"),
    re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})"),
    re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"),
)
_Row = tuple[int, list[str]]


@dataclass(slots=True)
class _Faults:
    """Collects what is wrong: all are counted, the first hundred are shown."""

    shown: list[dict[str, str | int]] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, message: str) -> None:
        self.count += 1
        if len(self.shown) < SHOWN_FAULTS:
            self.shown.append({"line": line, "message": message})

    def check(self) -> None:
        if self.count:
            raise BillFileInvalid(
                f"{self.count} faults; nothing was imported.",
                errors=self.shown,
                error_count=self.count,
            )


def read_bill_file(raw: bytes, biller: str) -> list[BillerBill]:
    """Return the bills of a file in UTF-8 (with or without a mark) or GB18030.

    Raise `BillFileInvalid` naming each wrong line: the first hundred, and how many there are.
    """
    faults = _Faults()
    rows = _rows(_decode(raw, faults), faults)
    bills = _bills(rows, biller, faults)
    faults.check()
    return bills


def parse_amount(text: str) -> int:
    """Return yuan, written with at most two decimals, as fen; raise `ValueError`."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError("金额应为不超过两位小数的元 (an amount in yuan, two decimals at most)")
    whole, decimals = match[1], match[2] or ""
    fen = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if fen > MAX_AMOUNT:
        raise ValueError("金额过大 (the amount is too large)")
    return fen


def parse_day(text: str) -> date:
    """Return a day written YYYY-MM-DD, YYYYMMDD or YYYY/M/D; raise `ValueError`."""
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        year, month, day = (int(part) for part in match.groups())
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            break
        try:
            return date(year, month, day)
        except ValueError:
            break
    raise ValueError("日期无效 (not a day: YYYY-MM-DD, YYYYMMDD or YYYY/M/D)")


def _decode(raw: bytes, faults: _Faults) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    faults.add(1, "编码应为 UTF-8 或 GB18030 (neither UTF-8 nor GB18030)")
    return ""


def _rows(text: str, faults: _Faults) -> list[_Row]:
    """Return the rows with the number of their last line; blank ones are left out."""
    rows: list[_Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if any(row):
                rows.append((reader.line_num, row))
            if len(rows) > MAX_LINES + 2:
                faults.add(reader.line_num, f"超过 {MAX_LINES} 行 (more lines than that)")
                break
    except csv.Error as error:
        faults.add(reader.line_num, f"CSV 格式错误 (not CSV: {error})")
    if not faults.count and (not rows or tuple(_half_width(rows[0][1])) != HEADER):
        faults.add(1, f"表头应为 {','.join(HEADER)} (another header was expected)")
    return [] if faults.count else rows[1:]


def _bills(rows: Sequence[_Row], biller: str, faults: _Faults) -> list[BillerBill]:
    if faults.count:
        return []
    totals = [place for place, (_, row) in enumerate(rows) if row[0] == TOTALS]
    if not totals or totals[0] != len(rows) - 1:
        line = rows[totals[0]][0] if totals else (rows[-1][0] if rows else 1)
        faults.add(line, f"最后一行应为{TOTALS} (the last line, and no other, holds the totals)")
    bills = list(_read(rows[: totals[0] if totals else None], biller, faults))
    if totals and not faults.count:
        _check_totals(rows[totals[0]], bills, faults)
    return bills


def _read(rows: Sequence[_Row], biller: str, faults: _Faults) -> Iterator[BillerBill]:
    first_lines: dict[str, int] = {}
    for line, row in rows:
        try:
            bill = _bill(row, biller)
        except ValueError as error:
            faults.add(line, str(error))
            continue
        first = first_lines.setdefault(bill.number, line)
        if first != line:
            faults.add(line, f"账单号与第 {first} 行重复 (the bill stands on line {first} already)")
        yield bill


def _bill(row: list[str], biller: str) -> BillerBill:
    """Return the bill of a row, or raise `ValueError` with the first thing wrong with it."""
    if len(row) != len(HEADER):
        raise ValueError(f"应有 {len(HEADER)} 列 ({len(row)} columns, not {len(HEADER)})")
    account, holder, number, first, last, amount, due = row
    if _ACCOUNT.fullmatch(account) is None:
        raise ValueError("户号无效 (not an account number)")
    if not 0 < len(holder) <= MAX_HOLDER_NAME:
        raise ValueError("户名为空或过长 (the holder's name is missing or too long)")
    if not is_bill_number(number):
        raise ValueError("账单号无效 (not a bill number)")
    bill = BillerBill(
        biller=biller,
        account=account,
        number=number,
        amount=parse_amount(amount),
        currency=CURRENCY,
        period_from=parse_day(first),
        period_to=parse_day(last),
        due_date=parse_day(due),
    )
    if bill.period_from > bill.period_to:
        raise ValueError("账期起晚于账期止 (the period ends before it begins)")
    return bill


def _check_totals(totals: _Row, bills: Sequence[BillerBill], faults: _Faults) -> None:
    line, row = totals
    cells = row[:_TOTALS_CELLS]
    if len(row) < _TOTALS_CELLS or any(row[_TOTALS_CELLS:]) or _COUNT.fullmatch(cells[1]) is None:
        faults.add(line, f"{TOTALS}应为笔数和金额 (the totals are a count and an amount)")
        return
    if int(cells[1]) != len(bills):
        faults.add(line, f"{TOTALS}笔数应为 {len(bills)} (the count differs)")
    if _total(cells[2]) != sum(bill.amount for bill in bills):
        faults.add(line, f"{TOTALS}金额与各行之和不符 (the sum differs)")


def _total(text: str) -> int | None:
    """Return a sum in fen; it may be larger than any one amount."""
    match = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]{1,2}))?", text)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None


def _half_width(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    return [cell.replace("（", "(").replace("）", ")") for cell in row]
