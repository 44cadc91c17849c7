"""The posting file: which bills of a biller were paid, when, and under which of our keys.

It is written for the biller and read back from it in the same form, which is the form that the
house's reconciliation takes of billers (`postings-csv`).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from app.sdk import CITY_TIME
from plugins.utilities.service.bill_file import (
    TOTALS,
    CellWrong,
    Faults,
    Row,
    at_column,
    check_totals,
    half_width,
    parse_amount,
    read_rows,
)
from plugins.utilities.values import FileEncoding, PostedLine, is_bill_number

POSTING_HEADER = ("流水号", "商户订单号", "账单号", "金额(元)", "入账时间")
MAX_KEY = 64
MAX_REFERENCE = 200
_MOMENT = "%Y-%m-%d %H:%M:%S"
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_MARKED = frozenset("=+-@\t\r\n＝＋－＠'")
"""What a cell begins with that a spreadsheet may run, and the sign itself that switches it off."""
_CODECS = {
    FileEncoding.UTF_8: "utf-8",
    FileEncoding.UTF_8_BOM: "utf-8-sig",
    FileEncoding.GB18030: "gb18030",
}


def write_posting_file(lines: Iterable[PostedLine], encoding: FileEncoding) -> bytes:
    """Return a posting file (RFC 4180) with a line of totals; no spreadsheet runs a cell of it.

    A text that could be a formula gets an apostrophe in front, which reading takes away again.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(POSTING_HEADER)
    count = total = 0
    for line in lines:
        count, total = count + 1, total + line.amount
        moment = line.at.astimezone(CITY_TIME).strftime(_MOMENT)
        texts = (_safe(text) for text in (line.posting_reference, line.key, line.bill_number))
        writer.writerow([*texts, yuan(line.amount), moment])
    writer.writerow([TOTALS, count, yuan(total)])
    return file.getvalue().encode(_CODECS[encoding])


def read_posting_file(raw: bytes) -> list[tuple[int, PostedLine]]:
    """Return the lines of a posting file in UTF-8 or GB18030, each with its place in the file.

    Raise `BillFileInvalid` naming each wrong line, and its column where one cell is wrong.
    """
    faults = Faults()
    rows, totals = read_table(raw, POSTING_HEADER, faults)
    lines = _read(rows, faults)
    if not faults.count:
        check_totals(totals, len(lines), sum(line.amount for _, line in lines), faults)
    faults.check()
    return lines


def read_table(raw: bytes, header: Sequence[str], faults: Faults) -> tuple[Sequence[Row], Row]:
    """Return the rows below a header, and the last one, which holds the totals.

    Raise `BillFileInvalid` for a file with another header or without totals.
    """
    rows = read_rows(raw, faults, strip=False)
    if not faults.count and (not rows or half_width(rows[0][1]) != list(header)):
        faults.add(1, f"表头应为 {','.join(header)} (another header was expected)")
    elif not faults.count and (len(rows) == 1 or rows[-1][1][0] != TOTALS):
        faults.add(rows[-1][0], f"最后一行应为{TOTALS} (the last line holds the totals)")
    faults.check()
    return rows[1:-1], rows[-1]


def yuan(fen: int) -> str:
    """Return fen as a plain number of yuan."""
    return f"{fen // 100}.{fen % 100:02d}"


def _read(rows: Sequence[Row], faults: Faults) -> list[tuple[int, PostedLine]]:
    lines = []
    for place, cells in rows:
        try:
            lines.append((place, _line(cells)))
        except CellWrong as wrong:
            faults.add(place, str(wrong), wrong.column)
        except ValueError as error:
            faults.add(place, str(error))
    return lines


def _line(cells: Sequence[str]) -> PostedLine:
    if len(cells) != len(POSTING_HEADER):
        raise ValueError(f"应有 {len(POSTING_HEADER)} 列 (that many columns were expected)")
    reference, key, bill = (plain_cell(cell) for cell in cells[:3])
    if not 0 < len(reference) <= MAX_REFERENCE or "\0" in reference:
        raise CellWrong(1, "流水号为空或过长 (the posting's number is missing or too long)")
    if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise CellWrong(2, "商户订单号无效 (not a key of ours)")
    if not is_bill_number(bill):
        raise CellWrong(3, "账单号无效 (not a bill number)")
    return PostedLine(
        posting_reference=reference,
        key=key,
        bill_number=bill,
        amount=at_column(4, parse_amount, cells[3]),
        at=at_column(5, read_moment, cells[4]),
    )


def read_moment(text: str) -> datetime:
    """Return a moment of the city's clock; raise `ValueError`."""
    wrong = "时间无效 (not a time: YYYY-MM-DD HH:MM:SS)"
    try:
        moment = datetime.strptime(text, _MOMENT).replace(tzinfo=CITY_TIME)
    except ValueError:
        raise ValueError(wrong) from None
    if not (text.isascii() and _FIRST_YEAR <= moment.year <= _LAST_YEAR):
        raise ValueError(wrong)
    return moment


def _safe(text: str) -> str:
    return f"'{text}" if text[:1] in _MARKED else text


def plain_cell(cell: str) -> str:
    """Return a text without the sign that keeps spreadsheets from running it."""
    return cell.removeprefix("'")
