"""What a company booked on a day, as it sends it for reconciliation: a CSV in Chinese."""

import csv
import io
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

HEADER = ("流水号", "商户订单号", "账单号", "金额(元)", "入账时间")
TOTALS = "合计"
_CHINA = timezone(timedelta(hours=8))


def write_posting_file(postings: Sequence[sqlite3.Row], *, encoding: str) -> bytes:
    """Return the file of these postings in the encoding, with a line of totals at the end."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for posting in postings:
        at = datetime.fromisoformat(posting["received_at"]).astimezone(_CHINA)
        writer.writerow(
            [
                posting["posting_reference"],
                posting["key"],
                posting["reference"],
                _yuan(posting["amount"]),
                f"{at:%Y-%m-%d %H:%M:%S}",
            ]
        )
    total = sum(posting["amount"] for posting in postings)
    writer.writerow([TOTALS, len(postings), _yuan(total)])
    return text.getvalue().encode(encoding)


def _yuan(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.01")))
