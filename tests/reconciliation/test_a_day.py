"""P12: after a day of the whole city, our books agree with everybody else's.

A house, a database and a Stripe of its own: nothing but this day is in any book.
"""

import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest
import stripe
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit import service as audit
from app.audit.service import AuditDeps
from app.core.clock import city_day, now
from app.factory import Rooms, build, create_app
from app.ledger import service as ledger
from app.notifications.models import InboxMessage
from app.payments.models import Payment, PaymentAttempt
from app.payments.service.settle import end_payment
from app.payments.values import AttemptStatus, PaymentStatus
from app.reconciliation import service as reconciliation
from app.reconciliation.models import Difference
from config.settings import Settings
from sandbox.city import serve_city
from sandbox.stripe import serve_stripe
from tests.conftest import STRIPE_KEY, STRIPE_PUBLISHABLE_KEY, STRIPE_WEBHOOK_SECRET, World
from tests.databases import migrated_database
from tests.factories import (
    Citizen,
    bearer,
    city,
    later,
    log_in,
    run_jobs,
    staff_token,
    today_for,
)
from tests.payments.helpers import Bill, confirm, deliver, make_bill, order, pay, start, steer
from tests.reconciliation.books import bank_file

DAY = 86_400
BILLERS = ("shiyan-water", "shiyan-power", "shiyan-gas", "shiyan-heat")


@dataclass(frozen=True)
class City:
    """The house of one test with everything around it."""

    rooms: Rooms
    client: FlaskClient
    world: World
    citizen: Citizen

    @property
    def stripe(self) -> stripe.StripeClient:
        return stripe.StripeClient(STRIPE_KEY, base_addresses={"api": self.world.stripe})

    @contextmanager
    def on_day(self, number: int) -> Iterator[None]:
        """Set our clock so many days ahead; Stripe's is moved by `next_day`."""
        with self.rooms.units.open(actor="worker:audit.seal") as uow:
            audit.seal_due(uow, self.rooms.deps[AuditDeps])
        with later(number * DAY):
            yield

    def next_day(self) -> None:
        steer(self.world.stripe, "POST", "/clock", {"advance": DAY})

    def finance(self) -> dict[str, str]:
        return bearer(staff_token(self.rooms, "finance"))

    def compare(self, source: str, day: date) -> dict[str, Any]:
        """Ask for a run as the desk does, let the worker do it, and return what came of it."""
        asked = self.client.post(
            "/v1/reconciliation/runs",
            json={"source": source, "day": day.isoformat()},
            headers=self.finance(),
        )
        assert asked.status_code == 202, asked.text
        run_jobs(self.rooms)
        return self.read_run(asked.json["id"])

    def read_run(self, run_id: str) -> dict[str, Any]:
        seen = self.client.get(f"/v1/reconciliation/runs/{run_id}", headers=self.finance())
        assert (seen.status_code, seen.json["status"]) == (200, "done"), seen.text
        body: dict[str, Any] = seen.json
        return body

    def bring(self, source: str, day: date, profile: str, raw: bytes) -> None:
        """Import a file as the desk does, and let the worker compare it."""
        query = urllib.parse.urlencode({"source": source, "day": day, "profile": profile})
        taken = self.client.post(
            f"/v1/reconciliation/files?{query}",
            data=raw,
            headers=self.finance(),
            content_type="text/csv",
        )
        assert taken.status_code == 201, taken.text
        run_jobs(self.rooms)

    def live(self) -> list[tuple[str, str]]:
        """Return the kind and state of every difference that is not closed."""
        wanted = select(Difference.kind, Difference.status).where(Difference.status != "closed")
        with self.rooms.units.open(actor="test", read_only=True) as uow:
            return sorted((kind, status) for kind, status in uow.execute(wanted))

    def balances(self) -> dict[str, int]:
        with self.rooms.units.open(actor="test", read_only=True) as uow:
            return {a.code: a.balance for a in ledger.read_trial_balance(uow).accounts}


