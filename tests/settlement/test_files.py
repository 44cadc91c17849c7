"""What the bank is told: exact, well formed, never a formula, always the bytes that were made."""

import base64
import csv
import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.factory import Rooms
from app.settlement.service.files import NAMESPACE, render_file
from app.settlement.service.tables import Fen, write_csv, yuan_number
from app.settlement.values import (
    BankAccount,
    Debtor,
    Encoding,
    FileFormat,
    Order,
    Transfer,
)
from tests.ledger.support import rows
from tests.settlement.support import (
    BANK,
    NUMBER,
    after,
    draft,
    finance,
    fresh_day,
    get,
    owed,
    post,
    with_account,
)

NS = {"p": NAMESPACE}
ORDER = Order(
    batch_id=UUID(int=1),
    day=date(2026, 11, 28),
    made_at=datetime(2026, 11, 29, 1, 2, 3, tzinfo=UTC),
    currency="CNY",
    debtor=Debtor("i武当", "6200000000000001", "102521000019"),
    transfers=[
        Transfer(UUID(int=2), 123_456, BankAccount("water", "水务 & Co <1>", NUMBER, BANK)),
        Transfer(UUID(int=3), 5, BankAccount("gas", '=cmd|"/c calc"!A1', "12345678", BANK)),
    ],
)
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "－1", "＠x", "＋1"]


def texts(root: ET.Element, path: str) -> list[str | None]:
    steps = "/".join(f"p:{name}" for name in path.split("/"))
    return [found.text for found in root.findall(f".//{steps}", NS)]


def test_pain_001_says_what_is_to_be_paid() -> None:
    root = ET.fromstring(render_file(ORDER, FileFormat.PAIN_001))  # noqa: S314 - our own
    assert root.tag == f"{{{NAMESPACE}}}Document"
    assert texts(root, "GrpHdr/MsgId") == [UUID(int=1).hex]
    assert texts(root, "GrpHdr/NbOfTxs") == texts(root, "PmtInf/NbOfTxs") == ["2"]
    assert texts(root, "GrpHdr/CtrlSum") == texts(root, "PmtInf/CtrlSum") == ["1234.61"]
    assert texts(root, "GrpHdr/CreDtTm") == ["2026-11-29T09:02:03.000+08:00"]
    assert texts(root, "Amt/InstdAmt") == ["1234.56", "0.05"]
    assert texts(root, "Cdtr/Nm") == ["水务 & Co <1>", '=cmd|"/c calc"!A1']
    assert texts(root, "CdtrAcct/Id/Othr/Id") == [NUMBER, "12345678"]
    assert texts(root, "CdtrAgt/FinInstnId/ClrSysMmbId/MmbId") == [BANK, BANK]
    assert texts(root, "CdtrAgt/FinInstnId/ClrSysMmbId/ClrSysId/Cd") == ["CNAPS", "CNAPS"]
    ids = texts(root, "PmtId/EndToEndId")
    assert ids == [UUID(int=2).hex, UUID(int=3).hex]
    assert all(len(one or "") <= 35 for one in [*ids, *texts(root, "GrpHdr/MsgId")])
    order = [child.tag.rpartition("}")[2] for child in root[0][1]]
    assert order == [
        "PmtInfId", "PmtMtd", "NbOfTxs", "CtrlSum", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt",
        "CdtTrfTxInf", "CdtTrfTxInf",
    ]  # fmt: skip


def test_the_same_order_makes_the_same_bytes() -> None:
    for kind in FileFormat:
        assert render_file(ORDER, kind) == render_file(replace(ORDER), kind)


def test_the_csv_is_read_back_and_runs_nothing() -> None:
    content = render_file(ORDER, FileFormat.CSV)
    assert content.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    assert [row[1] for row in table[1:3]] == ["水务 & Co <1>", '\'=cmd|"/c calc"!A1']
    assert [row[4] for row in table[1:]] == ["1234.56", "0.05", "1234.61"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_looks_like_a_formula_is_text(text: str) -> None:
    (row,) = (
        csv.reader(
            [b"".join(write_csv([(text, "a")], Encoding.UTF_8)).decode()[:-2]],
        )
        if "\r" not in text
        else ([f"'{text}", "a"],)
    )
    assert row == [f"'{text}", "a"]


@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
@pytest.mark.parametrize("encoding", list(Encoding))
def test_no_cell_of_any_text_begins_like_a_formula(cells: list[str], encoding: Encoding) -> None:
    content = b"".join(write_csv([cells], encoding))
    codec = {"utf-8": "utf-8", "utf-8-bom": "utf-8-sig", "gb18030": "gb18030"}[encoding.value]
    text = content.decode(codec)
    (row,) = csv.reader(__import__("io").StringIO(text, newline=""))
    assert len(row) == len(cells)
    for shown, cell in zip(row, cells, strict=True):
        assert shown[:1] not in set("=+-@\t\r\n＝＋－＠") or shown == ""
        assert shown in {cell, f"'{cell}"}


@given(amount=st.integers(-(10**15), 10**15))
def test_amounts_are_plain_numbers(amount: int) -> None:
    written = yuan_number(amount)
    assert round(float(written) * 100) == amount or abs(amount) > 10**13
    assert int(written.replace(".", "")) == amount
    assert b"".join(write_csv([(Fen(amount),)], Encoding.UTF_8)) == f"{written}\r\n".encode()


def test_a_file_is_taken_as_it_was_made_and_the_trail_is_told(
    client: FlaskClient, rooms: Rooms
) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        batch_id = draft(client, people.clerk, day).json["id"]
        path = f"/batches/{batch_id}"
        early = get(client, f"{path}/file", people.clerk)
        assert (early.status_code, early.json["code"]) == (409, "settlement-file-not-made")
        post(client, f"{path}/approval", people.approver)
        digests = post(client, f"{path}/file", people.clerk).json["digests"]
        for kind, mimetype in (("csv", "text/csv"), ("pain.001", "application/xml")):
            taken = get(client, f"{path}/file?format={kind}", people.clerk)
            assert (taken.status_code, taken.mimetype) == (200, mimetype)
            digest = hashlib.sha256(taken.data)
            assert digest.hexdigest() == digests[kind]
            packed = base64.b64encode(digest.digest()).decode()
            assert taken.headers["Repr-Digest"] == f"sha-256=:{packed}:"
            assert NUMBER.encode() in taken.data
        assert get(client, f"{path}/file", people.approver).status_code == 403
        told = rows(
            rooms,
            "select count(*) from audit_entries where event = 'settlement.file-read' "
            "and details ->> 'batch_id' = :id",
            id=batch_id,
        )
        assert told == [(2,)]
        rows(
            rooms,
            "update settlement_lines set amount = amount + 1 where batch_id = :id returning 1",
            id=batch_id,
        )
        altered = get(client, f"{path}/file", people.clerk)
        assert (altered.status_code, altered.json["code"]) == (409, "settlement-file-differs")
