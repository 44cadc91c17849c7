"""The PDF of a receipt: what it says, in Chinese and English, and how anybody can check it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.clock import CITY_TIME
from app.receipts.service.capitals import amount_in_capitals

_HEADS = (
    ("序号", "No."),
    ("缴费项目", "Item"),
    ("收款单位", "Payee"),
    ("缴费单号", "Reference"),
    ("金额", "Amount"),
)
_HOW_TO_VERIFY = (
    "扫码或打开下列网址查验：结果为 true，即表明本凭证由本平台开具，且合计金额无误。",
    "To verify, scan the code or open this address: true means that we issued this very total.",
)
_YUAN = "CNY"


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """What a receipt shows: amounts in fen, `issued_at` aware, `sections` one for each item."""

    series: str
    number: int
    code: str
    issued_at: datetime
    amount: int
    currency: str
    sections: Sequence[Mapping[str, Any]]
    verify_url: str


def render_receipt(content: ReceiptPage) -> bytes:
    """Return the PDF of a receipt, A4; the same bytes whenever the content is the same.

    One receipt is drawn at a time in a process; the first waits until the font is read.
    """
    # Drawing costs a fifth of a second to import; only who prints a receipt pays it.
    from app.receipts.service.receipt_sheet import Sheet, draw_sheet  # noqa: PLC0415

    number = receipt_number(content.series, content.number)
    issued = _city_time(content.issued_at)
    return draw_sheet(
        Sheet(
            title=("电子缴费凭证", "Payment receipt"),
            author="i武当 Wudang",
            mark=number,
            moment=content.issued_at.astimezone(CITY_TIME),
            facts=(
                (("凭证编号", "Receipt number"), number),
                (("校验码", "Validity code"), content.code),
                (("开具时间（北京时间）", "Issued (China Standard Time)"), issued),
                (("项目数", "Number of items"), str(len(content.sections))),
            ),
            heads=_HEADS,
            rows=tuple(_row(number, section) for number, section in enumerate(content.sections, 1)),
            total=(("合计", "Total"), format_amount(content.amount, content.currency)),
            capitals=_capitals(content),
            how_to_verify=_HOW_TO_VERIFY,
            verify_url=content.verify_url,
        )
    )


def receipt_number(series: str, number: int) -> str:
    """Return a receipt's number as people read it: WD-2026-00000017."""
    return f"WD-{series}-{number:08d}"


def format_amount(amount: int, currency: str) -> str:
    """Return an amount of fen as ¥1,042.50; another currency than CNY goes by its code."""
    sign = "¥" if currency.upper() == _YUAN else f"{currency.upper()} "
    return f"{sign}{amount // 100:,}.{amount % 100:02d}"


def _capitals(content: ReceiptPage) -> tuple[tuple[str, str], str] | None:
    if content.currency.upper() != _YUAN:
        return None
    return ("人民币大写", "In words"), amount_in_capitals(content.amount)


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
