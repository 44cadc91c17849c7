"""The list of open bills as companies send it by night: a CSV in Chinese with a line of totals."""

import csv
import io
import sqlite3
from collections.abc import Sequence
from decimal import Decimal

HEADER = ("户号", "户名", "账单号", "账期起", "账期止", "金额(元)", "缴费截止日")
TOTALS = "合计"


def write_bill_file(bills: Sequence[sqlite3.Row], *, encoding: str) -> bytes:
    """Return the file for these bills (with their holder's name) in the encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for bill in bills:
        writer.writerow(
            [
                bill["account"],
                bill["holder_name"],
                bill["reference"],
                bill["period_from"],
                bill["period_to"],
                _yuan(bill["amount"]),
                bill["due_date"],
            ]
        )
    writer.writerow([TOTALS, len(bills), _yuan(sum(bill["amount"] for bill in bills))])
    return text.getvalue().encode(encoding)


def _yuan(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.01")))
