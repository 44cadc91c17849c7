"""Files of billers and the bank: what was written is read, and whatever is not right is refused."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.clock import CITY_TIME
from app.core.ids import new_id
from app.reconciliation.errors import StatementFileInvalid
from app.reconciliation.service.formats.camt053 import read_camt053
from app.reconciliation.service.formats.csv_files import read_bank_csv, read_postings_csv
from app.reconciliation.service.formats.mt940 import read_mt940
from app.reconciliation.values import LineKind, StatementFile
from tests.reconciliation.books import bank_file, postings_file, yuan

DAY = date(2026, 11, 27)
READERS: tuple[Callable[[bytes], StatementFile], ...] = (
    read_postings_csv,
    read_bank_csv,
    read_mt940,
    read_camt053,
)

amounts = st.integers(1, 10**10)
names = st.from_regex(r"[A-Z0-9]{4,12}[0-9]", fullmatch=True)
payouts = st.from_regex(r"po_[A-Za-z0-9]{8,16}[0-9]", fullmatch=True)
entries = st.lists(st.tuples(names, st.booleans(), amounts, payouts), max_size=20)
Entries = list[tuple[str, bool, int, str]]


def comma(amount: int) -> str:
    return yuan(amount).replace(".", ",")


def mt940(rows: Entries, opening: int = 100_00, day: date = DAY) -> bytes:
    """Write a customer statement message as banks do, with texts that break where lines end."""
    closing = opening + sum(amount if is_in else -amount for _, is_in, amount, _ in rows)
    lines = ["{1:F01BANKCNBJAXXX0000000000}{2:I940X}{4:", ":20:STMT", ":25:6222/0001", ":28C:1/1"]
    lines.append(f":60F:{mark(opening)}{day:%y%m%d}CNY{comma(abs(opening))}")
    for name, is_in, amount, text in rows:
        sign = "C" if is_in else "D"
        lines.append(f":61:{day:%y%m%d}{day:%m%d}{sign}{comma(amount)}NTRFNONREF//{name}")
        lines.append(f":86:166?00CREDIT?20STRIPE PAYOUT?21{text[:10]}")
        lines.append(text[10:])
    lines.append(f":62F:{mark(closing)}{day:%y%m%d}CNY{comma(abs(closing))}")
    lines.append("-}")
    return "\r\n".join(lines).encode()


def mark(amount: int) -> str:
    return "C" if amount >= 0 else "D"


def camt053(rows: Entries, opening: int = 100_00, day: date = DAY) -> bytes:
    """Write a bank-to-customer statement."""
    closing = opening + sum(amount if is_in else -amount for _, is_in, amount, _ in rows)

    def money(amount: int) -> str:
        way = "CRDT" if amount >= 0 else "DBIT"
        return f'<Amt Ccy="CNY">{yuan(abs(amount))}</Amt><CdtDbtInd>{way}</CdtDbtInd>'

    def balance(code: str, amount: int) -> str:
        kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        return f"<Bal>{kind}{money(amount)}<Dt><Dt>{day}</Dt></Dt></Bal>"

    def entry(name: str, is_in: bool, amount: int, text: str) -> str:  # noqa: FBT001 - a column
        details = (
            f"<NtryDtls><TxDtls><RmtInf><Ustrd>PAYOUT {text}</Ustrd></RmtInf></TxDtls></NtryDtls>"
        )
        signed = money(amount if is_in else -amount)
        booked = "<Sts><Cd>BOOK</Cd></Sts>"
        return f"<Ntry>{signed}{booked}<AcctSvcrRef>{name}</AcctSvcrRef>{details}</Ntry>"

    body = "".join(entry(*row) for row in rows)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>'
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{body}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def seen(file: StatementFile) -> list[tuple[str, bool, int]]:
    return [(line.line_id, line.kind is LineKind.CREDIT, abs(line.amount)) for line in file.lines]


@given(entries, st.integers(-(10**10), 10**10))
@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize(("write", "read"), [(mt940, read_mt940), (camt053, read_camt053)])
def test_a_banks_statement_is_read_as_it_was_written(
    write: Callable[..., bytes], read: Callable[[bytes], StatementFile], rows: Entries, opening: int
) -> None:
    file = read(write(rows, opening))
    assert file.day == DAY
    assert seen(file) == [(name, is_in, amount) for name, is_in, amount, _ in rows]
    assert all(line.amount > 0 for line in file.lines if line.kind is LineKind.CREDIT)
    for line, (_, _, _, text) in zip(file.lines, rows, strict=True):
        assert text in line.reference.split(" ")


@given(st.lists(st.tuples(names, amounts, payouts), max_size=20))
@settings(max_examples=30, deadline=None)
def test_the_banks_csv_is_read_as_it_was_written(rows: list[tuple[str, int, str]]) -> None:
    file = read_bank_csv(bank_file(DAY, rows))
    assert seen(file) == [(name, True, amount) for name, amount, _ in rows]
    assert file.day == (DAY if rows else None)
    assert [line.reference.split(" ")[0] for line in file.lines] == [row[2] for row in rows]


@given(st.lists(st.tuples(names, st.booleans(), amounts), max_size=20))
@settings(max_examples=30, deadline=None)
def test_a_billers_postings_are_read_as_they_were_written(
    rows: list[tuple[str, bool, int]],
) -> None:
    at = datetime(2026, 11, 27, 9, 30, 15, tzinfo=CITY_TIME)
    keys = [str(new_id()) if has_key else "" for _, has_key, _ in rows]
    written = [(n, key, amount, at) for (n, _, amount), key in zip(rows, keys, strict=True)]
    file = read_postings_csv(postings_file(written))
    assert [(line.line_id, line.amount, line.occurred_at) for line in file.lines] == [
        (name, amount, at) for name, _, amount, _ in written
    ]
    assert [line.subject for line in file.lines] == [
        f"posting:{key or name}" for name, key, _, _ in written
    ]


FIELDS = st.sampled_from(
    [
        *(
            b":60F:C261127CNY2,00",
            b":61:",
            b":62F:C261127CNY1,00",
            b":86:x",
            b"{1:",
            b"-}",
            b"\r\n",
        ),
        *(b"<Stmt>", b"</Stmt>", b"<Document>", b'<?xml encoding="x"?>', b"<!DOCTYPE a>", b"&a;"),
        *("合计,1,1.00".encode(), "流水号".encode("gb18030"), b'"', b",,,,", b"=1+1"),
    ]
)


@given(st.one_of(st.binary(max_size=300), st.lists(FIELDS | st.binary(max_size=8)).map(b"".join)))
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("read", READERS)
def test_garbage_is_refused_and_nothing_worse(
    read: Callable[[bytes], StatementFile], raw: bytes
) -> None:
    with pytest.raises(StatementFileInvalid) as refused:
        read(raw)
    assert refused.value.errors


GOOD = {
    read_postings_csv: postings_file(
        [("P1", str(new_id()), 4250, datetime(2026, 11, 27, 9, tzinfo=CITY_TIME))]
    ),
    read_bank_csv: bank_file(DAY, [("B1234567", 4250, "po_12345678")]),
    read_mt940: mt940([("B1234567", True, 4250, "po_1234567890")]),
    read_camt053: camt053([("B1234567", True, 4250, "po_1234567890")]),
}


@given(st.data())
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("read", READERS)
def test_a_bitten_file_is_refused_or_read_whole(
    read: Callable[[bytes], StatementFile], data: st.DataObject
) -> None:
    """A byte lost or changed never costs an amount unseen: totals and balances hold it."""
    good = GOOD[read]
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.binary(max_size=2))
    try:
        file = read(good[:place] + other + good[place + 1 :])
    except StatementFileInvalid:
        return
    assert [abs(line.amount) for line in file.lines] == [4250]


@pytest.mark.parametrize(
    ("read", "old", "new"),
    [
        (read_mt940, b"42,50", b"42,51"),
        (read_mt940, b":62F:", b":64:"),
        (read_camt053, b">42.50<", b">42.51<"),
        (read_camt053, b"CLBD", b"CLAV"),
        (read_bank_csv, "合计,1".encode("gb18030"), "合计,2".encode("gb18030")),
        (read_postings_csv, b"42.50,2026", b"42.51,2026"),
        (read_postings_csv, b"42.50", b"42.505"),
        (read_postings_csv, b"P1,", b"=P1,"),
    ],
)
def test_what_does_not_add_up_is_refused(
    read: Callable[[bytes], StatementFile], old: bytes, new: bytes
) -> None:
    good = GOOD[read]
    assert good.count(old)
    read(good)
    with pytest.raises(StatementFileInvalid):
        read(good.replace(old, new, 1))


@pytest.mark.parametrize(
    "head",
    [
        b'<!DOCTYPE a [<!ENTITY b "1">]>',
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname">',
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
    ],
)
def test_xml_with_a_document_type_is_refused_before_it_is_parsed(head: bytes) -> None:
    raw = GOOD[read_camt053].replace(b"?>\n", b"?>\n" + head)
    with pytest.raises(StatementFileInvalid) as refused:
        read_camt053(raw)
    assert "DTD" in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "iso-8859-1", "gb18030"])
def test_xml_is_utf_8(encoding: str) -> None:
    text = GOOD[read_camt053].decode().replace("UTF-8", encoding)
    with pytest.raises(StatementFileInvalid):
        read_camt053(text.encode(encoding))


def test_no_name_of_a_person_is_kept() -> None:
    text = "张三 工资 payment ZhangSan po_1234567890"
    (line,) = read_bank_csv(bank_file(DAY, [("B1234567", 100, text)])).lines
    assert line.reference == "po_1234567890"
    assert not re.search("[一-龥]", repr(line))


def test_a_file_is_of_one_day() -> None:
    rows = bank_file(DAY, [("B1234567", 1, "a")]).decode("gb18030").split("\r\n")
    other = rows[1].replace(str(DAY), str(DAY + timedelta(days=1)))
    raw = "\r\n".join([*rows[:2], other, rows[2].replace("1,0.01", "2,0.02")])
    with pytest.raises(StatementFileInvalid):
        read_bank_csv(raw.encode())
