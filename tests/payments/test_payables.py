"""What a citizen owes: every plug-in asked at once, the silent ones named."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.clock import now
from app.core.errors import Conflict, Forbidden, NotFound, Unavailable
from app.core.ids import new_id
from app.factory import Rooms
from app.payments.service import PaymentDeps, list_payables
from app.payments.service.recent import RecentPayables
from app.payments.values import Unanswered
from app.sdk.provider import (
    Citizen,
    Fulfilment,
    House,
    Payable,
    PayableProvider,
    PaymentNotice,
)
from app.sdk.registry import Payee, Registry, Service
from tests import factories
from tests.conftest import World
from tests.payments.helpers import make_bill, pay

TITLE = {"zh": "账单", "en": "Bill"}
NO_HOUSE: House = None  # type: ignore[assignment] # these providers need none


class Listing(PayableProvider):
    """Owes what it was given, waits, or fails."""

    def __init__(self, house: House, answer: object, gate: threading.Event | None = None) -> None:
        super().__init__(house)
        self.answer = answer
        self._gate = gate

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        if self._gate is not None:
            self._gate.wait(30)
        if isinstance(self.answer, Exception):
            raise self.answer
        assert isinstance(self.answer, list)
        return self.answer

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        raise AssertionError

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        raise AssertionError

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        raise AssertionError


def payable(reference: str, due: date | None) -> Payable:
    return Payable(reference, TITLE, 100, "CNY", "payee", due, "1")


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return an event that holds a provider back until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def desk(rooms: Rooms, providers: dict[str, Listing]) -> PaymentDeps:
    services = [
        Service(f"{name}-bill", name, TITLE, "living", "water-bureau", "payable", "pay", "basic")
        for name in providers
    ]
    registry = Registry(services, providers, {"payee": Payee("payee", TITLE, "utility")})
    return replace(rooms.deps[PaymentDeps], registry=registry)


def test_the_silent_and_the_failing_are_named_and_the_others_answer(
    rooms: Rooms, citizen: factories.Citizen, gate: threading.Event
) -> None:
    later, sooner = payable("b", date(2026, 12, 24)), payable("a", date(2026, 12, 1))
    providers = {
        "good": Listing(NO_HOUSE, [later, payable("c", None), sooner]),
        "slow": Listing(NO_HOUSE, [later], gate),
        "down": Listing(NO_HOUSE, Unavailable()),
        "broken": Listing(NO_HOUSE, RuntimeError("a bug")),
    }
    owed = list_payables(desk(rooms, providers), UUID(citizen.id))
    assert [item.reference for item in owed.items] == ["a", "b", "c"]
    assert {item.service for item in owed.items} == {"good-bill"}
    assert {entry.plugin for entry in owed.unanswered} == {"slow", "down", "broken"}
    assert Unanswered("slow", ["slow-bill"], None) in owed.unanswered


def test_open_bills_are_owed_and_paid_ones_are_not(
    client: FlaskClient, world: World, rooms: Rooms, citizen: factories.Citizen
) -> None:
    water = make_bill(client, world, citizen, "water-bill")
    heat = make_bill(client, world, citizen, "heat-bill")
    owed = client.get("/v1/me/payables", headers=citizen.auth)
    assert owed.status_code == 200, owed.text
    assert {i["reference"] for i in owed.json["items"]} == {water.reference, heat.reference}
    assert owed.json["unanswered"] == []
    assert owed.json["next_cursor"] is None
    pay(client, rooms, citizen, water)
    left = client.get("/v1/me/payables", headers=citizen.auth).json["items"]
    assert [i["reference"] for i in left] == [heat.reference]


def test_what_was_said_not_long_ago_is_shown_with_its_moment_while_nobody_answers(
    rooms: Rooms, citizen: factories.Citizen
) -> None:
    provider = Listing(NO_HOUSE, [payable("a", date(2026, 12, 1))])
    deps, who = desk(rooms, {"flaky": provider}), UUID(citizen.id)
    before = now()
    (fresh,) = list_payables(deps, who).items
    assert fresh.as_of is None
    for failure in (Unavailable(), TimeoutError(), RuntimeError("a bug")):
        provider.answer = failure
        owed = list_payables(deps, who)
        (shown,) = owed.items
        assert shown.as_of is not None
        assert before <= shown.as_of <= now()
        assert replace(shown, as_of=None) == fresh
        assert owed.unanswered == [Unanswered("flaky", ["flaky-bill"], shown.as_of)]
    assert list_payables(deps, new_id()).items == []  # another citizen's are nobody's
    with factories.later(601):
        owed = list_payables(deps, who)
        assert (owed.items, owed.unanswered) == ([], [Unanswered("flaky", ["flaky-bill"], None)])


@pytest.mark.parametrize("refusal", [Forbidden(), NotFound(), Conflict()])
def test_a_no_is_an_answer_and_nothing_old_is_shown_in_its_place(
    rooms: Rooms, citizen: factories.Citizen, refusal: Exception
) -> None:
    provider = Listing(NO_HOUSE, [payable("a", None)])
    deps = desk(rooms, {"refusing": provider})
    list_payables(deps, UUID(citizen.id))
    provider.answer = refusal
    owed = list_payables(deps, UUID(citizen.id))
    assert (owed.items, [entry.as_of for entry in owed.unanswered]) == ([], [None])


def test_what_is_known_to_have_changed_since_is_not_shown(
    rooms: Rooms, citizen: factories.Citizen
) -> None:
    provider = Listing(NO_HOUSE, [payable("a", None)])
    deps = desk(rooms, {"changing": provider})
    list_payables(deps, UUID(citizen.id))
    provider.answer = Unavailable()
    listing = replace(deps.registry.snapshot(), changed_at={"changing": now()})
    changed = replace(deps, registry=Registry.following(lambda: listing))
    assert list_payables(changed, UUID(citizen.id)).items == []
    assert len(list_payables(deps, UUID(citizen.id)).items) == 1


def test_answers_are_remembered_in_bounded_memory() -> None:
    recent, people = RecentPayables(most=2), [new_id() for _ in range(3)]
    for who in people:
        recent.keep("x", who, now(), [payable("a", None)])
    recent.keep("x", people[1], now(), [])
    assert recent.find("x", people[0]) is None
    found = [recent.find("x", who) for who in people[1:]]
    assert [len(one.payables) for one in found if one is not None] == [0, 1]


def test_the_api_says_of_each_bill_whether_it_is_of_now(
    client: FlaskClient, world: World, citizen: factories.Citizen
) -> None:
    make_bill(client, world, citizen, "water-bill")
    owed = client.get("/v1/me/payables", headers=citizen.auth).json
    assert [item["as_of"] for item in owed["items"]] == [None]
