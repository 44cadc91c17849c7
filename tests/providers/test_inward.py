"""What providers tell the house: forged, stale, repeated and exchanged messages have no effect."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from tests.conftest import World
from tests.factories import later, log_in
from tests.live import at_once
from tests.payments.helpers import make_bill, pay
from tests.providers.support import (
    Company,
    Office,
    admitted,
    count,
    entry_of,
    epoch,
    make_company,
    new_jwk,
)

REFUNDS = text(
    "select coalesce(sum(r.amount), 0) from refunds r join payment_items i on i.id = r.item_id "
    "where i.reference = :reference"
)


@pytest.fixture
def live(company: Company, office: Office) -> Company:
    company.register()
    return office.bring(company, "live")


@pytest.fixture
def paid(client: FlaskClient, world: World, rooms: Rooms, live: Company) -> str:
    """Return the reference of something that was paid, as the company's."""
    citizen = log_in(client, world, rooms)
    bill = make_bill(client, world, citizen)
    pay(client, rooms, citizen, bill)
    with rooms.units.open(actor="test") as uow:
        statement = "update payment_items set plugin = :plugin where reference = :reference"
        uow.execute(text(statement), {"plugin": live.name, "reference": bill.reference})
    return bill.reference


def body_of(reference: str, **more: object) -> bytes:
    return json.dumps({"reference": reference, "reason": "left-early", **more}).encode()


def test_a_provider_has_money_sent_back_once(rooms: Rooms, live: Company, paid: str) -> None:
    body = body_of(paid, amount=200)
    answer = live.call(body, live.sign(body))
    assert (answer.status_code, answer.data) == (204, b""), answer.text
    again = live.call(body, live.sign(body))  # signed again: the same wish
    assert again.status_code == 204
    assert count(rooms, REFUNDS, reference=paid) == 200
    more = body_of(paid, amount=5_000, reason="too-much")
    assert live.call(more, live.sign(more)).status_code == 409
    nobodys = body_of("nobodys")
    assert live.call(nobodys, live.sign(nobodys)).status_code == 404
    assert count(rooms, REFUNDS, reference=paid) == 200


def test_a_call_that_is_not_proven_has_no_effect(
    app: Server, rooms: Rooms, live: Company, paid: str
) -> None:
    other, body = make_company(app, rooms), body_of(paid)
    other.register()
    stolen = live.sign(body)
    with later(-120):
        stale = live.sign(body)
    with later(120):
        early = live.sign(body)
    unsigned = {"Content-Type": "application/json"}
    for what, sent, headers in (
        ("unsigned", body, unsigned),
        ("forged", body, live.sign(body, key=Ed25519PrivateKey.generate())),
        ("of an unknown key", body, live.sign(body, kid="second")),
        ("stale", body, stale),
        ("early", body, early),
        ("for another purpose", body, live.sign(body, tag="city-to-provider")),
        ("for another address", body, live.sign(body, path=f"{other.path}/returns")),
        ("with another body", body_of(paid, amount=1), live.sign(body)),
        ("without its digest", body, {k: v for k, v in stolen.items() if "Digest" not in k}),
    ):
        answer = live.call(sent, headers)
        assert (answer.status_code, answer.json["code"]) == (
            *(403, "provider-signature-invalid"),
        ), (what, answer.text)
    as_other = other.call(body, stolen)
    assert as_other.status_code == 403
    assert count(rooms, REFUNDS, reference=paid) == 0


def test_a_suspended_provider_sends_no_money_back(
    rooms: Rooms, live: Company, office: Office, paid: str
) -> None:
    assert office.suspend(live.name).status_code == 200
    refused = live.call(body_of(paid), live.sign(body_of(paid)))
    assert (refused.status_code, refused.json["code"]) == (503, "service-unavailable")
    assert count(rooms, REFUNDS, reference=paid) == 0
    assert office.resume(live.name).status_code == 200
    assert live.call(body_of(paid), live.sign(body_of(paid))).status_code == 204


def test_a_call_counts_once_however_often_it_is_played(
    rooms: Rooms, live: Company, paid: str
) -> None:
    body = body_of(paid)
    headers = live.sign(body)
    answers = at_once([lambda: admitted(lambda: live.call(body, headers)) for _ in range(8)])
    assert sorted(answer.status_code for answer in answers) == [204, *[403] * 7]
    assert live.call(body, headers).status_code == 403
    malformed = b'{"reference": 7}'
    signed = live.sign(malformed)
    assert live.call(malformed, signed).status_code == 422
    assert live.call(malformed, signed).status_code == 403


