"""Somebody without an account has proven two facts to a plug-in, and pays one thing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import Units
from app.factory import Rooms, build, create_app
from app.guests import service as guests
from app.guests.values import KEPT, LIFETIME
from config.settings import Settings
from tests.conftest import World
from tests.factories import bearer, later, run_jobs
from tests.host.plugins import new_name, write_plugin
from tests.payments.helpers import confirm, deliver, new_key
from tests.providers.support import admitted

PROVIDER = """
from app.sdk import (
    Citizen, Fulfilment, Guest, NotFound, Payable, PayableProvider, PaymentNotice, now
)

AMOUNTS = {"P-1": 500, "P-2": 700, "P-3": 900_000_000}


class ParkingProvider(PayableProvider):
    def admit(self, uow, reference, service="NAME-fee") -> Guest:
        guest = self.house.guest_token(uow, service, reference)
        known = self.__dict__.setdefault("known", {})
        known[guest.reference] = reference
        return guest

    def list_payables(self, citizen: Citizen):
        return []

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        self.seen = citizen
        if self.__dict__.get("known", {}).get(citizen.reference) != reference:
            raise NotFound
        title = {"zh": "停车费", "en": "Parking fee"}
        return Payable(
            reference, title, AMOUNTS[reference], "CNY", "NAME-payee", None, "1", "NAME-fee"
        )

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        return Fulfilment("R-" + notice.key, now())

    def find_fulfilment(self, key: str):
        return None
