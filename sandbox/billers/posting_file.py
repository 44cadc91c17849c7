"""What a company booked on a day, as it sends it for reconciliation: a CSV in Chinese."""

import csv
import io
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

HEADER = ("流水号", "商户订单号", "账单号", "金额(元)", "入账时间")
REVERSAL_HEADER = (*HEADER[:4], "冲正时间", "原因")
TOTALS = "合计"
_CHINA = timezone(timedelta(hours=8))


def write_posting_file(postings: Sequence[sqlite3.Row], *, encoding: str) -> bytes:
    """Return the file of these postings in the encoding, with a line of totals at the end."""
    lines = [[*_posting(row), _moment(row["received_at"])] for row in postings]
    return _write(HEADER, lines, postings, encoding)


def write_reversal_file(postings: Sequence[sqlite3.Row], *, encoding: str) -> bytes:
    """Return the file of postings that were taken back, each with when and why."""
    lines = [[*_posting(row), _moment(row["reversed_at"]), row["reversal"]] for row in postings]
    return _write(REVERSAL_HEADER, lines, postings, encoding)


def _write(
    header: Sequence[str],
    lines: Sequence[Sequence[str]],
    postings: Sequence[sqlite3.Row],
    encoding: str,
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(lines)
    total = sum(posting["amount"] for posting in postings)
    writer.writerow([TOTALS, len(postings), _yuan(total)])
    return text.getvalue().encode(encoding)


def _posting(row: sqlite3.Row) -> list[str]:
    return [row["posting_reference"], row["key"], row["reference"], _yuan(row["amount"])]


def _moment(timestamped: str) -> str:
    return f"{datetime.fromisoformat(timestamped).astimezone(_CHINA):%Y-%m-%d %H:%M:%S}"


def _yuan(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.01")))
