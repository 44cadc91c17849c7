"""Statements: what was owed before, each line, what is owed after; to the fen, in any length."""

import csv
import itertools
import tracemalloc
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO, StringIO
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import create_engine, text

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from app.ledger import service as ledger
from app.ledger.values import Fee, FeeBearer, Part, PartKind
from app.settlement.errors import PeriodInvalid
from app.settlement.service import parse_period
from app.settlement.service.tables import yuan_number
from tests.conftest import World
from tests.factories import today_for
from tests.ledger.support import (
    capture,
    fail,
    new_payee,
    portion,
    publish,
    refund,
    rows,
    rule,
    with_fee,
    within,
)
from tests.settlement.support import (
    after,
    finance,
    fresh_day,
    get,
    lines_of,
    on,
    sent,
    with_account,
)

LINES, STEP = 10_000, 500  # ten pages of what is read at a time; the memory is that of one
AMOUNTS = ("gross", "fee", "refunded", "moved")


def path_of(payee: str, period: object) -> str:
    return f"/payees/{payee}/statements/{period}"


def all_lines(client: FlaskClient, rooms: Rooms, payee: str, period: object) -> list[dict]:
    who, path = finance(rooms).clerk, f"{path_of(payee, period)}/lines?limit=3"
    found, cursor = [], ""
    while True:
        page = get(client, path + cursor, who)
        assert page.status_code == 200, page.text
        found += page.json["items"]
        if page.json["next_cursor"] is None:
            return found
        cursor = f"&cursor={page.json['next_cursor']}"


def table(content: bytes, codec: str = "utf-8") -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode(codec), newline="")))


def fen(cell: str) -> int:
    return int(cell.replace(".", ""))


def test_a_statement_tells_each_line(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = new_payee(), fresh_day()
    publish(rooms, rule(payee, *with_fee(payee, 10_000), bearer=FeeBearer.PAYEE))
    capture(rooms, portion(payee, 5_000))  # before the day
    with_account(client, rooms, payee)
    with on(day):
        first, second = portion(payee, 10_000), portion(payee, 300)
        booked = capture(rooms, first, second)
        refund(rooms, booked, first, 4_000)
        failed = refund(rooms, booked, second, 300)
        fail(rooms, booked, failed)
        fee = Fee("stripe", uuid4().hex, 60, now(), booked.subject_id)
        within(rooms, lambda uow: ledger.book_gateway_fee(uow, fee))
    with after(day):
        batch = sent(client, finance(rooms), day)
        assert payee in [x["payee"] for x in lines_of(client, finance(rooms), batch["id"])]
        head = get(client, path_of(payee, day), finance(rooms).clerk).json
        assert (head["opening"], head["closing"]) == (4_950, 11_127)
        lines = all_lines(client, rooms, payee, day)
        lines[:2] = sorted(lines[:2], key=lambda x: -x["gross"])  # items of one payment
        assert [(x["kind"], *(x[name] for name in AMOUNTS), x["net"]) for x in lines] == [
            ("payment.captured", 10_000, -100, 0, 0, 9_900),
            ("payment.captured", 300, -3, 0, 0, 297),
            ("refund.asked", 0, 40, -4_000, 0, -3_960),
            ("refund.asked", 0, 3, -300, 0, -297),
            ("refund.failed", 0, -3, 300, 0, 297),
            ("gateway.fee", 0, -60, 0, 0, -60),
        ]
        assert {x["subject_id"] for x in lines} == {str(booked.subject_id)}
        assert lines[0]["title"] == {"zh": "水费", "en": "Water"}
    with after(day + timedelta(days=1)):
        next_day = day + timedelta(days=1)
        head = get(client, path_of(payee, next_day), finance(rooms).clerk).json
        assert (head["opening"], head["closing"]) == (11_127, 0)
        (line,) = all_lines(client, rooms, payee, next_day)
        assert (line["kind"], line["moved"], line["net"]) == (
            "settlement.ordered",
            -11_127,
            -11_127,
        )


def test_a_share_of_somebody_elses_item_is_all_that_came(client: FlaskClient, rooms: Rooms) -> None:
    owner, treasury, day = new_payee(), new_payee(), fresh_day()
    parts = (
        Part(f"payee:{treasury}", PartKind.FIXED, 70, 1),
        Part(f"payee:{owner}", PartKind.REMAINDER, 0, 2),
    )
    publish(rooms, rule(owner, *parts))
    with on(day):
        item = portion(owner, 1000)
        refund(rooms, capture(rooms, item), item, 1000)
    with after(day):
        lines = all_lines(client, rooms, treasury, day)
        assert [tuple(x[name] for name in AMOUNTS) for x in lines] == [
            (70, 0, 0, 0),
            (0, 0, -70, 0),
        ]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    story=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 10**6), st.floats(0, 1), st.booleans()),
        min_size=1,
        max_size=8,
    ),
    millionths=st.integers(1, 999_999),
)
def test_one_day_closes_as_the_next_one_opens(
    rooms: Rooms, client: FlaskClient, story: list, millionths: int
) -> None:
    payee, first = new_payee(), fresh_day()
    publish(rooms, rule(payee, *with_fee(payee, millionths)))
    capture(rooms, portion(payee, 10**7))  # who never got a fen is nobody's payee
    days = [first, first + timedelta(days=1)]
    for offset, amount, part, fails in sorted(story, key=lambda step: step[0]):
        with on(first + timedelta(days=min(offset, 1)), 8 + offset):
            item = portion(payee, amount)
            booked = capture(rooms, item)
            if int(amount * part):
                reference = refund(rooms, booked, item, int(amount * part))
                if fails:
                    fail(rooms, booked, reference)
    with after(days[-1]):
        heads = [get(client, path_of(payee, d), finance(rooms).clerk).json for d in days]
        assert heads[0]["closing"] == heads[1]["opening"]
        for day, head in zip(days, heads, strict=True):
            lines = all_lines(client, rooms, payee, day)
            assert head["opening"] + sum(x["net"] for x in lines) == head["closing"]
            for line in lines:
                assert sum(line[name] for name in AMOUNTS) == line["net"]
                assert line["refunded"] <= 0 or line["kind"] == "refund.failed"
            taken = get(client, f"{path_of(payee, day)}/file", finance(rooms).clerk).data
            body = table(taken)
            assert fen(body[2][-1]) == head["opening"]
            assert fen(body[-1][-1]) == head["closing"]
            assert len(body) == len(lines) + 4


