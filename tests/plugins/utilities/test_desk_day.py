"""The biller's day: ten thousand bills go up, citizens pay some, the file comes back, all agree.

A house, a database and billers of its own: nothing but this day is in any book.
"""

from collections.abc import Callable
from datetime import date
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import select, update

from plugins.utilities.models import Bill, Posting
from tests.factories import today_for
from tests.payments.helpers import DUE_DATE, make_bill, pay
from tests.payments.helpers import Bill as CitizensBill
from tests.plugins.utilities.desk import Desk, bill_file, open_desk, yuan
from tests.reconciliation.test_a_day import City, posting_file, town

__all__ = ["town"]

WATER = "shiyan-water"
UPLOADED = 10_000
PAID = 6


def open_town(town: City) -> Desk:
    return open_desk(town.client.application, town.client, town.rooms)  # type: ignore[arg-type]


def pay_some(town: City) -> list[CitizensBill]:
    bills = [
        make_bill(town.client, town.world, town.citizen, amount=4_000 + n) for n in range(PAID)
    ]
    for bill in bills:
        paid = pay(town.client, town.rooms, town.citizen, bill)
        assert paid["items"][0]["status"] == "fulfilled"
    return bills


def compare(desk: Desk, day: date, raw: bytes) -> dict[str, Any]:
    answer = desk.send("comparisons", raw, day=day.isoformat())
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


@pytest.mark.promise("P12")
def test_the_billers_day_ends_with_nothing_different(
    town: City, shows: Callable[[str], None]
) -> None:
    day = today_for(300)
    desk = open_town(town)
    theirs = [
        make_bill(town.client, town.world, town.citizen, amount=4_000 + n) for n in range(PAID)
    ]
    lines = [(bill.account, bill.biller_reference, bill.amount) for bill in theirs]
    lines += [(f"77{n:08d}", f"UP-{n:05d}", 100 + n) for n in range(UPLOADED - PAID)]
    total = sum(fen for _, _, fen in lines)
    raw = bill_file("DAY-1", lines, day=day.isoformat(), due=DUE_DATE).encode("gb18030")
    taken = desk.send("bill-files", raw)
    assert taken.status_code == 201, taken.text
    counted = {name: taken.json[name] for name in ("lines", "total", "created", "unchanged")}
    assert counted == {
        "lines": UPLOADED,
        "total": total,
        "created": UPLOADED - PAID,
        "unchanged": PAID,
    }
    assert desk.send("bill-files", raw).status_code == 200
    for bill in theirs:
        paid = pay(town.client, town.rooms, town.citizen, bill)
        assert paid["items"][0]["status"] == "fulfilled"
    money = sum(bill.amount for bill in theirs)

    said = desk.get("statement", day=day.isoformat()).json
    assert said["uploaded"] == {"count": UPLOADED, "total": total}
    assert said["booked"] == {"count": PAID, "total": money}
    assert said["unclear"] == said["refused"] == {"count": 0, "total": 0}
    assert said["differences"] == []

    back = desk.get("posting-file", day=day.isoformat(), encoding="gb18030")
    assert back.content_type == "text/csv; charset=gb18030"
    rows = back.data.decode("gb18030").splitlines()
    assert rows[-1] == f"合计,{PAID},{yuan(money)}"
    assert {row.split(",")[2] for row in rows[1:-1]} == {b.biller_reference for b in theirs}

    for file in (back.data, posting_file(town.world, WATER, day)):
        compared = compare(desk, day, file)
        assert compared["ours"] == compared["theirs"] == {"count": PAID, "total": money}
        assert (compared["matched"], compared["differences"]) == (PAID, [])
    with town.on_day(1):
        town.next_day()
        town.bring(f"biller:{WATER}", day, "postings-csv", back.data)
        assert town.live() == []
    shows(
        f"{UPLOADED} bills uploaded in GB18030 ({len(raw)} bytes), {PAID} paid by citizens, {PAID}"
        f" posted, {PAID} in the file back: 0 differences at the desk, 0 in reconciliation"
    )


