"""A biller takes a payment back: owed again or the money returned; told, and once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.http.server import Server
from app.sdk import Citizen, House, city_date
from plugins.utilities import service
from plugins.utilities.errors import (
    AlreadyPaid,
    AlreadyReversed,
    OrderClosed,
    PostingNotBooked,
)
from plugins.utilities.models import Bill, Posting, Reversal
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.reversals import RETRY, lock_posting, take_back
from plugins.utilities.values import (
    CitizensBill,
    ReversalReason,
    ReversalView,
    ReversedBy,
)
from tests.conftest import World
from tests.factories import later, log_in, run_jobs
from tests.payments.helpers import make_bill, pay, read
from tests.plugins.utilities.conftest import Subscriber, link, notice_for
from tests.plugins.utilities.desk import Desk, open_desk, yuan
from tests.plugins.utilities.test_orders import bills_of, mint, order_of

HEADER = "流水号,商户订单号,账单号,金额(元),冲正时间,原因"
WATER = "shiyan-water"


@pytest.fixture
def desk(app: Server, client: FlaskClient, rooms: Rooms) -> Desk:
    return open_desk(app, client, rooms)


def key_of(house: House, number: str) -> str:
    """Return our key of the posting of a bill."""
    with house.unit_of_work() as uow:
        theirs = select(Posting.key).where(Posting.biller_reference == number)
        return uow.scalars(theirs.order_by(Posting.sent_at.desc())).all()[0]


def posted(provider: UtilitiesProvider, citizen: Citizen, reference: str) -> str:
    """Pay a reference as the house does, and return the key."""
    notice = notice_for(provider.get_payable(reference, citizen))
    provider.fulfil(notice)
    return notice.key


def take(
    house: House, biller: str, key: str, reason: ReversalReason = ReversalReason.NOT_FUNDED
) -> ReversalView:
    """Take a posting back as an inquiry would: no desk client is needed."""
    with house.unit_of_work() as uow:
        posting = lock_posting(uow, biller, key)
        assert posting is not None
        return take_back(house, uow, posting, reason, came_by=ReversedBy.INQUIRY)


def at_the_biller(subscriber: Subscriber, key: str, reason: str) -> None:
    """Let the biller's clerk take a booking back in its own books."""
    path = f"/billers/{subscriber.biller}/postings/by-key/{key}/reversal"
    assert subscriber.city("POST", path, {"reason": reason}).status == 201


def shown(house: House, citizen: Citizen, number: str) -> CitizensBill:
    """Return a bill as it is stored, without asking anybody."""
    with house.unit_of_work() as uow:
        found = uow.scalars(select(Bill.id).where(Bill.biller_reference == number)).one()
        return service.find_bill(house, uow, citizen.reference, found)


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def reversal_file(*lines: tuple[str, str, str, int, str]) -> bytes:
    """Return a file of reversals: the biller's reference, key, bill, fen and reason of each."""
    rows = [HEADER]
    rows += [
        f"{reference},{key},{bill},{yuan(fen)},2026-11-29 09:00:00,{reason}"
        for reference, key, bill, fen, reason in lines
    ]
    rows.append(f"合计,{len(lines)},{yuan(sum(line[3] for line in lines))}")
    return ("\r\n".join(rows) + "\r\n").encode("gb18030")


