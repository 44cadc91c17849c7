"""Fees: owed from the acceptance on, paid once, waited for, and given back as the bundle says."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError

from app.factory import Rooms
from app.sdk import Citizen, NotFound
from plugins.permits import service
from plugins.permits.errors import FeeDiffers, FeeNotFound, FeePaid, FeeVoid
from plugins.permits.provider import PermitsProvider
from plugins.permits.values.bundles import FeeReturn
from plugins.permits.values.fees import FeeStatus, end_fee
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import FINAL, RefusalReason, TaskStatus, Verdict
from tests.conftest import World
from tests.factories import Citizen as Person
from tests.factories import log_in, run_jobs, verify
from tests.payments.helpers import confirm, deliver, intents_of, new_key, order, pay, read, start
from tests.plugins.permits.answers import CONSTRUCTION
from tests.plugins.permits.cases import finish, seat
from tests.plugins.permits.desk import PLACE, apply, make_desk, shown
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
from tests.plugins.permits.office import ALL, Office, change, moves_of, rows
from tests.plugins.permits.test_races import together

REFUSED = Verdict(TaskStatus.REFUSED, words="不符合条件", reason=RefusalReason.CONDITIONS_NOT_MET)
_S = FeeStatus


def accepted(client: FlaskClient, rooms: Rooms, me: Person) -> dict[str, Any]:
    """Return an application over HTTP whose fee is owed, with the clerk's acceptance."""
    made = apply(client, me.auth, "moving-in", ID_CARD)
    assert made["fees"] == []
    clerk = make_desk(client, rooms, POLICE, "clerk")
    clerk.post(f"applications/{made['id']}/acceptance", version=made["version"])
    return shown(client, me.auth, made["id"])


def attend(rooms: Rooms) -> None:
    rooms.deps[PermitsProvider].attend()
    run_jobs(rooms)


def inbox(client: FlaskClient, me: Person) -> Counter[str]:
    items = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    return Counter(item["kind"] for item in items if "permit-fee" in item["kind"])


def test_permits_are_issued_once_their_fee_is_paid(
    client: FlaskClient, rooms: Rooms, world: World, me: Person
) -> None:
    made = accepted(client, rooms, me)
    (fee,) = made["fees"]
    assert (fee["task"], fee["amount"], fee["status"]) == ("id-card", PRICE, "owed")
    owed = client.get("/v1/me/payables", headers=me.auth).json["items"]
    assert [(one["reference"], one["amount"]) for one in owed] == [(fee["reference"], PRICE)]
    assert inbox(client, me) == {"permits.permit-fee-owed": 1}
    stranger = log_in(client, world, rooms)
    verify(client, world, stranger)
    refused = start(client, stranger, order(bill(fee)))
    assert (refused.status_code, refused.json["code"]) == (404, "permit-fee-not-found")

    clerk, decider = seat(rooms, POLICE, SeatRole.CLERK), seat(rooms, POLICE, SeatRole.DECIDER)
    assert finish(rooms, UUID(made["id"]), clerk, decider) == "all_decided"
    attend(rooms)
    waiting = shown(client, me.auth, made["id"])
    assert (waiting["status"], waiting["result"]) == ("all_decided", None)
    # nobody's time runs while the citizen has yet to pay
    running = (
        "select count(*) filter (where stopped_at is null), count(*) "
        "from plugin_permits.clocks where application_id = :id"
    )
    assert rows(rooms, running, id=made["id"]) == [(0, 5)]
    assert {TaskStatus(task["status"]) for task in waiting["tasks"]} <= FINAL

    paid = pay(client, rooms, me, bill(fee))
    assert paid["status"] == "succeeded", paid
    again = start(client, me, order(bill(fee)))
    assert (again.status_code, again.json["code"]) == (409, "already-paid")
    attend(rooms)
    ended = shown(client, me.auth, made["id"])
    assert ended["status"] == "completed"
    assert [one["status"] for one in ended["fees"]] == ["paid"]
    assert ended["fees"][0]["paid_at"] is not None
    held = client.get("/v1/me/certificates", headers=me.auth).json["items"]
    assert Counter(one["type"] for one in held) == {
        "household-move-permit": 1,
        "household-registration": 1,
        "id-card": 1,
    }
    assert client.get("/v1/me/payables", headers=me.auth).json["items"] == []


def test_a_withdrawal_sends_the_money_back_once(
    client: FlaskClient, rooms: Rooms, world: World, me: Person
) -> None:
    made = accepted(client, rooms, me)
    (fee,) = made["fees"]
    paid = pay(client, rooms, me, bill(fee))
    headers = {**me.auth, "Idempotency-Key": new_key()}
    withdrawn = client.post(f"{PLACE}/applications/{made['id']}/withdrawal", headers=headers)
    assert withdrawn.json["status"] == "withdrawn"
    assert [one["status"] for one in withdrawn.json["fees"]] == ["returning"]
    house = rooms.deps[PermitsProvider].house
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: service.return_fees(house), range(4)))
    attend(rooms)
    attend(rooms)
    assert books(rooms, UUID(made["id"])) == [("returned", True, "permit-withdrawn")]
    after = read(client, me, paid["id"])
    assert after["refunded_amount"] == PRICE, after
    (intent,) = intents_of(world, paid["id"])
    assert intent["status"] == "succeeded"
    assert inbox(client, me) == {"permits.permit-fee-owed": 1, "permits.permit-fee-returned": 1}


