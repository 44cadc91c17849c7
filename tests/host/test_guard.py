# ruff: noqa: ANN401 - a provider that lies returns anything and listens to nothing
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.core.clock import now
from app.core.deadline import remaining, serving, within
from app.core.egress import NoAnswer
from app.core.errors import (
    Conflict,
    Forbidden,
    IllegalMove,
    Invalid,
    NotFound,
    RateLimited,
    Unavailable,
)
from app.core.unit_of_work import TransactionOpen, Units
from app.factory import Rooms
from app.host.answers import Declared
from app.host.breaker import Breaker, Bulkhead, Seats
from app.host.gate import PLACES, Gate
from app.host.guard import GuardedPayable
from app.sdk import (
    Citizen,
    Fulfilment,
    OutcomeUnknown,
    Payable,
    PayableProvider,
    PaymentNotice,
)
from app.sdk.testing import house
from tests.host.conftest import Logs

SOMEBODY = Citizen("somebody")
TITLE = {"zh": "水费", "en": "Water bill"}
BILL = Payable("W-1", TITLE, 4250, "CNY", "water", date(2026, 12, 1), "1", "water-bill")
DONE = Fulfilment("B-1", datetime(2026, 11, 22, tzinfo=UTC))
NOTICE = PaymentNotice("key-1", "W-1", 4250, "CNY", now(), "water")
READS = ("list_payables", "get_payable", "find_fulfilment")
CALLS = (*READS, "fulfil")


