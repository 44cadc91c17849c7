"""The model finds each kind of broken promise, and finds nothing in a history without one."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from proof.model import judge
from proof.values import Bill, Call, Evidence, Row

AMOUNT = 4250


def call(purpose: str, status: int | None, body: object = "", **more: object) -> Call:
    given: dict[str, Any] = {
        "story": 1,
        "who": "citizen-1",
        "method": "POST",
        "path": "/v1/payments",
        "key": None,
        "purpose": purpose,
        "began": 1.0,
        "ended": 2.0,
        "status": status,
        "code": None,
        "body": json.dumps(body).encode(),
        "is_replayed": False,
        "is_retry_told": False,
    }
    return Call(**(given | more))


def started(**more: object) -> Call:
    return call("start", 201, {"id": "p1", "status": "pending"}, key="k1", **more)


def clean() -> Evidence:
    """Return the evidence of one water bill, paid and posted, and of a declined second payer."""
    return Evidence(
        bills=[Bill("water-bill", "W1", AMOUNT, "ref-1")],
        calls=[
            started(),
            started(is_replayed=True),
            call("look", 200, {"id": "p1", "status": "succeeded"}, method="GET"),
            call("stranger", 404, {"code": "not-found"}, who="stranger"),
            call("forged event", 400, {"code": "signature-invalid"}, who="forger"),
            call("start", None, key="k2"),
            call("start", 503, key="k2", is_retry_told=True),
        ],
        intents=[
            {
                "id": "pi_1",
                "status": "succeeded",
                "amount_received": AMOUNT,
                "metadata": {"payment": "p1", "attempt": "a1"},
            }
        ],
        gateway_refunds=[],
        gateway_events=[{"id": "evt_1"}],
        deliveries=[{"event": "evt_1", "state": "delivered", "last_status": 204}],
        postings=[
            {
                "service": "water-bill",
                "reference": "W1",
                "effective": True,
                "duplicate": False,
                "outcome": "booked",
            }
        ],
        payments=[{"id": "p1", "citizen_id": "c1", "status": "succeeded", "amount": AMOUNT}],
        items=[item()],
        attempts=[{"id": "a1", "payment_id": "p1", "status": "succeeded", "mismatch": None}],
        refunds=[],
        biller_postings=[{"item_id": "i1", "key": "i1", "status": "confirmed"}],
        receipts=[{"payment_id": "p1", "series": "2026", "number": 1, "amount": AMOUNT}],
        ledger=[line("clearing:stripe", AMOUNT), line("payee:shiyan-water", -AMOUNT)],
        inbox=[{"event_id": "evt_1", "state": "applied"}],
        jobs=[],
        probes=[{"at": 1.0, "balance": {"CNY": 0}, "live_twice": 0}],
    )


def item(**more: object) -> Row:
    row = {
        "id": "i1",
        "payment_id": "p1",
        "service": "water-bill",
        "reference": "ref-1",
        "amount": AMOUNT,
        "status": "fulfilled",
        "is_live": True,
        "fulfilled_at": "2026-11-28",
    }
    return {**row, **more}


def line(code: str, amount: int) -> Row:
    return {"payment_id": "p1", "kind": "x", "code": code, "amount": amount, "currency": "CNY"}


def changed(name: str, **values: object) -> Callable[[Evidence], Evidence]:
    """Return what changes the first row of a journal."""

    def change(evidence: Evidence) -> Evidence:
        first, *rest = getattr(evidence, name)
        rows = [{**first, **values}, *rest]
        return dataclasses.replace(evidence, **{name: rows})

    return change


def more(name: str, *rows: object) -> Callable[[Evidence], Evidence]:
    """Return what adds rows to a journal."""
    return lambda evidence: dataclasses.replace(
        evidence, **{name: [*getattr(evidence, name), *rows]}
    )


def without(name: str) -> Callable[[Evidence], Evidence]:
    """Return what empties a journal."""
    return lambda evidence: dataclasses.replace(evidence, **{name: []})


SECOND = {"id": "p2", "citizen_id": "c2", "status": "succeeded", "amount": AMOUNT}

BROKEN: dict[str, tuple[str, list[Callable[[Evidence], Evidence]]]] = {
    "money kept for a payment that failed": (
        "charged once",
        [changed("payments", status="failed")],
    ),
    "money never came": ("charged once", [changed("intents", status="canceled")]),
    "money kept for an item that was given back": (
        "charged once",
        [changed("items", status="refunded")],
    ),
    "an item given back of which nothing went back": (
        "charged once",
        [changed("items", status="refunded"), changed("intents", amount_received=0)],
    ),
    "money returned for an item that was posted": (
        "charged once",
        [more("gateway_refunds", {"payment_intent": "pi_1", "status": "succeeded", "amount": 1})],
    ),
    "one bill paid by two payments": (
        "charged once",
        [more("payments", SECOND), more("items", item(id="i2", payment_id="p2"))],
    ),
    "a bill posted twice": (
        "posted once",
        [
            more(
                "postings",
                {
                    "service": "water-bill",
                    "reference": "W1",
                    "effective": False,
                    "duplicate": True,
                },
            )
        ],
    ),
    "a paid bill never posted": ("posted once", [without("postings")]),
    "an unpaid bill posted": ("posted once", [changed("items", status="waiting")]),
    "a fulfilled item whose posting is open": (
        "posted once",
        [changed("biller_postings", status="unknown")],
    ),
    "no receipt": ("one receipt", [without("receipts")]),
    "a red receipt for nothing": (
        "one receipt",
        [more("receipts", {"payment_id": "p1", "series": "2026", "number": 2, "amount": -5})],
    ),
    "a receipt over less": ("one receipt", [changed("receipts", amount=1)]),
    "a second receipt": (
        "one receipt",
        [more("receipts", {"payment_id": "p1", "series": "2026", "number": 2, "amount": AMOUNT})],
    ),
    "a gap in the numbers": ("one receipt", [changed("receipts", number=2)]),
    "money that the ledger does not know": ("one ledger meaning", [without("ledger")]),
    "money in suspense for ever": ("one ledger meaning", [more("ledger", line("suspense", -5))]),
    "books that do not balance": ("trial balance", [more("ledger", line("payee:x", -5))]),
    "a probe that was not zero": ("trial balance", [changed("probes", balance={"CNY": 5})]),
    "no probe at all": ("trial balance", [without("probes")]),
    "a bill live twice for a second": ("live once", [changed("probes", live_twice=1)]),
    "a replay that differs": (
        "answers",
        [more("calls", call("start", 201, {"id": "p1", "status": "processing"}, key="k1"))],
    ),
    "two first answers": ("answers", [more("calls", started())]),
    "an answer of 500": ("answers", [more("calls", call("look", 500))]),
    "a 503 that does not say when": ("answers", [more("calls", call("look", 503))]),
    "a payment that is gone": (
        "acknowledged is durable",
        [more("calls", call("start", 201, {"id": "p9", "status": "pending"}, key="k9"))],
    ),
    "an end that was none": (
        "acknowledged is durable",
        [more("calls", call("cancel", 200, {"id": "p1", "status": "cancelled"}))],
    ),
    "an event acknowledged and forgotten": ("acknowledged is durable", [without("inbox")]),
    "a stranger who sees a payment": (
        "owner only",
        [more("calls", call("stranger", 200, {"id": "p1"}))],
    ),
    "a forged event that is taken": (
        "signed events only",
        [more("calls", call("forged event", 204))],
    ),
    "an event that nobody sent": ("signed events only", [without("gateway_events")]),
    "a payment under way for ever": ("at rest", [changed("payments", status="processing")]),
    "an attempt under way for ever": ("at rest", [changed("attempts", status="unknown")]),
    "an attempt that does not fit": ("at rest", [changed("attempts", mismatch="received 1")]),
    "an askable biller's item with a person": (
        "at rest",
        [changed("items", status="under_review")],
    ),
    "a refund under way for ever": (
        "at rest",
        [more("refunds", {"id": "r1", "status": "submitted"})],
    ),
    "a dead job": (
        "at rest",
        [more("jobs", {"id": 1, "task_name": "x", "status": "failed", "attempts": 7})],
    ),
    "an intent of nobody": ("no orphans", [without("attempts")]),
    "two intents of one attempt": (
        "no orphans",
        [
            more(
                "intents",
                {
                    "id": "pi_2",
                    "status": "canceled",
                    "amount_received": 0,
                    "metadata": {"payment": "p1", "attempt": "a1"},
                },
            )
        ],
    ),
    "an intent that can be paid though its attempt is closed": (
        "no orphans",
        [
            more(
                "intents",
                {
                    "id": "pi_2",
                    "status": "requires_action",
                    "amount_received": 0,
                    "metadata": {"payment": "p1", "attempt": "a2"},
                },
            ),
            more(
                "attempts", {"id": "a2", "payment_id": "p1", "status": "failed", "mismatch": None}
            ),
        ],
    ),
}


def test_a_clean_history_breaks_nothing() -> None:
    assert judge(clean()) == []


def test_a_part_of_an_item_may_go_back() -> None:
    evidence = clean()
    part = {"payment_intent": "pi_1", "status": "succeeded", "amount": 50}
    own = {"id": "r1", "payment_id": "p1", "item_id": "i1", "status": "succeeded", "amount": 50}
    for change in (
        more("gateway_refunds", part),
        more("refunds", own),
        more("ledger", line("clearing:stripe", -50), line("payee:shiyan-water", 50)),
        more("receipts", {"payment_id": "p1", "series": "red", "number": 1, "amount": -50}),
    ):
        evidence = change(evidence)
    assert judge(evidence) == []
    assert judge(more("refunds", {**own, "id": "r2"})(evidence))
    assert judge(more("gateway_refunds", part)(evidence))


def test_a_lost_answer_of_the_biller_that_cannot_be_asked_may_end_with_a_person() -> None:
    evidence = clean()
    for change in (
        changed("items", service="gas-bill", status="under_review", fulfilled_at=None),
        without("receipts"),
        changed("biller_postings", status="unknown"),
        lambda seen: dataclasses.replace(seen, bills=[Bill("gas-bill", "W1", AMOUNT, "ref-1")]),
    ):
        evidence = change(evidence)
    for postings in ([], [{**evidence.postings[0], "service": "gas-bill"}]):
        assert judge(dataclasses.replace(evidence, postings=postings)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_promise_is_found(name: str) -> None:
    rule, changes = BROKEN[name]
    evidence = clean()
    for change in changes:
        evidence = change(evidence)
    assert rule in {violation.rule for violation in judge(evidence)}
