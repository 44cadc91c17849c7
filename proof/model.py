"""The independent model: what must be true of a whole history, whatever happened to the processes.

It counts money by the gateway's journal, postings by the billers', and holds the product's tables
and every answer it ever gave against them. It imports nothing of the product.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from proof.values import UNASKABLE, Call, Evidence, Row, Violation

_PAID = "succeeded"
_ENDED = frozenset({"succeeded", "cancelled", "expired", "failed"})
_CLOSED_ATTEMPTS = frozenset({"succeeded", "succeeded_late", "failed", "cancelled"})
_OPEN_ITEMS = frozenset({"waiting", "due", "unknown", "under_review"})
_GIVEN_BACK = frozenset({"refunded"})
_CONFIRMABLE = frozenset(
    {"requires_payment_method", "requires_confirmation", "requires_action", "processing"}
)
_OK, _CREATED, _UNAVAILABLE = 200, 201, 503
_SUCCESS = range(200, 300)
_NOTHING_SHOWN = frozenset({None, 401, 404, 429, 503})


@dataclass(frozen=True)
class _Case:
    """The evidence, sorted."""

    evidence: Evidence

    @cached_property
    def items_of(self) -> Mapping[str, list[Row]]:
        return _grouped(self.evidence.items, "payment_id")

    @cached_property
    def attempts(self) -> Mapping[str, Row]:
        return {row["id"]: row for row in self.evidence.attempts}

    @cached_property
    def payments(self) -> Mapping[str, Row]:
        return {row["id"]: row for row in self.evidence.payments}

    @cached_property
    def kept(self) -> Mapping[str, int]:
        """Return the money of each payment that the gateway has for us: taken less returned."""
        money: Counter[str] = Counter()
        of_intent = {}
        for intent in self.evidence.intents:
            payment = intent["metadata"].get("payment", "")
            of_intent[intent["id"]] = payment
            if intent["status"] == _PAID:
                money[payment] += intent["amount_received"]
        for refund in self.evidence.gateway_refunds:
            if refund["status"] == "succeeded":
                money[of_intent[refund["payment_intent"]]] -= refund["amount"]
        return money

    @cached_property
    def returned(self) -> Mapping[str, int]:
        """Return what went back of each item, as the product has it."""
        money: Counter[str] = Counter()
        for refund in self.evidence.refunds:
            if refund["status"] == "succeeded" and refund["item_id"] is not None:
                money[refund["item_id"]] += refund["amount"]
        return money

    @cached_property
    def booked(self) -> Mapping[tuple[str, str], int]:
        """Return how often each biller booked each bill."""
        return Counter(
            (row["service"], row["reference"])
            for row in self.evidence.postings
            if row["effective"] or row["duplicate"]
        )


def judge(evidence: Evidence) -> list[Violation]:
    """Return every broken promise."""
    case = _Case(evidence)
    return [violation for rule in RULES for violation in rule(case)]


def _charged_once(case: _Case) -> Iterator[Violation]:
    """Hold the money at the gateway against what it was for: each bill's once, and no more."""
    for payment in case.evidence.payments:
        wanted = 0
        if payment["status"] == _PAID:
            items = case.items_of[payment["id"]]
            wanted = sum(item["amount"] - case.returned[item["id"]] for item in items)
        kept = case.kept.get(payment["id"], 0)
        if kept != wanted:
            says = f"the gateway keeps {kept}, the items are worth {wanted}"
            yield Violation("charged once", f"payment {payment['id']}", says)
    for item in case.evidence.items:
        returned = case.returned[item["id"]]
        if (item["status"] in _GIVEN_BACK) != (returned == item["amount"]):
            says = f"{item['status']}, and {returned} of {item['amount']} went back"
            yield Violation("charged once", f"item {item['id']}", says)
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in case.evidence.items:
        is_paid = case.payments[item["payment_id"]]["status"] == _PAID
        if is_paid and item["status"] not in _GIVEN_BACK:
            holders[item["service"], item["reference"]].append(item["payment_id"])
    for bill, payments in holders.items():
        if len(payments) > 1:
            yield Violation("charged once", " ".join(bill), f"paid by {len(payments)}: {payments}")


def _posted_once(case: _Case) -> Iterator[Violation]:
    """See that a biller booked a bill once if it was paid here and kept, and never otherwise."""
    of_bill: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item in case.evidence.items:
        of_bill[item["service"], item["reference"]].add(item["status"])
    for bill in case.evidence.bills:
        states = of_bill[bill.service, bill.reference]
        booked = case.booked.get((bill.service, bill.number), 0)
        allowed = {int("fulfilled" in states)}
        if bill.service == UNASKABLE and "under_review" in states:
            allowed = {0, 1}
        if booked not in allowed:
            says = f"booked {booked} times, the items are {sorted(states)}"
            yield Violation("posted once", f"{bill.service} {bill.number}", says)
    confirmed = {
        row["item_id"] for row in case.evidence.biller_postings if row["status"] == "confirmed"
    }
    for item in case.evidence.items:
        if (item["status"] == "fulfilled") != (item["id"] in confirmed):
            says = f"the item is {item['status']}, its posting says otherwise"
            yield Violation("posted once", f"item {item['id']}", says)


