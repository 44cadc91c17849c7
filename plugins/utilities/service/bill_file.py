"""Reads the files that billers send: CSV in Chinese, in yuan, with a line of totals.

The desk's file begins with a line that names the file besides. Either every line is right, or every
wrong one is named with its column. Text is never read as a formula.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from plugins.utilities.errors import BillFileInvalid
from plugins.utilities.values import (
    ACCOUNT_NUMBER,
    CURRENCY,
    FILE_NUMBER,
    MAX_AMOUNT,
    MAX_HOLDER_NAME,
    BillerBill,
    DeskFile,
    is_bill_number,
)

HEADER = ("户号", "户名", "账单号", "账期起", "账期止", "金额(元)", "缴费截止日")
TOTALS = "合计"
TITLE = "账单文件"
"""What the desk's file begins with: then its number, the biller and the day."""
MAX_LINES = 50_000
SHOWN_FAULTS = 100
_TOTALS_CELLS = 3
_FIRST_YEAR, _LAST_YEAR = 1990, 2100

T = TypeVar("T")
_TITLE_CELLS = 4
_ACCOUNT = re.compile(ACCOUNT_NUMBER)
_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_FILE = re.compile(FILE_NUMBER)
_COUNT = re.compile(r"[0-9]{1,9}")
_DATES = (
    re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"),
    re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})"),
    re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"),
)
Row = tuple[int, list[str]]
"""A row and the number of its last line."""