@pytest.fixture
def town(world: World) -> Iterator[City]:
    """Build a house with a database, a Stripe and billers that nobody else uses."""
    keys = {
        "api_key": STRIPE_KEY,
        "publishable_key": STRIPE_PUBLISHABLE_KEY,
        "webhook_secret": STRIPE_WEBHOOK_SECRET,
    }
    with (
        serve_stripe(port=0, webhook_url=None, data_dir=None, **keys) as paid,
        serve_city(port=0, data_dir=None) as outside,
        migrated_database(world) as env,
    ):
        urls = (
            env["EGRESS_LOOPBACK"],
            *(u.removeprefix("http://") for u in (paid.url, outside.url)),
        )
        own = {name: value.replace(world.city, outside.url) for name, value in env.items()}
        own |= {"STRIPE_API_BASE": paid.url, "EGRESS_LOOPBACK": ",".join(urls)}
        settings = Settings.from_env(own)
        rooms = build(settings)
        try:
            rooms.load_catalogue()
            rooms.publish_agreements()
            client = create_app(settings, rooms).test_client()
            here = replace(world, env=own, stripe=paid.url, city=outside.url)
            yield City(rooms, client, here, log_in(client, here, rooms))
        finally:
            rooms.close()


def refused(town: City, bill: Bill) -> None:
    """Pay a bill whose biller refuses it for good: the money goes back by itself."""
    city(town.world, "PUT", f"/billers/{bill.biller}/behaviour", {"mode": "refuse", "times": 1})
    pay(town.client, town.rooms, town.citizen, bill)


def too_late(town: City, bill: Bill) -> None:
    """Pay a bill whose payment had ended: the money goes back by itself."""
    payment = start(town.client, town.citizen, order(bill)).json
    with town.rooms.units.open(actor="test") as uow:
        wanted = select(PaymentAttempt).where(PaymentAttempt.payment_id == payment["id"])
        attempt = uow.scalars(wanted).one()
        uow.move(attempt, AttemptStatus.CANCELLED, cause="test")
        ended = uow.get_one(Payment, attempt.payment_id)
        end_payment(uow, ended, PaymentStatus.CANCELLED, cause="test")
    confirm(payment)
    deliver(town.client, payment)
    run_jobs(town.rooms)


def unheard(town: City, bill: Bill) -> None:
    """Pay a bill of whose money nobody hears: no notice comes, and nobody asks."""
    payment = start(town.client, town.citizen, order(bill)).json
    confirm(payment)
    with town.rooms.units.open(actor="test") as uow:
        wanted = select(PaymentAttempt).where(PaymentAttempt.payment_id == payment["id"])
        uow.scalars(wanted).one().next_ask_at = None


def by_wallet(town: City, bill: Bill) -> None:
    """Pay a bill with a wallet."""
    body = order(bill, method="alipay", return_url="https://city.example/back")
    payment = start(town.client, town.citizen, body).json
    intent = payment["next_action"]["intent"]
    steer(town.world.stripe, "POST", f"/payment_intents/{intent}/approve")
    deliver(town.client, payment)
    run_jobs(town.rooms)


def charge_twice(town: City, payment: dict[str, Any]) -> str:
    """Charge a citizen a second time for the same attempt, as a broken client would."""
    with town.rooms.units.open(actor="test", read_only=True) as uow:
        wanted = select(PaymentAttempt).where(PaymentAttempt.payment_id == payment["id"])
        attempt = uow.scalars(wanted).one()
    intent = town.stripe.v1.payment_intents.create(
        {
            "amount": attempt.amount,
            "currency": "cny",
            "payment_method_types": ["card"],
            "payment_method": "pm_card_visa",
            "confirm": True,
            "metadata": {"payment": str(attempt.payment_id), "attempt": str(attempt.id)},
        }
    )
    return intent.id


