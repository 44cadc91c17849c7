"""What a plan, a history and the evidence are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SERVICES: Mapping[str, str] = {
    "water-bill": "shiyan-water",
    "power-bill": "shiyan-power",
    "gas-bill": "shiyan-gas",
    "heat-bill": "shiyan-heat",
}
"""Service and its biller: one that honours keys, one that can be asked, one with neither, both."""

UNASKABLE = "gas-bill"
"""The one biller that can never say what became of a notice whose answer was lost."""


class Start(StrEnum):
    """How a payment is begun."""

    ALONE = "alone"
    SAME_KEY = "same key in parallel"
    OTHER_KEYS = "different keys in parallel"
    TWO_DEVICES = "two devices"
    TWO_CITIZENS = "two citizens for one bill"
    LOST_ANSWER = "answer lost and asked again"
    IMPATIENT = "client gives up and asks again"


class Finish(StrEnum):
    """How it goes on."""

    PAID = "paid"
    PAID_TWICE = "confirmed several times in parallel"
    DECLINED_FIRST = "declined, then paid"
    OTHER_METHOD = "declined, then another method"
    WALLET = "wallet"
    CANCEL_RACE = "cancelled while it is paid"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Gust:
    """A misbehaviour of the outside that a story begins with: whose, which call, what, how often.

    `party` is a biller, `gateway` (a fault of the sandbox's) or `webhooks` (a way of delivering).
    """

    party: str
    operation: str
    kind: str
    times: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Story:
    """One payment from its first call on."""

    number: int
    services: Sequence[str]
    amounts: Sequence[int]
    method: str
    start: Start
    callers: int
    finish: Finish
    looks: int
    gust: Gust | None
    is_forged: bool
    is_spied_on: bool
    is_returned: bool


class Moment(StrEnum):
    """When a process is killed, seen from the call that it makes or answers."""

    BEFORE = "before the other side acts"
    ACTED = "after the other side committed, before its answer"
    ANSWERED = "after the answer, before our commit"
    WRITING = "while it writes"
    ANY = "at any time"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a kill strikes: a call or a write, and the moment of it."""

    operation: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.operation}, {self.moment}"


class Victim(StrEnum):
    """Which process is killed."""

    CALLER = "caller"
    WEB = "web"
    WORKER = "worker"
    POSTGRES = "postgresql"
    VALKEY = "valkey"


class Act(StrEnum):
    """What is done to it: a frozen worker goes on after another one has taken its work over."""

    KILL = "kill"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True, order=True)
class Blow:
    """One kill that is to be: where, whom, how."""

    place: Place
    victim: Victim
    act: Act = Act.KILL


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a seed decides."""

    seed: int
    stories: Sequence[Story]
    blows: Sequence[Blow]


@dataclass(frozen=True, slots=True)
class Struck:
    """A kill that was: where, which process in the end, when (epoch seconds), how long away."""

    place: Place
    process: str
    act: Act
    at: float
    away: float


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the product and its answer; without a status the client never saw one."""

    story: int
    who: str
    method: str
    path: str
    key: str | None
    purpose: str
    began: float
    ended: float
    status: int | None
    code: str | None
    body: bytes
    is_replayed: bool
    is_retry_told: bool


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill as its biller made it; `reference` is what the product calls it."""

    service: str
    number: str
    amount: int
    reference: str


Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything there is to judge by, when all is quiet."""

    bills: Sequence[Bill]
    calls: Sequence[Call]
    intents: Sequence[Row]
    gateway_refunds: Sequence[Row]
    gateway_events: Sequence[Row]
    deliveries: Sequence[Row]
    postings: Sequence[Row]
    payments: Sequence[Row]
    items: Sequence[Row]
    attempts: Sequence[Row]
    refunds: Sequence[Row]
    biller_postings: Sequence[Row]
    receipts: Sequence[Row]
    ledger: Sequence[Row]
    inbox: Sequence[Row]
    jobs: Sequence[Row]
    probes: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: which, for what, and the least that shows it."""

    rule: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}: {self.detail}"