def test_a_bill_without_money_is_owed_again_and_paid_once_more_by_a_new_reference(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    number = subscriber.add_bill(4250)
    link(house, citizen, subscriber)
    old = subscriber.reference(number)
    key = posted(provider, citizen, old)
    at_the_biller(subscriber, key, "not_funded")
    made = take(house, WATER, key)
    assert (made.follows, made.status, made.amount) == ("owed_again", "owed_again", 4250)
    bill = shown(house, citizen, number)
    assert (bill.status, bill.owed, bill.paid_at, bill.posting_reference) == (
        "open",
        4250,
        None,
        None,
    )
    assert bill.reversed_at is not None
    assert bill.reference.startswith("again.")
    assert len(bill.reference) <= 64
    with pytest.raises(AlreadyPaid):
        provider.get_payable(old, citizen)
    (payable,) = provider.list_payables(citizen)
    assert (payable.reference, payable.amount) == (bill.reference, 4250)
    notice = notice_for(provider.get_payable(payable.reference, citizen))
    done = provider.fulfil(notice)
    paid = bills_of(house, citizen)[number]
    assert (paid.status, paid.posting_reference) == ("paid", done.reference)
    # Once more taken back, it has another reference; a repeat of what was told is answered alike.
    take(house, WATER, notice.key)
    assert shown(house, citizen, number).reference not in (old, payable.reference)
    assert provider.fulfil(notice) == done
    assert provider.find_fulfilment(notice.key) == done
    assert shown(house, citizen, number).status == "open"


def test_of_a_cancelled_bill_the_money_goes_back_and_nothing_is_owed(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    number = subscriber.add_bill(4250)
    link(house, citizen, subscriber)
    key = posted(provider, citizen, subscriber.reference(number))
    at_the_biller(subscriber, key, "bill_cancelled")
    made = take(house, WATER, key, ReversalReason.BILL_CANCELLED)
    assert (made.follows, made.status) == ("money_back", "returning")
    bill = shown(house, citizen, number)
    assert (bill.status, bill.standing, bill.owed) == ("reversed", "reversed", 0)
    # The biller lists it no more; whoever is asked again makes nothing owed of it.
    assert bills_of(house, citizen)[number].status == "reversed"
    assert provider.list_payables(citizen) == []
    with house.unit_of_work() as uow:
        mine = service.list_open_bills(uow, citizen.reference)
    assert mine == []


def test_what_its_biller_lists_again_after_the_money_went_back_is_owed_again(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    number = subscriber.add_bill(4250)
    link(provider.house, citizen, subscriber)
    key = posted(provider, citizen, subscriber.reference(number))
    at_the_biller(subscriber, key, "wrong_account")
    take(provider.house, WATER, key, ReversalReason.WRONG_ACCOUNT)
    found = bills_of(provider.house, citizen)[number]
    assert (found.status, found.owed) == ("open", 4250)
    assert found.reference.startswith("again.")


def test_an_order_that_is_taken_back_leaves_what_others_have_paid(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    old = subscriber.add_bill(3000, period_from="2026-08-01", period_to="2026-08-31")
    young = subscriber.add_bill(2000)
    account = link(house, citizen, subscriber)
    first = mint(house, citizen, account.id, 1000)
    posted(provider, citizen, first.reference)
    second = mint(house, citizen, account.id, 2500)
    key = posted(provider, citizen, second.reference)
    paid = bills_of(house, citizen)
    assert (paid[old].status, paid[young].paid_amount) == ("paid", 500)
    at_the_biller(subscriber, key, "not_funded")
    take(house, WATER, key)
    for found in (
        {number: shown(house, citizen, number) for number in (old, young)},
        bills_of(house, citizen),  # and the biller says the same
    ):
        assert (found[old].status, found[old].paid_amount, found[old].owed) == (
            "partially_paid",
            1000,
            2000,
        )
        assert (found[young].status, found[young].paid_amount) == ("open", 0)
    assert order_of(house, citizen, second).status == "reversed"
    assert order_of(house, citizen, first).status == "paid"
    with pytest.raises(OrderClosed):
        provider.get_payable(second.reference, citizen)


def test_a_posting_is_taken_back_once_for_one_reason_and_only_when_it_is_booked(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber
) -> None:
    house = provider.house
    number = subscriber.add_bill(4250)
    link(house, citizen, subscriber)
    notice = notice_for(provider.get_payable(subscriber.reference(number), citizen))
    subscriber.behave("answer_lost", times=1)
    with pytest.raises(Exception, match="did not answer"):
        provider.fulfil(notice)
    with pytest.raises(PostingNotBooked):
        take(house, WATER, notice.key)
    provider.fulfil(notice)

    def try_one(_: int) -> bool:
        return take(house, WATER, notice.key).is_new

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(try_one, range(8))) == [False] * 7 + [True]
    with pytest.raises(AlreadyReversed):
        take(house, WATER, notice.key, ReversalReason.DUPLICATE)
    with house.unit_of_work() as uow:
        mine = select(func.count()).where(Reversal.posting_key == notice.key)
        assert uow.scalar(mine) == 1


def test_the_table_keeps_one_reversal_of_a_posting_and_who_said_so(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber, rooms: Rooms
) -> None:
    number = subscriber.add_bill(4250)
    link(provider.house, citizen, subscriber)
    key = posted(provider, citizen, subscriber.reference(number))
    made = take(provider.house, WATER, key)
    again = (
        "insert into plugin_utilities.reversals (id, status, version, posting_key, biller,"
        " reference, amount, reason, came_by, client_id, reversed_at) select gen_random_uuid(),"
        " status, version, posting_key, biller, reference, amount, reason, came_by, client_id,"
        " reversed_at from plugin_utilities.reversals where id = :id"
    )
    broken = "update plugin_utilities.bills set again_id = null where reversed_at is not null"
    change = "update plugin_utilities.reversals set {} where id = :id"
    for statement, constraint in (
        (again, "uq_reversals_posting_key"),
        (change.format("came_by = 'desk'"), "ck_reversals_client_id"),
        (change.format("reason = 'mood'"), "ck_reversals_reason"),
        (broken, "ck_bills_again_id"),
    ):
        parameters = {"id": made.id} if ":id" in statement else {}
        with pytest.raises(IntegrityError, match=constraint), rooms.units.open(actor="t") as uow:
            uow.execute(text(statement), parameters)


def test_the_desk_takes_back_what_is_its_own_and_the_trail_knows_who_tries_others(
    provider: UtilitiesProvider,
    citizen: Citizen,
    open_account: Callable[..., Subscriber],
    desk: Desk,
    rooms: Rooms,
) -> None:
    house = provider.house
    gas, water = open_account("shiyan-gas"), open_account(WATER)
    theirs, ours = gas.add_bill(100), water.add_bill(200)
    link(house, citizen, gas)
    link(house, citizen, water)
    their_key = posted(provider, citizen, gas.reference(theirs))
    key = posted(provider, citizen, water.reference(ours))
    wanted = {"key": key, "reason": "duplicate"}
    assert refusal(desk.post("reversals", {**wanted, "key": their_key})) == (
        404,
        "posting-not-found",
    )
    assert refusal(desk.post("reversals", wanted, "shiyan-gas")) == (404, "not-found")
    assert refusal(desk.post("reversals", {**wanted, "reason": "not_loaded"})) == (
        422,
        "reversal-not-allowed",
    )
    assert refusal(desk.post("reversals", {**wanted, "reason": "mood"}))[0] == 422
    assert shown(house, citizen, ours).status == shown(house, citizen, theirs).status == "paid"
    made = desk.post("reversals", wanted)
    assert made.status_code == 201, made.text
    assert (made.json["bill_number"], made.json["follows"]) == (ours, "money_back")
    again = desk.post("reversals", wanted)
    assert (again.status_code, again.json) == (200, made.json)
    day = city_date()
    listed = desk.get("postings", day=day, state="reversed").json["items"]
    assert key in [item["key"] for item in listed]
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalars(
            text("select event from audit_entries where actor = :actor"),
            {"actor": f"integrator:{desk.id}"},
        ).all()
    assert found.count("utilities.posting_reversed") == 1
    assert found.count("utilities.desk_refused") == 2


def test_a_file_takes_all_back_or_nothing_and_the_day_still_agrees(
    provider: UtilitiesProvider,
    citizen: Citizen,
    subscriber: Subscriber,
    desk: Desk,
) -> None:
    house = provider.house
    numbers = [subscriber.add_bill(1000 + place) for place in range(3)]
    link(house, citizen, subscriber)
    lines = []
    for place, number in enumerate(numbers):
        key = posted(provider, citizen, subscriber.reference(number))
        lines.append((f"WTR-{place}", key, number, 1000 + place, "not_funded"))
    day = city_date()
    before = desk.get("statement", day=day).json
    wrong = [
        (2, (*lines[0][:3], 999, "not_funded")),  # another amount
        (2, (*lines[0][:2], numbers[1], 1000, "not_funded")),  # another bill
        (2, ("WTR-0", "no-such-key", numbers[0], 1000, "not_funded")),
        (2, (*lines[0][:4], "mood")),
        (2, (*lines[0][:4], "not_loaded")),
    ]
    for place, line in wrong:
        answer = desk.send("reversal-files", reversal_file(line, *lines[1:]))
        assert refusal(answer) == (422, "bill-file-invalid")
        assert [fault["line"] for fault in answer.json["errors"]] == [place]
    twice = desk.send("reversal-files", reversal_file(lines[0], lines[0]))
    assert refusal(twice) == (422, "bill-file-invalid")
    assert {shown(house, citizen, number).status for number in numbers} == {"paid"}
    taken = desk.send("reversal-files", reversal_file(*lines[:2]))
    assert taken.status_code == 200, taken.text
    assert taken.json == {"lines": 2, "total": 2001, "reversed": 2, "unchanged": 0}
    once_more = desk.send("reversal-files", reversal_file(*lines))
    assert once_more.json == {"lines": 3, "total": 3003, "reversed": 1, "unchanged": 2}
    assert {shown(house, citizen, number).status for number in numbers} == {"open"}
    after = desk.get("statement", day=day).json
    assert after["booked"] == before["booked"]  # it was booked that day, whatever came later
    assert after["reversed"]["count"] - before["reversed"]["count"] == 3
    assert after["reversed"]["total"] - before["reversed"]["total"] == 3003
    mine = [one for one in after["differences"] if one["bill_number"] in numbers]
    assert mine == []


def test_the_billers_own_file_is_taken_as_it_writes_it(
    provider: UtilitiesProvider, citizen: Citizen, subscriber: Subscriber, desk: Desk
) -> None:
    number = subscriber.add_bill(4250)
    link(provider.house, citizen, subscriber)
    key = posted(provider, citizen, subscriber.reference(number))
    at_the_biller(subscriber, key, "not_funded")
    path = f"/billers/{WATER}/reversal-file?day={date.fromisoformat(city_date())}&encoding=gb18030"
    raw = subscriber.city("GET", path).content
    head, *lines, _ = raw.decode("gb18030").splitlines()
    (line,) = [one for one in lines if key in one]
    mine = f"{head}\r\n{line}\r\n合计,1,42.50".encode("gb18030")
    assert desk.send("reversal-files", mine).json["reversed"] == 1
    assert shown(provider.house, citizen, number).status == "open"


def test_the_citizen_is_told_and_the_money_goes_back_once(
    client: FlaskClient, world: World, rooms: Rooms, desk: Desk
) -> None:
    """All the way: paid by card, taken back at the desk, refunded, told, and paid anew."""
    me = log_in(client, world, rooms)
    kept, returned = make_bill(client, world, me), make_bill(client, world, me, amount=700)
    payments = [pay(client, rooms, me, bill) for bill in (kept, returned)]
    provider = rooms.hosted.plugins["utilities"].provider
    assert isinstance(provider, UtilitiesProvider)
    for bill, reason in ((kept, "not_funded"), (returned, "wrong_account")):
        key = key_of(provider.house, bill.biller_reference)
        made = desk.post("reversals", {"key": key, "reason": reason})
        assert made.status_code == 201, made.text
    for seconds in (0, RETRY.total_seconds() + 1):
        with later(seconds):
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: service.send_money_back(provider.house), range(4)))
            run_jobs(rooms)
    amounts = [read(client, me, payment["id"])["refunded_amount"] for payment in payments]
    assert amounts == [0, 700]
    with rooms.units.open(actor="test", read_only=True) as uow:
        states = dict(
            uow.execute(
                select(Posting.biller_reference, Reversal.status)
                .join(Posting, Posting.key == Reversal.posting_key)
                .where(
                    Posting.biller_reference.in_([kept.biller_reference, returned.biller_reference])
                )
            ).all()
        )
    assert states == {
        kept.biller_reference: "owed_again",
        returned.biller_reference: "returned",
    }
    inbox = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    told = {m["kind"]: m["body"]["zh"] for m in inbox if "posting-reversed" in m["kind"]}
    assert set(told) == {
        "utilities.posting-reversed-owed",
        "utilities.posting-reversed-returned",
    }
    assert "¥42.50" in told["utilities.posting-reversed-owed"]
    assert "¥7.00" in told["utilities.posting-reversed-returned"]
    # The one without money can be paid anew, by the reference that it has since.
    stored = client.get(f"/v1/utilities/bills/{kept.id}", headers=me.auth).json
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.get_one(Bill, UUID(kept.id))
        assert (row.again_id is not None, row.reversed_at is not None) == (True, True)
    assert stored["reference"].startswith("again.")


def test_a_file_of_two_hundred_is_taken_and_a_longer_one_refused(desk: Desk) -> None:
    many: list[Any] = [("W", f"key-{n}", f"B-{n}", 1, "duplicate") for n in range(201)]
    refused = desk.send("reversal-files", reversal_file(*many))
    assert refusal(refused) == (422, "bill-file-invalid")
    assert "200" in refused.json["errors"][0]["message"]
    unknown = desk.send("reversal-files", reversal_file(*many[:200]))
    assert unknown.json["error_count"] == 200
    assert len(unknown.json["errors"]) == 100
