"""A biller loads a prepaid meter itself: asked until it says how it went, and never twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.factory import Rooms
from app.sdk import Citizen, OutcomeUnknown
from plugins.utilities import service
from plugins.utilities.models import MeterLoad, Reversal
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.meter_loads import FIRST_ASK, LAST_ASK
from plugins.utilities.values import CitizensOrder, OrderKind
from tests.conftest import World
from tests.factories import later, log_in, run_jobs
from tests.payments.helpers import confirm, deliver, new_key, read
from tests.plugins.utilities.conftest import Subscriber, link, notice_for
from tests.plugins.utilities.test_orders import mint, order_of

HEAT = "shiyan-heat"


@pytest.fixture
def meter(open_account: Callable[..., Subscriber], rooms: Rooms) -> Iterator[Subscriber]:
    """A prepaid meter that its biller reaches; no other one waits in this database."""
    with rooms.units.open(actor="test") as uow:
        ended = "set status = 'loaded', ended_at = now() where status = 'asked'"
        uow.execute(text(f"update plugin_utilities.meter_loads {ended}"))
    return open_account(HEAT, prepaid=True)


def reach(meter: Subscriber, state: str) -> None:
    path = f"/billers/{HEAT}/accounts/{meter.number}/meter"
    assert meter.city("PUT", path, {"state": state}).status == 200


def loaded(provider: UtilitiesProvider, citizen: Citizen, meter: Subscriber) -> CitizensOrder:
    """Pay for a load as the house does, and return the order."""
    account = link(provider.house, citizen, meter)
    order = mint(provider.house, citizen, account.id, 20_000, kind=OrderKind.TOP_UP)
    provider.fulfil(notice_for(provider.get_payable(order.reference, citizen)))
    return order


def load_of(provider: UtilitiesProvider, order: CitizensOrder) -> MeterLoad:
    with provider.house.unit_of_work() as uow:
        return uow.scalars(select(MeterLoad).where(MeterLoad.order_id == order.id)).one()


def test_a_meter_that_its_biller_reaches_is_loaded_without_a_token(
    provider: UtilitiesProvider, citizen: Citizen, meter: Subscriber
) -> None:
    order = loaded(provider, citizen, meter)
    seen = order_of(provider.house, citizen, order)
    assert (seen.status, seen.meter_load, seen.token) == ("paid", "asked", None)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: service.ask_meters(provider.house), range(4)))
    assert order_of(provider.house, citizen, order).meter_load == "loaded"
    load = load_of(provider, order)
    assert load.version == 2  # made, and moved once, whoever asked
    assert load.ended_at is not None


def test_a_meter_out_of_reach_is_asked_for_ever_more_seldom_until_it_answers(
    provider: UtilitiesProvider, citizen: Citizen, meter: Subscriber
) -> None:
    reach(meter, "unreachable")
    order = loaded(provider, citizen, meter)
    passed = 0.0
    for ask in range(1, 4):
        with later(passed):
            service.ask_meters(provider.house)
            service.ask_meters(provider.house)  # not before its time
        assert load_of(provider, order).asks == ask
        passed += (FIRST_ASK * 2**ask).total_seconds() + 1
    meter.behave("down")
    with later(passed):
        service.ask_meters(provider.house)  # no answer is no end
    assert order_of(provider.house, citizen, order).meter_load == "asked"
    meter.behave("ok")
    reach(meter, "reachable")
    with later(passed + LAST_ASK.total_seconds()):
        service.ask_meters(provider.house)
    assert order_of(provider.house, citizen, order).meter_load == "loaded"


def test_a_lost_answer_is_told_again_and_the_meter_is_loaded_once(
    provider: UtilitiesProvider, citizen: Citizen, meter: Subscriber
) -> None:
    account = link(provider.house, citizen, meter)
    order = mint(provider.house, citizen, account.id, 20_000, kind=OrderKind.TOP_UP)
    notice = notice_for(provider.get_payable(order.reference, citizen))
    meter.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(notice)
    assert order_of(provider.house, citizen, order).meter_load is None
    done = provider.find_fulfilment(notice.key)
    assert done is not None
    assert provider.fulfil(notice) == done
    assert meter.effects(f"O-{order.id.hex}") == [True]
    service.ask_meters(provider.house)
    assert order_of(provider.house, citizen, order).meter_load == "loaded"


def test_the_money_for_a_meter_that_cannot_be_loaded_goes_back_and_its_citizen_is_told(
    client: FlaskClient, world: World, rooms: Rooms, meter: Subscriber
) -> None:
    """All the way by card: one meter is loaded, the other is broken."""
    me = log_in(client, world, rooms)
    account = {"biller": HEAT, "number": meter.number, "holder_name": meter.holder_name}
    linked = client.post("/v1/utilities/accounts", json=account, headers=me.auth).json
    provider = rooms.hosted.plugins["utilities"].provider
    assert isinstance(provider, UtilitiesProvider)
    seen = []
    for state in ("reachable", "broken"):
        reach(meter, state)
        order = client.post(
            f"/v1/utilities/accounts/{linked['id']}/orders",
            json={"amount": 20_000, "kind": "top_up"},
            headers=me.auth,
        ).json
        wanted = {
            "items": [{"service": order["service"], "reference": order["reference"]}],
            "method": "card",
        }
        headers = {**me.auth, "Idempotency-Key": new_key()}
        payment = client.post("/v1/payments", json=wanted, headers=headers).json
        assert confirm(payment)["status"] == "succeeded"
        deliver(client, payment)
        run_jobs(rooms)
        provider.attend()
        provider.attend()
        run_jobs(rooms)
        shown = client.get(f"/v1/utilities/orders/{order['id']}", headers=me.auth).json
        refunded = read(client, me, payment["id"])["refunded_amount"]
        seen.append((shown["meter_load"], shown["status"], refunded))
    assert seen == [("loaded", "paid", 0), ("failed", "reversed", 20_000)]
    inbox = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    kinds = [message["kind"] for message in inbox]
    assert kinds.count("utilities.meter-loaded") == 1
    assert kinds.count("utilities.posting-reversed-returned") == 1
    with provider.house.unit_of_work() as uow:
        theirs = select(Reversal).where(Reversal.biller == HEAT, Reversal.reason == "not_loaded")
        (reversal,) = uow.scalars(theirs).all()
        assert (reversal.status, reversal.came_by, reversal.client_id) == (
            "returned",
            "inquiry",
            None,
        )