"""
ROUTES = '''
from flask.views import MethodView

from app.sdk import Blueprint, NotFound, Schema, deps, fields, request_unit
from plugins.NAME.provider import ParkingProvider

blueprint = Blueprint("NAME", __name__, description="Parking")


class NAMEFactsSchema(Schema):
    """Two facts."""

    number = fields.Text(required=True, max_length=20)
    plate = fields.Text(required=True, max_length=20)


class NAMEPassSchema(Schema):
    """A pass."""

    token = fields.Text(required=True)


@blueprint.route("/passes")
class Passes(MethodView):
    """Passes."""

    @blueprint.public
    @blueprint.arguments(NAMEFactsSchema)
    @blueprint.response(201, NAMEPassSchema)
    def post(self, facts):
        """Get a NAME pass"""
        if facts["plate"] != "A1234":
            raise NotFound
        return {"token": deps(ParkingProvider).admit(request_unit(), facts["number"]).token}
'''


@dataclass(frozen=True)
class Lot:
    """A house with one plug-in that admits guests."""

    rooms: Rooms
    client: FlaskClient
    name: str

    @property
    def provider(self) -> Any:  # noqa: ANN401 - a class that is written here
        return self.rooms.hosted.plugins[self.name].provider

    def admit(self, number: str = "P-1", plate: str = "A1234") -> TestResponse:
        return self.client.post(f"/v1/{self.name}/passes", json={"number": number, "plate": plate})

    def guest(self, number: str = "P-1") -> dict[str, str]:
        answer = self.admit(number)
        assert answer.status_code == 201, answer.text
        return bearer(answer.json["token"])

    def start(
        self,
        who: dict[str, str],
        reference: str = "P-1",
        service: str | None = None,
        key: str | None = None,
    ) -> TestResponse:
        item = {"service": service or f"{self.name}-fee", "reference": reference}
        return self.client.post(
            "/v1/payments",
            json={"items": [item], "method": "card"},
            headers={**who, "Idempotency-Key": key or new_key()},
        )


@pytest.fixture(scope="module")
def lot(
    settings: Settings,
    rooms: Rooms,
    note_events: Callable[[Units], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lot]:
    plugins = tmp_path_factory.mktemp("lot") / "plugins"
    plugins.mkdir()
    name = new_name("lot")
    write_plugin(plugins, name, provider=PROVIDER, routes=ROUTES)
    made = build(replace(settings, plugins_dir=plugins))
    app = create_app(made.settings, made)
    yield Lot(made, app.test_client(), name)
    note_events(made.units)
    made.close()


def refused(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text


def payments_of(lot: Lot) -> int:
    with lot.rooms.units.open(actor="test", read_only=True) as uow:
        return uow.scalar(text("select count(*) from payments where by_guest")) or 0


def test_a_guest_pays_one_thing_and_sees_its_receipt(lot: Lot) -> None:
    refused(lot.admit(plate="B9999"), 404, "not-found")
    who = lot.guest()
    key = new_key()
    begun = lot.start(who, key=key)
    assert begun.status_code == 201, begun.text
    assert lot.start(who, key=key).json == begun.json
    assert (lot.provider.seen.assurance, lot.provider.seen.attributes) == ("public", {})
    assert confirm(begun.json)["status"] == "succeeded"
    path = f"/v1/payments/{begun.json['id']}"
    deliver(lot.client, begun.json)
    run_jobs(lot.rooms)
    paid = lot.client.get(path, headers=who).json
    assert (paid["status"], paid["items"][0]["status"]) == ("succeeded", "fulfilled")
    receipt = lot.client.get(f"{path}/receipt", headers=who)
    assert (receipt.status_code, receipt.json["amount"]) == (200, 500)
    with lot.rooms.units.open(actor="test", read_only=True) as uow:
        told = "select count(*) from inbox_messages where subject = :id"
        assert uow.scalar(text(told), {"id": begun.json["id"]}) == 0
        used = "select count(*) from service_habits h join payments p using (citizen_id)"
        assert uow.scalar(text(f"{used} where p.by_guest")) == 0


def test_a_pass_is_for_one_bill_and_shows_nobody_elses(lot: Lot, rooms: Rooms) -> None:
    first, second = lot.guest("P-2"), lot.guest("P-2")
    before = payments_of(lot)
    refused(lot.start(first, "P-1"), 403, "forbidden")
    refused(lot.start(first, "P-2", "water-bill"), 404, "service-not-found")
    assert payments_of(lot) == before
    begun = lot.start(first, "P-2")
    assert begun.status_code == 201, begun.text
    # Another pass for the same bill: it is being paid, and by whom is nobody's business.
    again = lot.start(second, "P-2")
    refused(again, 409, "payment-in-progress")
    assert "payment_id" not in again.json
    path = f"/v1/payments/{begun.json['id']}"
    for method, place in (("GET", ""), ("GET", "/receipt"), ("POST", "/cancellation")):
        answer = lot.client.open(path + place, method=method, headers=second)
        assert answer.status_code == 404, answer.text
    for method, place in (("GET", "/events"), ("GET", "/refunds")):
        answer = lot.client.open(path + place, method=method, headers=first)
        assert answer.status_code in {403, 404}, answer.text
    for place in ("/v1/me", "/v1/me/inbox", "/v1/payments", "/v1/me/receipts", "/v1/me/payables"):
        refused(lot.client.get(place, headers=first), 403, "forbidden")
    assert lot.client.post(f"{path}/cancellation", headers=first).json["status"] == "cancelled"


def test_what_needs_a_second_proof_is_not_for_guests(lot: Lot) -> None:
    before = payments_of(lot)
    refused(lot.start(lot.guest("P-3"), "P-3"), 403, "too-much-for-guests")
    assert payments_of(lot) == before


def test_a_pass_is_over_after_half_an_hour(lot: Lot) -> None:
    who = lot.guest("P-2")
    with later((LIFETIME - timedelta(minutes=1)).total_seconds()):
        assert lot.client.get(f"/v1/payments/{new_id()}", headers=who).status_code == 404
    with later((LIFETIME + timedelta(minutes=1)).total_seconds()):
        refused(lot.start(who, "P-2"), 401, "token-invalid")


def test_a_pass_that_is_gone_is_worth_nothing(lot: Lot) -> None:
    who = lot.guest("P-2")
    with lot.rooms.units.open(actor="test") as uow:
        uow.execute(text("delete from guest_passes where reference = 'P-2'"))
    refused(lot.start(who, "P-2"), 401, "token-invalid")


def test_eight_guests_pay_one_bill_at_once_and_one_does(
    lot: Lot, client: FlaskClient, world: World
) -> None:
    passes = [lot.guest("P-2") for _ in range(8)]

    def pay(who: dict[str, str]) -> TestResponse:
        return admitted(lambda: lot.start(who, "P-2"))  # of eight at once only some find a place

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(pay, passes))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


def test_a_plugin_admits_to_its_own_payables_only(lot: Lot) -> None:
    with (
        pytest.raises(ValueError, match="no payable service"),
        lot.rooms.units.open(actor="test") as uow,
    ):
        lot.provider.admit(uow, "P-1", "water-bill")


def test_passes_are_forgotten_thirty_days_after_their_end(lot: Lot) -> None:
    lot.guest("P-2")

    def count() -> int:
        with lot.rooms.units.open(actor="test", read_only=True) as uow:
            query = "select count(*) from guest_passes where reference = 'P-2'"
            return uow.scalar(text(query)) or 0

    def forget() -> None:
        with lot.rooms.units.open(actor="test") as uow:
            guests.forget_passes(uow)

    with later(KEPT.total_seconds()):
        forget()
        assert count()
    with later((KEPT + LIFETIME).total_seconds() + 60):
        forget()
        assert not count()


def test_the_database_knows_no_pass_that_lasts(rooms: Rooms) -> None:
    row = text("insert into guest_passes values (:id, 'p', 's', 'r', :at, :until)")
    for until in (now() + timedelta(hours=2), now() - timedelta(seconds=1)):
        with (
            pytest.raises(IntegrityError, match="ck_guest_passes_expires_at"),
            rooms.units.open(actor="test") as uow,
        ):
            uow.execute(row, {"id": new_id(), "at": now(), "until": until})