class Scripted(PayableProvider):
    """Does in each call what the test says."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__(house({}))
        self.act = act
        self.count = 0

    def _do(self) -> Any:
        self.count += 1
        return self.act()

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        return self._do()

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        return self._do()

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        return self._do()

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        return self._do()


class Guarded:
    """A scripted provider behind a guard."""

    def __init__(self, act: Callable[[], Any] | BaseException, services: int = 1) -> None:
        def raising() -> Any:
            raise act

        self.clock = 0.0
        self.provider = Scripted(raising if isinstance(act, BaseException) else act)
        self.gate = Gate("x", Breaker("x", clock=lambda: self.clock), Bulkhead(PLACES))
        names = frozenset({"water-bill", "other-bill"} if services > 1 else {"water-bill"})
        declared = Declared(frozenset({"water"}), names)
        self.guard = GuardedPayable(self.provider, self.gate, declared)

    def call(self, name: str) -> Any:
        arguments = {
            "list_payables": (SOMEBODY,),
            "get_payable": ("W-1", SOMEBODY),
            "fulfil": (NOTICE,),
            "find_fulfilment": ("key-1",),
        }
        return getattr(self.guard, name)(*arguments[name])


def test_good_answers_pass_unchanged() -> None:
    assert Guarded(lambda: [BILL]).call("list_payables") == [BILL]
    assert Guarded(lambda: ()).call("list_payables") == []
    assert Guarded(lambda: BILL).call("get_payable") == BILL
    assert Guarded(lambda: replace(BILL, service="")).call("get_payable").service == ""
    assert Guarded(lambda: replace(BILL, amount=0)).call("get_payable").amount == 0
    assert Guarded(lambda: replace(BILL, amount=10**10)).call("get_payable").amount == 10**10
    assert Guarded(lambda: DONE).call("fulfil") == DONE
    assert Guarded(lambda: DONE).call("find_fulfilment") == DONE
    assert Guarded(lambda: None).call("find_fulfilment") is None


LIES: list[Any] = [
    None,
    "W-1",
    {"reference": "W-1", "amount": 4250},
    replace(BILL, reference="W-2"),
    replace(BILL, reference=""),
    replace(BILL, reference="W\x00"),
    replace(BILL, reference="W/1"),
    replace(BILL, reference="W-1\n"),
    replace(BILL, reference="W" * 65),
    replace(BILL, title={"zh": "水费"}),
    replace(BILL, title={"zh": "水费", "en": ""}),
    replace(BILL, title="水费"),
    replace(BILL, amount=-1),
    replace(BILL, amount=10**10 + 1),
    replace(BILL, amount=42.5),
    replace(BILL, amount="4250"),
    replace(BILL, amount=True),
    replace(BILL, currency="USD"),
    replace(BILL, payee="somebody-else"),
    replace(BILL, payee=["water"]),
    replace(BILL, due_date="2026-12-01"),
    replace(BILL, due_date=datetime(2026, 12, 1, tzinfo=UTC)),
    replace(BILL, version=""),
    replace(BILL, version=1),
    replace(BILL, service="tax-bill"),
]


@pytest.mark.parametrize("lie", LIES, ids=repr)
def test_a_payable_that_lies_is_unavailable(lie: Any) -> None:
    with pytest.raises(Unavailable):
        Guarded(lambda: lie).call("get_payable")


@pytest.mark.parametrize(
    "lie",
    [None, BILL, {BILL.reference: BILL}, [BILL, "W-2"], [BILL, BILL], iter([BILL])],
    ids=["none", "bill", "dictionary", "other", "twice", "iterator"],
)
def test_a_list_that_lies_is_unavailable(lie: Any) -> None:
    with pytest.raises(Unavailable):
        Guarded(lambda: lie).call("list_payables")


def test_a_list_without_end_is_unavailable() -> None:
    many = [replace(BILL, reference=f"W-{n}") for n in range(1_001)]
    assert len(Guarded(lambda: many[:1_000]).call("list_payables")) == 1_000
    with pytest.raises(Unavailable):
        Guarded(lambda: many).call("list_payables")


def test_a_plugin_with_several_services_must_say_which() -> None:
    with pytest.raises(Unavailable):
        Guarded(lambda: replace(BILL, service=""), services=2).call("get_payable")


@pytest.mark.parametrize(
    "lie",
    [
        "B-1",
        replace(DONE, reference=""),
        replace(DONE, reference=None),
        replace(DONE, at="2026-11-22"),
        replace(DONE, at=datetime(2026, 11, 22)),  # noqa: DTZ001 - the point
    ],
    ids=repr,
)
def test_a_confirmation_that_lies_leaves_the_outcome_unknown(lie: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        Guarded(lambda: lie).call("fulfil")
    with pytest.raises(Unavailable):
        Guarded(lambda: lie).call("find_fulfilment")


def test_no_confirmation_at_all_is_unknown_too() -> None:
    with pytest.raises(OutcomeUnknown):
        Guarded(lambda: None).call("fulfil")


@pytest.mark.parametrize("kind", [NotFound, Conflict, Invalid, Forbidden])
@pytest.mark.parametrize("call", CALLS)
def test_refusals_pass_and_do_not_open_the_breaker(call: str, kind: type[Exception]) -> None:
    guarded = Guarded(kind("no"))
    for _ in range(20):
        with pytest.raises(kind, match="no"):
            guarded.call(call)
    assert guarded.provider.count == 20


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        RecursionError(),
        RateLimited(),
        IllegalMove(),
        NoAnswer("x", may_have_acted=True),
        TransactionOpen("x"),
    ],
    ids=repr,
)
def test_unknown_errors_are_unavailable_to_readers_and_unknown_to_payers(
    error: Exception, logs: Logs
) -> None:
    for call in READS:
        with pytest.raises(Unavailable):
            Guarded(error).call(call)
    with pytest.raises(OutcomeUnknown):
        Guarded(error).call("fulfil")
    ours = [line for line in logs if "plugin" in line]  # threads of the house may speak, too
    told = [(line["plugin"], line["call"], line["exc_info"]) for line in ours]
    assert told == [("x", call, error) for call in CALLS]


def test_what_surely_did_not_happen_is_unavailable_to_payers_too() -> None:
    for error in (Unavailable("down"), NoAnswer("no socket", may_have_acted=False)):
        with pytest.raises(Unavailable):
            Guarded(error).call("fulfil")


def test_only_payers_and_inquirers_hear_that_an_outcome_is_unknown() -> None:
    error = OutcomeUnknown("?")
    for call in ("fulfil", "find_fulfilment"):
        with pytest.raises(OutcomeUnknown):
            Guarded(error).call(call)
    for call in ("get_payable", "list_payables"):
        with pytest.raises(Unavailable):
            Guarded(error).call(call)


@pytest.mark.parametrize(
    ("call", "seconds"),
    [("list_payables", 2.0), ("get_payable", 2.0), ("fulfil", 8.0), ("find_fulfilment", 8.0)],
)
def test_each_call_has_its_deadline(call: str, seconds: float) -> None:
    seen: list[float] = []

    def look() -> Any:
        seen.append(remaining(100.0))
        raise NotFound

    with pytest.raises(NotFound):
        Guarded(look).call(call)
    assert seen[0] <= seconds
    assert seconds == 2.0 or seen[0] > 2.0
    assert remaining(100.0) == 100.0


@pytest.mark.parametrize("call", CALLS)
def test_ten_failures_open_the_breaker_and_then_nothing_is_called(call: str) -> None:
    guarded = Guarded(KeyError("x"))
    for _ in range(10):
        with pytest.raises((Unavailable, OutcomeUnknown)):
            guarded.call(call)
    for _ in range(5):
        with pytest.raises(Unavailable):  # refused before the call: surely nothing happened
            guarded.call(call)
    assert guarded.provider.count == 10


def test_a_healed_plugin_serves_again_after_one_probe() -> None:
    guarded = Guarded(KeyError("x"))
    for _ in range(10):
        with pytest.raises(Unavailable):
            guarded.call("get_payable")
    guarded.provider.act = lambda: BILL
    guarded.clock = 12.01
    assert [guarded.call("get_payable") for _ in range(3)] == [BILL] * 3


def test_slow_answers_are_given_and_open_the_breaker() -> None:
    guarded = Guarded(lambda: BILL)

    def slow() -> Payable:
        guarded.clock += 1.6
        return BILL

    guarded.provider.act = slow
    assert [guarded.call("get_payable") for _ in range(10)] == [BILL] * 10
    with pytest.raises(Unavailable):
        guarded.call("get_payable")


def test_four_calls_are_in_flight_and_the_fifth_is_refused_when_its_time_is_over() -> None:
    entered, leave = threading.Barrier(PLACES + 1, timeout=20), threading.Event()

    def stay() -> Payable:
        entered.wait()
        leave.wait(20)
        return BILL

    guarded = Guarded(stay)
    answers: list[Payable] = []
    threads = [
        threading.Thread(target=lambda: answers.append(guarded.call("get_payable")))
        for _ in range(PLACES)
    ]
    for thread in threads:
        thread.start()
    entered.wait()
    with within(0.05), pytest.raises(Unavailable):
        guarded.call("get_payable")
    assert guarded.provider.count == PLACES
    leave.set()
    for thread in threads:
        thread.join(20)
    assert answers == [BILL] * PLACES
    guarded.provider.act = lambda: BILL
    assert guarded.call("get_payable") == BILL


def test_all_plugins_together_hold_a_share_of_the_request_threads() -> None:
    share = Seats(1, patience=0.0)
    entered, leave = threading.Event(), threading.Event()

    def stay() -> Payable:
        entered.set()
        leave.wait(20)
        return BILL

    first, second = Guarded(stay), Guarded(lambda: BILL)
    for guarded in (first, second):
        gate = replace(guarded.gate, share=share)
        guarded.guard = GuardedPayable(
            guarded.provider, gate, Declared(frozenset({"water"}), frozenset({"water-bill"}))
        )

    def request() -> None:
        with serving(20):
            first.call("get_payable")

    thread = threading.Thread(target=request)
    thread.start()
    entered.wait(20)
    with serving(20):
        with pytest.raises(Unavailable):
            second.call("get_payable")
        second.provider.act = lambda: [BILL]
        assert second.call("list_payables") == [BILL]  # its fan-out has a pool of its own
    second.provider.act = lambda: BILL
    assert second.call("get_payable") == BILL  # a worker's calls hold no request thread
    leave.set()
    thread.join(20)


@pytest.mark.parametrize("call", CALLS)
def test_the_house_may_not_call_while_a_transaction_is_open(rooms: Rooms, call: str) -> None:
    units: Units = rooms.units
    guarded = Guarded(lambda: BILL)
    with units.open(actor="test") as uow:
        uow.connection()
        with pytest.raises(TransactionOpen):
            guarded.call(call)
    assert guarded.provider.count == 0