def posting_file(world: World, biller: str, day: date) -> bytes:
    url = f"{world.city}/billers/{biller}/posting-file?day={day}&encoding=gb18030"
    with urlopen(Request(url), timeout=10) as answer:  # noqa: S310 - loopback
        content: bytes = answer.read()
    return content


@pytest.mark.promise("P12")
def test_after_a_day_of_the_city_nothing_is_different(
    town: City, shows: Callable[[str], None]
) -> None:
    today = today_for(120)
    bills = [
        make_bill(town.client, town.world, town.citizen, service, 4_000 + n)
        for n, service in enumerate(["water-bill", "power-bill", "heat-bill"] * 3)
    ]
    for bill in bills[:4]:
        paid = pay(town.client, town.rooms, town.citizen, bill)
    by_wallet(town, bills[4])
    refused(town, bills[5])
    too_late(town, bills[6])
    unheard(town, bills[7])
    twice = charge_twice(town, paid)
    town.next_day()
    with town.on_day(1):
        first = town.compare("gateway:stripe", today)
        assert first["found"] == 2
        assert first["line_count"] == 9 + 2
        for biller in BILLERS[:2]:
            town.bring(
                f"biller:{biller}", today, "postings-csv", posting_file(town.world, biller, today)
            )
        assert refunds_of(town, twice) == [bills[3].amount]
        assert "refund-approved" in told(town)
    town.next_day()
    payout = steer(town.world.stripe, "POST", "/payouts", {"currency": "cny"})
    town.next_day()
    with town.on_day(3):
        for distance in (1, 2):
            town.compare("gateway:stripe", today + timedelta(days=distance))
        arrived = bank_file(
            today + timedelta(days=2), [("BK0000001", payout["amount"], f"PAYOUT {payout['id']}")]
        )
        town.bring("bank:main", today + timedelta(days=2), "bank-csv", arrived)
        town.compare("gateway:stripe", today)
        assert town.live() == []
        balance = town.stripe.v1.balance.retrieve()
        theirs = balance.available[0].amount + balance.pending[0].amount
        ours = town.balances()
        assert ours["clearing:stripe"] == theirs
        assert ours["bank"] == payout["amount"] > 0
    shows(
        "1 day of payments, wallets, refusals, late money, a capture nobody heard of and one made "
        f"twice: {first['found']} differences found, 0 open after the next run; clearing = the "
        f"gateway's own balance ({theirs} fen), bank = its payout ({payout['amount']} fen)"
    )


def told(town: City) -> list[str]:
    """Return what the citizen was told, by kind."""
    wanted = select(InboxMessage.kind).where(InboxMessage.citizen_id == town.citizen.id)
    with town.rooms.units.open(actor="test", read_only=True) as uow:
        return list(uow.scalars(wanted))


def refunds_of(town: City, intent: str) -> list[int]:
    found = town.stripe.v1.refunds.list({"payment_intent": intent}).data
    return [refund.amount for refund in found]


def test_the_schedule_asks_for_yesterday_once(town: City) -> None:
    today = today_for(60)
    deps = town.rooms.deps[reconciliation.ReconciliationDeps]
    noon = (city_day(today)[1] - now()).total_seconds() + DAY / 2
    with town.on_day(1), later(noon):  # yesterday is asked for from one o'clock on
        for _ in range(2):
            with town.rooms.units.open(actor="test") as uow:
                reconciliation.request_due_runs(uow, deps)
        run_jobs(town.rooms)
        asked = "/v1/reconciliation/runs?source=gateway:stripe"
        runs = town.client.get(asked, headers=town.finance()).json["items"]
        runs = [run for run in runs if run["day"] == today.isoformat()]
    assert [(run["source"], run["day"], run["cause"]) for run in runs] == [
        ("gateway:stripe", today.isoformat(), "schedule")
    ]
    assert runs[0]["status"] == "done"
