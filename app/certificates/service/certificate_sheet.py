"""How a certificate is drawn: who certifies what of whom, a seal, and a code to scan, on A4."""

from math import cos, pi, sin
from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from app.certificates.values import CertificateView
from app.core.clock import CITY_TIME
from app.core.papers.layout import (
    BODY,
    CELLS,
    LINE,
    RED,
    SMALL,
    WIDTH,
    Words,
    print_paper,
    set_heading,
    set_pair,
    set_proof,
    set_text,
)
from app.core.papers.pdf_font import FONT, drawable
from app.core.papers.seal import SIGNED

_LABELS = 46 * mm
_SEAL = 36 * mm
_VALUE = ParagraphStyle("value", BODY, fontSize=11, leading=16)
_HOW_TO_VERIFY = (
    "扫码或打开下列网址查验：valid 为 true，即由签发机关签发且现行有效。",
    "To verify, scan the code or open this address: valid is true while it is in force.",
)


def draw_certificate(view: CertificateView, identifier: str, verify_url: str) -> bytes:
    """Return the PDF of a certificate; dated the moment of its issue, to the byte."""
    issued = view.issued_at.astimezone(CITY_TIME)
    title = (view.title["zh"], view.title["en"])

    def story() -> list[Any]:
        until = view.valid_until.isoformat() if view.valid_until else "长期 Without end"
        facts = (
            (("证照编号", "Number"), view.number),
            (("校验码", "Check code"), view.code),
            (
                ("签发时间（北京时间）", "Issued (China Standard Time)"),
                f"{issued:%Y-%m-%d %H:%M:%S}",
            ),
            (("有效期至", "Valid until"), until),
        )
        marked = [(("电子证照标识", "Identifier"), identifier)]
        said = [*_rows(view), *marked]
        proof = set_proof((_HOW_TO_VERIFY, SIGNED), verify_url)
        return [
            *set_heading(title, facts),
            _table(said),
            KeepTogether([Spacer(0, 6 * mm), _signature(view), *proof]),
        ]

    return print_paper(title, view.number, issued, story)


def _rows(view: CertificateView) -> list[tuple[Words, str]]:
    fields = view.fields or {}
    return [((f["title"]["zh"], f["title"]["en"]), fields[f["id"]]) for f in view.form]


def _table(rows: list[tuple[Words, str]]) -> Table:
    style = [
        *CELLS,
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
    ]
    cells = [[set_pair(words), set_text(value, _VALUE)] for words, value in rows]
    return Table(cells, [_LABELS, WIDTH - _LABELS], style=style, splitInRow=1)


def _signature(view: CertificateView) -> Table:
    name = view.issuer_title
    words = [
        *set_pair(("签发机关", "Issued by"), SMALL),
        *set_pair((name["zh"], name["en"]), _VALUE),
    ]
    widths = [WIDTH - _SEAL - 10 * mm, _SEAL + 10 * mm]
    style = [*CELLS, ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    return Table([[words, _Seal(name["zh"])]], widths, style=style)


class _Seal(Flowable):  # type: ignore[misc] # the library is untyped
    """A round red seal with a star, and its owner's name along the rim, as seals have it here."""

    def __init__(self, owner: str) -> None:
        super().__init__()
        self.width = self.height = _SEAL
        self._owner = drawable(owner)

    def draw(self) -> None:
        """Draw the rim, the star and the name."""
        canvas, middle = self.canv, _SEAL / 2
        canvas.setStrokeColor(RED)
        canvas.setFillColor(RED)
        canvas.setLineWidth(1.4)
        canvas.circle(middle, middle, middle - 1, stroke=1, fill=0)
        canvas.drawPath(self._star(middle, middle * 0.28), stroke=0, fill=1)
        size = min(11.0, 200 / max(len(self._owner), 1))
        canvas.setFont(FONT, size)
        step = min(0.5, 4.4 / max(len(self._owner), 1))
        for place, character in enumerate(self._owner):
            angle = (len(self._owner) - 1) / 2 * step - place * step
            canvas.saveState()
            canvas.translate(middle, middle)
            canvas.rotate(angle * 180 / pi)
            canvas.drawCentredString(0, middle - 4 - size, character)
            canvas.restoreState()

    def _star(self, middle: float, radius: float) -> Any:  # noqa: ANN401 - a path of the library's
        path = self.canv.beginPath()
        for corner in range(5):
            angle = pi / 2 + corner * 4 * pi / 5
            place = (middle + radius * cos(angle), middle + radius * sin(angle))
            (path.moveTo if corner == 0 else path.lineTo)(*place)
        path.close()
        return path
