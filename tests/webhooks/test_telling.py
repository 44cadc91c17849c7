"""What an integrator is told of payments: its own services', once, in order, and nobody's name."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient

from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from app.oauth.service import ClientDirectory, OAuthDeps
from app.payments.events import ItemClosed, PaymentSucceeded
from app.providers.models import Provider, ProviderManifest
from app.providers.values import ProviderStatus, Transport
from app.webhooks import service
from app.webhooks.service import WebhooksDeps
from tests.conftest import World
from tests.factories import Citizen, log_in, make_person, verify
from tests.oauth.support import open_browser, plain
from tests.payments.helpers import make_bill, pay
from tests.payments.test_fulfil import behaving

from .receiver import Receiver
from .support import Integrator, grant, make_integrator, marker, rows_of, run_sql, tick

PAID = ["payment.succeeded", "payment.item.fulfilled"]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [one["type"] for one in events]


def payer(client: FlaskClient, world: World, rooms: Rooms) -> tuple[Citizen, dict[str, str]]:
    """Return a citizen with a name."""
    who = log_in(client, world, rooms)
    return who, verify(client, world, who, make_person(world, "欧阳修竹"))


def test_a_payee_hears_of_its_own_item_and_of_no_more(
    client: FlaskClient, app: Server, world: World, rooms: Rooms, receiver: Receiver
) -> None:
    who, person = payer(client, world, rooms)
    water, gas = (make_bill(client, world, who, name) for name in ("water-bill", "gas-bill"))
    ours, theirs, nobodys = (make_integrator(app, rooms) for _ in range(3))
    grant(app, rooms, ours, "water-bill")
    grant(app, rooms, theirs, "gas-bill", "water-bill")
    ours.endpoint(receiver)
    nobodys.endpoint(receiver)
    paid = pay(client, rooms, who, water, gas)
    tick(rooms)

    events = ours.events()
    assert sorted(kinds(events)) == sorted(PAID)
    assert [json.loads(one.body) for one in receiver.heard] == events
    items = {one["reference"]: one["id"] for one in paid["items"]}
    for event in events:
        assert event["data"]["payment_id"] == paid["id"]
        assert event["data"]["items"] == [
            {
                "id": items[water.reference],
                "service": "water-bill",
                "reference": water.reference,
                "amount": 4250,
                "currency": "CNY",
            }
        ]
    assert sorted(kinds(theirs.events())) == sorted([*PAID, PAID[1]])
    assert nobodys.events() == []

    with rooms.units.open(actor="test", read_only=True) as uow:
        clients = ClientDirectory(rooms.deps[OAuthDeps])
        names = [clients.subject_of(uow, one.id, UUID(who.id)) for one in (ours, theirs)]
    assert {one["data"]["subject"] for one in events} == {names[0]}
    assert {one["data"]["subject"] for one in theirs.events()} == {names[1]}
    assert names[0] != names[1]
    told = "".join(one.body.decode() for one in receiver.heard)
    for private in (who.id, who.phone, who.phone[3:], person["name"], person["resident_id"]):
        assert private not in told
    assert gas.reference not in told


def test_the_subject_is_the_one_of_the_clients_own_log_ins(
    client: FlaskClient, app: Server, world: World, rooms: Rooms
) -> None:
    who = log_in(client, world, rooms)
    party = plain(app, rooms, scopes=["openid", "webhooks.manage"])
    ours = Integrator(party)
    grant(app, rooms, ours, "water-bill")
    tokens = party.log_in(open_browser(app, rooms, who))
    pay(client, rooms, who, make_bill(client, world, who))
    sub = party.call(tokens["access_token"]).json["sub"]
    assert {one["data"]["subject"] for one in ours.events()} == {sub}


def test_what_was_before_the_grant_and_after_it_is_not_told(
    client: FlaskClient, app: Server, world: World, rooms: Rooms
) -> None:
    who = log_in(client, world, rooms)
    ours = make_integrator(app, rooms)
    early = pay(client, rooms, who, make_bill(client, world, who))
    grant(app, rooms, ours, "water-bill")
    told_again(rooms, early)
    assert ours.events() == []
    pay(client, rooms, who, make_bill(client, world, who))
    assert len(ours.events()) == 2
    grant(app, rooms, ours, "gas-bill")
    pay(client, rooms, who, make_bill(client, world, who))
    assert len(ours.events()) == 2


def told_again(rooms: Rooms, payment: dict[str, Any]) -> None:
    """Run the handlers of a payment once more, as a worker does that died after them."""
    payment_id, item_id = UUID(payment["id"]), UUID(payment["items"][0]["id"])
    deps = rooms.deps[WebhooksDeps]
    for event in (
        PaymentSucceeded(payment_id=payment_id),
        ItemClosed(payment_id=payment_id, item_id=item_id),
    ):
        with rooms.units.open(actor="worker") as uow:
            service.tell_of_payment(uow, deps, event)


def test_however_often_it_is_told_it_is_told_once(
    client: FlaskClient, app: Server, world: World, rooms: Rooms, receiver: Receiver
) -> None:
    who = log_in(client, world, rooms)
    ours = make_integrator(app, rooms)
    grant(app, rooms, ours, "water-bill")
    ours.endpoint(receiver)
    paid = pay(client, rooms, who, make_bill(client, world, who))
    before = ours.events()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: told_again(rooms, paid), range(12)))
    tick(rooms)
    assert ours.events() == before
    assert sorted(receiver.ids) == sorted(one["id"] for one in before)
    logged = rows_of(
        rooms,
        "select entity, to_state, sequence from event_log where subject_id = :id and "
        "(entity, to_state) in (('payment', 'succeeded'), ('payment_item', 'fulfilled')) "
        "order by at, id",
        id=UUID(paid["id"]),
    )
    assert [one["data"]["sequence"] for one in before] == [row.sequence for row in logged]


def test_whoever_provides_a_service_hears_of_it_without_a_word_of_staff(
    client: FlaskClient, app: Server, world: World, rooms: Rooms
) -> None:
    who = log_in(client, world, rooms)
    ours = make_integrator(app, rooms)
    name = provide(rooms, ours)
    paid = pay(client, rooms, who, make_bill(client, world, who))
    run_sql(
        rooms,
        "update payment_items set plugin = :name where payment_id = :id",
        name=name,
        id=UUID(paid["id"]),
    )
    told_again(rooms, paid)
    assert kinds(ours.events()) == PAID


def provide(rooms: Rooms, who: Integrator) -> str:
    """Let a client be the one that has registered a provider; return the provider's name."""
    name = f"provider_{marker()[-12:]}"
    provider = Provider(
        id=new_id(),
        name=name,
        transport=Transport.REMOTE,
        client_id=who.id,
        manifest_version=1,
        status=ProviderStatus.APPLIED,
    )
    with rooms.units.open(actor="test") as uow:
        uow.open_record(provider, cause="test")
        uow.flush()
        uow.add(
            ProviderManifest(
                provider_id=provider.id,
                number=1,
                content={
                    "title": {"zh": "停车", "en": "Parking"},
                    "base_url": "https://parking.example",
                },
                digest=uuid4().hex * 2,
            )
        )
    return name


def test_money_that_goes_back_is_told_step_by_step(
    client: FlaskClient, app: Server, world: World, rooms: Rooms
) -> None:
    who = log_in(client, world, rooms)
    ours = make_integrator(app, rooms)
    grant(app, rooms, ours, "water-bill")
    with behaving(world, "water-bill", "refuse"):
        paid = pay(client, rooms, who, make_bill(client, world, who))
    events = ours.events()
    assert kinds(events)[:2] == ["payment.succeeded", "payment.item.rejected"]
    assert kinds(events)[2:] == [
        "payment.refund.approved",
        "payment.refund.succeeded",
        "payment.item.refunded",
    ]
    [refund] = {json.dumps(e["data"]["refund"]) for e in events if "refund" in e["data"]}
    assert json.loads(refund)["amount"] == paid["amount"]
