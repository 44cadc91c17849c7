"""How a receipt is drawn: a heading, facts, a table, totals and a code to scan, on A4."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Any

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from app.receipts.service.pdf_font import FONT, drawable, load_font, press

Words = tuple[str, str]  # Chinese, English

_INK = HexColor("#1D2733")
_GREY = HexColor("#66727F")
_ACCENT = HexColor("#0F5C7A")
_RED = HexColor("#B3261E")
_TINT = HexColor("#EEF4F7")
_LINE = HexColor("#C9D4DB")

_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_COLUMNS = [11 * mm, 48 * mm, 40 * mm, 44 * mm, _WIDTH - 143 * mm]
_QR_SIZE = 30 * mm
_CJK = "\u2e80"  # where the Chinese characters begin

_BODY = ParagraphStyle("body", fontName=FONT, fontSize=9, leading=13, textColor=_INK)
_SMALL = ParagraphStyle("small", _BODY, fontSize=7, leading=9.5, textColor=_GREY)
_TITLE = ParagraphStyle("title", _BODY, fontSize=22, leading=30, alignment=TA_CENTER)
_SUBTITLE = ParagraphStyle("subtitle", _SMALL, fontSize=10.5, leading=15, alignment=TA_CENTER)
_MONEY = ParagraphStyle("money", _BODY, alignment=TA_RIGHT)
_MONEY_HEAD = ParagraphStyle("money-head", _SMALL, alignment=TA_RIGHT)
_TOTAL = ParagraphStyle("total", _MONEY, fontSize=14, leading=18, textColor=_ACCENT)
_TAKEN_BACK = ParagraphStyle("taken-back", _TOTAL, textColor=_RED)
_IN_WORDS = ParagraphStyle("in-words", _BODY, fontSize=11, leading=16)

# A table asks for a font of its own, even when it holds paragraphs only.
_CELLS = [("FONTNAME", (0, 0), (-1, -1), FONT), ("VALIGN", (0, 0), (-1, -1), "TOP")]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is drawn; the first line of each cell of `rows` is large, the others are small."""

    title: Words
    author: str
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
    with press:
        load_font()
        return _draw(sheet)


def _draw(sheet: Sheet) -> bytes:
    pdf = BytesIO()
    document = SimpleDocTemplate(
        pdf,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=16 * mm,
        bottomMargin=20 * mm,
        title=f"{sheet.title[0]} {sheet.title[1]} {sheet.mark}",
        author=sheet.author,
        creator=sheet.author,
        subject=sheet.mark,
        lang="zh-CN",
        initialFontName=FONT,
        invariant=1,
    )
    story = [*_heading(sheet), _table(sheet), KeepTogether([*_totals(sheet), *_proof(sheet)])]
    document.build(story, canvasmaker=lambda *a, **kw: _NumberedCanvas(sheet, *a, **kw))
    return pdf.getvalue()