def test_money_that_comes_after_the_withdrawal_goes_back_by_itself(
    client: FlaskClient, rooms: Rooms, world: World, me: Person
) -> None:
    made = accepted(client, rooms, me)
    (fee,) = made["fees"]
    started = start(client, me, order(bill(fee)))
    assert started.status_code == 201, started.text
    headers = {**me.auth, "Idempotency-Key": new_key()}
    client.post(f"{PLACE}/applications/{made['id']}/withdrawal", headers=headers)
    assert confirm(started.json)["status"] == "succeeded"
    deliver(client, started.json)
    run_jobs(rooms)
    attend(rooms)
    assert books(rooms, UUID(made["id"])) == [("void", False, None)]
    after = read(client, me, started.json["id"])
    assert after["refunded_amount"] == PRICE, after
    gone = start(client, me, order(bill(fee)))
    assert (gone.status_code, gone.json["code"]) == (409, "permit-fee-void")


@pytest.mark.parametrize("turns", [12])
def test_paying_and_withdrawing_exclude_each_other(
    office: Office, rooms: Rooms, turns: int
) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    sent: list[tuple[str, int | None, str]] = []
    for turn in range(turns):
        citizen = Citizen(f"c-{uuid4().hex}")
        case = asked(office, citizen)
        notice = notice_of(reference_of(office, citizen, case))
        acts = [
            partial(service.take_payment, office.house, notice),
            partial(office.run, service.withdraw_application, citizen.reference, case, ALL),
        ]
        paid, withdrawn = together(*acts) if turn % 2 else reversed(together(*reversed(acts)))
        assert withdrawn == "done"
        if paid == "done":
            # the plug-in sends it back itself, and says that it had it
            assert books(rooms, case) == [("returning", True, "permit-withdrawn")]
            first = service.take_payment(office.house, notice)
            assert service.find_payment(office.house, notice.key) == first
        else:
            # the house sends it back, for it was never taken
            assert paid == "permit-fee-void"
            assert books(rooms, case) == [("void", False, None)]
            assert service.find_payment(office.house, notice.key) is None
            with pytest.raises(FeeVoid):
                service.take_payment(office.house, notice)
        seen[paid, withdrawn] += 1
    assert seen.total() == turns
    house = replace(office.house, return_payment=lambda *a: sent.append(a))
    for _ in range(2):
        service.return_fees(house)
    assert len({reference for reference, _, _ in sent}) == len(sent)
    assert len(sent) >= seen["done", "done"]


def test_a_fee_is_taken_once_and_only_as_it_is(
    office: Office, citizen: Citizen, stranger: Citizen, rooms: Rooms
) -> None:
    case = asked(office, citizen)
    reference = reference_of(office, citizen, case)
    (payable,) = listed(office, citizen)
    assert service.get_payable(office.house, reference, citizen) == payable
    assert listed(office, stranger) == []
    with pytest.raises(FeeNotFound):
        service.get_payable(office.house, reference, stranger)
    notice = notice_of(reference)
    for wrong in (
        replace(notice, amount=PRICE - 1),
        replace(notice, currency="USD"),
        replace(notice, payee="shiyan-treasury"),
    ):
        with pytest.raises(FeeDiffers):
            service.take_payment(office.house, wrong)
    with pytest.raises(FeeNotFound):
        service.take_payment(office.house, replace(notice, reference="fee." + "f" * 32))
    others = [notice_of(reference) for _ in range(5)]
    results = together(*(partial(service.take_payment, office.house, one) for one in others))
    assert Counter(results) == {"done": 1, "already-paid": 4}
    won = others[results.index("done")]
    first = service.take_payment(office.house, won)
    assert service.take_payment(office.house, won) == first
    assert service.find_payment(office.house, won.key) == first
    with pytest.raises(FeePaid):
        service.get_payable(office.house, reference, citizen)
    fee_id = rows(rooms, "select id from plugin_permits.fees where application_id = :i", i=case)
    assert moves_of(rooms, fee_id[0][0]) == [("owed", "accepted"), ("paid", "paid")]


