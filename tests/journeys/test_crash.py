"""The worker is killed at each point of a payment; another one completes it, exactly once.

Every payment is driven to its point and the worker there killed, one after another; then one more
worker starts and all of them must come to their end within two minutes.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest

from sandbox.city import serve_city
from sandbox.environment import Outside, Secrets, product_environment
from sandbox.run import web_command
from sandbox.servers import start_postgres, start_valkey, temporary_data_dir
from sandbox.stripe import serve_stripe
from tests.journeys.gatekeeper import Gatekeeper, Trap, guard
from tests.journeys.house import PATIENCE, ROOT, Bill, Citizen, confirm, postings, wait_until
from tests.live import Live
from tests.ports import port_of_a_run

COMPLETE_SECONDS = 120
AMOUNT = 4250


@dataclass
class Site:
    """The product with a web server, and workers that come and go."""

    web: Live
    city: Live
    stripe: Live
    biller_gate: Gatekeeper
    stripe_gate: Gatekeeper
    env: dict[str, str]
    database: psycopg.Connection[Any]

    def ask(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.database.execute(query.encode(), values).fetchall()

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker and return once it takes jobs."""
        before = self.ask("select max(id) from procrastinate_workers")
        worker = subprocess.Popen(
            [sys.executable, "-m", "app.worker"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(
            lambda: self.ask("select max(id) from procrastinate_workers"),
            lambda seen: seen not in (before, [(None,)]),
        )
        return worker


@contextmanager
def working(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Have a worker for the enclosed lines, which may kill it."""
    worker = site.start_worker()
    try:
        yield worker
    finally:
        kill(worker)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker without a warning, and return when it is dead."""
    worker.kill()
    worker.wait()


@contextmanager
def serve_web(port: int, env: dict[str, str]) -> Iterator[Live]:
    """Serve the product over HTTP."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        web_command(port), cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    live = Live(f"http://127.0.0.1:{port}", process)

    def is_ready() -> bool:
        try:
            return live.call("GET", "/readyz").status == 200
        except OSError:
            return False

    try:
        wait_until(is_ready, bool)
        yield live
    finally:
        process.terminate()
        process.wait(40)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Start everything but a worker, with a gatekeeper before the city and before Stripe."""
    secrets = Secrets.fresh()
    port = port_of_a_run()
    with ExitStack() as house:
        folder = house.enter_context(temporary_data_dir())
        postgres = house.enter_context(start_postgres(folder / "postgres", durable=False))
        valkey = house.enter_context(start_valkey(folder / "valkey"))
        city = house.enter_context(serve_city())
        stripe = house.enter_context(
            serve_stripe(
                api_key=secrets.stripe_api_key,
                publishable_key=secrets.stripe_publishable_key,
                webhook_secret=secrets.stripe_webhook_secret or "",
                webhook_url=f"http://127.0.0.1:{port}/v1/payments/webhooks/stripe",
            )
        )
        biller_gate = house.enter_context(guard(city.url))
        stripe_gate = house.enter_context(guard(stripe.url))
        outside = Outside(
            database_url=postgres.app_url,
            database_owner_url=postgres.owner_url,
            redis_url=valkey.url,
            city_url=biller_gate.url,
            stripe_url=stripe_gate.url,
        )
        env = {
            **os.environ,
            **product_environment(
                outside=outside, secrets=secrets, port=port, data_dir=Path(folder)
            ),
            "PACE": "fast",
        }
        flask(env, "migrate")
        web = house.enter_context(serve_web(port, env))
        conninfo = postgres.owner_url.replace("+psycopg", "")
        database = house.enter_context(psycopg.connect(conninfo, autocommit=True))
        yield Site(
            web,
            Live(city.url, web.process),
            Live(stripe.url, web.process),
            biller_gate,
            stripe_gate,
            env,
            database,
        )


def flask(env: dict[str, str], *command: str) -> str:
    """Run a command of the product and return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "flask", "--app", "wsgi", *command],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Started:
    """A payment that waits for its citizen."""

    citizen: Citizen
    bill: Bill
    id: str
    action: dict[str, Any]

    def confirm(self, site: Site) -> None:
        """Pay it at Stripe, whose webhook follows."""
        assert confirm(site.stripe, self.action).json["status"] == "succeeded"


Crash = Callable[[Site, Started], None]


def when_received(site: Site, started: Started) -> None:
    """Kill between the webhook's 204 and its job."""
    with working(site) as worker:
        worker.send_signal(signal.SIGSTOP)
        started.confirm(site)
        query = "select distinct state from gateway_events where intent_id = %(id)s"
        wait_until(lambda: site.ask(query, id=started.action["intent"]), bool)
        kill(worker)
        assert site.ask(query, id=started.action["intent"]) == [("received",)]


def when_asking(site: Site, started: Started) -> None:
    """Kill while the webhook's job asks the gateway what is true."""
    path = f"/v1/payment_intents/{started.action['intent']}"
    with working(site) as worker:
        trap = Trap(
            "before", lambda method, asked, _: (method, asked) == ("GET", path), killer(worker)
        )
        with site.stripe_gate.trap(trap) as sprung:
            started.confirm(site)
            assert sprung.wait(PATIENCE)
    assert state_of(site, started) == ("pending", "waiting")


def when_settled(site: Site, started: Started) -> None:
    """Kill after the money is booked and before the posting is written."""
    with working(site) as worker, site.database.transaction():
        site.database.execute("lock table biller_postings in exclusive mode")
        started.confirm(site)
        wait_until(lambda: state_of(site, started), lambda seen: seen == ("succeeded", "due"))
        kill(worker)
    assert state_of(site, started) == ("succeeded", "due")


def at_biller(moment: Literal["before", "after"]) -> Crash:
    """Kill while the biller is called: before the notice reaches it, or after it has booked."""

    def crash(site: Site, started: Started) -> None:
        def is_notice(method: str, path: str, body: bytes) -> bool:
            return (
                method == "POST"
                and path.endswith("/postings")
                and json.loads(body)["reference"] == started.bill.number
            )

        with working(site) as worker:
            trap = Trap(moment, is_notice, killer(worker))
            with site.biller_gate.trap(trap) as sprung:
                started.confirm(site)
                assert sprung.wait(PATIENCE)
        assert state_of(site, started) == ("succeeded", "due")
        booked = [posting["effective"] for posting in postings(site.city, started.bill)]
        assert booked == ([True] if moment == "after" else [])

    return crash


def when_receipted(site: Site, started: Started) -> None:
    """Kill as soon as there is a receipt, before or while the citizen is told."""
    with working(site) as worker:
        started.confirm(site)
        query = "select number from receipts where payment_id = %(id)s"
        deadline = time.monotonic() + PATIENCE
        while not site.ask(query, id=started.id):
            assert time.monotonic() < deadline
        kill(worker)


def killer(worker: subprocess.Popen[bytes]) -> Callable[[], None]:
    """Return what kills a worker."""
    return lambda: kill(worker)


def state_of(site: Site, started: Started) -> tuple[str, str]:
    """Return the states of a payment and its item as the database has them."""
    query = """
        select payments.status, payment_items.status
        from payments join payment_items on payment_items.payment_id = payments.id
        where payments.id = %(id)s
    """
    ((payment, item),) = site.ask(query, id=started.id)
    return payment, item


POINTS: dict[str, tuple[str, Crash]] = {
    "webhook received": ("water-bill", when_received),
    "gateway asked": ("water-bill", when_asking),
    "attempt settled": ("water-bill", when_settled),
    "biller called": ("water-bill", at_biller("before")),
    "biller answered": ("water-bill", at_biller("after")),
    "biller called, no keys": ("power-bill", at_biller("before")),
    "biller answered, no keys": ("power-bill", at_biller("after")),
    "receipt issued": ("water-bill", when_receipted),
}


@pytest.fixture(scope="module")
def crashed(site: Site) -> Iterator[dict[str, Started]]:
    """Kill a worker at each point, then leave one at work."""
    citizen = Citizen(site.web, site.city)
    with working(site):
        citizen.log_in()
    payments = {}
    for point, (service, crash) in POINTS.items():
        bill = citizen.link_bill(AMOUNT, service)
        answer = citizen.start(bill.order())
        assert answer.status == 201, answer.body
        made = answer.json
        payments[point] = Started(citizen, bill, made["id"], made["next_action"])
        crash(site, payments[point])
    with working(site):
        yield payments


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    site: Site, crashed: dict[str, Started], point: str
) -> None:
    started = crashed[point]
    citizen = started.citizen
    done = citizen.await_items(started.id, "fulfilled", COMPLETE_SECONDS)
    assert (done["status"], done["refunded_amount"]) == ("succeeded", 0)
    effects = [
        (posting["amount"], posting["duplicate"])
        for posting in postings(site.city, started.bill)
        if posting["effective"] or posting["duplicate"]
    ]
    assert effects == [(AMOUNT, False)]
    receipt = wait_until(
        lambda: citizen.get(f"/v1/payments/{started.id}/receipt"),
        lambda answer: answer.status == 200,
        COMPLETE_SECONDS,
    )
    assert receipt.json["amount"] == AMOUNT
    one = "select count(*) from receipts where payment_id = %(id)s"
    assert site.ask(one, id=started.id) == [(1,)]
    booked = "select kind from ledger_transactions where subject_id = %(id)s"
    assert site.ask(booked, id=started.id) == [("payment.captured",)]
    told = "select kind from inbox_messages where subject = %(id)s order by kind"
    wait_until(
        lambda: site.ask(told, id=started.id),
        lambda seen: seen == [("payment-received",), ("receipt-issued",)],
        COMPLETE_SECONDS,
    )


def test_the_books_are_balanced_and_no_job_is_left(site: Site, crashed: dict[str, Started]) -> None:
    for started in crashed.values():
        started.citizen.await_items(started.id, "fulfilled", COMPLETE_SECONDS)
    numbers = wait_until(
        lambda: site.ask("select number from receipts order by number"),
        lambda seen: len(seen) == len(POINTS),
        COMPLETE_SECONDS,
    )
    assert [number for (number,) in numbers] == list(range(1, len(POINTS) + 1))
    made = json.loads(flask(site.env, "staff", "create", "--role", "auditor", "--json"))
    auditor = Citizen(site.web, site.city, token=made["access_token"])
    book = auditor.get("/v1/ledger/trial-balance").json
    (cny,) = book["currencies"]
    captured = AMOUNT * len(POINTS)
    assert (cny["debit"], cny["credit"], cny["balance"]) == (captured, captured, 0)
    jobs = flask(site.env, "jobs", "--json").splitlines()
    states = [job["state"] for job in map(json.loads, jobs) if job["name"] != "jobs.rescue"]
    assert "dead" not in states