def _one_receipt(case: _Case) -> Iterator[Violation]:
    """See one receipt for what was fulfilled, red ones for what went back, and no gap."""
    found = _grouped(case.evidence.receipts, "payment_id")
    for payment in case.evidence.payments:
        items = case.items_of[payment["id"]]
        done = [item for item in items if item["fulfilled_at"] is not None]
        is_closed = not any(item["status"] in _OPEN_ITEMS for item in items)
        is_due = payment["status"] == _PAID and bool(done) and is_closed
        amounts = [receipt["amount"] for receipt in found.get(payment["id"], [])]
        given = [amount for amount in amounts if amount > 0]
        wanted = [sum(item["amount"] for item in done)] if is_due else []
        reversed_ = -sum(amount for amount in amounts if amount < 0)
        returned = sum(case.returned[item["id"]] for item in done) if is_due else 0
        if given != wanted or reversed_ != returned:
            says = f"receipts over {amounts}; fulfilled {wanted}, of which {returned} went back"
            yield Violation("one receipt", f"payment {payment['id']}", says)
    for series, receipts in _grouped(case.evidence.receipts, "series").items():
        numbers = sorted(receipt["number"] for receipt in receipts)
        if numbers != list(range(1, len(numbers) + 1)):
            says = f"{len(numbers)} receipts, numbers {numbers[0]} to {numbers[-1]}"
            yield Violation("one receipt", f"series {series}", says)


def _one_meaning(case: _Case) -> Iterator[Violation]:
    """See that a payment's lines say what the gateway's journal says, and that all balance."""
    cleared: Counter[str] = Counter()
    pending: Counter[tuple[str, str]] = Counter()
    whole: Counter[str] = Counter()
    for line in case.evidence.ledger:
        whole[line["currency"]] += line["amount"]
        if line["code"].startswith("clearing:"):
            cleared[line["payment_id"]] += line["amount"]
        if line["code"] in {"refunds-payable", "suspense"}:
            pending[line["payment_id"], line["code"]] += line["amount"]
    for payment in case.payments:
        kept, booked = case.kept.get(payment, 0), cleared.get(payment, 0)
        if kept != booked:
            says = f"the gateway keeps {kept}, the ledger says {booked}"
            yield Violation("one ledger meaning", f"payment {payment}", says)
    for (payment, code), amount in pending.items():
        if amount:
            yield Violation("one ledger meaning", f"payment {payment}", f"{code} holds {amount}")
    for currency, amount in whole.items():
        if amount:
            yield Violation("trial balance", currency, f"off by {amount}")


def _probes(case: _Case) -> Iterator[Violation]:
    """See a trial balance of zero, and no bill live twice, at every second."""
    if not case.evidence.probes:
        yield Violation("trial balance", "probes", "there were none")
    for probe in case.evidence.probes:
        if any(probe["balance"].values()):
            yield Violation("trial balance", f"probe at {probe['at']:.0f}", str(probe["balance"]))
        if probe["live_twice"]:
            says = f"{probe['live_twice']} bills with two live items"
            yield Violation("live once", f"probe at {probe['at']:.0f}", says)


def _answers(case: _Case) -> Iterator[Violation]:
    """See that each replay is the first answer, and each failure one that says what to do."""
    first: dict[tuple[str, str], Call] = {}
    for call in case.evidence.calls:
        if call.status is not None and call.status >= 500:  # noqa: PLR2004 - our fault
            if call.status != _UNAVAILABLE:
                yield _of(call, "answers", f"status {call.status} {call.code}")
            elif not call.is_retry_told:
                yield _of(call, "answers", "503 without Retry-After")
        if call.purpose != "start" or call.key is None or call.status not in _SUCCESS:
            continue
        known = first.setdefault((call.who, call.key), call)
        if (known.status, known.body) != (call.status, call.body):
            yield _of(call, "answers", f"a replay of {call.key} differs from the first answer")
    fresh = Counter(
        (call.who, call.key)
        for call in case.evidence.calls
        if call.purpose == "start" and call.status in _SUCCESS and not call.is_replayed
    )
    for (who, key), count in fresh.items():
        if count > 1:
            yield Violation("answers", f"{who} {key}", f"{count} first answers")


