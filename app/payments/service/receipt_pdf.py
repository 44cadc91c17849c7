"""The PDF of a receipt: what it says, in Chinese and English, and how anybody can check it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.clock import CITY_TIME

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
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_GROUPS = ("亿", "万", "")
_CAPITALS_LIMIT = 10**14


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
    from app.payments.service.receipt_sheet import Sheet, draw_sheet  # noqa: PLC0415

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


def amount_in_capitals(amount: int) -> str:
    """Return an amount of fen as Chinese cheques write it: 4250 is 肆拾贰元伍角整.

    Zeros follow the bank rules for 票据: one 零 for a run of zeros inside; where the rules leave
    it free (before a full group of four digits, and before 角) none is written.
    `ValueError` below zero and from 10^12 yuan on.
    """
    if not 0 <= amount < _CAPITALS_LIMIT:
        raise ValueError(f"no capitals for {amount} fen")
    yuan, cents = divmod(amount, 100)
    jiao, fen = divmod(cents, 10)
    words = f"{_whole_capitals(yuan)}元" if yuan or not cents else ""
    if jiao:
        words += f"{_DIGITS[jiao]}角"
    elif fen and yuan:
        words += "零"
    return words + (f"{_DIGITS[fen]}分" if fen else "整")


def _whole_capitals(yuan: int) -> str:
    """Write whole yuan in groups of four digits: 亿, 万 and the rest."""
    words = ""
    skipped = False
    groups = (yuan // 10**8, yuan // 10**4 % 10**4, yuan % 10**4)
    for group, unit in zip(groups, _GROUPS, strict=True):
        if group:
            gap = words and (skipped or group < 1000)  # noqa: PLR2004 - the thousands are zero
            words += ("零" if gap else "") + _group_capitals(group) + unit
        skipped = not group
    return words or "零"


def _group_capitals(group: int) -> str:
    """Write one group of four digits without zeros at either end."""
    words = ""
    skipped = False
    for digit, place in zip(f"{group:04d}", _PLACES, strict=True):
        if digit != "0":
            words += ("零" if words and skipped else "") + _DIGITS[int(digit)] + place
        skipped = digit == "0"
    return words


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
