"""How papers are laid out: a heading with facts, a code to scan, numbered pages of A4."""

from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Any

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from app.core.papers.pdf_font import FONT, drawable, load_font, press

Words = tuple[str, str]  # Chinese, English

INK = HexColor("#1D2733")
GREY = HexColor("#66727F")
ACCENT = HexColor("#0F5C7A")
RED = HexColor("#B3261E")
TINT = HexColor("#EEF4F7")
LINE = HexColor("#C9D4DB")

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
_QR_SIZE = 30 * mm
_CJK = "\u2e80"  # where the Chinese characters begin
_AUTHOR = "i武当 Wudang"

BODY = ParagraphStyle("body", fontName=FONT, fontSize=9, leading=13, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=7, leading=9.5, textColor=GREY)
_TITLE = ParagraphStyle("title", BODY, fontSize=22, leading=30, alignment=TA_CENTER)
_SUBTITLE = ParagraphStyle("subtitle", SMALL, fontSize=10.5, leading=15, alignment=TA_CENTER)

# A table asks for a font of its own, even when it holds paragraphs only.
CELLS = [("FONTNAME", (0, 0), (-1, -1), FONT), ("VALIGN", (0, 0), (-1, -1), "TOP")]


def print_paper(
    title: Words, mark: str, moment: datetime, make_story: Callable[[], list[Any]]
) -> bytes:
    """Return a PDF with as many pages as the story needs; dated `moment`, to the byte.

    `mark` stands at the foot of each page. One paper is drawn at a time in a process; the first
    waits until the font is read.
    """
    with press:
        load_font()
        pdf = BytesIO()
        document = SimpleDocTemplate(
            pdf,
            pagesize=A4,
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=16 * mm,
            bottomMargin=20 * mm,
            title=f"{title[0]} {title[1]} {mark}",
            author=_AUTHOR,
            creator=_AUTHOR,
            subject=mark,
            lang="zh-CN",
            initialFontName=FONT,
            invariant=1,
        )
        document.build(
            make_story(), canvasmaker=lambda *a, **kw: _NumberedCanvas(mark, moment, *a, **kw)
        )
        return pdf.getvalue()


class _NumberedCanvas(Canvas):  # type: ignore[misc] # the library is untyped
    """A canvas that says on each page which of how many it is, once all are known."""

    def __init__(self, mark: str, moment: datetime, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self._mark = mark
        self._pages: list[dict[str, Any]] = []
        stamp = moment.strftime("D:%Y%m%d%H%M%S%z")
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
        self.setStrokeColor(LINE)
        self.setLineWidth(0.5)
        self.line(MARGIN, 15 * mm, A4[0] - MARGIN, 15 * mm)
        self.setFillColor(GREY)
        self.setFont(FONT, 7)
        self.drawString(MARGIN, 11 * mm, self._mark)
        label = f"第 {number} 页，共 {pages} 页  Page {number} of {pages}"
        self.drawRightString(A4[0] - MARGIN, 11 * mm, label)


def set_text(text: str, style: ParagraphStyle, link: str | None = None) -> Paragraph:
    """Return a paragraph of plain text: nothing in it is read as markup."""
    words = escape(drawable(text))
    if link is not None:
        words = f'<a href="{escape(link)}" color="#0F5C7A">{words}</a>'
    # Chinese may break anywhere, English between words (and inside one that is too long).
    wrap = "CJK" if any(character >= _CJK for character in text) else None
    return Paragraph(words, ParagraphStyle(style.name, style, wordWrap=wrap))


def set_pair(
    words: Words, style: ParagraphStyle = BODY, small: ParagraphStyle = SMALL
) -> list[Any]:
    """Return words in Chinese, with the English below them."""
    return [set_text(words[0], style), set_text(words[1], small)]


def set_heading(title: Words, facts: Sequence[tuple[Words, str]]) -> list[Any]:
    """Return a title, and below it facts by two in a row."""
    cells = [[*set_pair(label, SMALL), set_text(value, BODY)] for label, value in facts]
    rows = [cells[at : at + 2] for at in range(0, len(cells), 2)]
    style = [
        *CELLS,
        ("BACKGROUND", (0, 0), (-1, -1), TINT),
        ("LINEABOVE", (0, 0), (-1, 0), 1.5, ACCENT),
        ("LEFTPADDING", (0, 0), (-1, -1), 10),
        ("TOPPADDING", (0, 0), (-1, -1), 5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    ]
    return [
        *set_pair(title, _TITLE, _SUBTITLE),
        Spacer(0, 7 * mm),
        Table(rows, colWidths=[WIDTH / 2] * 2, style=style),
        Spacer(0, 6 * mm),
    ]


def set_proof(how_to_verify: Sequence[Words], verify_url: str | None) -> list[Any]:
    """Return how a paper is verified, with the code that leads there if there is an address."""
    words: list[Any] = [one for pair in how_to_verify for one in set_pair(pair)]
    if verify_url is None:
        return [Spacer(0, 8 * mm), *words]
    link = set_text(verify_url, SMALL, link=verify_url)
    words += [Spacer(0, 2 * mm), link]
    widths = [_QR_SIZE + 6 * mm, WIDTH - _QR_SIZE - 6 * mm]
    style = [
        *CELLS,
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (0, 0), 0),
    ]
    return [Spacer(0, 8 * mm), Table([[_QrCode(verify_url), words]], widths, style=style)]


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
        self.canv.setFillColor(INK)
        self.canv.drawPath(squares, stroke=0, fill=1)