def _durable(case: _Case) -> Iterator[Violation]:
    """See that whatever a payer or the gateway was told has stayed true."""
    shown: dict[tuple[str, str], Call] = {}
    for call in case.evidence.calls:
        is_view = call.purpose in {"start", "look", "cancel", "another method"}
        if is_view and call.status in {_OK, _CREATED}:
            body = _json(call)
            shown.setdefault((body["id"], body["status"]), call)
    for (payment, status), call in shown.items():
        found = case.payments.get(payment)
        if found is None:
            yield _of(call, "acknowledged is durable", f"payment {payment} is gone")
        elif status in _ENDED and found["status"] != status:
            says = f"payment {payment} was said to be {status} and is {found['status']}"
            yield _of(call, "acknowledged is durable", says)
    kept = {row["event_id"] for row in case.evidence.inbox}
    for row in case.evidence.deliveries:
        if row["state"] == "delivered" and row["event"] not in kept:
            says = f"answered {row['last_status']} and forgot it"
            yield Violation("acknowledged is durable", f"event {row['event']}", says)


def _nobody_else(case: _Case) -> Iterator[Violation]:
    """See that strangers are shown nothing, and unsigned events are not taken."""
    for call in case.evidence.calls:
        if call.purpose == "stranger" and call.status not in _NOTHING_SHOWN:
            says = f"{call.method} {call.path} answered {call.status} to a stranger"
            yield _of(call, "owner only", says)
        if call.purpose == "forged event" and call.status in _SUCCESS:
            yield _of(call, "signed events only", f"a forged event was taken: {call.status}")
    genuine = {event["id"] for event in case.evidence.gateway_events}
    for row in case.evidence.inbox:
        if row["event_id"] not in genuine:
            says = "is in the inbox, and the gateway never sent it"
            yield Violation("signed events only", row["event_id"], says)


def _at_rest(case: _Case) -> Iterator[Violation]:
    """See payments, attempts, refunds and jobs at their end."""
    for payment in case.evidence.payments:
        if payment["status"] not in _ENDED:
            yield Violation("at rest", f"payment {payment['id']}", f"still {payment['status']}")
    for attempt in case.evidence.attempts:
        if attempt["status"] not in _CLOSED_ATTEMPTS:
            yield Violation("at rest", f"attempt {attempt['id']}", f"still {attempt['status']}")
        if attempt["mismatch"]:
            yield Violation("at rest", f"attempt {attempt['id']}", str(attempt["mismatch"]))
    # A refund that failed was sent anew: whether the money went back is told by its item.
    for refund in case.evidence.refunds:
        if refund["status"] not in {"succeeded", "declined", "requested", "failed"}:
            yield Violation("at rest", f"refund {refund['id']}", f"still {refund['status']}")
    for job in case.evidence.jobs:
        says = f"{job['status']} after {job['attempts']} attempts"
        yield Violation("at rest", f"job {job['id']} {job['task_name']}", says)


def _items_at_rest(case: _Case) -> Iterator[Violation]:
    """See each item at its end, or with a person where the biller cannot be asked."""
    for item in case.evidence.items:
        status, paid = item["status"], case.payments[item["payment_id"]]["status"] == _PAID
        fine = {"fulfilled", "refunded"} if paid else {"waiting"}
        if paid and item["service"] == UNASKABLE:
            fine |= {"under_review"}
        if status not in fine:
            yield Violation("at rest", f"item {item['id']} ({item['service']})", f"still {status}")


def _no_orphans(case: _Case) -> Iterator[Violation]:
    """See one intent for an attempt, and none that can be paid though it is closed here."""
    seen: Counter[str] = Counter()
    for intent in case.evidence.intents:
        name = intent["metadata"].get("attempt", "")
        seen[name] += 1
        attempt = case.attempts.get(name)
        if attempt is None:
            yield Violation("no orphans", intent["id"], f"no attempt of ours: {name}")
            continue
        status = attempt["status"]
        is_paid = intent["status"] == _PAID
        if is_paid != (status in {"succeeded", "succeeded_late"}):
            says = f"{intent['status']} there, {status} here"
            yield Violation("no orphans", intent["id"], says)
        elif intent["status"] in _CONFIRMABLE and status in _CLOSED_ATTEMPTS:
            yield Violation("no orphans", intent["id"], f"can still be paid, {status} here")
    for name, count in seen.items():
        if count > 1:
            yield Violation("no orphans", f"attempt {name}", f"{count} intents")


RULES: tuple[Callable[[_Case], Iterable[Violation]], ...] = (
    _charged_once,
    _posted_once,
    _one_receipt,
    _one_meaning,
    _probes,
    _answers,
    _durable,
    _nobody_else,
    _at_rest,
    _items_at_rest,
    _no_orphans,
)
"""Every promise, each with a test that breaks it."""


def _grouped(rows: Iterable[Row], name: str) -> Mapping[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[name]].append(row)
    return grouped


def _json(call: Call) -> Mapping[str, str]:
    body: Mapping[str, str] = json.loads(call.body)
    return body


def _of(call: Call, rule: str, says: str) -> Violation:
    return Violation(rule, f"story {call.story}, {call.who}, {call.purpose}", says)
