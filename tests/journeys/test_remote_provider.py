"""A company in its own house: its bill is paid all the way, and its trouble stays its own."""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms, build, create_app
from app.host.roster import CHECK_SECONDS
from app.providers.models import Provider, ProviderKeyRow, ProviderManifest
from app.providers.service.roster import raise_epoch
from app.providers.values import ProviderStatus
from app.sdk.conformance.badge import hash_manifest
from app.sdk.remote import City
from config.settings import Settings
from tests.conftest import World
from tests.contract import ContractClient
from tests.databases import migrated_database
from tests.factories import Citizen, log_in, run_jobs
from tests.host.test_roster import manifest
from tests.payments.helpers import (
    Bill,
    confirm,
    deliver,
    make_bill,
    new_key,
    order,
    pay,
    read,
    start,
    step_up,
)
from tests.sdk.remote_house import KEY_ID, Company, open_company

NAME, SERVICE = "parking", "parking-fee"
_S = ProviderStatus
PATH = (_S.DOCUMENT_REVIEW, _S.SANDBOX, _S.CONFORMANCE_PASSED, _S.CANARY, _S.LIVE)


@dataclass
class Town:
    """A house with a company beside it; `other` is the same house in a second process."""

    rooms: Rooms
    client: FlaskClient
    other: FlaskClient
    company: Company
    citizen: Citizen
    world: World

    def bill(self, reference: str, amount: int = 500) -> Bill:
        """Return a ticket of the company as a citizen's client pays it."""
        self.company.issue(reference, amount)
        return Bill(SERVICE, reference, amount, "", "", "", "")

    def owed(self, client: FlaskClient | None = None) -> dict[str, Any]:
        """Return what the citizen reads of their bills."""
        answer = (client or self.client).get("/v1/me/payables", headers=self.citizen.auth)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json
        return body

    def move(self, *states: ProviderStatus, percent: int = 100) -> None:
        """Let the marketplace move the company on, and tell every process."""
        with self.rooms.units.open(actor="test") as uow:
            provider = uow.query(Provider).filter_by(name=NAME).with_for_update().one()
            provider.canary_percent = percent
            for state in states:
                is_off = state is _S.SUSPENDED
                provider.suspended_from = provider.status if is_off else None
                provider.reason_zh = "账目有误" if is_off else None
                provider.reason_en = "Wrong bills" if is_off else None
                provider.expected_return = now() + timedelta(hours=2) if is_off else None
                uow.move(provider, state, cause="test")
                uow.flush()
            raise_epoch(uow)
        time.sleep(CHECK_SECONDS)  # the promise: a second later every process goes by it


@pytest.fixture(scope="module")
def town(world: World) -> Iterator[Town]:
    company = Company(name=NAME)
    with open_company(company), migrated_database(world) as env:
        port = urlsplit(company.base).netloc
        env["EGRESS_LOOPBACK"] = f"{env['EGRESS_LOOPBACK']},{port}"
        settings = Settings.from_env(env)
        city = City.of(settings.provider_signing_key, settings.web.public_url)
        company.city_key = city.signer.key.public_key()
        rooms, second = build(settings), build(settings)
        rooms.enter_plugins()
        _register(rooms, company)
        rooms.load_catalogue()
        apps = [create_app(settings, made) for made in (rooms, second)]
        for app in apps:
            app.test_client_class = ContractClient
        client, other = (app.test_client() for app in apps)
        citizen = log_in(client, world, rooms)
        made = Town(rooms, client, other, company, citizen, world)
        assert made.owed()["items"] == []
        made.move(*PATH)
        rooms.load_catalogue()
        yield made
        rooms.close()
        second.close()