def test_what_was_refused_costs_nothing_and_the_rest_does(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    case = asked(office, citizen)
    service.take_payment(office.house, notice_of(reference_of(office, citizen, case)))
    decide_all(office, citizen, case, id_card=REFUSED)
    assert books(rooms, case) == [("returning", True, "permit-refused")]

    unpaid = asked(office, citizen)
    # what the refusal of another leaves out is not granted either
    decide_all(office, citizen, unpaid, move_permission=REFUSED)
    assert books(rooms, unpaid) == [("void", False, None)]
    service.issue_decided(office.house)
    assert office.shown(citizen, unpaid).status == "refused"


def test_a_refused_bundle_returns_also_the_fee_of_what_was_approved(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    case = office.accepted(citizen, CONSTRUCTION).id
    (fee,) = office.shown(citizen, case).fees
    assert (fee.task, fee.amount) == ("soil-conservation", 150 * 8_000)
    service.take_payment(office.house, notice_of(fee.reference, fee.amount))
    office.decided(office.task(citizen, case, "soil-conservation"), "water-bureau")
    assert books(rooms, case) == [("paid", True, None)]
    office.decided(office.task(citizen, case, "environment"), "environment-bureau", REFUSED)
    assert books(rooms, case) == [("returning", True, "permit-refused")]


def test_an_erasure_leaves_nothing_to_be_paid(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    case, decided = asked(office, citizen), asked(office, citizen)
    decide_all(office, citizen, decided)
    paid = asked(office, citizen)
    service.take_payment(office.house, notice_of(reference_of(office, citizen, paid)))
    exported = service.export_citizen(office.house, citizen.reference)["applications"]
    assert isinstance(exported, list)
    assert [one["fees"][0]["amount"] for one in exported] == [PRICE] * 3
    service.erase_citizen(office.house, citizen.reference)
    assert books(rooms, case) == [("void", False, None)]
    assert books(rooms, decided) == [("void", False, None)]
    assert books(rooms, paid) == [("returning", True, "permit-withdrawn")]
    service.issue_decided(office.house)
    ended = "select status from plugin_permits.applications where id = :id"
    assert rows(rooms, ended, id=decided) == [("completed",)]


def test_what_cannot_go_back_now_is_tried_again_after_the_others(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    case = asked(office, citizen)
    reference = reference_of(office, citizen, case)
    service.take_payment(office.house, notice_of(reference))
    office.run(service.withdraw_application, citizen.reference, case, ALL)
    tries: list[str] = []

    def nobody_paid(of: str, amount: int | None, reason: str) -> None:
        tries.append(of)
        raise NotFound

    house = replace(office.house, return_payment=nobody_paid)
    service.return_fees(house)
    assert reference in tries
    assert books(rooms, case) == [("returning", True, "permit-withdrawn")]
    tried = "select tried_at is not null from plugin_permits.fees where application_id = :id"
    assert rows(rooms, tried, id=case) == [(True,)]
    done = replace(office.house, return_payment=lambda *_: None)
    for _ in range(20):  # others of this database may come first, a batch at a time
        service.return_fees(done)
    assert books(rooms, case) == [("returned", True, "permit-withdrawn")]


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("status = 'returned', version = version + 1", "cannot go from owed to returned"),
        ("status = 'paid'", "cannot go from owed to paid"),  # beside the version
        ("status = 'paid', version = version + 1", "ck_fees_payment_key"),
        ("payment_key = 'k', paid_at = now(), booked_at = now()", "ck_fees_payment_key"),
        ("amount = 0", "ck_fees_amount"),
        ("reference = 'fee.1'", "ck_fees_reference"),
        ("return_reason = 'x'", "ck_fees_return_reason"),
        ("paid_at = now()", "ck_fees_paid_at"),
        ("booked_at = now()", "ck_fees_booked_at"),
    ],
)
def test_the_tables_refuse_what_must_never_be(
    office: Office, citizen: Citizen, rooms: Rooms, what: str, refusal: str
) -> None:
    case = asked(office, citizen)
    with pytest.raises(DBAPIError, match=refusal):
        change(rooms, "fees", what, "application_id = :id", id=case)
    assert books(rooms, case) == [("owed", False, None)]


def test_a_task_has_one_fee_and_a_payment_pays_one(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    one, two = asked(office, citizen), asked(office, citizen)
    notice = notice_of(reference_of(office, citizen, one))
    service.take_payment(office.house, notice)
    other = replace(notice, reference=reference_of(office, citizen, two))
    with pytest.raises(DBAPIError, match="uq_fees_payment_key"):
        service.take_payment(office.house, other)
    same = "task_id = (select task_id from plugin_permits.fees where application_id = :one)"
    with pytest.raises(DBAPIError, match="uq_fees_task_id"):
        change(rooms, "fees", same, "application_id = :id", one=one, id=two)
    assert books(rooms, two) == [("owed", False, None)]


def test_every_fee_ends_as_its_template_says() -> None:
    both = (FeeReturn.REFUSED, FeeReturn.WITHDRAWN)
    for status, case, returned in product(_S, FeeReturn, [(), both[:1], both[1:], both]):
        after = end_fee(status, case, returned)
        if status is _S.OWED:
            assert after is _S.VOID
        elif status is _S.PAID:
            assert after is (_S.RETURNING if case in returned else _S.PAID)
        else:
            assert after is status
        # settled again, whatever happens besides, nothing more is done with the money
        if after is _S.RETURNING:
            assert {end_fee(after, other, both) for other in FeeReturn} == {_S.RETURNING}
