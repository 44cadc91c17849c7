"""Files in and out: read to the fen or refused by line and column, and never run by anybody."""

import csv
import io
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reconciliation.service.formats import PROFILES
from app.sdk import CITY_TIME
from plugins.utilities.errors import BillFileInvalid
from plugins.utilities.service.bill_file import read_desk_file
from plugins.utilities.service.posting_file import read_posting_file, write_posting_file
from plugins.utilities.values import MAX_AMOUNT, FileEncoding, PostedLine
from tests.plugins.utilities.desk import bill_file

WATER = "shiyan-water"
GOOD = bill_file("F-1", [("1002003001", "W-1", 4250), ("1002003002", "W-2", 1)])
POSTED = PostedLine(
    "P-1", "0199-a", "W-1", 4250, datetime(2026, 11, 29, 8, 30, 15, tzinfo=CITY_TIME)
)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1", "'", "\r=1")

_TEXT = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=40
).filter(lambda text: text.strip() != "")
_LINES = st.lists(
    st.builds(
        PostedLine,
        posting_reference=_TEXT,
        key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60),
        bill_number=st.from_regex(r"[A-Za-z0-9._:-]{1,51}", fullmatch=True),
        amount=st.integers(0, MAX_AMOUNT),
        at=st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 31)).map(  # noqa: DTZ001
            lambda moment: moment.replace(microsecond=0, tzinfo=CITY_TIME)
        ),
    ),
    max_size=8,
)


def faults_of(raw: bytes | str, *, postings: bool = False) -> list[dict[str, str | int]]:
    content = raw if isinstance(raw, bytes) else raw.encode()
    with pytest.raises(BillFileInvalid) as refused:
        read_posting_file(content) if postings else read_desk_file(content, WATER)
    return list(refused.value.errors or ())


def place_of(raw: str, *, postings: bool = False) -> tuple[object, object, str]:
    (fault,) = faults_of(raw, postings=postings)
    return fault["line"], fault.get("column"), str(fault["message"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_an_uploaded_file_is_read_whole(encoding: str) -> None:
    file = read_desk_file(GOOD.encode(encoding), WATER)
    assert (file.number, file.day, file.total) == ("F-1", date(2026, 11, 29), 4251)
    assert [(bill.account, bill.number, bill.amount) for bill in file.bills] == [
        ("1002003001", "W-1", 4250),
        ("1002003002", "W-2", 1),
    ]


@pytest.mark.parametrize(
    ("before", "after", "line", "column", "said"),
    [
        ("账单文件,F-1", "文件,F-1", 1, None, "首行应为"),
        (",2026-11-29", "", 1, None, "首行应为"),
        (",2026-11-29", ",2026-11-29,more", 1, None, "首行应为"),
        (",F-1,", ",=F(1),", 1, 2, "文件号无效"),
        (",F-1,", ",,", 1, 2, "文件号无效"),
        (",F-1,", f",{'F' * 41},", 1, 2, "文件号无效"),
        (",shiyan-water,", ",shiyan-gas,", 1, 3, "收费单位应为"),
        (",2026-11-29", ",2026-11-31", 1, 4, "日期无效"),
        ("户号,户名", "户名,户号", 2, None, "表头应为"),
        ("1002003001,", "12,", 3, 1, "户号无效"),
        ("1002003001,", "=1002003001,", 3, 1, "户号无效"),
        ("张伟", "", 3, 2, "户名为空"),
        ("W-1", "W/1", 3, 3, "账单号无效"),
        ("W-2", "W-1", 4, 3, "账单号与第 3 行重复"),
        ("2026-10-01", "2026-02-30", 3, 4, "日期无效"),
        ("2026-10-01", "2026-11-01", 3, 4, "账期起晚于账期止"),
        ("2026-10-31", "31.10.2026", 3, 5, "日期无效"),
        ("42.50,", "42.505,", 3, 6, "金额应为"),
        ("42.50,", "-42.50,", 3, 6, "金额应为"),
        ("2026-12-07", "soon", 3, 7, "日期无效"),
        ("合计,2,", "合计,3,", 5, 2, "合计笔数应为 2"),
        ("合计,2,42.51", "合计,2,42.52", 5, 3, "合计金额"),
        ("合计,2,42.51\r\n", "", 4, None, "最后一行应为合计"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_column(
    before: str, after: str, line: int, column: int | None, said: str
) -> None:
    assert before in GOOD
    found = place_of(GOOD.replace(before, after, 1))
    assert found[:2] == (line, column)
    assert found[2].startswith(said)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_refusal_repeats_what_stood_in_the_file(data: st.DataObject) -> None:
    number = data.draw(st.from_regex(r"[0-9]{11,20}", fullmatch=True))
    bad = GOOD.replace("1002003001,张伟,W-1", f"{number}!,王{number}, {number}/")
    assert number not in str(faults_of(bad))


@settings(deadline=None, max_examples=100)
@given(lines=_LINES, encoding=st.sampled_from(FileEncoding))
def test_what_is_written_is_read_again(lines: list[PostedLine], encoding: FileEncoding) -> None:
    raw = write_posting_file(lines, encoding)
    assert [line for _, line in read_posting_file(raw)] == lines


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_runs_a_cell_of_it(text: str) -> None:
    line = PostedLine(text, "-key", "-1", 4250, POSTED.at)
    raw = write_posting_file([line], FileEncoding.UTF_8)
    rows = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    assert [cell[0] for cell in rows[1][:3]] == ["'", "'", "'"]
    assert [read for _, read in read_posting_file(raw)] == [line]


@pytest.mark.parametrize(
    ("before", "after", "line", "column", "said"),
    [
        ("流水号", "流水", 1, None, "表头应为"),
        ("合计,1,42.50", "合计,1,42.51", 3, 3, "合计金额"),
        ("合计,1,42.50", "合计,2,42.50", 3, 2, "合计笔数"),
        ("合计,1,42.50\r\n", "", 2, None, "最后一行应为合计"),
        ("P-1,", ",", 2, 1, "流水号为空"),
        (",0199-a,", ",,", 2, 2, "商户订单号无效"),
        (",W-1,", ",W/1,", 2, 3, "账单号无效"),
        (",W-1,42.50", ",W-1,42.505", 2, 4, "金额应为"),
        (" 08:30:15", "", 2, 5, "时间无效"),
        (",W-1,", ",W-1,more,", 2, None, "应有 5 列"),
    ],
)
def test_a_wrong_posting_file_is_refused_by_line_and_column(
    before: str, after: str, line: int, column: int | None, said: str
) -> None:
    good = write_posting_file([POSTED], FileEncoding.UTF_8).decode()
    assert before in good
    found = place_of(good.replace(before, after, 1), postings=True)
    assert found[:2] == (line, column)
    assert found[2].startswith(said)


@settings(deadline=None, max_examples=60)
@given(raw=st.binary(max_size=200))
def test_noise_is_refused_and_nothing_worse(raw: bytes) -> None:
    for postings in (False, True):
        assert faults_of(raw, postings=postings)


def test_the_house_reads_the_posting_file_as_it_is() -> None:
    own = "01900000-0000-7000-8000-000000000001"
    line = PostedLine("P-1", own, "W-1", 4250, POSTED.at + timedelta(hours=1))
    for encoding in FileEncoding:
        (side,) = (forms for forms in PROFILES.values() if "postings-csv" in forms)
        file = side["postings-csv"](write_posting_file([line], encoding))
        (read,) = file.lines
        assert (read.line_id, str(read.our_id), read.amount) == ("P-1", own, 4250)
