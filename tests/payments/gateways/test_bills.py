"""Bill files of the wallets: every line, in bounded memory, or a refusal to read on."""

import io
import secrets
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha1
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.ids import new_id
from app.payments.gateway import Movement, StatementLine, StatementUnavailable
from app.payments.gateway.alipay_bills import read_bill
from app.payments.gateway.wallets import order_number
from app.payments.gateway.wechat_bills import check_hash, read_fund_flow, read_trades

ALIPAY_HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
WECHAT_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
FLOW_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FLOW_TOTALS = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
WHEN = "2026-11-28 10:00:00"


def alipay_row(trade: str, number: str, kind: str, amount: str, fee: str, request: str) -> str:
    cells = [f"{trade}\t", f"{number}\t", kind, "缴费", WHEN, WHEN, *[""] * 4, "*三", amount]
    cells += [amount, *["0.00"] * 5, "", "0.00", "0.00", f"{request}\t", fee, "0.00", ""]
    return ",".join(cells)


def alipay_table(rows: list[str]) -> str:
    head = ["#支付宝业务明细查询", "#账号：[20880000000000000156]", "#----业务明细列表----"]
    return "\n".join(
        [*head, ALIPAY_HEADER, *rows, "#----业务明细列表结束----", "#交易合计：1笔", ""]
    )


def alipay_zip(table: str) -> BinaryIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("2088_业务明细(汇总).csv", "#支付宝业务汇总查询\n".encode("gbk"))
        archive.writestr("2088_业务明细.csv", table.encode("gbk"))
    file.seek(0)
    return file


def wechat_row(number: str, state: str, amount: str, *, fee: str = "0.25000", **more: str) -> str:
    cells = [WHEN, "wx1", "19", "0", "", "4200", number, "o1", "NATIVE", state, "OTHERS", "CNY"]
    cells += [amount, "0.00", more.get("refund", "0"), more.get("ours", "0")]
    cells += [more.get("back", "0.00"), "0.00", "", more.get("refund_state", ""), "缴费", ""]
    cells += [fee, "0.60%", amount, more.get("back", "0.00"), ""]
    return ",".join(f"`{cell}" for cell in cells)


def wechat_table(rows: list[str], *, header: str = WECHAT_HEADER, totals: str = "") -> BinaryIO:
    end = totals or f"`{len(rows)},`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"
    names = WECHAT_TOTALS if header == WECHAT_HEADER else FLOW_TOTALS
    return io.BytesIO(("\ufeff" + "\r\n".join([header, *rows, names, end, ""])).encode())


def flow_row(kind: str, way: str, amount: str) -> str:
    return ",".join(f"`{c}" for c in (WHEN, "1", "F1", kind, kind, way, amount, "0", "s", "", "n"))


def test_alipay_tells_trades_and_refunds_with_our_ids() -> None:
    attempt, refund = new_id(), new_id()
    rows = [
        alipay_row("2026A", order_number(attempt), "交易", "42.50", "-0.26", ""),
        alipay_row("2026A", order_number(attempt), "退款", "-10.00", "0.06", order_number(refund)),
        alipay_row("2026B", "T1", "其他", "1.00", "0.00", ""),
    ]
    charge, back, other = read_bill(alipay_zip(alipay_table(rows)))
    assert charge == StatementLine(
        id="2026A",
        kind=Movement.CHARGE,
        intent_id=order_number(attempt),
        refund_id=None,
        our_id=str(attempt),
        amount=4250,
        fee=26,
        currency="CNY",
        occurred_at=datetime(2026, 11, 28, 2, tzinfo=UTC),
    )
    assert (back.kind, back.amount, back.fee) == (Movement.REFUND, -1000, -6)
    assert (back.our_id, back.intent_id) == (str(refund), order_number(attempt))
    assert back.refund_id == f"{order_number(attempt)}:{order_number(refund)}"
    assert (other.kind, other.our_id) == (Movement.OTHER, None)


def test_wechat_tells_trades_and_refunds_that_are_done() -> None:
    attempt, refund = new_id(), new_id()
    number, back = order_number(attempt), {"refund": "5030", "back": "10.00", "fee": "-0.06000"}
    rows = [
        wechat_row(number, "SUCCESS", "42.50"),
        wechat_row(
            number, "REFUND", "0.00", ours=order_number(refund), refund_state="SUCCESS", **back
        ),
        wechat_row(number, "REFUND", "0.00", ours="x", refund_state="PROCESSING", **back),
        wechat_row(number, "REFUND", "0.00", ours="y", refund_state="FAIL", **back),
    ]
    charge, returned = read_trades(wechat_table(rows))
    assert (charge.id, charge.kind, charge.our_id) == ("4200", Movement.CHARGE, str(attempt))
    assert (charge.amount, charge.fee) == (4250, 25)
    assert charge.occurred_at == datetime(2026, 11, 28, 2, tzinfo=UTC)
    assert (returned.id, returned.kind, returned.our_id) == ("5030", Movement.REFUND, str(refund))
    assert (returned.amount, returned.fee) == (-1000, -6)
    assert (returned.refund_id, returned.intent_id) == (order_number(refund), number)