def _register(rooms: Rooms, company: Company) -> None:
    said = {**manifest(NAME, personal_data=True), "base_url": company.base}
    public = company.key.public_key().public_bytes_raw()
    with rooms.units.open(actor="test") as uow:
        provider = Provider(
            id=new_id(),
            name=NAME,
            transport="remote",
            client_id=new_id(),
            manifest_version=1,
            status=_S.APPLIED,
        )
        uow.open_record(provider, cause="test")
        uow.flush()
        uow.add(
            ProviderManifest(
                provider_id=provider.id, number=1, digest=hash_manifest(said), content=said
            )
        )
        x = urlsafe_b64encode(public).rstrip(b"=").decode()
        uow.add(ProviderKeyRow(provider_id=provider.id, kid=KEY_ID, x=x))
        raise_epoch(uow)


@pytest.fixture(autouse=True)
def _healthy(town: Town) -> Iterator[None]:
    """Let each test begin with a company that works, and with a closed breaker."""
    town.company.tickets.clear()
    yield
    town.company.fault = None
    heal(town)


def heal(town: Town) -> None:
    """Wait until the company's breaker has let a call through."""
    deadline = time.monotonic() + 30
    while any(entry["plugin"] == NAME for entry in town.owed()["unanswered"]):
        assert time.monotonic() < deadline, "the breaker did not close"
        time.sleep(0.1)


def test_a_bill_is_listed_paid_told_and_receipted(town: Town) -> None:
    shown = town.client.get(f"/v1/services/{SERVICE}").json
    assert (shown["available"], shown["title"]["en"]) == (True, "Parking fee")
    bill = town.bill("P:1._-x", 700)
    (item,) = town.owed()["items"]
    assert (item["service"], item["reference"], item["amount"]) == (SERVICE, "P:1._-x", 700)
    assert (item["payee"], item["as_of"]) == ("parking-company", None)
    payment = pay(town.client, town.rooms, town.citizen, bill)
    assert payment["status"] == "succeeded"
    (paid,) = payment["items"]
    assert paid["status"] == "fulfilled"
    assert town.company.paid["P:1._-x"] == paid["id"]
    assert paid["biller_reference"] == town.company.told[paid["id"]]["reference"]
    assert town.company.count("PUT") == len(town.company.told)
    (receipt,) = town.client.get("/v1/me/receipts", headers=town.citizen.auth).json["items"]
    assert (receipt["payment_id"], receipt["amount"]) == (payment["id"], 700)
    assert all(word in repr(receipt["sections"]) for word in ("P:1._-x", "Parking fee"))
    assert town.owed()["items"] == []
    again = start(town.client, town.citizen, order(bill))
    assert (again.status_code, again.json["code"]) == (409, "already-paid")


def test_the_company_never_learns_who_somebody_is(town: Town) -> None:
    town.owed()
    call = town.company.calls[-1]
    assert call.citizen is not None
    assert call.citizen["sub"] not in {town.citizen.id, town.citizen.phone}
    everything = repr((call.headers, call.citizen, call.path))
    for secret in (town.citizen.id, town.citizen.phone, town.citizen.token):
        assert secret not in everything


def test_a_bill_with_a_plugins_is_one_payment(town: Town) -> None:
    water = make_bill(town.client, town.world, town.citizen, "water-bill")
    payment = pay(town.client, town.rooms, town.citizen, water, town.bill("P-2"))
    assert {item["status"] for item in payment["items"]} == {"fulfilled"}


def test_a_lost_answer_is_asked_for_and_nothing_is_booked_twice(town: Town) -> None:
    bill, before = town.bill("P-3"), town.company.count("PUT")
    with town.company.failing("lost answer", "PUT"):
        payment = pay(town.client, town.rooms, town.citizen, bill)
        assert payment["items"][0]["status"] in {"unknown", "fulfilled"}
    until(town, payment["id"], "fulfilled")
    assert list(town.company.paid).count("P-3") == 1
    assert town.company.count("PUT") == before + 1


def test_a_company_that_is_down_is_told_later(town: Town) -> None:
    bill = town.bill("P-4")
    with town.company.failing("signed 503", "PUT"):
        payment = pay(town.client, town.rooms, town.citizen, bill)
        assert payment["items"][0]["status"] == "due"
        assert "P-4" not in town.company.paid
    until(town, payment["id"], "fulfilled")


