"""What the payment platform asks of any gateway, and what an answer or its absence means.

Every call may end in `GatewayAmbiguous`: the gateway may have acted, so it must be asked, and
nothing may be sent again under another key. Keys are permanent and name payment, attempt and
operation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from app.payments.values import Method, Saved

KEY_LIFETIME = timedelta(hours=23)
"""How long a gateway surely remembers a key; later it is only searched, never sent again."""


SEARCH_LAG = timedelta(minutes=10)
"""How long a gateway's search may not know yet what the gateway has."""


class GatewayAmbiguous(Exception):
    """No answer, or one that does not say whether the gateway acted."""


class GatewayFailed(GatewayAmbiguous):
    """The gateway repeats under our key that it has failed: asking so again tells nothing new.

    Whether it acted before it failed must be found out another way.
    """


class GatewayRefused(Exception):
    """The gateway has definitely not acted; `code` is its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class IntentRequest:
    """What to ask the gateway to open."""

    key: str
    payment_id: UUID
    attempt_id: UUID
    amount: int
    currency: str
    method: Method
    return_url: str | None
    expires_at: datetime | None = None
    saved: Saved | None = None


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """What to ask the gateway for when a citizen wants to keep a method there."""

    key: str
    saved_method_id: UUID


@dataclass(frozen=True, slots=True)
class Setup:
    """What the gateway says of a method that is being kept; `method_id` once it is proven."""

    id: str
    status: str
    customer_id: str
    method_id: str | None
    label: str | None
    client_secret: str | None


@dataclass(frozen=True, slots=True)
class Intent:
    """What the gateway says of an intent right now; the only thing that makes money true.

    `amount` is None while the gateway has nothing yet but a code that nobody has scanned.
    """

    id: str
    status: str
    amount: int | None
    amount_received: int
    currency: str
    attempt_id: str | None
    client_secret: str | None
    next_action: Mapping[str, Any] | None
    decline_code: str | None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What to ask the gateway to return."""

    key: str
    refund_id: UUID
    intent_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """What the gateway says of a refund right now."""

    id: str
    status: str
    amount: int


@dataclass(frozen=True, slots=True)
class GatewayDispute:
    """What a gateway says of a dispute right now; `status` is one of `DisputeStatus`."""

    id: str
    status: str
    amount: int
    currency: str
    reason: str
    evidence_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Notification:
    """A genuine notice of a gateway: its id and kind, and which of our records it may concern."""

    event_id: str
    kind: str
    intent_id: str | None
    attempt_id: str | None
    refund_id: str | None


class StatementUnavailable(Exception):
    """The gateway has not closed its books of that day yet, or does not answer now."""


class Movement(StrEnum):
    """What a line of a gateway's own books is."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_REVERSED = "dispute_reversed"
    FEE = "fee"
    PAYOUT = "payout"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of money as a gateway has it in its own books.

    `id` names the movement at the gateway; `intent_id` and `refund_id` are the gateway's ids of
    what moved; `our_id` is our attempt's or refund's id as far as the line carries it. `amount` is
    gross, in minor units: above zero when money comes to us, below when it leaves. `fee` is what
    the gateway keeps of it, above zero.
    """

    id: str
    kind: Movement
    intent_id: str | None
    refund_id: str | None
    our_id: str | None
    amount: int
    fee: int
    currency: str
    occurred_at: datetime
    payout_id: str | None = None


class Gateway(Protocol):
    """Who moves the money."""

    name: str

    def read_notification(
        self, raw: bytes, headers: Mapping[str, str], moment: datetime
    ) -> Notification:
        """Check that a notice is the gateway's and recent, on its raw bytes; say what it is about.

        Raise `NotFound` when no notices are set up, `SignatureInvalid` for whatever is not genuine.
        """

    def open_intent(self, request: IntentRequest) -> Intent:
        """Open an intent; idempotent by key. May raise both errors."""

    def fetch_intent(self, intent_id: str) -> Intent:
        """Ask what is true of an intent."""

    def find_intent(self, attempt_id: UUID) -> Intent | None:
        """Search for the intent of an attempt whose opening was never answered."""

    def cancel_intent(self, intent_id: str) -> Intent:
        """Cancel an intent, or return what it has become instead; idempotent without a key."""

    def send_refund(self, request: RefundRequest) -> GatewayRefund:
        """Return money; idempotent by key."""

    def fetch_refund(self, gateway_refund_id: str) -> GatewayRefund:
        """Ask what is true of a refund."""

    def find_refund(self, intent_id: str, refund_id: UUID) -> GatewayRefund | None:
        """Search for a refund whose sending was never answered."""

    def next_action(self, intent: Intent, method: Method) -> Mapping[str, Any] | None:
        """Return what the citizen's client has to do now."""

    def list_statement(self, day: date) -> Iterator[StatementLine]:
        """Return every movement of one city day, one after the other in bounded memory.

        Raise `StatementUnavailable` before the first line when the day's books are not closed.
        """


@runtime_checkable
class KeepsMethods(Protocol):
    """A gateway that can keep methods of some kinds, and charge one while its owner is away."""

    keeps: frozenset[Method]

    def open_setup(self, request: SetupRequest) -> Setup:
        """Begin to keep a method; idempotent by key. May raise both errors."""

    def fetch_setup(self, setup_id: str) -> Setup:
        """Ask what became of it."""

    def setup_action(self, setup: Setup) -> Mapping[str, Any] | None:
        """Return what the citizen's client has to do now."""

    def forget_method(self, saved: Saved) -> None:
        """Let go of a method, so that nobody can charge it again; a second call does nothing."""


@runtime_checkable
class DisputingGateway(Protocol):
    """A gateway at which a payer's bank can take money back until a dispute is decided."""

    def list_disputes(self, intent_id: str) -> Sequence[GatewayDispute]:
        """Ask which disputes the money of an intent is, or was, in; only those that took money."""