def test_a_month_has_the_lines_of_its_days(client: FlaskClient, rooms: Rooms) -> None:
    payee = new_payee()
    first = (fresh_day() + timedelta(days=31)).replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    for day in (first, following - timedelta(days=1)):
        with on(day, 23 if day.day > 1 else 0):
            capture(rooms, portion(payee, 100))
    with on(following, 0):
        capture(rooms, portion(payee, 7))
    with after(following):
        month = f"{first:%Y-%m}"
        head = get(client, path_of(payee, month), finance(rooms).clerk).json
        assert (head["opening"], head["closing"]) == (0, 200)
        assert len(all_lines(client, rooms, payee, month)) == 2


def test_a_file_runs_nothing_and_comes_in_the_encoding_that_was_asked_for(
    client: FlaskClient, rooms: Rooms
) -> None:
    payee, day = new_payee(), fresh_day()
    with on(day):
        evil = portion(payee, 100)
        title = {"zh": '=HYPERLINK("http://x","水费")', "en": "@x"}
        capture(rooms, type(evil)(evil.id, evil.payee, evil.service, evil.amount, title))
    with after(day):
        for asked, codec, mark in (
            ("utf-8", "utf-8", b""),
            ("utf-8-bom", "utf-8-sig", b"\xef\xbb\xbf"),
            ("gb18030", "gb18030", b""),
        ):
            path = f"{path_of(payee, day)}/file?encoding={asked}"
            taken = get(client, path, finance(rooms).clerk)
            assert taken.mimetype == "text/csv"
            assert taken.data.startswith(mark + "对账单".encode(codec.removesuffix("-sig")))
            body = table(taken.data, codec)
            assert body[3][3] == '\'=HYPERLINK("http://x","水费")'
            amounts = [cell for row in body[2:] for cell in row[4:] if cell]
            for cell in itertools.chain.from_iterable(body):
                assert cell[:1] not in set("=+-@\t\r＝＋－＠") or cell in amounts