class CellWrong(ValueError):
    """What is wrong with one cell of a line; columns are counted from one."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column = column


@dataclass(slots=True)
class Faults:
    """Collects what is wrong: all are counted, the first hundred are shown."""

    shown: list[dict[str, str | int]] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, message: str, column: int | None = None) -> None:
        """Note what is wrong with a line, or with one cell of it."""
        self.count += 1
        if len(self.shown) < SHOWN_FAULTS:
            place: dict[str, str | int] = {"line": line}
            if column is not None:
                place["column"] = column
            self.shown.append({**place, "message": message})

    def check(self) -> None:
        """Raise `BillFileInvalid` when anything was wrong."""
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
    faults = Faults()
    rows = _below_header(read_rows(raw, faults), faults)
    bills = _bills(rows, biller, faults)
    faults.check()
    return bills


def read_desk_file(raw: bytes, biller: str) -> DeskFile:
    """Return what a biller's own system uploads: the same lines below one that names the file.

    Raise `BillFileInvalid` naming each wrong line, and its column where one cell is wrong.
    """
    faults = Faults()
    rows = read_rows(raw, faults)
    number, day = _title(rows[0] if rows else (1, []), biller, faults)
    bills = _bills(_below_header(rows[1:], faults), biller, faults)
    faults.check()
    return DeskFile(number, day, bills, sum(bill.amount for bill in bills))


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


def at_column(column: int, parse: Callable[[str], T], text: str) -> T:
    """Return what `parse` reads in a cell; raise `CellWrong` for its `ValueError`."""
    try:
        return parse(text)
    except ValueError as error:
        raise CellWrong(column, str(error)) from error


def _decode(raw: bytes, faults: Faults) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    faults.add(1, "编码应为 UTF-8 或 GB18030 (neither UTF-8 nor GB18030)")
    return ""


def read_rows(raw: bytes, faults: Faults, *, strip: bool = True) -> list[Row]:
    """Return all rows with the number of their last line; blank ones are left out."""
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(_decode(raw, faults), newline=""), strict=True)
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells] if strip else cells
            if any(row):
                rows.append((reader.line_num, row))
            if len(rows) > MAX_LINES + 3:
                faults.add(reader.line_num, f"超过 {MAX_LINES} 行 (more lines than that)")
                break
    except csv.Error as error:
        faults.add(reader.line_num, f"CSV 格式错误 (not CSV: {error})")
    return rows


def _title(row: Row, biller: str, faults: Faults) -> tuple[str, date]:
    """Return number and day of a file from its first line."""
    line, cells = row
    if faults.count or len(cells) < _TITLE_CELLS or any(cells[_TITLE_CELLS:]) or cells[0] != TITLE:
        faults.add(line, f"首行应为 {TITLE},文件号,收费单位,日期 (the first line names the file)")
        return "", date.min
    _, number, whose, day = cells[:_TITLE_CELLS]
    if _FILE.fullmatch(number) is None:
        faults.add(line, "文件号无效 (not a file number: letters, digits and hyphens)", 2)
    if whose != biller:
        faults.add(line, f"收费单位应为 {biller} (the file is of another biller)", 3)
    try:
        return number, parse_day(day)
    except ValueError as error:
        faults.add(line, str(error), 4)
        return number, date.min


def _below_header(rows: list[Row], faults: Faults) -> list[Row]:
    if not faults.count and (not rows or tuple(half_width(rows[0][1])) != HEADER):
        line = rows[0][0] if rows else 1
        faults.add(line, f"表头应为 {','.join(HEADER)} (another header was expected)")
    if not faults.count and len(rows) > MAX_LINES + 2:
        faults.add(rows[-1][0], f"超过 {MAX_LINES} 行 (more lines than that)")
    return [] if faults.count else rows[1:]


def _bills(rows: Sequence[Row], biller: str, faults: Faults) -> list[BillerBill]:
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


def _read(rows: Sequence[Row], biller: str, faults: Faults) -> Iterator[BillerBill]:
    first_lines: dict[str, int] = {}
    for line, row in rows:
        try:
            bill = _bill(row, biller)
        except CellWrong as wrong:
            faults.add(line, str(wrong), wrong.column)
            continue
        except ValueError as error:
            faults.add(line, str(error))
            continue
        first = first_lines.setdefault(bill.number, line)
        if first != line:
            said = f"账单号与第 {first} 行重复 (the bill stands on line {first} already)"
            faults.add(line, said, 3)
        yield bill


def _bill(row: list[str], biller: str) -> BillerBill:
    """Return the bill of a row, or raise `ValueError` with the first thing wrong with it."""
    if len(row) != len(HEADER):
        raise ValueError(f"应有 {len(HEADER)} 列 ({len(row)} columns, not {len(HEADER)})")
    account, holder, number, first, last, amount, due = row
    if _ACCOUNT.fullmatch(account) is None:
        raise CellWrong(1, "户号无效 (not an account number)")
    if not 0 < len(holder) <= MAX_HOLDER_NAME:
        raise CellWrong(2, "户名为空或过长 (the holder's name is missing or too long)")
    if not is_bill_number(number):
        raise CellWrong(3, "账单号无效 (not a bill number)")
    bill = BillerBill(
        biller=biller,
        account=account,
        number=number,
        amount=at_column(6, parse_amount, amount),
        currency=CURRENCY,
        period_from=at_column(4, parse_day, first),
        period_to=at_column(5, parse_day, last),
        due_date=at_column(7, parse_day, due),
    )
    if bill.period_from > bill.period_to:
        raise CellWrong(4, "账期起晚于账期止 (the period ends before it begins)")
    return bill


def _check_totals(totals: Row, bills: Sequence[BillerBill], faults: Faults) -> None:
    check_totals(totals, len(bills), sum(bill.amount for bill in bills), faults)


def check_totals(totals: Row, count: int, total: int, faults: Faults) -> None:
    """Note where the last line differs from the lines above it: cut-off files end here."""
    line, row = totals
    cells = row[:_TOTALS_CELLS]
    if len(row) < _TOTALS_CELLS or any(row[_TOTALS_CELLS:]) or _COUNT.fullmatch(cells[1]) is None:
        faults.add(line, f"{TOTALS}应为笔数和金额 (the totals are a count and an amount)")
        return
    if int(cells[1]) != count:
        faults.add(line, f"{TOTALS}笔数应为 {count} (the count differs)", 2)
    if _total(cells[2]) != total:
        faults.add(line, f"{TOTALS}金额与各行之和不符 (the sum differs)", 3)


def _total(text: str) -> int | None:
    """Return a sum in fen; it may be larger than any one amount."""
    match = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]{1,2}))?", text)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None


def half_width(row: list[str]) -> list[str]:
    """Return the cells of a header with narrow brackets, without empty cells at the end."""
    while row and not row[-1]:
        row = row[:-1]
    return [cell.replace("（", "(").replace("）", ")") for cell in row]
