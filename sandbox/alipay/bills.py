"""The bill of one day as Alipay writes it: two tables in GBK, in one zip."""

import io
import zipfile
from datetime import date

from sandbox.wallets.books import Books, at, fee_of

_COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_RULE = "-" * 40


class _Entry(zipfile.ZipInfo):
    """A file in a zip whose name is GBK and does not say so, as Alipay's are."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's name
        return self.filename.encode("gbk"), self.flag_bits


def write_bill(books: Books, seller_id: str, day: date) -> bytes:
    """Return the zip of a day."""
    lines = [
        _row(o["theirs"], o["number"], "交易", o["paid_at"], o["amount"], -fee_of(o["amount"]), "")
        for o in books.paid_on(day)
    ]
    refunds = books.refunded_on(day)
    for refund in refunds:
        order = books.get(refund["trade"])
        amount, number = refund["amount"], refund["number"]
        lines.append(
            _row(
                order["theirs"],
                order["number"],
                "退款",
                refund["done_at"],
                -amount,
                fee_of(amount),
                number,
            )
        )
    begin = f"#账号：[{seller_id}0156]\n#起始日期：[{day:%Y年%m月%d日} 00:00:00]"
    table = "\n".join(
        [
            f"#支付宝业务明细查询\n{begin}",
            f"#{_RULE}业务明细列表{_RULE}",
            _COLUMNS,
            *lines,
            f"#{_RULE}业务明细列表结束{_RULE}",
            f"#交易合计：{len(lines) - len(refunds)}笔\n#退款合计：{len(refunds)}笔\n",
        ]
    )
    summary = f"#支付宝业务汇总查询\n{begin}\n"
    file = io.BytesIO()
    name = f"{seller_id}0156_{day:%Y%m%d}"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_Entry(f"{name}_业务明细(汇总).csv"), summary.encode("gbk"))
        archive.writestr(_Entry(f"{name}_业务明细.csv"), table.encode("gbk"))
    return file.getvalue()


def _row(
    trade: str, number: str, kind: str, moment: float, amount: int, fee: int, request: str
) -> str:
    when, money = f"{at(moment):%Y-%m-%d %H:%M:%S}", _yuan(amount)
    cells = [
        f"{trade}\t",
        f"{number}\t",
        kind,
        "缴费",
        when,
        when,
        "",
        "",
        "",
        "",
        "*三(138****0000)",
    ]
    cells += [
        money,
        money,
        *["0.00"] * 5,
        "",
        "0.00",
        "0.00",
        f"{request}\t",
        _yuan(fee),
        "0.00",
        "",
    ]
    return ",".join(cells)


def _yuan(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"