@pytest.mark.promise("P12")
@pytest.mark.timed
def test_ten_thousand_bills_are_taken_in_under_a_minute(
    town: City, shows: Callable[[str], None]
) -> None:
    desk = open_town(town)
    lines = [(f"77{n:08d}", f"UP-{n:05d}", 100 + n) for n in range(UPLOADED)]
    raw = bill_file("DAY-1", lines, day=today_for(300).isoformat(), due=DUE_DATE)
    begun = perf_counter()
    taken = desk.send("bill-files", raw.encode("gb18030"))
    seconds = perf_counter() - begun
    assert (taken.status_code, taken.json["created"]) == (201, UPLOADED), taken.text
    assert seconds < 60
    shows(f"{UPLOADED} new bills taken in {seconds:.1f} s, over HTTP")


@pytest.mark.promise("P12")
def test_each_planted_difference_is_found(town: City, shows: Callable[[str], None]) -> None:
    day = today_for(300)
    desk = open_town(town)
    bills = pay_some(town)
    file = desk.get("posting-file", day=day.isoformat(), encoding="utf-8").data.decode()
    head, *lines, _ = file.splitlines()
    first = lines[0].split(",")

    def with_lines(*given: str) -> bytes:
        fen = sum(int(line.split(",")[3].replace(".", "")) for line in given)
        return "\r\n".join([head, *given, f"合计,{len(given)},{yuan(fen)}"]).encode()

    def line(**changed: str) -> str:
        names = ("posting", "key", "bill", "amount", "at")
        return ",".join({**dict(zip(names, first, strict=True)), **changed}.values())

    planted = {
        "missing-at-biller": with_lines(*lines[1:]),
        "unknown-key": with_lines(*lines, line(key="01900000-0000-7000-8000-000000000000")),
        "amount-differs": with_lines(line(amount="0.01"), *lines[1:]),
        "bill-differs": with_lines(line(bill="NOT-THIS"), *lines[1:]),
        "twice-in-file": with_lines(*lines, lines[0]),
    }
    assert compare(desk, day, with_lines(*lines))["differences"] == []
    for kind, raw in planted.items():
        found = compare(desk, day, raw)["differences"]
        assert [one["kind"] for one in found] == [kind]
    tomorrow = date.fromordinal(day.toordinal() + 1)
    moved = compare(desk, tomorrow, with_lines(*lines))["differences"]
    assert {one["kind"] for one in moved} == {"other-day"}
    assert [one["line"] for one in moved] == [place + 2 for place in range(PAID)]

    def own(model: type[Bill | Posting], where: Any, **values: Any) -> None:  # noqa: ANN401
        with town.rooms.units.open(actor="test") as uow:
            uow.execute(update(model).where(where).values(**values))

    key, number = first[1], first[2]
    with town.rooms.units.open(actor="test") as uow:
        confirmed = uow.scalar(select(Posting.answer_reference).where(Posting.key == key))
        other = uow.scalars(select(Posting).where(Posting.key != key).limit(1)).one()
        other_key, other_answer = other.key, other.answer_reference
    good = with_lines(*lines)

    def kinds() -> list[str]:
        in_file = [one["kind"] for one in compare(desk, day, good)["differences"]]
        said = desk.get("statement", day=day.isoformat()).json["differences"]
        assert {one["kind"] for one in said} <= set(in_file)
        return sorted(in_file)

    own(Bill, Bill.biller_reference == number, posting_reference=None)
    assert kinds() == ["bill-not-paid"]
    own(Bill, Bill.biller_reference == number, posting_reference=confirmed)
    own(Posting, Posting.key == other_key, answer_reference=confirmed)
    assert kinds() == ["booked-twice", "booked-twice"]
    own(Posting, Posting.key == other_key, answer_reference=other_answer)
    own(Posting, Posting.key == key, state="unclear", answer_reference=None, answered_at=None)
    assert kinds() == ["not-booked-here", "paid-without-posting"]

    shows(f"{len(planted) + 5} kinds of difference planted among {len(bills)} postings: each found")
