"""A parking company, a process of its own that knows only docs/providers.md: by the commands of the
page it registers, passes conformance and is moved to live by staff; then its fee is paid as a water
bill is, receipt included."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.journeys import company as companies
from tests.journeys.company import Company, await_service
from tests.journeys.house import Citizen, House, confirm, new_key, run_house, wait_until
from tests.live import Answer

FEE = 600
PAID, RESTING, CLOSED = "F-1004", "F-1005", "F-1006"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Run the product as it is."""
    with run_house() as running:
        yield running


@pytest.fixture(scope="module")
def company(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Let the page make the company, and what it prints be what it promises."""
    with companies.run_page(house, tmp_path_factory.mktemp("page")) as running:
        running.run("stay", RESTING, CLOSED)
        yield running


@pytest.fixture(scope="module")
def citizen(house: House) -> Citizen:
    """Return the app of somebody who has parked."""
    someone = Citizen(house.web, house.city)
    someone.log_in()
    return someone


def order(reference: str) -> dict[str, object]:
    return {"items": [{"service": "parking-fee", "reference": reference}], "method": "card"}


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json.get("code")) == (status, code), answer.body


def test_step_1_nobody_knows_it(house: House, citizen: Citizen) -> None:
    assert house.web.call("GET", "/v1/services/parking-fee").status == 404
    refused(citizen.start(order(PAID)), 404, "service-not-found")


def test_step_2_what_the_page_says_is_so(house: House, company: Company) -> None:
    desk = companies.staff(house)
    shown = desk.get("/v1/marketplace/providers/parking").json
    assert shown["status"] == company.run("status", "account.json") == "live"
    assert len(shown["badge"]["duties"]) == 36
    moves = desk.get("/v1/marketplace/providers/parking/moves?limit=100").json["items"]
    reached = [move["to_state"] for move in sorted(moves, key=lambda move: move["sequence"])]
    wanted = "applied document_review sandbox conformance_passed canary live"
    assert reached == wanted.split()
    assert all(move["reason"] for move in moves if move["from_state"] is not None)


def test_step_3_its_service_is_in_the_catalogue(house: House, company: Company) -> None:
    shown = await_service(house, available=True)
    assert shown["title"] == {"zh": "停车场缴费", "en": "Parking fee"}


def test_step_4_a_fee_is_paid_as_a_water_bill_is(
    house: House, company: Company, citizen: Citizen
) -> None:
    first = citizen.start(order(PAID))
    assert first.status == 201, first.body
    assert first.json["amount"] == FEE
    listed = citizen.get("/v1/me/payables").json["items"]
    assert PAID in {item["reference"] for item in listed}
    assert confirm(house.stripe, first.json["next_action"]).json["status"] == "succeeded"
    payment = citizen.await_items(first.json["id"], "fulfilled")
    (item,) = payment["items"]
    assert (payment["status"], item["service"]) == ("succeeded", "parking-fee")
    assert item["biller_reference"].startswith("PK-")

    path = f"/v1/payments/{payment['id']}/receipt"
    receipt = wait_until(lambda: citizen.get(path), lambda answer: answer.status == 200).json
    (section,) = receipt["sections"]
    assert (receipt["amount"], section["reference"]) == (FEE, PAID)
    assert section["biller_reference"] == item["biller_reference"]
    assert citizen.get(path, Accept="application/pdf").body.startswith(b"%PDF-")
    wait_until(citizen.inbox, lambda kinds: {"receipt-issued", "payment-received"} <= set(kinds))
    refused(citizen.start(order(PAID)), 409, "already-paid")


def test_step_5_places_are_counted_and_reserved(
    house: House, company: Company, citizen: Citizen
) -> None:
    gateway = "/v1/services/parking-fee/gateway"
    listed = citizen.get(gateway).json["items"]
    count, reserve = (one["example"] for one in listed)
    free = citizen.get(gateway + count["path"]).json["result"]["free"]
    tomorrow = f"{gateway}{count['path']}?{urlencode(count['query'])}"
    assert citizen.get(tomorrow).status == 200

    key = new_key()
    place = gateway + reserve["path"]
    answers = [citizen.post(place, reserve["body"], **{"Idempotency-Key": key}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200], answers[0].body
    assert answers[0].json == answers[1].json
    assert answers[0].json["result"]["number"].startswith("R-")
    assert citizen.get(gateway + count["path"]).json["result"] == {"free": free - 1}

    full = f"{gateway}/car-parks/golden-summit/reservations"
    for status in (200, 200, 409):  # it has two places
        last = citizen.post(full, reserve["body"], **{"Idempotency-Key": new_key()})
        assert last.status == status, last.body
    assert last.json["title_zh"] == "停车场已满"
    refused(last, 409, "parking:no-space")
    nowhere = citizen.get(f"{gateway}/car-parks/nowhere")
    refused(nowhere, 404, "parking:no-such-car-park")
    refused(citizen.get(f"{gateway}/payables"), 404, "operation-not-found")


def test_step_6_the_company_sends_some_of_it_back(
    house: House, company: Company, citizen: Citizen
) -> None:
    (payment,) = citizen.get("/v1/payments?limit=100").json["items"]
    for _ in range(2):  # the same return
        company.run("return", PAID, "--amount", "300", "--reason", "left-early")
    done = wait_until(
        lambda: citizen.payment(payment["id"]), lambda seen: seen["refunded_amount"] != 0
    )
    assert done["refunded_amount"] == 300


def test_step_7_the_company_lets_its_service_rest_and_go_on(
    house: House, company: Company, citizen: Citizen
) -> None:
    reason = {"zh": "系统升级，请稍后再来。", "en": "We are upgrading; please come back later."}
    company.tell("service.suspended", service="parking-fee", reason=reason, expected_return=None)
    shown = await_service(house, available=False)
    assert shown["unavailable_reason"]["zh"] == reason["zh"]
    refused(citizen.start(order(RESTING)), 503, "service-unavailable")
    company.tell("service.resumed", service="parking-fee")
    await_service(house, available=True)
    assert citizen.start(order(RESTING)).status == 201


def test_step_8_staff_throws_the_kill_switch(
    house: House, company: Company, citizen: Citizen
) -> None:
    desk = companies.staff(house, companies.OPERATOR)
    reason = {"zh": "正在核查，请稍后再来。", "en": "We are looking into it; come back later."}
    path = "/v1/marketplace/providers/parking/suspension"
    body = json.dumps({"reason": reason, "expected_return": None}).encode()
    headers = {"Authorization": f"Bearer {desk.token}", "Content-Type": "application/json"}
    assert house.web.call("PUT", path, body=body, headers=headers).status == 200
    assert await_service(house, available=False)["unavailable_reason"]["en"] == reason["en"]
    refused(citizen.start(order(CLOSED)), 503, "service-unavailable")
    back = desk.post("/v1/marketplace/providers/parking/resumption", {"reason": reason})
    assert back.json["status"] == "live"
    await_service(house, available=True)
    wait_until(lambda: citizen.start(order(CLOSED)).status, lambda status: status == 201)