def test_a_refusal_for_good_sends_the_money_back(town: Town) -> None:
    bill = town.bill("P-5")
    with town.company.failing("signed 422", "PUT"):
        payment = pay(town.client, town.rooms, town.citizen, bill)
    until(town, payment["id"], "refunded")
    assert "P-5" not in town.company.paid


def until(town: Town, payment_id: str, status: str) -> None:
    """Run jobs until the one item of a payment is so far."""
    deadline = time.monotonic() + 60
    while True:
        run_jobs(town.rooms)
        (item,) = read(town.client, town.citizen, payment_id)["items"]
        if item["status"] == status:
            return
        assert time.monotonic() < deadline, item
        time.sleep(0.2)


@pytest.mark.promise("P25")
def test_whatever_a_company_does_wrong_hurts_only_itself(
    town: Town, shows: Callable[[str], None]
) -> None:
    kinds = (
        *("hang up", "unsigned 500", "unsigned page", "signed garbage", "signed 500"),
        *("no signature", "wrong key", "another request's", "swapped body", "redirect"),
        *("ten gigabytes", "trickle", "hang"),
    )
    bill, refused = town.bill("P-6"), 0
    town.owed()
    for kind in kinds:
        with town.company.failing(kind):
            answer = start(town.client, town.citizen, order(bill))
            assert (answer.status_code, answer.json["code"]) == (503, "unavailable"), kind
            refused += 1
            owed = town.owed()
            assert [e["plugin"] for e in owed["unanswered"]] == [NAME]
            assert [i["as_of"] is None for i in owed["items"] if i["reference"] == "P-6"] == [False]
            for path in ("/v1/services/water-bill", "/v1/me", "/v1/utilities/accounts"):
                assert town.client.get(path, headers=town.citizen.auth).status_code == 200, kind
        heal(town)
    payments = town.client.get("/v1/payments", headers=town.citizen.auth).json["items"]
    assert all("P-6" not in [i["reference"] for i in p["items"]] for p in payments)
    assert start(town.client, town.citizen, order(bill)).status_code == 201
    shows(
        f"{refused} kinds of trouble of a remote provider: {refused} × 503 of its own, 0 of others"
    )


def test_ten_failures_open_the_breaker_and_one_good_call_closes_it(town: Town) -> None:
    bill = town.bill("P-7")
    with town.company.failing("signed 503") as fault:

        def is_asked() -> bool:
            before = fault.hits
            assert start(town.client, town.citizen, order(bill)).status_code == 503
            return fault.hits > before

        while fault.hits < 10:
            is_asked()
        # Open, but for probes: on a slow machine the waits of a fast house are soon over.
        assert not all(is_asked() for _ in range(30))
    heal(town)
    assert start(town.client, town.citizen, order(bill)).status_code == 201


def test_what_was_said_is_shown_with_its_moment_and_never_paid_by(town: Town) -> None:
    bill = town.bill("P-8")
    town.owed()
    with town.company.failing("signed 500"):
        owed = town.owed()
        (item,) = owed["items"]
        assert owed["unanswered"] == [
            {"plugin": NAME, "services": [SERVICE], "as_of": item["as_of"]}
        ]
        assert item["as_of"] is not None
        assert start(town.client, town.citizen, order(bill)).status_code == 503
    town.company.tickets["P-8"]["amount"] = 900
    expecting = {**order(bill), "expected_amount": 500}
    changed = start(town.client, town.citizen, expecting)
    assert (changed.status_code, changed.json["code"]) == (409, "bill-changed")


