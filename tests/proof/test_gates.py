"""A blow falls at its moment of a call: whether the other side has acted, and the caller knows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import pytest

from proof.client import Answer, send_json
from proof.gates import Arms, open_gate, operation_of
from proof.plan import OUTGOING, POSTING_KEYED, WEBHOOK
from proof.values import Act, Blow, Moment, Place, Victim
from sandbox.city import serve_city

BILLER = "shiyan-water"
BILL = {
    "account": "1234567890",
    "reference": "T1",
    "amount": 4250,
    "currency": "CNY",
    "period_from": "2026-10-01",
    "period_to": "2026-10-31",
    "due_date": "2026-12-15",
}
NOTICE = {
    "key": "k1",
    "reference": "T1",
    "amount": 4250,
    "currency": "CNY",
    "paid_at": "2026-11-02T03:04:05Z",
}


@dataclass
class Executioner:
    """Writes down what it was asked to do, and whether the answer was out by then."""

    struck: list[tuple[Blow, str]] = field(default_factory=list)
    answered: int = 0
    is_willing: bool = True

    def may_strike(self, blow: Blow, caller: str) -> bool:
        return self.is_willing

    def strike(self, blow: Blow, caller: str) -> None:
        self.struck.append((blow, caller))

    def strike_before_commit(self, blow: Blow, caller: str, answer: Callable[[], None]) -> None:
        answer()
        self.answered += 1
        self.struck.append((blow, caller))


@dataclass
class Wire:
    """A biller behind a gate, with a bill that is not paid."""

    city: str
    gate: str
    arms: Arms
    executioner: Executioner

    def post(self) -> Answer | None:
        return send_json(self.gate, "POST", f"/billers/{BILLER}/postings", NOTICE)

    def await_blow(self) -> None:
        """Wait until the blow is written down: whoever is answered is faster than who strikes."""
        deadline = monotonic() + 30
        while not self.executioner.struck:
            assert monotonic() < deadline, "nobody was struck"
            sleep(0.01)

    @property
    def booked(self) -> int:
        found: Any = send_json(self.city, "GET", f"/billers/{BILLER}/postings")
        return len(found.json["items"])


@contextmanager
def wired() -> Iterator[Wire]:
    executioner = Executioner()
    arms = Arms(executioner.may_strike)
    with serve_city() as city:
        account = {"number": "1234567890", "holder_name": "李雷"}
        send_json(city.url, "POST", f"/billers/{BILLER}/accounts", account)
        send_json(city.url, "POST", f"/billers/{BILLER}/bills", BILL)
        with open_gate(lambda: ("worker-1", city.url), arms=arms, striker=executioner) as gate:
            yield Wire(city.url, gate.url, arms, executioner)


def blow(moment: Moment, act: Act = Act.KILL) -> Blow:
    return Blow(Place(POSTING_KEYED, moment), Victim.CALLER, act)


def arm(wire: Wire, wanted: Blow) -> None:
    wire.arms.arm({wanted.place: wanted})


def test_a_gate_passes_on_what_nothing_waits_for() -> None:
    with wired() as wire:
        arm(wire, Blow(Place(WEBHOOK, Moment.BEFORE), Victim.WEB))
        answer = wire.post()
        assert answer is not None
        assert answer.status == 201
        assert answer.json["reference"].startswith("WTR-")
        assert wire.executioner.struck == []
        assert wire.arms.disarm()


@pytest.mark.parametrize(
    ("moment", "booked", "is_answered"),
    [(Moment.BEFORE, 0, False), (Moment.ACTED, 1, False), (Moment.ANSWERED, 1, True)],
)
def test_a_blow_falls_at_its_moment(moment: Moment, booked: int, *, is_answered: bool) -> None:
    with wired() as wire:
        arm(wire, blow(moment))
        answer = wire.post()
        assert (answer is not None) is is_answered
        wire.await_blow()
        assert wire.executioner.struck == [(blow(moment), "worker-1")]
        assert wire.executioner.answered == int(moment is Moment.ANSWERED)
        assert wire.booked == booked
        assert not wire.arms.disarm()
        # Taken once: the next call goes through.
        assert wire.post() is not None


def test_who_only_stood_still_gets_the_answer() -> None:
    with wired() as wire:
        arm(wire, blow(Moment.ACTED, Act.FREEZE))
        answer = wire.post()
        assert answer is not None
        assert answer.status == 201
        assert len(wire.executioner.struck) == 1


def test_nobody_is_struck_who_cannot_be_spared() -> None:
    with wired() as wire:
        wire.executioner.is_willing = False
        arm(wire, blow(Moment.BEFORE))
        assert wire.post() is not None
        assert wire.executioner.struck == []


def test_every_call_of_the_plan_is_known_on_the_wire() -> None:
    calls = [
        ("POST", "/v1/payment_intents"),
        ("GET", "/v1/payment_intents/pi_1"),
        ("GET", "/v1/payment_intents/search?query=x"),
        ("POST", "/v1/payment_intents/pi_1/cancel"),
        ("POST", "/v1/refunds"),
        ("GET", "/v1/refunds/re_1"),
        ("POST", "/billers/shiyan-heat/postings"),
        ("POST", "/billers/shiyan-power/postings"),
        ("POST", "/billers/shiyan-gas/postings"),
        ("GET", "/billers/shiyan-gas/postings/by-key/k"),
        ("GET", "/billers/shiyan-gas/bills/B-1"),
    ]
    assert tuple(operation_of(*call) for call in calls) == OUTGOING
    assert operation_of("GET", "/billers/shiyan-gas/accounts/1") is None
