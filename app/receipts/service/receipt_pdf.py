"""The PDF of a receipt: what it says, in Chinese and English, and how anybody can check it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.clock import CITY_TIME
from app.core.papers.seal import SIGNED
from app.receipts.service.capitals import amount_in_capitals
from app.receipts.values import receipt_number

_HEADS = (
    ("序号", "No."),
    ("缴费项目", "Item"),
    ("收款单位", "Payee"),
    ("缴费单号", "Reference"),
    ("金额", "Amount"),
)
_HOW_TO_VERIFY = (
    "扫码或打开下列网址查验：valid 为 true，即由本平台开具、合计无误且仍有效。",
    "To verify, scan the code or open this address: valid is true while any of this total stands.",
)
_HOW_TO_VERIFY_RED = (
    "扫码或打开下列网址查验：status 为 red_letter，即由本平台开具、合计无误。",
    "To verify, scan the code or open this address: status is red_letter if this one is genuine.",
)
_TITLE = ("电子缴费凭证", "Payment receipt")
_RED_TITLE = ("电子缴费凭证（红字）", "Red letter: receipt taken back")
_YUAN = "CNY"


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """What a receipt shows: amounts in fen, `issued_at` aware, `sections` one for each item.

    With `original_number` it is a red letter to that receipt, and every amount is below zero.
    """

    series: str
    number: int
    code: str
    issued_at: datetime
    amount: int
    currency: str
    sections: Sequence[Mapping[str, Any]]
    verify_url: str
    original_number: str | None = None


def render_receipt(content: ReceiptPage) -> bytes:
    """Return the PDF of a receipt, A4; the same bytes whenever the content is the same.

    One receipt is drawn at a time in a process; the first waits until the font is read.
    """
    number = receipt_number(content.series, content.number)
    issued = _city_time(content.issued_at)
    is_red = content.original_number is not None
    originals = (
        [(("原凭证编号", "Receipt taken back"), content.original_number)]
        if content.original_number
        else []
    )
    return draw(
        title=_RED_TITLE if is_red else _TITLE,
        mark=number,
        moment=content.issued_at.astimezone(CITY_TIME),
        facts=(
            (("凭证编号", "Receipt number"), number),
            *originals,
            (("校验码", "Validity code"), content.code),
            (("开具时间（北京时间）", "Issued (China Standard Time)"), issued),
            (("项目数", "Number of items"), str(len(content.sections))),
        ),
        heads=_HEADS,
        rows=tuple(_row(number, section) for number, section in enumerate(content.sections, 1)),
        total=(("合计", "Total"), format_amount(content.amount, content.currency)),
        capitals=_capitals(content),
        how_to_verify=(_HOW_TO_VERIFY_RED if is_red else _HOW_TO_VERIFY, SIGNED),
        verify_url=content.verify_url,
    )


def draw(**parts: Any) -> bytes:  # noqa: ANN401 - the fields of a sheet, which is not imported yet
    """Draw a sheet of ours (`receipt_sheet.Sheet` by its fields) and return its PDF."""
    # Drawing costs a fifth of a second to import; only who prints a receipt pays it.
    from app.receipts.service.receipt_sheet import Sheet, draw_sheet  # noqa: PLC0415

    return draw_sheet(Sheet(**parts))


def format_amount(amount: int, currency: str) -> str:
    """Return an amount of fen as ¥1,042.50; another currency than CNY goes by its code."""
    minus = "-" if amount < 0 else ""
    sign = "¥" if currency.upper() == _YUAN else f"{currency.upper()} "
    yuan, fen = divmod(abs(amount), 100)
    return f"{minus}{sign}{yuan:,}.{fen:02d}"


def _capitals(content: ReceiptPage) -> tuple[tuple[str, str], str] | None:
    if content.currency.upper() != _YUAN:
        return None
    minus = "（负数）" if content.amount < 0 else ""
    return ("人民币大写", "In words"), minus + amount_in_capitals(abs(content.amount))


def _city_time(moment: datetime) -> str:
    return moment.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S")


def _row(number: int, section: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return a section's cells; the first line of a cell is large, the others are small."""
    title, service, payee = (section[k] for k in ("title", "service_title", "payee_title"))
    details = [section["reference"]]
    if section["biller_reference"]:
        details.append(f"回执 Biller ref. {section['biller_reference']}")
    if section["fulfilled_at"]:
        posted = _city_time(datetime.fromisoformat(section["fulfilled_at"]))
        details.append(f"入账 Posted {posted}")
    return (
        (str(number),),
        (title["zh"], title["en"], f"{service['zh']} {service['en']}"),
        (payee["zh"], payee["en"]),
        tuple(details),
        (format_amount(section["amount"], section["currency"]),),
    )
