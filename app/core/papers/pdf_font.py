"""The font of our PDFs, Noto Sans SC: its outlines are made embeddable one character at a time."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from io import BytesIO
from threading import Lock
from typing import Any

from fontTools import ttLib
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._g_l_y_f import Glyph
from pylopdf_fonts_zh_cn import sans_path
from reportlab.pdfbase import pdfmetrics, ttfonts

FONT = "NotoSansSC-Regular"
press = Lock()
"""Held by whoever draws: a font's object may draw one document at a time, and is loaded once."""

_NAMES = {"familyName": "Noto Sans SC", "styleName": "Regular", "psName": FONT}
_NOTDEF = ".notdef"
_CURVE_ERROR = 0.5  # of 1000 units to the em: far below what a printer shows
_REPLACEMENT = "□"


@cache
def load_font() -> ttfonts.TTFont:
    """Register `FONT` with reportlab and return it; takes half a second, once in a process.

    Not thread-safe, nor is drawing with the font: the caller holds a lock.
    """
    source = ttLib.TTFont(sans_path(), lazy=True)
    characters = source.getBestCmap()
    # reportlab embeds quadratic outlines only and the font's are cubic. Converting all 30,000
    # takes seconds, so it is given widths without outlines and those that a document uses later.
    font = ttfonts.TTFont(FONT, BytesIO(_quadratic(source, characters, drawn=False)))

    def embed(subset: list[int]) -> Any:  # noqa: ANN401 - bytes, says an untyped library
        used = {code: characters[code] for code in subset if code in characters}
        outlines = BytesIO(_quadratic(source, used, drawn=True))
        return ttfonts.TTFontFile(outlines).makeSubset(subset)

    font.face.makeSubset = embed
    pdfmetrics.registerFont(font)
    ttfonts.makeToUnicodeCMap = _unicode_map
    return font


def drawable(text: str) -> str:
    """Return a text with a box in place of each character that the font does not have."""
    known = load_font().face.charToGlyph
    return "".join(" " if c.isspace() else c if ord(c) in known else _REPLACEMENT for c in text)


def _quadratic(source: ttLib.TTFont, characters: Mapping[int, str], *, drawn: bool) -> bytes:
    """Return a TrueType font of some characters; the same bytes for the same characters."""
    names = [_NOTDEF, *sorted(set(characters.values()) - {_NOTDEF})]
    outlines = _outlines(source, names) if drawn else {name: Glyph() for name in names}
    widths = source["hmtx"].metrics
    metrics = source["OS/2"]
    head = source["head"]
    builder = FontBuilder(head.unitsPerEm, isTTF=True)
    # Else it carries the second in which it was made, and no two receipts are the same.
    builder.updateHead(created=head.created, modified=head.modified)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(dict(characters))
    builder.setupGlyf(outlines)
    builder.setupHorizontalMetrics(
        {name: (widths[name][0], getattr(outlines[name], "xMin", 0)) for name in names}
    )
    builder.setupHorizontalHeader(ascent=metrics.sTypoAscender, descent=metrics.sTypoDescender)
    builder.setupNameTable(_NAMES)
    builder.setupOS2(
        sTypoAscender=metrics.sTypoAscender,
        sTypoDescender=metrics.sTypoDescender,
        sCapHeight=metrics.sCapHeight,
    )
    builder.setupPost(keepGlyphNames=False)
    font = BytesIO()
    builder.save(font)
    return font.getvalue()


def _outlines(source: ttLib.TTFont, names: Iterable[str]) -> dict[str, Glyph]:
    glyphs = source.getGlyphSet()
    outlines = {}
    for name in names:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, _CURVE_ERROR, reverse_direction=True))
        outlines[name] = pen.glyph()
    return outlines


_plain_unicode_map = ttfonts.makeToUnicodeCMap


def _unicode_map(fontname: str, subset: list[int]) -> str:
    """Write rare characters as the pair of UTF-16 that PDF wants: reportlab writes five digits.

    Without it 𬱖 prints well but cannot be searched or copied.
    """
    return re.sub(
        r"<([0-9A-F]{5,6})>$",
        lambda match: f"<{chr(int(match[1], 16)).encode('utf-16-be').hex().upper()}>",
        _plain_unicode_map(fontname, subset),
        flags=re.MULTILINE,
    )
