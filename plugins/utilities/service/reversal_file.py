"""Reads the file of what a biller has taken back: the posting file, with when and why."""

from collections.abc import Sequence

from plugins.utilities.service.bill_file import (
    CellWrong,
    Faults,
    at_column,
    check_totals,
    parse_amount,
)
from plugins.utilities.service.posting_file import (
    POSTING_HEADER,
    plain_cell,
    read_moment,
    read_table,
)
from plugins.utilities.values import ReversalLine, ReversalReason, is_bill_number

MOST_LINES = 200
"""Each line moves money: more than that in one file is no everyday correction."""
REVERSAL_HEADER = (*POSTING_HEADER[:4], "冲正时间", "原因")


def read_reversal_file(raw: bytes) -> list[ReversalLine]:
    """Return the lines of a file of reversals in UTF-8 or GB18030; no key stands in it twice.

    Raise `BillFileInvalid` naming each wrong line, and its column where one cell is wrong.
    """
    faults = Faults()
    rows, totals = read_table(raw, REVERSAL_HEADER, faults)
    if len(rows) > MOST_LINES:
        faults.add(totals[0], f"超过 {MOST_LINES} 行 (more lines than that)")
    faults.check()
    lines, seen = list[ReversalLine](), set[str]()
    for place, cells in rows:
        try:
            line = _line(place, cells)
        except CellWrong as wrong:
            faults.add(place, str(wrong), wrong.column)
        except ValueError as error:
            faults.add(place, str(error))
        else:
            if line.key in seen:
                faults.add(place, "商户订单号重复 (the key stands twice)", 2)
            seen.add(line.key)
            lines.append(line)
    if not faults.count:
        check_totals(totals, len(lines), sum(line.amount for line in lines), faults)
    faults.check()
    return lines


def _line(place: int, cells: Sequence[str]) -> ReversalLine:
    if len(cells) != len(REVERSAL_HEADER):
        raise ValueError(f"应有 {len(REVERSAL_HEADER)} 列 (that many columns were expected)")
    key, bill = plain_cell(cells[1]), plain_cell(cells[2])
    if not is_bill_number(bill):
        raise CellWrong(3, "账单号无效 (not a bill number)")
    at_column(5, read_moment, cells[4])
    return ReversalLine(
        place=place,
        key=key,
        bill_number=bill,
        amount=at_column(4, parse_amount, cells[3]),
        reason=at_column(6, _reason, plain_cell(cells[5])),
    )


def _reason(text: str) -> ReversalReason:
    try:
        return ReversalReason(text)
    except ValueError:
        raise ValueError("原因无效 (not a reason)") from None
