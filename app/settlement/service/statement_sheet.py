"""How a statement is drawn: a heading and one line for each row, on as many pages as it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from app.core.papers.layout import GREY, INK, LINE
from app.core.papers.pdf_font import FONT, drawable, load_font, press

_WIDTH, _HEIGHT = map(float, landscape(A4))
_MARGIN, _ROW = float(14 * mm), float(5.6 * mm)
_COLUMNS = tuple(w * mm for w in (27, 92, 25, 22, 25, 28, 25, 25))
_FIRST_AMOUNT = 2
_SIZE, _SMALL = 8, 6.5
_DOTS = "…"


@dataclass(frozen=True, slots=True)
class Grid:
    """What is drawn; from the third on, the cells of a row are amounts."""

    title: tuple[str, str]
    mark: str
    moment: datetime
    facts: Sequence[str]
    heads: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]


def draw_grid(grid: Grid) -> bytes:
    """Return the PDF of a grid, dated `moment`, to the byte."""
    with press:
        load_font()
        return _draw(grid)


def _draw(grid: Grid) -> bytes:
    pdf = BytesIO()
    canvas = Canvas(pdf, pagesize=(_WIDTH, _HEIGHT), invariant=1, lang="zh-CN")
    stamp = grid.moment.strftime("D:%Y%m%d%H%M%S%z")
    canvas.setDateFormatter(lambda *_: f"{stamp[:-2]}'{stamp[-2:]}'")
    canvas.setTitle(f"{grid.title[0]} {grid.title[1]} {grid.mark}")
    canvas.setAuthor("i武当 Wudang")
    page, top = 1, _heading(canvas, grid)
    top = _table_heads(canvas, grid, top)
    for row in grid.rows:
        if top < _MARGIN + 2 * _ROW:
            _foot(canvas, grid, page)
            canvas.showPage()
            page, top = page + 1, _table_heads(canvas, grid, _HEIGHT - _MARGIN)
        _cells(canvas, row, top, _SIZE)
        canvas.line(_MARGIN, top - 1.6 * mm, _WIDTH - _MARGIN, top - 1.6 * mm)
        top -= _ROW
    _foot(canvas, grid, page)
    canvas.showPage()
    canvas.save()
    return pdf.getvalue()


def _heading(canvas: Canvas, grid: Grid) -> float:
    top = _HEIGHT - _MARGIN - 4 * mm
    canvas.setFillColor(INK)
    canvas.setFont(FONT, 16)
    canvas.drawString(_MARGIN, top, drawable(" ".join(grid.title)))
    canvas.setFont(FONT, 9)
    for fact in grid.facts:
        top -= 5.5 * mm
        canvas.drawString(_MARGIN, top, drawable(fact))
    return float(top - 8 * mm)


def _table_heads(canvas: Canvas, grid: Grid, top: float) -> float:
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.4)
    canvas.setFillColor(GREY)
    _cells(canvas, [zh for zh, _ in grid.heads], top, _SIZE)
    _cells(canvas, [en for _, en in grid.heads], top - 3.4 * mm, _SMALL)
    canvas.line(_MARGIN, top - 5 * mm, _WIDTH - _MARGIN, top - 5 * mm)
    canvas.setFillColor(INK)
    return float(top - 5 * mm - _ROW)


def _cells(canvas: Canvas, cells: Sequence[str], top: float, size: float) -> None:
    canvas.setFont(FONT, size)
    left = _MARGIN
    for column, (cell, width) in enumerate(zip(cells, _COLUMNS, strict=True)):
        if column >= _FIRST_AMOUNT:
            canvas.drawRightString(left + width, top, drawable(cell))
        else:
            canvas.drawString(left, top, _fitting(drawable(cell), width - 2 * mm, size))
        left += width


def _fitting(text: str, width: float, size: float) -> str:
    """Return as much of a text as a column has room for."""
    if stringWidth(text, FONT, size) <= width:
        return text
    while text and stringWidth(text + _DOTS, FONT, size) > width:
        text = text[:-1]
    return text + _DOTS


def _foot(canvas: Canvas, grid: Grid, page: int) -> None:
    canvas.setFillColor(GREY)
    canvas.setFont(FONT, _SMALL)
    canvas.drawString(_MARGIN, 8 * mm, drawable(grid.mark))
    canvas.drawRightString(_WIDTH - _MARGIN, 8 * mm, f"第 {page} 页  Page {page}")
