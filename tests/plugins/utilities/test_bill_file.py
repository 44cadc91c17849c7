"""A bill file is read to the fen and to the day, or every wrong line of it is named."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.utilities.errors import BillFileInvalid
from plugins.utilities.service.bill_file import (
    HEADER,
    MAX_LINES,
    parse_amount,
    parse_day,
    read_bill_file,
)
from plugins.utilities.values import MAX_AMOUNT, BillerBill

HEAD = ",".join(HEADER)
LINE = "1002003001,张伟,W-1,2026-10-01,2026-10-31,42.50,2026-12-07"
GOOD = f"{HEAD}\r\n{LINE}\r\n合计,1,42.50\r\n"
BILL = BillerBill(
    biller="shiyan-water",
    account="1002003001",
    number="W-1",
    amount=4250,
    currency="CNY",
    period_from=date(2026, 10, 1),
    period_to=date(2026, 10, 31),
    due_date=date(2026, 12, 7),
)


def read(text: str, encoding: str = "utf-8") -> list[BillerBill]:
    return read_bill_file(text.encode(encoding), "shiyan-water")


def faults_of(raw: str | bytes) -> list[tuple[int, str]]:
    """Return line and message of each fault of a file."""
    content = raw if isinstance(raw, bytes) else raw.encode()
    with pytest.raises(BillFileInvalid) as refused:
        read_bill_file(content, "shiyan-water")
    assert refused.value.extra["error_count"] >= len(refused.value.errors or ())
    return [(int(f["line"]), str(f["message"])) for f in refused.value.errors or ()]


def with_cell(place: int, value: str) -> str:
    cells = LINE.split(",")
    cells[place] = value
    return f"{HEAD}\n{','.join(cells)}\n合计,1,42.50\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_both_encodings_are_read_with_or_without_a_mark(encoding: str) -> None:
    assert read(GOOD, encoding) == [BILL]


def test_rare_characters_survive_gb18030() -> None:
    assert read(GOOD.replace("张伟", "陈𬱖"), "gb18030") == [BILL]


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\r\n", "\n"),
        GOOD.rstrip(),
        GOOD + "\r\n\r\n",
        GOOD.replace("合计,1,42.50", "合计,1,42.50,,,,"),
        GOOD.replace("合计,1,42.50", "合计, 1 ,42.5"),
        GOOD.replace("金额(元)", "金额（元）"),
        GOOD.replace("张伟", '"张伟"'),
        GOOD.replace("2026-10-01", "20261001").replace("2026-12-07", "2026/12/7"),
        GOOD.replace("张伟", "=HYPERLINK(1)"),
        GOOD.replace("张伟", "@SUM"),
    ],
)
def test_what_companies_write_differently_means_the_same(text: str) -> None:
    assert read(text) == [BILL]


def test_a_file_without_bills_is_a_file() -> None:
    assert read(f"{HEAD}\n合计,0,0.00\n") == []


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, "", "户号无效"),
        (0, "12", "户号无效"),
        (0, "１００２００３００１", "户号无效"),
        (0, "=1002003001", "户号无效"),
        (1, "", "户名为空"),
        (1, "张" * 61, "户名为空"),
        (2, "", "账单号无效"),
        (2, "W/1", "账单号无效"),
        (2, "W" * 52, "账单号无效"),
        (2, "合", "账单号无效"),
        (3, "2026-02-30", "日期无效"),
        (3, "2026-11-01", "账期起晚于账期止"),
        (4, "31.10.2026", "日期无效"),
        (4, "", "日期无效"),
        (5, "", "金额"),
        (5, "42.505", "金额"),
        (5, "-42.50", "金额"),
        (5, "+42.50", "金额"),
        (5, "4e1", "金额"),
        (5, "42,50", "应有 7 列"),
        (5, "¥42.50", "金额"),
        (5, "４２", "金额"),
        (5, "NaN", "金额"),
        (5, "100000000.01", "金额过大"),
        (5, "42.", "金额"),
        (5, ".5", "金额"),
        (6, "2026-13-01", "日期无效"),
        (6, "0001-01-01", "日期无效"),
    ],
)
def test_a_bad_cell_is_named_by_its_line(place: int, value: str, said: str) -> None:
    ((line, message),) = faults_of(with_cell(place, value))
    assert line == 2
    assert message.startswith(said)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "表头应为"),
        ("a,b,c\n", 1, "表头应为"),
        (GOOD.replace("户名,", ""), 1, "表头应为"),
        (HEAD, 1, "最后一行应为合计"),
        (f"{HEAD}\n{LINE}\n", 2, "最后一行应为合计"),
        (f"{HEAD}\n合计,1,42.50\n{LINE}\n", 2, "最后一行应为合计"),
        (f"{GOOD}合计,1,42.50\n", 3, "最后一行应为合计"),
        (GOOD.replace("合计,1,", "合计,2,"), 3, "合计笔数应为 1"),
        (GOOD.replace("合计,1,42.50", "合计,1,42.51"), 3, "合计金额"),
        (GOOD.replace("合计,1,42.50", "合计,1"), 3, "合计应为"),
        (GOOD.replace("合计,1,42.50", "合计,one,42.50"), 3, "合计应为"),
        (GOOD.replace("合计,1,42.50", "合计,1,42.50,extra"), 3, "合计应为"),
        (GOOD.replace("合计,1,42.50", "合计,1,forty"), 3, "合计金额"),
        (f"{HEAD}\n{LINE}\n{LINE}\n合计,2,85.00\n", 3, "账单号与第 2 行重复"),
        (f'{HEAD}\n"1002003001,张伟\n合计,1,42.50\n', 3, "CSV 格式错误"),
        (f'{HEAD}\n"x"y,张伟\n合计,1,42.50\n', 2, "CSV 格式错误"),
    ],
)
def test_a_bad_file_is_named_by_its_line(text: str, line: int, said: str) -> None:
    found = faults_of(text)
    assert (found[0][0], found[0][1].startswith(said)) == (line, True), found


def test_bytes_in_neither_encoding_are_refused() -> None:
    ((line, message),) = faults_of(b"\xff\xff\x00\x81")
    assert line == 1
    assert message.startswith("编码")


def test_every_bad_line_is_named() -> None:
    lines = [LINE, LINE.replace("W-1", "W-2").replace("42.50", "x"), "only,three,cells", "x" * 20]
    found = faults_of("\n".join([HEAD, *lines, "合计,4,1.00"]))
    assert [line for line, _ in found] == [3, 4, 5]


def test_a_hundred_faults_are_shown_and_all_are_counted() -> None:
    text = "\n".join([HEAD, *["bad"] * 250, "合计,250,1.00"])
    with pytest.raises(BillFileInvalid) as refused:
        read(text)
    assert len(refused.value.errors or ()) == 100
    assert refused.value.extra["error_count"] == 250


def test_a_line_over_two_lines_is_named_by_its_last() -> None:
    ((line, _),) = faults_of(
        f'{HEAD}\n1002003001,"张\n伟",W-1,x,2026-10-31,42.50,2026-12-07\n合计,1,42.50'
    )
    assert line == 3


def test_a_file_has_a_largest_number_of_lines() -> None:
    text = "\n".join([HEAD, *["bad"] * (MAX_LINES + 2)])
    ((_, message),) = faults_of(text)
    assert message.startswith(f"超过 {MAX_LINES} 行")


@given(st.integers(0, MAX_AMOUNT))
def test_every_amount_is_read_to_the_fen(fen: int) -> None:
    whole, cents = divmod(fen, 100)
    assert parse_amount(f"{whole}.{cents:02d}") == fen
    assert parse_amount(f"{whole}") == whole * 100
    assert parse_amount(f"{whole}.{cents // 10}") == whole * 100 + cents // 10 * 10


@given(st.text(max_size=12))
def test_no_text_is_read_as_something_else(text: str) -> None:
    for parse in (parse_amount, parse_day):
        try:
            value = parse(text)
        except ValueError:
            continue
        assert text.isascii()
        if isinstance(value, int):
            assert 0 <= value <= MAX_AMOUNT
            assert float(text) == value / 100


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_every_day_is_read_in_three_forms(day: date) -> None:
    assert parse_day(f"{day:%Y-%m-%d}") == day
    assert parse_day(f"{day:%Y%m%d}") == day
    assert parse_day(f"{day.year}/{day.month}/{day.day}") == day
    assert parse_day(f"{day:%Y/%m/%d}") == day


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    with pytest.raises(BillFileInvalid):
        read_bill_file(raw, "shiyan-water")


@given(st.text(max_size=200))
def test_no_text_after_the_header_breaks_the_reader(text: str) -> None:
    raw = f"{HEAD}\n{text}\n合计,0,0.00".encode(errors="replace")
    with suppress(BillFileInvalid):
        assert read_bill_file(raw, "shiyan-water") == []