def test_the_pdf_says_the_same(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = new_payee(), fresh_day()
    with on(day):
        for _ in range(60):
            capture(rooms, portion(payee, 123_456))
    with after(day):
        path = f"{path_of(payee, day)}/file?format=pdf"
        taken, again = (get(client, path, finance(rooms).clerk) for _ in range(2))
        assert (taken.status_code, taken.mimetype) == (200, "application/pdf")
        assert taken.data == again.data
        pages = PdfReader(BytesIO(taken.data)).pages
        text = "\n".join(page.extract_text() for page in pages)
        assert len(pages) >= 2
        assert text.count("¥1,234.56") >= 120
        assert "收款单位对账单 Statement of account" in text
        assert "期末余额 Closing balance" in text
        assert "¥74,073.60" in text
        assert "水费 Water" in text
    told = rows(
        rooms,
        "select count(*) from audit_entries where event = 'settlement.statement-read' "
        "and details ->> 'payee' = :payee",
        payee=payee,
    )
    assert told == [(2,)]


@pytest.mark.parametrize("name", ["2026", "2026-13", "2026-02-30", "2026-1-1", "20261128", "x"])
def test_what_is_no_period_is_refused(client: FlaskClient, rooms: Rooms, name: str) -> None:
    with pytest.raises(PeriodInvalid):
        parse_period(name)
    refused = get(client, path_of("shiyan-water", name), finance(rooms).clerk)
    assert (refused.status_code, refused.json["code"]) == (422, "statement-period-invalid")


def test_a_period_that_is_not_over_and_a_payee_that_nobody_knows(
    client: FlaskClient, rooms: Rooms
) -> None:
    clerk = finance(rooms).clerk
    for more in ("", "/lines", "/file"):
        early = get(client, path_of("shiyan-water", today_for(30)) + more, clerk)
        assert (early.status_code, early.json["code"]) == (409, "statement-period-open")
        unknown = get(client, path_of("nobody", "2026-01-01") + more, clerk)
        assert (unknown.status_code, unknown.json["code"]) == (404, "payee-not-found")
    for cursor in ("eA", "WyJ4IiwieSJd", "WyIyMDI2LTAxLTAxIiwiMSJd"):
        path = f"{path_of('shiyan-water', '2026-01-01')}/lines?cursor={cursor}"
        assert get(client, path, clerk).status_code == 400


def many(rooms: Rooms, payee: str, count: int, day: date) -> None:
    """Book many captures of one fen at once, as the service's own role."""
    booked = capture(rooms, portion(payee, 1))
    ((clearing, owed),) = rows(
        rooms,
        "select (select id from ledger_accounts where code = 'clearing:stripe'), "
        "(select id from ledger_accounts where code = :code)",
        code=f"payee:{payee}",
    )
    assert booked.amount == 1
    rows(
        rooms,
        """
        with made as (
            insert into ledger_transactions
                (id, kind, external_ref, subject_id, lines, occurred_at, recorded_at)
            select gen_random_uuid(), 'payment.captured', :run || n, gen_random_uuid(), 2,
                cast(:day as timestamptz) + n * interval '1 millisecond',
                cast(:day as timestamptz) + n * interval '1 millisecond'
            from generate_series(1, :count) n returning id
        )
        insert into ledger_entries
        select id, line, case line when 1 then cast(:c as uuid) else cast(:p as uuid) end,
            case line when 1 then 1 else -1 end, 'CNY'
        from made cross join generate_series(1, 2) line
        returning 1
        """,
        run=f"many:{new_id()}:",
        day=f"{day.isoformat()} 12:00+08:00",
        count=count,
        c=clearing,
        p=owed,
    )


def take_stock(world: World) -> None:
    """Let PostgreSQL know how large the ledger is, as its own rounds would within a minute.

    Until then it goes by the plans that it made while the ledger was all but empty.
    """
    owner = create_engine(world.env["DATABASE_OWNER_URL"])
    with owner.begin() as connection:
        connection.execute(text("analyze ledger_transactions, ledger_entries"))
    owner.dispose()


def test_many_lines_are_streamed_in_bounded_memory(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    payee, day = new_payee(), fresh_day()
    many(rooms, payee, STEP, day)
    take_stock(world)
    for _ in range(LINES // STEP - 1):
        many(rooms, payee, STEP, day)
    with after(day):
        path = f"/v1/settlement{path_of(payee, day)}/file"
        answer = client.application.test_client().open(
            path, headers=finance(rooms).clerk, buffered=False
        )
        assert answer.status_code == 200
        pieces: Iterator[bytes] = iter(answer.response)
        count, last = 0, b""
        tracemalloc.start()
        for piece in pieces:
            count, last = count + 1, piece
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == LINES + 4
        assert last.decode().rstrip().endswith(yuan_number(LINES + LINES // STEP))
        assert peak < 16 * 2**20
        long = get(client, f"{path_of(payee, day)}/file?format=pdf", finance(rooms).clerk)
        assert (long.status_code, long.json["code"]) == (409, "statement-too-long")
