"""The PDF of a year's summary: what was paid by kind, service and payee, less what came back."""

from app.core.clock import CITY_TIME
from app.core.papers.seal import SIGNED
from app.receipts.service.capitals import amount_in_capitals
from app.receipts.service.receipt_pdf import draw, format_amount
from app.receipts.values import YearSummary, YearTotal

_HEADS = (
    ("序号", "No."),
    ("项目", "What for"),
    ("分类方式", "Grouped by"),
    ("凭证", "Receipts"),
    ("净额", "Net amount"),
)
_GROUPS = (
    ("by_category", ("按类别", "Category")),
    ("by_service", ("按服务", "Service")),
    ("by_payee", ("按收款单位", "Payee")),
)
_WHAT_IT_IS = (
    "本汇总按开具年度（北京时间）统计，红字凭证已冲减；同一金额在各分类方式下各列一次。",
    "Receipts of the year (China Standard Time) less red letters; each grouping counts all once.",
)


def render_summary(summary: YearSummary) -> bytes:
    """Return the PDF of a summary, A4; the same bytes whenever the content is the same."""
    moment = summary.as_of.astimezone(CITY_TIME)
    total = summary.total
    rows: list[tuple[tuple[str, ...], ...]] = []
    for field, group in _GROUPS:
        for one in getattr(summary, field):
            rows.append(_row(len(rows) + 1, group, one, summary.currency))
    minus = "（负数）" if total.amount < 0 else ""
    return draw(
        title=("年度缴费汇总", "Yearly summary of payments"),
        mark=f"i武当 {summary.year}",
        moment=moment,
        facts=(
            (("年度", "Year"), str(summary.year)),
            (
                ("统计时间（北京时间）", "As of (China Standard Time)"),
                f"{moment:%Y-%m-%d %H:%M:%S}",
            ),
            (("凭证数", "Receipts"), str(total.receipts)),
            (("红字凭证数", "Red letters"), str(total.red_letters)),
            (("开具金额", "Issued"), format_amount(total.issued_amount, summary.currency)),
            (("冲红金额", "Taken back"), format_amount(total.reversed_amount, summary.currency)),
        ),
        heads=_HEADS,
        rows=rows,
        total=(("净额", "Net"), format_amount(total.amount, summary.currency)),
        capitals=(("人民币大写", "In words"), minus + amount_in_capitals(abs(total.amount))),
        how_to_verify=(_WHAT_IT_IS, SIGNED),
        verify_url=None,
    )


def _row(
    number: int, group: tuple[str, str], one: YearTotal, currency: str
) -> tuple[tuple[str, ...], ...]:
    title = one.title or {"zh": "其他", "en": "Other"}
    counts = [f"凭证 {one.receipts}　Receipts {one.receipts}"]
    if one.red_letters:
        counts.append(f"红字 {one.red_letters}　Red letters {one.red_letters}")
    return (
        (str(number),),
        (title["zh"], title["en"]),
        group,
        tuple(counts),
        (format_amount(one.amount, currency),),
    )
