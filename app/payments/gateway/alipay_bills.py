"""Alipay's bill of one day: a zip with a table in GBK, read line by line."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from app.payments.gateway.contract import Movement, StatementLine, StatementUnavailable
from app.payments.gateway.wallets import CURRENCY, city_moment, fee_to_fen, record_of, to_fen

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    KeyError,
    csv.Error,
    RuntimeError,  # encrypted, or by a method that is not known
)
_LIST, _SUMMARY = "业务明细", "汇总"
_TRADE, _ORDER, _KIND = "支付宝交易号", "商户订单号", "业务类型"
_DONE_AT, _AMOUNT, _FEE = "完成时间", "订单金额（元）", "服务费（元）"
_REQUEST = "退款批次号/请求号"
_COLUMNS = {_TRADE, _ORDER, _KIND, _DONE_AT, _AMOUNT, _FEE, _REQUEST}
_KINDS = {"交易": Movement.CHARGE, "退款": Movement.REFUND}


def read_bill(file: BinaryIO) -> Iterator[StatementLine]:
    """Return the lines of a zipped bill, one after the other.

    Raise `StatementUnavailable` for what is not one, also when that shows only on the way: whoever
    takes in a day takes in all of it or nothing.
    """
    try:
        with zipfile.ZipFile(file, metadata_encoding="gbk") as archive:
            (name,) = [n for n in archive.namelist() if _LIST in n and _SUMMARY not in n]
            with io.TextIOWrapper(archive.open(name), "gb18030", newline="") as table:
                yield from _read_table(table)
    except _BROKEN as error:
        raise StatementUnavailable(f"the bill is not one of Alipay's: {error}") from error


def _read_table(text: io.TextIOWrapper) -> Iterator[StatementLine]:
    """Read what stands between the two notes; a table without its end was cut off."""
    header: list[str] = []
    for row in csv.reader(text):
        cells = [cell.strip() for cell in row]
        is_note = not cells or cells[0].startswith("#")
        if is_note and header:
            return
        if is_note:
            continue
        if not header:
            header = cells
            if not set(header) >= _COLUMNS:
                raise ValueError("its columns are others")
            continue
        yield _line(dict(zip(header, cells, strict=True)))
    raise ValueError("it has no end")


def _line(row: Mapping[str, str]) -> StatementLine:
    kind = _KINDS.get(row[_KIND], Movement.OTHER)
    trade, request = row[_TRADE], row[_REQUEST]
    is_refund = kind is Movement.REFUND
    return StatementLine(
        id=f"{trade}:{request}" if request else trade,
        kind=kind,
        intent_id=row[_ORDER] or None,
        refund_id=f"{row[_ORDER]}:{request}" if is_refund else None,
        our_id=record_of(request if is_refund else row[_ORDER]),
        amount=to_fen(row[_AMOUNT]),
        # What Alipay takes is written below zero, what it gives back above.
        fee=-fee_to_fen(row[_FEE]),
        currency=CURRENCY,
        occurred_at=city_moment(row[_DONE_AT]),
    )
