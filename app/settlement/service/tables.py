"""CSV that a spreadsheet reads as text and numbers, and never as a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from app.settlement.values import Encoding

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""What a cell begins with that a spreadsheet may run; the wide ones count in Chinese ones."""

_CODECS = {
    Encoding.UTF_8: ("utf-8", b""),
    Encoding.UTF_8_BOM: ("utf-8", b"\xef\xbb\xbf"),
    Encoding.GB18030: ("gb18030", b""),
}


@dataclass(frozen=True, slots=True)
class Fen:
    """An amount of our own, which is written as yuan and is a number, whatever its sign."""

    amount: int


Cell = str | Fen


def write_csv(rows: Iterable[Sequence[Cell]], encoding: Encoding) -> Iterator[bytes]:
    """Yield a CSV file (RFC 4180) row by row; text that looks like a formula is neutralised.

    Such a text gets an apostrophe in front, which spreadsheets take for the sign of a text.
    """
    codec, mark = _CODECS[encoding]
    if mark:
        yield mark
    for row in rows:
        line = StringIO()
        csv.writer(line).writerow([_written(cell) for cell in row])
        yield line.getvalue().encode(codec)


def _written(cell: Cell) -> str:
    if isinstance(cell, Fen):
        return yuan_number(cell.amount)
    return f"'{cell}" if cell[:1] in _FORMULA else cell


def yuan_number(amount: int) -> str:
    """Return fen as a plain decimal number of yuan: -104250 -> -1042.50."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"
