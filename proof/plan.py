"""What a seed decides: the stories of the payers and the blows that fall meanwhile."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from proof.values import (
    SERVICES,
    UNASKABLE,
    Act,
    Blow,
    Finish,
    Gust,
    Moment,
    Place,
    Plan,
    Start,
    Story,
    Victim,
)

_STARTS = {
    Start.ALONE: 22,
    Start.SAME_KEY: 18,
    Start.OTHER_KEYS: 18,
    Start.TWO_DEVICES: 12,
    Start.TWO_CITIZENS: 10,
    Start.LOST_ANSWER: 12,
    Start.IMPATIENT: 8,
}
_FINISHES = {
    Finish.PAID: 44,
    Finish.PAID_TWICE: 14,
    Finish.DECLINED_FIRST: 8,
    Finish.OTHER_METHOD: 8,
    Finish.WALLET: 8,
    Finish.CANCEL_RACE: 8,
    Finish.CANCELLED: 6,
    Finish.ABANDONED: 4,
}
_WEIGHT = (40, 15, 10, 25, 10)
_WEIGHTS = {
    # A lost answer of this one ends with a person: a few of them prove as much as many.
    UNASKABLE: (2, 30, 20, 38, 10),
    # And this one books twice what it is told twice: it is the one to be asked.
    "power-bill": (60, 10, 5, 20, 5),
}
"""How often a biller loses an answer, is down, slow, refuses, or answers nonsense."""
_MOST_CALLERS = 8
_GUST_SHARE, _FORGED_SHARE, _SPY_SHARE = 0.45, 0.06, 0.12
_RETURN_SHARE, _TWO_ITEMS_SHARE = 0.15, 0.12

CREATE, FETCH, SEARCH, CANCEL = (
    "gateway: open intent",
    "gateway: fetch intent",
    "gateway: search intent",
    "gateway: cancel intent",
)
REFUND, REFUND_ASKED = "gateway: send refund", "gateway: ask about refund"
WEBHOOK, INQUIRY, QUOTE = "webhook", "biller: inquiry", "biller: bill asked"
POSTING_KEYED, POSTING_ASKABLE, POSTING_BLIND = (
    "biller that honours keys: posting",
    "biller that can be asked: posting",
    "biller with neither: posting",
)
POSTINGS = (POSTING_KEYED, POSTING_ASKABLE, POSTING_BLIND)
OUTGOING = (CREATE, FETCH, SEARCH, CANCEL, REFUND, REFUND_ASKED, *POSTINGS, INQUIRY, QUOTE)
"""Calls that the product makes."""
ANSWER = "answer to the payer"
"""The moment at which a payer holds a 2xx in its hands."""
ANYWHERE = "anywhere"
WRITES = {
    "idempotency key: first commit": ("idempotency_keys", Victim.WEB),
    "webhook: inbox row": ("gateway_events", Victim.WEB),
    "webhook: its job": ("procrastinate_jobs", Victim.WEB),
    "job: claim": ("procrastinate_jobs", Victim.WORKER),
    "money: ledger entries": ("ledger_entries", Victim.WORKER),
    "posting: its row": ("biller_postings", Victim.WORKER),
    "receipt: its row": ("receipts", Victim.WORKER),
    "refund: its row": ("refunds", Victim.WORKER),
}
"""Writes of the product: the table that is held still, and who is killed while it waits."""
KEY_KEPT = "idempotency key: answer kept"


def write_plan(seed: int, *, payments: int, kills: int, first: Sequence[Blow] = ()) -> Plan:
    """Return the plan of a seed; the same for the same figures. `first` are its first blows."""
    chance = random.Random(seed)
    stories = [_story(chance, number) for number in range(payments)]
    return Plan(seed, stories, [*first, *_blows(chance, kills)][:kills])


def _story(chance: random.Random, number: int) -> Story:
    count = 2 if chance.random() < _TWO_ITEMS_SHARE else 1
    services = chance.sample(sorted(SERVICES), count)
    start = _pick(chance, _STARTS)
    finish = _pick(chance, _FINISHES)
    method = "card"
    if finish is Finish.WALLET:
        method = chance.choice(["alipay", "wechat_pay"])
    return Story(
        number=number,
        services=services,
        amounts=[chance.randrange(100, 9000) for _ in services],
        method=method,
        start=start,
        callers=chance.randrange(2, _MOST_CALLERS + 1),
        finish=finish,
        looks=chance.randrange(2, 6),
        gust=_gust(chance, services[0]) if chance.random() < _GUST_SHARE else None,
        is_forged=chance.random() < _FORGED_SHARE,
        is_spied_on=chance.random() < _SPY_SHARE,
        is_returned=chance.random() < _RETURN_SHARE,
    )


def _pick(chance: random.Random, weights: dict[Any, int]) -> Any:  # noqa: ANN401 - an enum's member
    return chance.choices(list(weights), list(weights.values()))[0]


def _gust(chance: random.Random, service: str) -> Gust:
    party = chance.choices(["biller", "gateway", "webhooks"], [40, 35, 25])[0]
    if party == "biller":
        kinds = ["answer_lost", "down", "slow", "refuse", "garbage"]
        kind = chance.choices(kinds, _WEIGHTS.get(service, _WEIGHT))[0]
        return Gust(SERVICES[service], "*", kind, chance.randrange(1, 3), 1.5)
    if party == "gateway":
        operation = chance.choice(
            [
                "payment_intents.create",
                "payment_intents.create",
                "payment_intents.retrieve",
                "payment_intents.cancel",
                "refunds.create",
            ]
        )
        kind = chance.choice(
            ["drop", "drop_before", "error_after", "error_before", "error_kept", "rate_limit"]
        )
        return Gust("gateway", operation, kind, chance.randrange(1, 3))
    kind = chance.choice(["duplicate", "duplicate", "reorder", "delay", "drop"])
    return Gust("webhooks", "*", kind, chance.randrange(2, 5), 1.0)


def _blows(chance: random.Random, kills: int) -> Sequence[Blow]:
    """Return as many blows as are wanted: every kind once in a shuffled deck, then again.

    A deck begins with one for each process in turn, so that a short proof meets them all.
    """
    blows: list[Blow] = []
    while len(blows) < kills:
        deck = every_blow()
        chance.shuffle(deck)
        seen: Counter[tuple[Victim, Act]] = Counter()
        ranks = {}
        for blow in deck:
            ranks[blow] = seen[blow.victim, blow.act]
            seen[blow.victim, blow.act] += 1
        blows += sorted(deck, key=ranks.__getitem__)
    return blows[:kills]


def every_blow() -> list[Blow]:
    """Return each place with each process that can die there."""
    on_wire = (Moment.BEFORE, Moment.ACTED, Moment.ANSWERED)
    wire = [
        Blow(Place(operation, moment), victim)
        for operation in OUTGOING
        for moment in on_wire
        for victim in (Victim.CALLER, Victim.POSTGRES)
        # Nothing is written after these two: they have no moment before a commit of ours.
        if not (moment is Moment.ANSWERED and operation in {QUOTE, SEARCH})
    ]
    wire += [Blow(Place(op, Moment.ACTED), Victim.VALKEY) for op in (CREATE, FETCH, POSTING_KEYED)]
    incoming = [
        Blow(Place(WEBHOOK, moment), victim)
        for moment in (Moment.BEFORE, Moment.ACTED)
        for victim in (Victim.WEB, Victim.POSTGRES)
    ]
    answered = [Blow(Place(ANSWER, Moment.ACTED), v) for v in (Victim.WEB, Victim.POSTGRES)]
    kept = [Blow(Place(KEY_KEPT, Moment.WRITING), Victim.WEB)]
    writes = [
        Blow(Place(name, Moment.WRITING), victim)
        for name, (_, caller) in WRITES.items()
        for victim in (caller, Victim.POSTGRES)
    ]
    frozen = [
        Blow(Place(operation, Moment.ACTED), Victim.CALLER, Act.FREEZE)
        for operation in (*POSTINGS, FETCH, REFUND)
    ]
    anywhere = [
        Blow(Place(ANYWHERE, Moment.ANY), victim)
        for victim in (Victim.WEB, Victim.WORKER, Victim.POSTGRES, Victim.VALKEY)
    ]
    return [*wire, *incoming, *answered, *kept, *writes, *frozen, *anywhere]
