"""What a printed receipt says, that it prints everything itself, and that it never changes."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
import segno
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream, DictionaryObject

from app.receipts.service.receipt_pdf import (
    ReceiptPage,
    format_amount,
    render_receipt,
)
from app.receipts.values import receipt_number

CODE = "k3v5x7q2m4n6p8r3t5w7y2z4"
URL = f"https://wudang.example/v1/receipts/{CODE}/validity?amount=4250"
HOW_TO_VERIFY = (
    "扫码或打开下列网址查验：valid 为 true，即由本平台开具、合计无误且仍有效。",
    "To verify, scan the code or open this address: valid is true while any of this total stands.",
    "本文件已加盖数字签章，改动即失效。",
    "This file is digitally signed: any change breaks the signature.",
)
LONG = "很长的标题"
PAGE_WIDTH = 595.28
MARGIN = 51.02


def section(**changes: object) -> dict[str, Any]:
    return {
        "service_title": {"zh": "水费", "en": "Water bill"},
        "payee_title": {"zh": "十堰市水务集团有限公司", "en": "Shiyan Water Group Co., Ltd."},
        "title": {"zh": "2026年10月水费", "en": "Water, October 2026"},
        "reference": "WB-202610-000001",
        "amount": 4250,
        "currency": "CNY",
        "biller_reference": "SY0000000001",
        "fulfilled_at": "2026-11-21T16:30:05.123456+00:00",
        **changes,
    }


def receipt(*sections: dict[str, Any], **changes: object) -> ReceiptPage:
    page = ReceiptPage(
        series="2026",
        number=17,
        code=CODE,
        issued_at=datetime(2026, 11, 21, 16, 30, 6, 987654, tzinfo=UTC),
        amount=sum(one["amount"] for one in sections),
        currency="CNY",
        sections=sections,
        verify_url=URL,
    )
    return replace(page, **changes)


def read(content: ReceiptPage) -> PdfReader:
    return PdfReader(BytesIO(render_receipt(content)), strict=True)


def lines(page: PageObject) -> list[str]:
    return [line.strip() for line in page.extract_text().splitlines() if line.strip()]


def runs(page: PageObject) -> list[tuple[str, float, float]]:
    """Return each line drawn with its left and right edge; Chinese is one em wide."""
    found = []

    def keep(text: str, cm: list[float], tm: list[float], _font: object, size: float) -> None:
        if text.strip():
            left = cm[4] + tm[4]
            ems = sum(1 for c in text.strip() if c >= "\u2e80")
            found.append((text.strip(), left, left + ems * size))

    page.extract_text(visitor_text=keep)
    return found


def is_part_of_long(text: str) -> bool:
    return set(text) <= set(LONG)


def fonts(pdf: PdfReader) -> list[DictionaryObject]:
    objects = [pdf.get_object(number) for number in range(1, int(pdf.trailer["/Size"]))]
    return [o for o in objects if isinstance(o, DictionaryObject) and o.get("/Type") == "/Font"]


def test_a_receipt_says_everything_in_chinese_and_english() -> None:
    pdf = read(receipt(section()))
    assert [lines(page) for page in pdf.pages] == [
        [
            *("电子缴费凭证", "Payment receipt"),
            *("凭证编号", "Receipt number", "WD-2026-00000017"),
            *("校验码", "Validity code", CODE),
            *("开具时间（北京时间）", "Issued (China Standard Time)", "2026-11-22 00:30:06"),
            *("项目数", "Number of items", "1"),
            *("序号", "No.", "缴费项目", "Item", "收款单位", "Payee"),
            *("缴费单号", "Reference", "金额", "Amount"),
            *("1", "2026年10月水费", "Water, October 2026", "水费 Water bill"),
            *("十堰市水务集团有限公司", "Shiyan Water Group Co., Ltd."),
            *("WB-202610-000001", "回执 Biller ref. SY0000000001"),
            *("入账 Posted 2026-11-22 00:30:05", "¥42.50"),
            *("人民币大写", "In words", "肆拾贰元伍角整", "合计", "Total", "¥42.50"),
            *HOW_TO_VERIFY,
            URL,
            *("WD-2026-00000017", "第 1 页，共 1 页  Page 1 of 1"),
        ]
    ]


def test_a_receipt_is_a4_and_says_what_it_is_to_the_machine_too() -> None:
    pdf = read(receipt(section()))
    assert pdf.metadata is not None
    assert pdf.metadata.title == "电子缴费凭证 Payment receipt WD-2026-00000017"
    assert pdf.metadata.author == "i武当 Wudang"
    assert pdf.metadata["/CreationDate"] == "D:20261122003006+08'00'"
    assert pdf.trailer["/Root"]["/Lang"] == "zh-CN"
    assert [round(float(side)) for side in pdf.pages[0].mediabox[2:]] == [595, 842]
    (link,) = (note.get_object() for note in pdf.pages[0]["/Annots"])
    assert link["/A"]["/URI"] == URL


@pytest.mark.parametrize("count", [1, 20])
def test_every_font_is_embedded_and_open(count: int) -> None:
    used = fonts(read(receipt(*[section()] * count)))
    assert [font["/BaseFont"] for font in used] == ["/AAAAAA+NotoSansSC-Regular"]
    assert all(font["/FontDescriptor"]["/FontFile2"].get_data() for font in used)


def test_more_characters_than_one_font_of_a_pdf_holds_are_embedded_too() -> None:
    title = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))
    pdf = read(receipt(section(title={"zh": title, "en": "Many"})))
    used = fonts(pdf)
    assert [font["/BaseFont"] for font in used] == [
        f"/AAAAA{letter}+NotoSansSC-Regular" for letter in "ABC"
    ]
    assert all(font["/FontDescriptor"]["/FontFile2"].get_data() for font in used)
    page = pdf.pages[0]
    assert title in "".join(lines(page))


def test_the_code_to_scan_holds_the_address() -> None:
    page = read(receipt(section())).pages[0]
    content = ContentStream(page.get_contents(), page.pdf)
    boxes = [[float(n) for n in args] for args, op in content.operations if op == b"re"]
    dark = [(x, y) for x, y, width, height in boxes if width == height]
    (side,) = {width for _, _, width, height in boxes if width == height}
    top = max(y for _, y in dark)
    expected = segno.make_qr(URL, error="m").matrix
    size = len(expected)
    drawn = {(round((top - y) / side), round(x / side)) for x, y in dark}
    assert drawn == {(r, c) for r in range(size) for c in range(size) if expected[r][c]}


def test_twenty_sections_take_two_pages_and_one_total() -> None:
    sections = [section(reference=f"WB-{number:02d}", amount=number) for number in range(1, 21)]
    pages = [lines(page) for page in read(receipt(*sections)).pages]
    assert [page[-1] for page in pages] == [
        "第 1 页，共 2 页  Page 1 of 2",
        "第 2 页，共 2 页  Page 2 of 2",
    ]
    assert all("缴费项目" in page and "WD-2026-00000017" in page for page in pages)
    words = pages[0] + pages[1]
    assert [w for w in words if w.startswith("WB-")] == [s["reference"] for s in sections]
    money = [word for word in words if word.startswith("¥")]
    assert money == [f"¥0.{fen:02d}" for fen in range(1, 21)] + ["¥2.10"]
    assert words.count("合计") == 1
    assert "贰元壹角整" in words


def test_what_is_not_known_yet_is_left_out() -> None:
    (page,) = read(receipt(section(biller_reference=None, fulfilled_at=None))).pages
    words = lines(page)
    assert words[words.index("WB-202610-000001") + 1] == "¥42.50"


def test_another_currency_goes_by_its_code_and_has_no_capitals() -> None:
    (page,) = read(receipt(section(currency="usd"), currency="usd")).pages
    words = lines(page)
    assert words.count("USD 42.50") == 2
    assert "人民币大写" not in words


def test_the_largest_amounts_stay_on_one_line() -> None:
    sections = [section(amount=10**10)] * 19 + [section(amount=10**10 - 1)]
    words = lines(read(receipt(*sections)).pages[-1])
    assert "壹拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分" in "".join(words)
    assert "¥99,999,999.99" in words
    assert words[words.index("合计") + 2] == "¥1,999,999,999.99"


def test_rare_characters_are_drawn_and_can_be_copied() -> None:
    (page,) = read(receipt(section(title={"zh": "𬱖㛃的水费", "en": "𬱖"}))).pages
    assert {"𬱖㛃的水费", "𬱖"} <= set(lines(page))


def test_a_character_that_no_font_has_becomes_a_box() -> None:
    title = {"zh": "水\x00\u202e😀\U000e0001\udc80\n\u3000费", "en": "\ufffe"}
    (page,) = read(receipt(section(title=title))).pages
    assert {"水□□□□□ 费", "□"} <= set(lines(page))


@pytest.mark.parametrize(
    "text",
    ["<b>水费</b>&amp;", '<a href="x">&lt;', "]]><!--", "<para>", "&#60;&nosuch;", "\"'%s{}\\n()"],
)
def test_nothing_in_a_title_is_read_as_markup(text: str) -> None:
    hostile = {"zh": text, "en": text}
    content = receipt(section(title=hostile, reference=text, biller_reference=text), code=text)
    (page,) = read(content).pages
    words = lines(page)
    assert words.count(text) == 4
    assert f"回执 Biller ref. {text}" in words


def test_long_texts_are_wrapped_within_their_column() -> None:
    long = LONG * 8
    word = "Donaudampfschifffahrt" * 8
    titles = {"zh": long, "en": word}
    content = receipt(section(title=titles, payee_title=titles, reference=word), verify_url=word)
    (page,) = read(content).pages
    assert all(left >= MARGIN and right <= PAGE_WIDTH - MARGIN for _, left, right in runs(page))
    chinese = [run for run in runs(page) if is_part_of_long(run[0])]
    items = [run for run in chinese if run[1] < 200]
    assert "".join(text for text, _, _ in items) == long
    payee_at = min(left for _, left, _ in chinese if left > 200)
    assert max(right for _, _, right in items) < payee_at
    text = "".join(lines(page))
    assert text.count(word) == 4


def test_a_row_longer_than_a_page_goes_on_overleaf() -> None:
    title = LONG * 500
    pages = read(receipt(section(title={"zh": title, "en": "Long"}), section())).pages
    assert len(pages) > 2
    parts = [line for page in pages for line in lines(page) if is_part_of_long(line)]
    assert "".join(parts) == title
    assert "捌拾伍元整" in lines(pages[-1])


def test_the_same_receipt_is_the_same_file_whatever_was_printed_before() -> None:
    first = render_receipt(receipt(section()))
    other = render_receipt(receipt(section(title={"zh": "燃气费", "en": "Gas"})))
    assert other != first
    assert render_receipt(receipt(section())) == first


def test_receipts_printed_at_the_same_time_do_not_mix() -> None:
    contents = [receipt(section(title={"zh": zh, "en": zh})) for zh in ("水", "电", "气", "暖")]
    alone = [render_receipt(content) for content in contents]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(render_receipt, contents * 3)) == alone * 3


def test_another_process_prints_the_same_file_and_loads_nothing_before() -> None:
    program = (
        "import hashlib, sys, app.receipts.service.receipt_pdf;"
        "print({'reportlab', 'fontTools', 'PIL', 'segno'} & set(sys.modules));"
        "from tests.receipts import test_receipt_pdf as t;"
        "print(hashlib.sha256(t.render_receipt(t.receipt(t.section()))).hexdigest())"
    )
    answer = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
    )
    here = hashlib.sha256(render_receipt(receipt(section()))).hexdigest()
    assert answer.stdout.split("\n") == ["set()", here, ""]


def test_numbers_and_amounts_as_people_read_them() -> None:
    assert receipt_number("2026", 17) == "WD-2026-00000017"
    assert receipt_number("2026", 123456789) == "WD-2026-123456789"
    assert format_amount(0, "CNY") == "¥0.00"
    assert format_amount(5, "cny") == "¥0.05"
    assert format_amount(123456789, "CNY") == "¥1,234,567.89"
    assert format_amount(4250, "eur") == "EUR 42.50"
    assert format_amount(-1550, "CNY") == "-¥15.50"


def test_a_red_letter_says_so_and_what_it_takes_back() -> None:
    red = receipt(section(amount=-1550), series="2026R", original_number="WD-2026-00000017")
    seen = lines(read(red).pages[0])
    assert seen[:4] == [
        *("电子缴费凭证（红字）", "Red letter: receipt taken back"),
        *("凭证编号", "Receipt number"),
    ]
    assert seen[4:8] == [
        "WD-2026R-00000017",
        "原凭证编号",
        "Receipt taken back",
        "WD-2026-00000017",
    ]
    assert "（负数）壹拾伍元伍角整" in seen
    assert seen.count("-¥15.50") == 2
