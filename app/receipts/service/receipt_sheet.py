"""How a receipt is drawn: a heading, facts, a table, totals and a code to scan, on A4."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer, Table

from app.core.papers.layout import (
    ACCENT,
    BODY,
    CELLS,
    LINE,
    RED,
    SMALL,
    TINT,
    WIDTH,
    Words,
    print_paper,
    set_heading,
    set_pair,
    set_proof,
    set_text,
)

_COLUMNS = [11 * mm, 48 * mm, 40 * mm, 44 * mm, WIDTH - 143 * mm]

_MONEY = ParagraphStyle("money", BODY, alignment=TA_RIGHT)
_MONEY_HEAD = ParagraphStyle("money-head", SMALL, alignment=TA_RIGHT)
_TOTAL = ParagraphStyle("total", _MONEY, fontSize=14, leading=18, textColor=ACCENT)
_TAKEN_BACK = ParagraphStyle("taken-back", _TOTAL, textColor=RED)
_IN_WORDS = ParagraphStyle("in-words", BODY, fontSize=11, leading=16)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is drawn; the first line of each cell of `rows` is large, the others are small."""

    title: Words
    mark: str
    moment: datetime
    facts: Sequence[tuple[Words, str]]
    heads: Sequence[Words]
    rows: Sequence[Sequence[Sequence[str]]]
    total: tuple[Words, str]
    capitals: tuple[Words, str] | None
    how_to_verify: Sequence[Words]
    verify_url: str | None


def draw_sheet(sheet: Sheet) -> bytes:
    """Return the PDF of a sheet, with as many pages as it needs; dated `moment`, to the byte."""
    return print_paper(sheet.title, sheet.mark, sheet.moment, lambda: _story(sheet))


def _story(sheet: Sheet) -> list[Any]:
    proof = set_proof(sheet.how_to_verify, sheet.verify_url)
    return [
        *set_heading(sheet.title, sheet.facts),
        _table(sheet),
        KeepTogether([*_totals(sheet), *proof]),
    ]


def _table(sheet: Sheet) -> Table:
    heads = [set_pair(words) for words in sheet.heads[:-1]]
    heads.append(set_pair(sheet.heads[-1], _MONEY, _MONEY_HEAD))
    style = [
        *CELLS,
        ("LINEABOVE", (0, 0), (-1, 0), 0.8, ACCENT),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, ACCENT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    ]
    # A row moves to the next page whole, unless it is longer than a page.
    rows = [[_cell(lines, at) for at, lines in enumerate(row)] for row in sheet.rows]
    return Table([heads, *rows], _COLUMNS, style=style, repeatRows=1, splitInRow=1)


def _cell(lines: Sequence[str], column: int) -> list[Any]:
    main = _MONEY if column == len(_COLUMNS) - 1 else BODY
    return [set_text(lines[0], main), *(set_text(line, SMALL) for line in lines[1:])]


def _totals(sheet: Sheet) -> list[Any]:
    label, total = sheet.total
    words = sheet.capitals or (("", ""), "")
    style_of_total = _TAKEN_BACK if total.startswith("-") else _TOTAL
    row = [
        set_pair(words[0]),
        set_text(words[1], _IN_WORDS),
        set_pair(label),
        set_text(total, style_of_total),
    ]
    widths = [24 * mm, WIDTH - 92 * mm, 18 * mm, 50 * mm]
    style = [
        *CELLS,
        ("BACKGROUND", (0, 0), (-1, -1), TINT),
        ("LINEBELOW", (0, 0), (-1, -1), 1.5, ACCENT),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ]
    return [Spacer(0, 2 * mm), Table([row], widths, style=style)]
