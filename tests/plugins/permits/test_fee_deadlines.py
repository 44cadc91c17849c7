"""The time for paying: told, reminded of, over to the second, and nobody's money is lost by it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError

from app.factory import Rooms
from app.sdk import Citizen, now
from plugins.permits import service
from plugins.permits.errors import FeeOverdue, FeeVoid
from plugins.permits.provider import PermitsProvider
from plugins.permits.service.fee_terms import read_fee_terms
from plugins.permits.service.tables import BundleBroken
from plugins.permits.values.fees import FeeTerms, FeeView
from plugins.permits.values.seats import SeatRole
from tests.factories import Citizen as Person
from tests.factories import later, run_jobs
from tests.payments.helpers import confirm, deliver, order, read, start
from tests.plugins.permits.cases import finish, seat, see
from tests.plugins.permits.clockwork import at
from tests.plugins.permits.desk import apply, make_desk, shown
from tests.plugins.permits.fee_cases import (
    ID_CARD,
    POLICE,
    PRICE,
    asked,
    bill,
    books,
    decide_all,
    listed,
    notice_of,
    reference_of,
)
from tests.plugins.permits.office import Office, change, moves_of, rows
from tests.plugins.permits.test_races import together
from tests.plugins.permits.worked_examples import beijing

BEGUN, REMINDED, OVER = "2026-03-02 10:00", "2026-03-16 17:00", "2026-03-23 17:00"
"""A Monday, and the ends of the tenth and the fifteenth working day after it."""
LETTERS = (
    "select kind, body_zh from inbox_messages where citizen_id = :id "
    "and kind like 'permits.permit-fee-%' order by created_at, id"
)
HELD = "select count(*) from certificates where citizen_id = :id and plugin = 'permits'"


def attend(office: Office) -> None:
    """Let a worker come by until there is nothing left to do: this database is shared."""
    for _ in range(4):
        service.attend_fees(office.house)


def decided(office: Office, citizen: Citizen) -> UUID:
    """Return an application in which everything is decided, and whose fee is owed."""
    case = asked(office, citizen)
    decide_all(office, citizen, case)
    return case


def fee_of(office: Office, citizen: Citizen, case: UUID) -> FeeView:
    (fee,) = office.shown(citizen, case).fees
    return fee


def letters(rooms: Rooms, me: Person) -> list[str]:
    return [kind.removeprefix("permits.permit-fee-") for kind, _ in rows(rooms, LETTERS, id=me.id)]


def test_who_does_not_pay_is_told_and_reminded_and_then_the_application_lapses(
    office: Office, rooms: Rooms, me: Person
) -> None:
    citizen = see(rooms, me.id)
    with at(BEGUN):
        case = asked(office, citizen)
        attend(office)
        assert fee_of(office, citizen, case).due_at is None  # one may pay, and need not
        decide_all(office, citizen, case)
        attend(office)
        assert fee_of(office, citizen, case).due_at == beijing(OVER)
        (payable,) = listed(office, citizen)
        assert payable.due_date == date(2026, 3, 23)
    with at("2026-03-16 16:59:59"):
        attend(office)
        assert letters(rooms, me) == ["owed", "due"]
    with at(REMINDED):
        with ThreadPoolExecutor(3) as workers:
            list(workers.map(lambda _: attend(office), range(3)))
        assert letters(rooms, me) == ["owed", "due", "reminder"]
        assert fee_of(office, citizen, case).due_at == beijing(OVER)
    reference = reference_of(office, citizen, case)
    with at("2026-03-23 16:59:59"):
        attend(office)
        assert listed(office, citizen) == [payable]
        assert service.get_payable(office.house, reference, citizen) == payable
    with at(OVER):
        assert listed(office, citizen) == []
        with pytest.raises(FeeOverdue):
            service.get_payable(office.house, reference, citizen)
        attend(office)
    with at("2026-03-23 17:29"):
        attend(office)
        assert office.shown(citizen, case).status == "all_decided"
    with at("2026-03-23 17:31"):
        with ThreadPoolExecutor(3) as workers:
            list(workers.map(lambda _: attend(office), range(3)))
        service.issue_decided(office.house)
        ended = office.shown(citizen, case)
        assert (ended.status, ended.reason, ended.result) == ("lapsed", "fee-not-paid", None)
        assert books(rooms, case) == [("void", False, None)]
        with pytest.raises(FeeVoid):
            service.take_payment(office.house, notice_of(reference))
        with pytest.raises(FeeVoid):
            service.get_payable(office.house, reference, citizen)
    assert moves_of(rooms, case)[-2:] == [("all_decided", "decided"), ("lapsed", "fee-not-paid")]
    assert letters(rooms, me) == ["owed", "due", "reminder", "not-paid"]
    words = [body for _, body in rows(rooms, LETTERS, id=me.id)]
    assert [("2026-03-23 17:00" in body, "20.00" in body) for body in words] == [
        *((False, True), (True, True), (True, True), (False, False)),
    ]
    assert rows(rooms, HELD, id=me.id) == [(0,)]


def test_what_was_sent_in_time_is_taken_and_issued(
    office: Office, rooms: Rooms, me: Person
) -> None:
    citizen = see(rooms, me.id)
    with at(BEGUN):
        early, late = decided(office, citizen), decided(office, citizen)
        attend(office)
    with at(REMINDED):
        attend(office)
    with at("2026-03-23 16:59:59"):
        notice = notice_of(reference_of(office, citizen, early))
        service.take_payment(office.house, notice)
    with at("2026-03-23 17:00:01"):
        attend(office)
        # no payment can begin any more: this one was on its way
        service.take_payment(office.house, notice_of(reference_of(office, citizen, late)))
    with at("2026-03-24 10:00"):
        attend(office)
        for case in (early, late):
            assert books(rooms, case) == [("paid", True, None)]
            for _ in range(20):  # others of this database may come first, a batch at a time
                service.issue_decided(office.house)
            assert office.shown(citizen, case).status == "completed"
    assert rows(rooms, HELD, id=me.id) == [(6,)]


def test_a_worker_that_was_away_takes_nobodys_time(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    with at(BEGUN):
        case = decided(office, citizen)
    with at("2026-03-04 09:00"):  # the notice is two days late, and so is the end
        attend(office)
        assert fee_of(office, citizen, case).due_at == beijing("2026-03-25 17:00")
    with at("2026-05-11 11:00"):  # nobody was reminded: the reminder leaves what it always does
        attend(office)
        assert fee_of(office, citizen, case).due_at == beijing("2026-05-18 17:00")
        assert office.shown(citizen, case).status == "all_decided"
    with at("2026-05-25 09:00"):  # nobody has noted the end: money that came has its half hour
        attend(office)
        assert office.shown(citizen, case).status == "all_decided"
    with at("2026-05-25 09:29"):
        attend(office)
        service.take_payment(office.house, notice_of(reference_of(office, citizen, case)))
    with at("2026-05-25 12:00"):
        attend(office)
    assert books(rooms, case) == [("paid", True, None)]


def test_paying_and_lapsing_exclude_each_other(office: Office, rooms: Rooms) -> None:
    seen: Counter[str] = Counter()
    for turn in range(8):
        citizen = Citizen(f"c-late-{turn}-{now().timestamp()}")
        with at(BEGUN):
            case = decided(office, citizen)
            attend(office)
        with at(REMINDED):
            attend(office)
        with at(OVER):
            attend(office)
        with at("2026-03-23 17:31"):
            notice = notice_of(reference_of(office, citizen, case))
            acts = [
                partial(service.take_payment, office.house, notice),
                partial(attend, office),
            ]
            paid, _ = together(*acts) if turn % 2 else reversed(together(*reversed(acts)))
            attend(office)
        status = office.shown(citizen, case).status
        if paid == "done":
            assert (status, books(rooms, case)) == ("all_decided", [("paid", True, None)])
        else:
            assert paid == "permit-fee-void"
            assert (status, books(rooms, case)) == ("lapsed", [("void", False, None)])
            assert service.find_payment(office.house, notice.key) is None
        seen[paid] += 1
    assert seen.total() == 8


def over_http(client: FlaskClient, rooms: Rooms, me: Person) -> dict[str, Any]:
    """Return an application in which everything is decided, and whose fee is owed."""
    made = apply(client, me.auth, "moving-in", ID_CARD)
    clerk = make_desk(client, rooms, POLICE, "clerk")
    clerk.post(f"applications/{made['id']}/acceptance", version=made["version"])
    officers = seat(rooms, POLICE, SeatRole.CLERK), seat(rooms, POLICE, SeatRole.DECIDER)
    assert finish(rooms, UUID(made["id"]), *officers) == "all_decided"
    attend(Office(rooms.deps[PermitsProvider].house))
    return shown(client, me.auth, made["id"])


def test_a_payment_begins_until_the_last_second_and_what_comes_too_late_goes_back(
    client: FlaskClient, rooms: Rooms, me: Person
) -> None:
    office = Office(rooms.deps[PermitsProvider].house)
    in_time, late, never = (over_http(client, rooms, me) for _ in range(3))
    ours = [UUID(one["id"]) for one in (in_time, late, never)]
    soon = now() + timedelta(seconds=400)
    due = "remind_at = null, due_at = :at"
    change(rooms, "fees", due, "application_id = any(:ids)", at=soon, ids=ours)
    with later(200):
        payments = [start(client, me, order(bill(one["fees"][0]))) for one in (in_time, late)]
        assert [answer.status_code for answer in payments] == [201, 201]
        owed = client.get("/v1/me/payables", headers=me.auth).json["items"]
        assert never["fees"][0]["reference"] in {one["reference"] for one in owed}
    with later(420):
        owed = client.get("/v1/me/payables", headers=me.auth).json["items"]
        assert not [one for one in owed if one["service"] == "permit-fee"]
        refused = start(client, me, order(bill(never["fees"][0])))
        assert (refused.status_code, refused.json["code"]) == (409, "permit-fee-overdue")
        attend(office)
        assert confirm(payments[0].json)["status"] == "succeeded"
    deliver(client, payments[0].json)
    run_jobs(rooms)
    assert read(client, me, payments[0].json["id"])["items"][0]["status"] == "fulfilled"
    with later(420 + 1860):
        attend(office)
    for one in (late, never):
        ended = shown(client, me.auth, one["id"])
        assert (ended["status"], ended["reason"]) == ("lapsed", "fee-not-paid")
        assert [fee["status"] for fee in ended["fees"]] == ["void"]
    assert confirm(payments[1].json)["status"] == "succeeded"
    deliver(client, payments[1].json)
    run_jobs(rooms)
    assert read(client, me, payments[1].json["id"])["refunded_amount"] == PRICE
    assert books(rooms, UUID(late["id"])) == [("void", False, None)]
    for _ in range(20):
        service.issue_decided(office.house)
    assert shown(client, me.auth, in_time["id"])["status"] == "completed"
    assert rows(rooms, HELD, id=me.id) == [(3,)]


def test_what_has_lapsed_is_exported_and_erased_as_other_applications_are(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    with at(BEGUN):
        case = decided(office, citizen)
        attend(office)
    for moment in (REMINDED, OVER, "2026-03-23 17:31"):
        with at(moment):
            attend(office)
    exported = service.export_citizen(office.house, citizen.reference)["applications"]
    assert isinstance(exported, list)
    assert [(one["status"], one["reason"]) for one in exported] == [("lapsed", "fee-not-paid")]
    assert exported[0]["fees"][0]["due_at"] == "2026-03-23T09:00:00+00:00"
    service.erase_citizen(office.house, citizen.reference)
    kept = "select status, answers_sealed from plugin_permits.applications where id = :id"
    assert rows(rooms, kept, id=case) == [("lapsed", None)]


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("remind_at = now()", "ck_fees_remind_at"),
        ("closed_at = now(), due_at = now() + interval '1 day'", "ck_fees_closed_at"),
        ("closed_at = now(), due_at = now(), remind_at = now()", "ck_fees_closed_at"),
    ],
)
def test_nobody_is_reminded_of_no_date_and_nothing_closes_before_its_time(
    office: Office, citizen: Citizen, rooms: Rooms, what: str, refusal: str
) -> None:
    case = asked(office, citizen)
    with pytest.raises(DBAPIError, match=refusal):
        change(rooms, "fees", what, "application_id = :id", id=case)
    assert fee_of(office, citizen, case).due_at is None


def test_the_terms_are_read_strictly() -> None:
    terms = service.find_fee_terms()
    assert (terms.working_days, terms.reminded_after, terms.rest.working_days) == (15, 10, 5)
    assert "行政许可法" in terms.source
    good = 'working_days = 5\nreminded_after = 3\nsource = "x"\n'
    assert read_fee_terms(good) == FeeTerms(5, 3, "x")
    for bad, words in (
        (good.replace("3", "5"), "must be less than working_days"),
        (good.replace("5", "0"), "must be 1 or more"),
        (good + "grace = 1\n", "is no key that is known here"),
        (good.replace('source = "x"\n', ""), "source: is missing"),
    ):
        with pytest.raises(BundleBroken, match=words):
            read_fee_terms(bad)