def test_a_retired_key_and_one_that_is_gone_prove_nothing(
    rooms: Rooms, office: Office, live: Company, paid: str
) -> None:
    fresh = Ed25519PrivateKey.generate()
    live.post(f"{live.path}/keys", new_jwk(fresh, "second"))
    body = body_of(paid, amount=100)
    assert live.call(body, live.sign(body)).status_code == 204
    assert live.call(body, live.sign(body, key=fresh, kid="second")).status_code == 204
    live.http.delete(f"{live.path}/keys/first", headers=dict(live.headers))
    assert live.call(body, live.sign(body)).status_code == 403
    assert live.tell("payables.changed", {}).status_code == 403
    assert live.tell("payables.changed", {}, key=fresh).status_code == 204
    office.move(live, "offboarding")
    assert live.call(body, live.sign(body, key=fresh, kid="second")).status_code == 204
    office.move(live, "gone")
    gone = live.call(body, live.sign(body, key=fresh, kid="second"))
    assert (gone.status_code, gone.json["code"]) == (404, "provider-not-found")
    assert count(rooms, REFUNDS, reference=paid) == 100


def test_a_provider_lets_a_service_rest_and_go_on(rooms: Rooms, live: Company) -> None:
    reason = {"zh": "设备检修", "en": "The gates are being serviced"}
    until = (now() + timedelta(hours=1)).replace(microsecond=0)
    data = {"service": live.service, "reason": reason, "expected_return": until.isoformat()}
    before = epoch(rooms)
    assert live.tell("service.suspended", data).status_code == 204
    assert epoch(rooms) > before
    entry = entry_of(rooms, live.name)
    assert entry is not None
    assert entry.paused[live.service].reason == reason
    assert entry.paused[live.service].expected_return == until
    assert entry.closed is None
    assert live.get(live.path).json["paused"][live.service]["reason"] == reason
    assert live.tell("service.resumed", {"service": live.service}).status_code == 204
    entry = entry_of(rooms, live.name)
    assert entry is not None
    assert entry.paused == {}


def test_a_provider_does_not_lift_what_staff_has_closed(
    rooms: Rooms, office: Office, live: Company
) -> None:
    office.suspend(live.name)
    assert live.tell("service.resumed", {"service": live.service}).status_code == 204
    entry = entry_of(rooms, live.name)
    assert entry is not None
    assert entry.closed is not None


def test_payables_that_have_changed_make_old_copies_worthless(rooms: Rooms, live: Company) -> None:
    before = now()
    assert live.tell("payables.changed", {}).status_code == 204
    entry = entry_of(rooms, live.name)
    assert entry is not None
    assert entry.payables_changed_at is not None
    assert entry.payables_changed_at >= before


def test_an_event_has_its_effect_once(rooms: Rooms, live: Company) -> None:
    first = new_id().hex
    assert live.tell("payables.changed", {}, event_id=first).status_code == 204
    before = epoch(rooms)
    answers = at_once([lambda: live.tell("payables.changed", {}, event_id=first) for _ in range(4)])
    assert {answer.status_code for answer in answers} == {204}
    assert epoch(rooms) == before
    with later(3 * 86_400):  # sent again days after, as senders do
        assert live.tell("payables.changed", {}, event_id=first).status_code == 204
    assert epoch(rooms) == before


def test_an_event_that_is_not_proven_or_not_its_own_has_no_effect(
    app: Server, rooms: Rooms, live: Company
) -> None:
    other = make_company(app, rooms)
    other.register()
    reason = {"zh": "停", "en": "Stop"}
    theirs = {"service": other.service, "reason": reason}
    before, once = epoch(rooms), new_id().hex
    for answer, status in (
        (live.tell("payables.changed", {}, key=other.key), 403),
        (live.tell("payables.changed", {}, at=now() - timedelta(minutes=6)), 403),
        (live.tell("payables.changed", {}, at=now() + timedelta(minutes=6)), 403),
        (live.tell("payables.changed", {}, instead=b'{"type": "service.resumed"}'), 403),
        (live.tell("service.suspended", theirs), 422),
        (live.tell("service.suspended", {"service": "water-bill", "reason": reason}), 422),
        (live.tell("service.suspended", {"service": "nobodys", "reason": reason}), 422),
        (live.tell("service.suspended", {"service": live.service}), 422),
        (live.tell("service.resumed", {}), 422),
        (live.tell("payables.changed", {"service": live.service}), 422),
        (live.tell("money.wanted", {}), 422),
        (live.tell("service.resumed", {"service": "nobodys"}, event_id=once), 422),
    ):
        assert answer.status_code == status, answer.text
    assert epoch(rooms) == before
    # What was refused has not used up its id.
    assert live.tell("payables.changed", {}, event_id=once).status_code == 204
    assert epoch(rooms) == before + 1