def test_the_flow_of_the_account_adds_what_no_trade_tells() -> None:
    rows = [
        flow_row("交易", "收入", "42.50"),
        flow_row("扣除交易手续费", "支出", "0.26"),
        flow_row("提现", "支出", "1000.00"),
        flow_row("充值", "收入", "5.00"),
    ]
    payout, other = read_fund_flow(wechat_table(rows, header=FLOW_HEADER))
    assert (payout.kind, payout.amount, payout.payout_id) == (Movement.PAYOUT, -100_000, "F1")
    assert (other.kind, other.amount) == (Movement.OTHER, 500)


@given(
    amounts=st.lists(st.integers(1, 10**10), max_size=20), extra=st.sampled_from(["", "a", "缴费"])
)
@settings(max_examples=60, deadline=None)
def test_every_amount_of_a_bill_is_read_to_the_fen(amounts: list[int], extra: str) -> None:
    written = [f"{amount // 100}.{amount % 100:02d}" for amount in amounts]
    wechat = wechat_table([wechat_row(f"n{extra}", "SUCCESS", amount) for amount in written])
    alipay = alipay_zip(
        alipay_table([alipay_row("1", extra, "交易", amount, "0.00", "") for amount in written])
    )
    assert [line.amount for line in read_trades(wechat)] == amounts
    assert [line.amount for line in read_bill(alipay)] == amounts


def broken_alipay() -> Iterator[BinaryIO]:
    row = alipay_row("1", "n", "交易", "1.00", "0.00", "")
    table = alipay_table([row])
    yield io.BytesIO(b"no zip")
    yield io.BytesIO(alipay_zip(table).read()[:-40])
    yield alipay_zip(table.partition("#----业务明细列表结束")[0])
    yield alipay_zip(table.replace("1.00", "1.001"))
    yield alipay_zip(table.replace("1.00", "1e2"))
    yield alipay_zip(table.replace("订单金额（元）", "金额"))
    yield alipay_zip(table.replace(row, f"{row},more"))
    yield alipay_zip(table.replace(WHEN, "yesterday"))
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    yield io.BytesIO(empty.getvalue())
    spoilt = bytearray(alipay_zip(table).read())
    spoilt[-(len(spoilt) // 2)] ^= 0xFF
    yield io.BytesIO(bytes(spoilt))


def broken_wechat() -> Iterator[BinaryIO]:
    row = wechat_row("n", "SUCCESS", "1.00")
    whole = wechat_table([row]).read()
    yield io.BytesIO(b"")
    yield io.BytesIO(b"<html>")
    yield io.BytesIO(whole.partition("总交易".encode())[0])
    yield wechat_table([row], totals="`2,`0.00")
    yield wechat_table([row.replace("1.00", "1.001")])
    yield wechat_table([f"{row},`more"])
    yield wechat_table([row.replace(WHEN, "yesterday")])
    yield io.BytesIO(whole.replace("手续费".encode(), b"fee"))
    yield io.BytesIO(whole.replace("缴费".encode(), b"\xff\xfe"))


@pytest.mark.parametrize("file", list(broken_alipay()))
def test_what_is_no_whole_bill_of_alipays_raises(file: BinaryIO) -> None:
    with pytest.raises(StatementUnavailable):
        list(read_bill(file))


@pytest.mark.parametrize("file", list(broken_wechat()))
def test_what_is_no_whole_bill_of_wechats_raises(file: BinaryIO) -> None:
    with pytest.raises(StatementUnavailable):
        list(read_trades(file))


@given(cut=st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_a_bill_that_was_cut_off_anywhere_is_never_taken_for_whole(cut: int) -> None:
    rows = [wechat_row(f"n{number}", "SUCCESS", "1.00") for number in range(3)]
    whole = wechat_table(rows).read()
    with pytest.raises(StatementUnavailable):
        check_hash(io.BytesIO(whole[:-cut]), sha1(whole).hexdigest())  # noqa: S324 - WeChat's
    with pytest.raises(StatementUnavailable):
        list(read_bill(io.BytesIO(alipay_zip(alipay_table([])).read()[:-cut])))


def test_a_file_with_another_hash_is_not_read() -> None:
    file = io.BytesIO(b"a bill")
    check_hash(file, sha1(b"a bill").hexdigest().upper())  # noqa: S324 - WeChat's
    assert file.tell() == 0
    with pytest.raises(StatementUnavailable):
        check_hash(file, secrets.token_hex(20))


@pytest.mark.parametrize("kind", ["alipay", "wechat"])
def test_a_large_bill_is_read_in_bounded_memory(tmp_path: Path, kind: str) -> None:
    lines = 15_000
    path = tmp_path / "bill"
    read: Callable[[BinaryIO], Iterator[StatementLine]]
    if kind == "alipay":
        row = alipay_row("1", "n", "交易", "1.00", "-0.01", "")
        path.write_bytes(alipay_zip(alipay_table([row] * lines)).read())
        read = read_bill
    else:
        path.write_bytes(wechat_table([wechat_row("n", "SUCCESS", "1.00")] * lines).read())
        read = read_trades
    with path.open("rb") as file:
        tracemalloc.start()
        found = read(file)
        few = sum(1 for _ in islice(found, 1_000))
        _, early = tracemalloc.get_traced_memory()
        rest = sum(1 for _ in found)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert few + rest == lines
    # What else lives in this process is counted, too; the whole bill would take several times this.
    assert peak < early + 1024 * 1024
