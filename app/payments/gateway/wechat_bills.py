"""WeChat Pay's two bills of one day: trades with their fees, and the flow of the account."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha1
from typing import BinaryIO

from app.payments.gateway.contract import Movement, StatementLine, StatementUnavailable
from app.payments.gateway.wallets import CURRENCY, city_moment, fee_to_fen, record_of, to_fen

_CHUNK = 1024 * 1024
_TRADE, _ORDER, _STATE, _AT = "微信订单号", "商户订单号", "交易状态", "交易时间"
_REFUND, _OUR_REFUND, _REFUND_STATE = "微信退款单号", "商户退款单号", "退款状态"
_AMOUNT, _REFUNDED, _FEE, _MONEY = "应结订单金额", "退款金额", "手续费", "货币种类"
_TRADE_COLUMNS = frozenset(
    {_TRADE, _ORDER, _STATE, _AT, _REFUND, _OUR_REFUND, _REFUND_STATE, _AMOUNT, _REFUNDED, _FEE}
)
_FLOW, _FLOW_KIND, _FLOW_WAY, _FLOW_AMOUNT = "资金流水单号", "业务类型", "收支类型", "收支金额(元)"
_FLOW_AT, _FLOW_PAPER = "记账时间", "业务凭证号"
_FLOW_COLUMNS = frozenset({_FLOW, _FLOW_KIND, _FLOW_WAY, _FLOW_AMOUNT, _FLOW_AT, _FLOW_PAPER})
_IN_THE_TRADES = frozenset({"交易", "退款", "扣除交易手续费", "手续费返还"})
"""What the bill of trades tells already, with the fee beside it."""

_WAYS = {"收入": 1, "支出": -1}


def check_hash(file: BinaryIO, expected: str) -> None:
    """Raise `StatementUnavailable` unless a file has the SHA-1 that was announced."""
    digest = sha1(usedforsecurity=False)  # WeChat's choice; that it is WeChat's, the address says
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    if digest.hexdigest() != expected.lower():
        raise StatementUnavailable("the bill is not the one that was announced")


def read_trades(file: BinaryIO) -> Iterator[StatementLine]:
    """Return a line for each trade and each refund that is done, one after the other."""
    return _read(file, _TRADE_COLUMNS, _trade)


def read_fund_flow(file: BinaryIO) -> Iterator[StatementLine]:
    """Return a line for each movement of the account that is in no bill of trades: payouts."""
    return _read(file, _FLOW_COLUMNS, _flow)


_Make = Callable[[Mapping[str, str]], StatementLine | None]


def _read(file: BinaryIO, columns: frozenset[str], make: _Make) -> Iterator[StatementLine]:
    try:
        with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            yield from _read_table(text, columns, make)
    except (ValueError, KeyError, csv.Error) as error:
        raise StatementUnavailable(f"the bill is not one of WeChat's: {error}") from error


def _read_table(
    text: io.TextIOWrapper, columns: frozenset[str], make: _Make
) -> Iterator[StatementLine]:
    """Read rows up to the summary, which has no backtick before its names; check their number."""
    rows = csv.reader(text, quoting=csv.QUOTE_NONE)
    header = [name.removeprefix("`") for name in next(rows, [])]
    if not set(header) >= columns:
        raise ValueError("its columns are others")
    count = 0
    for row in rows:
        if not row or not row[0].startswith("`"):
            break
        count += 1
        line = make(dict(zip(header, [cell.removeprefix("`") for cell in row], strict=True)))
        if line is not None:
            yield line
    total = next(rows, [""])[0].removeprefix("`")
    if total != str(count):
        raise ValueError(f"it has {count} rows and says {total[:20]!r}")


def _trade(row: Mapping[str, str]) -> StatementLine | None:
    is_refund = row[_STATE] in {"REFUND", "REVOKED"}
    if is_refund and row[_REFUND_STATE] not in {"SUCCESS", ""}:
        return None  # on its way, or it did not succeed: no money moved
    is_known = is_refund or row[_STATE] == "SUCCESS"
    kind = Movement.REFUND if is_refund else Movement.CHARGE
    return StatementLine(
        id=row[_REFUND] if is_refund else row[_TRADE],
        kind=kind if is_known else Movement.OTHER,
        intent_id=row[_ORDER] or None,
        refund_id=(row[_OUR_REFUND] or None) if is_refund else None,
        our_id=record_of(row[_OUR_REFUND] if is_refund else row[_ORDER]),
        amount=-to_fen(row[_REFUNDED]) if is_refund else to_fen(row[_AMOUNT]),
        fee=fee_to_fen(row[_FEE]),
        currency=row.get(_MONEY, CURRENCY),
        occurred_at=city_moment(row[_AT]),
    )


def _flow(row: Mapping[str, str]) -> StatementLine | None:
    if row[_FLOW_KIND] in _IN_THE_TRADES:
        return None
    is_payout = row[_FLOW_KIND] == "提现"
    return StatementLine(
        id=row[_FLOW],
        kind=Movement.PAYOUT if is_payout else Movement.OTHER,
        intent_id=None,
        refund_id=None,
        our_id=None,
        amount=_WAYS[row[_FLOW_WAY]] * to_fen(row[_FLOW_AMOUNT]),
        fee=0,
        currency=CURRENCY,
        occurred_at=city_moment(row[_FLOW_AT]),
        payout_id=row[_FLOW] if is_payout else None,
    )
