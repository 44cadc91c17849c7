"""The two bills of one day as WeChat Pay writes them: trades, and the flow of the account."""

from datetime import date

from sandbox.wallets.books import Books, Row, at, fee_of
from sandbox.wallets.keys import WalletKeys

_TRADES = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
_TRADES_END = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
_FLOW = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
_FLOW_END = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


def write_trades(books: Books, keys: WalletKeys, day: date) -> bytes | None:
    """Return the bill of trades of a day, or None for a day without any."""
    paid, refunds = books.paid_on(day), books.refunded_on(day)
    rows = [_trade(keys, order, None) for order in paid]
    rows += [_trade(keys, books.get(refund["trade"]), refund) for refund in refunds]
    if not rows:
        return None
    income, returned = sum(o["amount"] for o in paid), sum(r["amount"] for r in refunds)
    fees = sum(fee_of(o["amount"]) for o in paid) - sum(fee_of(r["amount"]) for r in refunds)
    end = [str(len(rows)), _yuan(income), _yuan(returned), "0.00", f"{_yuan(fees)}000"]
    return _file(_TRADES, rows, _TRADES_END, [*end, _yuan(income), _yuan(returned)])


def write_fund_flow(books: Books, keys: WalletKeys, day: date) -> bytes | None:
    """Return the bill of the account of a day, or None for a day without movements."""
    del keys
    rows: list[list[str]] = []
    for order in books.paid_on(day):
        when, number = order["paid_at"], order["number"]
        rows.append(_flow(when, order["theirs"], "交易", "收入", order["amount"], number))
        fee = fee_of(order["amount"])
        rows.append(_flow(when, f"{order['theirs']}F", "扣除交易手续费", "支出", fee, number))
    for refund in books.refunded_on(day):
        when, number = refund["done_at"], refund["number"]
        rows.append(_flow(when, refund["theirs"], "退款", "支出", refund["amount"], number))
    rows += [
        _flow(out["at"], out["theirs"], "提现", "支出", out["amount"], out["theirs"])
        for out in books.paid_out_on(day)
    ]
    if not rows:
        return None
    return _file(_FLOW, rows, _FLOW_END, [str(len(rows)), "0", "0.00", "0", "0.00"])


def _trade(keys: WalletKeys, order: Row, refund: Row | None) -> list[str]:
    back = refund["amount"] if refund else 0
    amount = 0 if refund else order["amount"]
    return [
        f"{at(refund['done_at'] if refund else order['paid_at']):%Y-%m-%d %H:%M:%S}",
        keys.wechat_app_id,
        keys.merchant_id,
        *["0", ""],
        order["theirs"],
        order["number"],
        *["oSandbox", "NATIVE", "REFUND" if refund else "SUCCESS", "OTHERS", "CNY"],
        *[_yuan(amount), "0.00"],
        refund["theirs"] if refund else "0",
        refund["number"] if refund else "0",
        *[_yuan(back), "0.00", "ORIGINAL" if refund else "", "SUCCESS" if refund else ""],
        *["缴费", ""],
        f"{_yuan(-fee_of(back) if refund else fee_of(amount))}000",
        *["0.60%", _yuan(amount), _yuan(back), ""],
    ]


def _flow(moment: float, theirs: str, kind: str, way: str, amount: int, paper: str) -> list[str]:
    when = f"{at(moment):%Y-%m-%d %H:%M:%S}"
    return [when, theirs, theirs, kind, kind, way, _yuan(amount), "0.00", "system", "", paper]


def _file(header: str, rows: list[list[str]], end: str, totals: list[str]) -> bytes:
    lines = [header, *(_line(row) for row in rows), end, _line(totals)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _line(cells: list[str]) -> str:
    return ",".join(f"`{cell}" for cell in cells)


def _yuan(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"
