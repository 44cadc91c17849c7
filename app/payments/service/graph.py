"""The published graph of money: every legal move, why it is made and by whom, and what is shown.

`docs/payments.md` is written from here; the tests compare it with the code, with PostgreSQL's
own table of legal moves, and with every move that was ever made.
"""

# ruff: noqa: E501 - one line for each move is the point of this page

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.db import Stateful
from app.payments.models import Dispute, Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.values import shown_state


@dataclass(frozen=True, slots=True)
class Move:
    """One edge: from a state (None: the record is new) to another, because of what, by whom."""

    before: str | None
    after: str
    because: str
    by: str


@dataclass(frozen=True, slots=True)
class Machine:
    """One record's states and moves, in the order in which they are read."""

    model: type[Stateful]
    says: str
    moves: Sequence[Move]

    @property
    def entity(self) -> str:
        """Return how the event log names the record."""
        return self.model.ENTITY

    @property
    def states(self) -> Sequence[str]:
        """Return every state, as it first comes up."""
        named = [state for move in self.moves for state in (move.before, move.after) if state]
        return list(dict.fromkeys(named))


def legal_moves(model: type[Stateful]) -> frozenset[tuple[str | None, str]]:
    """Return every edge that the code of a record lets through."""
    begun = {(None, str(state)) for state in model.FIRST}
    moved = {(str(a), str(b)) for a, targets in model.MOVES.items() for b in targets}
    return frozenset(begun | moved)


_PAYMENT = Machine(
    Payment,
    "One order of a citizen: 1 to 20 bills, paid together. Succeeded means that the money is here.",
    (
        Move(None, "pending", "the bills were quoted and are nobody else's", "payer"),
        Move("pending", "processing", "money moves, or there is nothing to pay", "gateway"),
        Move("processing", "succeeded", "the money was captured, or nothing was owed", "gateway"),
        Move("processing", "pending", "declined: it may be tried again", "gateway"),
        Move("pending", "cancelled", "the gateway has let go of it, on wish or as the bill changed", "payer"),
        Move("pending", "expired", "its time is over, and the gateway says no money comes", "schedule"),
        Move("pending", "failed", "the gateway refuses to open it", "gateway"),
    ),
)  # fmt: skip
_ITEM = Machine(
    PaymentItem,
    "One bill of a payment. Part of a fulfilled item may go back; it stays fulfilled, and"
    " `refunded_amount` says how much is back.",
    (
        Move(None, "waiting", "its payment was started", "payer"),
        Move("waiting", "due", "the money was captured", "gateway"),
        Move("due", "fulfilled", "the biller has it", "biller"),
        Move("due", "unknown", "the biller may have it: its answer was lost", "biller"),
        Move("due", "rejected", "the biller refuses it for good", "biller"),
        Move("unknown", "fulfilled", "asked, the biller has it", "biller"),
        Move("unknown", "rejected", "asked, the biller refuses it for good", "biller"),
        Move("unknown", "under_review", "the biller cannot be asked, or not for 26 hours", "schedule"),
        Move("rejected", "refunding", "what a biller refuses goes back by itself", "rule"),
        Move("fulfilled", "refunding", "all that is left of it goes back", "staff"),
        Move("under_review", "fulfilled", "a person has found that the biller has it", "staff"),
        Move("under_review", "refunding", "all that is left of it goes back", "staff"),
        Move("refunding", "refunded", "all of it is back, here or by the payer's bank", "gateway"),
        Move("refunding", "refund_failed", "the gateway could not return it", "gateway"),
        Move("refund_failed", "refunding", "it is tried again", "staff"),
        Move("refund_failed", "under_review", "the payer has it from their bank: have a look", "rule"),
        Move("refunded", "under_review", "the money has bounced: it is owed still", "gateway"),
    ),
)  # fmt: skip
_ATTEMPT = Machine(
    PaymentAttempt,
    "One try to move a payment's money: one intent at the gateway. One at most is live.",
    (
        Move(None, "requested", "a method was chosen", "payer"),
        Move(None, "succeeded_late", "the gateway took money twice; it goes back", "reconciliation"),
        Move("requested", "open", "the gateway has opened it", "gateway"),
        Move("requested", "unknown", "the gateway's answer was lost", "gateway"),
        Move("requested", "failed", "the gateway refuses to open it", "gateway"),
        Move("unknown", "open", "asked, the gateway waits for the payer", "schedule"),
        Move("unknown", "processing", "asked, the money moves", "schedule"),
        Move("unknown", "succeeded", "asked, the money was captured", "schedule"),
        Move("unknown", "failed", "asked, the gateway never opened it", "schedule"),
        Move("unknown", "cancelled", "asked, it was cancelled", "schedule"),
        Move("open", "processing", "the payer has confirmed", "gateway"),
        Move("open", "succeeded", "the money was captured", "gateway"),
        Move("open", "failed", "the gateway has abandoned it", "gateway"),
        Move("open", "cancelled", "it was cancelled before another one, or at the end", "payer"),
        Move("open", "unknown", "the gateway has lost sight of it", "gateway"),
        Move("processing", "open", "declined: the payer may try again", "gateway"),
        Move("processing", "succeeded", "the money was captured", "gateway"),
        Move("processing", "failed", "the gateway has abandoned it", "gateway"),
        Move("processing", "cancelled", "it was cancelled while it moved", "gateway"),
        Move("processing", "unknown", "the gateway has lost sight of it", "gateway"),
        Move("cancelled", "succeeded_late", "money came after the end; it goes back", "gateway"),
        Move("failed", "succeeded_late", "money came after the end; it goes back", "gateway"),
    ),
)  # fmt: skip
_REFUND = Machine(
    Refund,
    "Money on its way back from one attempt: whoever asks for it never decides it.",
    (
        Move(None, "requested", "somebody asks for it; or a rule does while it is disputed", "payer, staff"),
        Move(None, "approved", "refused by its biller, late, taken twice, or a plug-in's word", "rule"),
        Move("requested", "approved", "somebody else says yes; or a dispute was won", "staff"),
        Move("requested", "declined", "somebody else says no; or a dispute was lost", "staff"),
        Move("approved", "submitted", "the gateway has taken it, or refused it", "gateway"),
        Move("approved", "unknown", "the gateway's answer was lost", "gateway"),
        Move("unknown", "submitted", "asked, the gateway has it", "schedule"),
        Move("unknown", "succeeded", "asked, the money is back", "schedule"),
        Move("unknown", "failed", "asked, it cannot be returned", "schedule"),
        Move("submitted", "succeeded", "the money is back", "gateway"),
        Move("submitted", "failed", "it cannot be returned; a retry is a refund of its own", "gateway"),
        Move("succeeded", "reversed", "the money has bounced; a retry is a refund of its own", "gateway"),
    ),
)  # fmt: skip
_DISPUTE = Machine(
    Dispute,
    "Money that a payer's bank has taken back until it is decided whose it is.",
    (
        Move(None, "needs_response", "the bank disputes; nothing of it can be refunded", "payer's bank"),
        Move("needs_response", "under_review", "evidence was given", "gateway"),
        Move("needs_response", "won", "decided for us: what was held is free", "gateway"),
        Move("needs_response", "lost", "decided against us, or accepted: it is gone", "gateway"),
        Move("needs_response", "withdrawn", "the bank has let it be: what was held is free", "payer's bank"),
        Move("under_review", "won", "decided for us: what was held is free", "gateway"),
        Move("under_review", "lost", "decided against us: it is gone", "gateway"),
        Move("under_review", "withdrawn", "the bank has let it be: what was held is free", "payer's bank"),
    ),
)  # fmt: skip
MACHINES: Mapping[str, Machine] = {
    machine.entity: machine for machine in (_PAYMENT, _ITEM, _ATTEMPT, _REFUND, _DISPUTE)
}