def test_the_kill_switch_acts_in_every_process_and_what_was_paid_waits(town: Town) -> None:
    waiting, bill = town.bill("P-9"), town.bill("P-10")
    started = start(town.client, town.citizen, order(waiting)).json
    assert confirm(started)["status"] == "succeeded"
    town.move(_S.SUSPENDED)
    asked = len(town.company.calls)
    for client in (town.client, town.other):
        refused = start(client, town.citizen, order(bill))
        assert (refused.status_code, refused.json["code"]) == (503, "service-unavailable")
        assert "账目有误 Wrong bills" in refused.json["detail"]
        assert refused.json["expected_return"]
        assert int(refused.headers["Retry-After"]) > 7_000
        assert town.owed(client) == {"items": [], "unanswered": [], "next_cursor": None}
    deliver(town.client, started)
    run_jobs(town.rooms)
    (item,) = read(town.client, town.citizen, started["id"])["items"]
    assert item["status"] == "due"
    assert len(town.company.calls) == asked
    time.sleep(CHECK_SECONDS + 1)  # the catalogue asks for its own number besides
    shown = town.client.get(f"/v1/services/{SERVICE}").json
    assert (shown["available"], shown["unavailable_reason"]["en"]) == (False, "Wrong bills")
    town.move(_S.LIVE)
    until(town, started["id"], "fulfilled")
    assert start(town.other, town.citizen, order(bill)).status_code == 201


def test_a_plugin_is_switched_off_with_its_own_operations(town: Town) -> None:
    def switch(*, off: bool) -> None:
        with town.rooms.units.open(actor="test") as uow:
            provider = uow.query(Provider).filter_by(name="utilities").with_for_update().one()
            provider.suspended_from = _S.LIVE if off else None
            provider.reason_zh = "维护" if off else None
            provider.reason_en = "Maintenance" if off else None
            uow.move(provider, _S.SUSPENDED if off else _S.LIVE, cause="test")
            raise_epoch(uow)
        time.sleep(CHECK_SECONDS)

    path = "/v1/utilities/accounts"
    switch(off=True)
    try:
        for client in (town.client, town.other):
            refused = client.get(path, headers=town.citizen.auth)
            assert (refused.status_code, refused.json["code"]) == (503, "service-unavailable")
            assert client.get(path).status_code == 401
        assert town.client.get("/v1/me", headers=town.citizen.auth).status_code == 200
    finally:
        switch(off=False)
    assert town.client.get(path, headers=town.citizen.auth).status_code == 200


def test_a_canary_is_shown_to_its_share_and_to_the_same_citizens_in_every_process(
    town: Town,
) -> None:
    town.bill("P-11")
    people = [log_in(town.client, town.world, town.rooms) for _ in range(2)]
    town.move(_S.SUSPENDED, _S.CANARY, percent=50)
    time.sleep(CHECK_SECONDS + 1)
    shown = town.client.get(f"/v1/services/{SERVICE}").json
    assert (shown["available"], shown["unavailable_reason"]["zh"][:4]) == (False, "该服务正")

    def sees(client: FlaskClient) -> list[bool]:
        lists = [client.get("/v1/me/payables", headers=who.auth).json for who in people]
        assert all(listed["unanswered"] == [] for listed in lists)
        return [len(listed["items"]) == 1 for listed in lists]

    while len(set(inside := sees(town.client))) < 2:  # somebody in, somebody out
        assert len(people) < 40
        people.append(log_in(town.client, town.world, town.rooms))
    assert sees(town.other) == inside
    bill = Bill(SERVICE, "P-11", 500, "", "", "", "")
    for who, is_in in zip(people, inside, strict=True):
        if not is_in:
            refused = start(town.client, who, order(bill))
            assert (refused.status_code, refused.json["code"]) == (503, "service-unavailable")
    of_the_share = people[inside.index(True)]
    assert start(town.client, of_the_share, order(bill)).status_code == 201
    town.move(_S.LIVE)
    assert sees(town.client) == [True] * len(people)


def test_a_citizen_takes_along_what_the_company_keeps(town: Town) -> None:
    bill = town.bill("P-12")
    assert start(town.client, town.citizen, order(bill)).status_code == 201
    step_up(town.rooms, town.citizen)
    headers = {**town.citizen.auth, "Idempotency-Key": new_key()}
    asked = town.client.post("/v1/me/exports", headers=headers)
    assert asked.status_code in {201, 202}, asked.text
    run_jobs(town.rooms)
    place = f"/v1/me/exports/{asked.json['id']}/content"
    content = town.client.get(place, headers=town.citizen.auth)
    assert content.status_code == 200, content.text
    assert "P-12" in content.json["plugins"][NAME]["looked_at"]