class _NumberedCanvas(Canvas):  # type: ignore[misc] # the library is untyped
    """A canvas that says on each page which of how many it is, once all are known."""

    def __init__(self, sheet: Sheet, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self._mark = sheet.mark
        self._pages: list[dict[str, Any]] = []
        stamp = sheet.moment.strftime("D:%Y%m%d%H%M%S%z")
        self.setDateFormatter(lambda *_: f"{stamp[:-2]}'{stamp[-2:]}'")

    def showPage(self) -> None:  # noqa: N802 - the library's name
        """Keep the page until the last one is drawn."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write all pages with their numbers."""
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self._foot(number, len(self._pages))
            super().showPage()
        super().save()

    def _foot(self, number: int, pages: int) -> None:
        self.setStrokeColor(_LINE)
        self.setLineWidth(0.5)
        self.line(_MARGIN, 15 * mm, A4[0] - _MARGIN, 15 * mm)
        self.setFillColor(_GREY)
        self.setFont(FONT, 7)
        self.drawString(_MARGIN, 11 * mm, self._mark)
        label = f"第 {number} 页，共 {pages} 页  Page {number} of {pages}"
        self.drawRightString(A4[0] - _MARGIN, 11 * mm, label)


def _text(text: str, style: ParagraphStyle, link: str | None = None) -> Paragraph:
    """Return a paragraph of plain text: nothing in it is read as markup."""
    words = escape(drawable(text))
    if link is not None:
        words = f'<a href="{escape(link)}" color="#0F5C7A">{words}</a>'
    # Chinese may break anywhere, English between words (and inside one that is too long).
    wrap = "CJK" if any(character >= _CJK for character in text) else None
    return Paragraph(words, ParagraphStyle(style.name, style, wordWrap=wrap))


def _pair(words: Words, style: ParagraphStyle = _BODY, small: ParagraphStyle = _SMALL) -> list[Any]:
    return [_text(words[0], style), _text(words[1], small)]


def _heading(sheet: Sheet) -> list[Any]:
    cells = [[*_pair(label, _SMALL), _text(value, _BODY)] for label, value in sheet.facts]
    rows = [cells[at : at + 2] for at in range(0, len(cells), 2)]
    style = [
        *_CELLS,
        ("BACKGROUND", (0, 0), (-1, -1), _TINT),
        ("LINEABOVE", (0, 0), (-1, 0), 1.5, _ACCENT),
        ("LEFTPADDING", (0, 0), (-1, -1), 10),
        ("TOPPADDING", (0, 0), (-1, -1), 5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    ]
    return [
        *_pair(sheet.title, _TITLE, _SUBTITLE),
        Spacer(0, 7 * mm),
        Table(rows, colWidths=[_WIDTH / 2] * 2, style=style),
        Spacer(0, 6 * mm),
    ]


def _table(sheet: Sheet) -> Table:
    heads = [_pair(words) for words in sheet.heads[:-1]]
    heads.append(_pair(sheet.heads[-1], _MONEY, _MONEY_HEAD))
    style = [
        *_CELLS,
        ("LINEABOVE", (0, 0), (-1, 0), 0.8, _ACCENT),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, _ACCENT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, _LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    ]
    # A row moves to the next page whole, unless it is longer than a page.
    rows = [[_cell(lines, at) for at, lines in enumerate(row)] for row in sheet.rows]
    return Table([heads, *rows], _COLUMNS, style=style, repeatRows=1, splitInRow=1)


def _cell(lines: Sequence[str], column: int) -> list[Any]:
    main = _MONEY if column == len(_COLUMNS) - 1 else _BODY
    return [_text(lines[0], main), *(_text(line, _SMALL) for line in lines[1:])]


def _totals(sheet: Sheet) -> list[Any]:
    label, total = sheet.total
    words = sheet.capitals or (("", ""), "")
    style_of_total = _TAKEN_BACK if total.startswith("-") else _TOTAL
    row = [_pair(words[0]), _text(words[1], _IN_WORDS), _pair(label), _text(total, style_of_total)]
    widths = [24 * mm, _WIDTH - 92 * mm, 18 * mm, 50 * mm]
    style = [
        *_CELLS,
        ("BACKGROUND", (0, 0), (-1, -1), _TINT),
        ("LINEBELOW", (0, 0), (-1, -1), 1.5, _ACCENT),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ]
    return [Spacer(0, 2 * mm), Table([row], widths, style=style)]


def _proof(sheet: Sheet) -> list[Any]:
    words: list[Any] = [one for pair in sheet.how_to_verify for one in _pair(pair)]
    if sheet.verify_url is None:
        return [Spacer(0, 8 * mm), *words]
    link = _text(sheet.verify_url, _SMALL, link=sheet.verify_url)
    words += [Spacer(0, 2 * mm), link]
    widths = [_QR_SIZE + 6 * mm, _WIDTH - _QR_SIZE - 6 * mm]
    style = [
        *_CELLS,
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (0, 0), 0),
    ]
    return [Spacer(0, 8 * mm), Table([[_QrCode(sheet.verify_url), words]], widths, style=style)]


class _QrCode(Flowable):  # type: ignore[misc] # the library is untyped
    """A QR code drawn as one path, so that no seams show between its squares."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.width = self.height = _QR_SIZE
        self._matrix = segno.make_qr(text, error="m").matrix

    def draw(self) -> None:
        """Draw the dark squares, the first row on top."""
        side = _QR_SIZE / len(self._matrix)
        squares = self.canv.beginPath()
        for row, modules in enumerate(self._matrix, 1):
            for column, dark in enumerate(modules):
                if dark:
                    squares.rect(column * side, _QR_SIZE - row * side, side, side)
        self.canv.setFillColor(_INK)
        self.canv.drawPath(squares, stroke=0, fill=1)