_HEAD = """\
# The life of a payment

What a payment, its items, its attempts, its refunds and its disputes can be, and every move between that is legal. This page is
written from the code by `flask --app wsgi payments graph`. Anything that does not stand here is refused by the code and by
PostgreSQL, which keeps the same table (`legal_moves`) and checks each row of the event log against it. A move that is made
names its cause, who made it and when: `GET /v1/payments/{payment_id}/events`.

Only an answer that was fetched from the gateway makes money true. Webhooks, schedules and readers all lead to the same question;
whoever comes first makes the move. Records are locked in the order citizen, payment, item, attempt, refund, dispute, account of
the ledger.

## When the bill changes

A payment is of the bills as they were quoted when it started: amount, payee and version. Whoever starts one may say what they have
seen (`expected_amount`); when something else is owed nothing is begun (409 `bill-changed`, with the `amount`). A new attempt asks
for the bills again, before anything else is opened. When they have changed, or are not owed any more (409 `bill-withdrawn`), the
intent before is cancelled, the payment is cancelled, and a fresh payment of the same bills can be made at once. It is not quoted
anew in place: what a payer has agreed to stays what it was. Money that came meanwhile is kept to: then the payment is paid
(409 `payment-not-pending`), and a biller that refuses it makes it go back by itself.

## What a payer is shown

Payments and items are shown as they are. Of the rest there are fewer states to see than there are: a move between two states
that look the same is not on the payer's timeline.

| record | state | shown as |
|---|---|---|
"""


def as_markdown() -> str:
    """Return the page."""
    return _HEAD + "".join(_shown()) + "".join(_section(m) for m in MACHINES.values())


def _shown() -> list[str]:
    return [
        f"| {_title(machine)} | `{state}` | `{shown}` |\n"
        for machine in MACHINES.values()
        for state in machine.states
        if (shown := shown_state(machine.entity, state)) != state
    ]


def _section(machine: Machine) -> str:
    drawn = "".join(f"    {m.before or '[*]'} --> {m.after}\n" for m in machine.moves)
    ends = [s for s in machine.states if not any(m.before == s for m in machine.moves)]
    drawn += "".join(f"    {state} --> [*]\n" for state in ends)
    rows = "".join(
        f"| {f'`{m.before}`' if m.before else ''} | `{m.after}` | {m.because} | {m.by} |\n"
        for m in machine.moves
    )
    return (
        f"\n## {_title(machine).capitalize()}\n\n{machine.says}\n\n"
        f"```mermaid\nstateDiagram-v2\n{drawn}```\n\n"
        f"| from | to | because | by |\n|---|---|---|---|\n{rows}"
    )


def _title(machine: Machine) -> str:
    return machine.entity.removeprefix("payment_")
