"""The whole product as `make run` starts it, and a citizen whose app speaks HTTP to it."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from sandbox.servers import temporary_data_dir
from tests.live import Answer, Live
from tests.ports import port_of_a_run

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90
BILLERS = {"water-bill": "shiyan-water", "power-bill": "shiyan-power", "heat-bill": "shiyan-heat"}
T = TypeVar("T")


@dataclass(frozen=True)
class House:
    """Everything that runs, and the environment that the product runs in."""

    web: Live
    city: Live
    stripe: Live
    env: dict[str, str]
    data_dir: Path

    def within(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the product as `python -m sandbox.within` does."""
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "sandbox.within", *command],
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": str(self.data_dir)},
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
            check=False,
        )

    def staff_token(self, role: str = "auditor") -> str:
        """Make a member of staff on the command line and return their token."""
        made = self.within("flask", "--app", "wsgi", "staff", "create", "--role", role, "--json")
        assert made.returncode == 0, made.stderr
        token: str = json.loads(made.stdout)["access_token"]
        return token


def wait_until(look: Callable[[], T], done: Callable[[T], bool], seconds: float = PATIENCE) -> T:
    """Look until it is done; fail after so many seconds, showing what was seen last."""
    deadline = time.monotonic() + seconds
    while not done(seen := look()):
        assert time.monotonic() < deadline, f"last seen: {seen}"
        time.sleep(0.05)
    return seen


@contextmanager
def run_house(**environment: str) -> Iterator[House]:
    """Run `python -m sandbox.run` on free ports in a fresh directory, and stop it."""
    port = port_of_a_run()
    with temporary_data_dir() as folder:
        data_dir = folder / "data"
        given = {name: value for name, value in os.environ.items() if "STRIPE" not in name}
        given |= {"PORT": str(port), "DATA_DIR": str(data_dir), "PACE": "fast", **environment}
        log = folder / "run.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.run"],
                cwd=ROOT,
                env=given,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _await_welcome(process, log)
            env = json.loads((data_dir / "environment.json").read_text())
            urls = (f"http://127.0.0.1:{port + offset}" for offset in (0, 11, 10))
            web, city, stripe = (Live(url, process) for url in urls)
            yield House(web, city, stripe, env, data_dir)
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(40)
            process.kill()
            process.wait()


def _await_welcome(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 3 * PATIENCE  # a crowded machine starts slowly
    # A character that is being written may be there by half.
    while "Wudang is running" not in (said := log.read_text(errors="replace")):
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def ask_city(city: Live, method: str, path: str, body: object | None = None) -> Any:  # noqa: ANN401 - JSON
    """Call the sandbox city and return the JSON of its answer."""
    content = None if body is None else json.dumps(body).encode()
    answer = city.call(method, path, body=content, headers={"Content-Type": "application/json"})
    assert answer.status in {200, 201}, answer.body
    return answer.json


@dataclass(frozen=True)
class Bill:
    """A bill as its biller knows it and, once linked, as the app does."""

    service: str
    account: str
    number: str
    amount: int
    account_id: str = ""
    id: str = ""
    reference: str = ""

    @property
    def biller(self) -> str:
        """Return who is owed the money."""
        return BILLERS[self.service]

    def order(self, method: str = "card", **more: str) -> dict[str, Any]:
        """Return the body that starts a payment of this bill."""
        item = {"service": self.service, "reference": self.reference}
        return {"items": [item], "method": method, **more}


@dataclass
class Citizen:
    """Somebody's app."""

    web: Live
    city: Live
    phone: str = ""
    token: str = ""
    session_id: str = ""

    def get(self, path: str, **headers: str) -> Answer:
        """Read something."""
        return self.web.call("GET", path, headers={**self._auth, **headers})

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """Send something."""
        return self.web.post(path, body, {**self._auth, **headers})

    @property
    def _auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def ask_code(self) -> tuple[Answer, str]:
        """Ask for a code and read the SMS."""
        self.phone = f"+86139{secrets.randbelow(10**8):08d}"
        asked = self.post("/v1/auth/challenges", {"phone": self.phone, "purpose": "login"})
        path = f"/sms/messages?to={urllib.parse.quote(self.phone)}"
        items = wait_until(lambda: ask_city(self.city, "GET", path)["items"], bool)
        return asked, items[0]["code"]

    def log_in(self) -> Answer:
        """Log in with a fresh number and return the answer to the second step."""
        asked, code = self.ask_code()
        device = {"name": "我的手机", "platform": "ios"}
        wanted = {"challenge_id": asked.json["id"], "code": code, "device": device}
        made = self.post("/v1/auth/sessions", wanted)
        assert made.status == 201, made.body
        self.token = made.json["access_token"]
        self.session_id = made.json["session"]["id"]
        return made

    def link_bill(
        self, amount: int = 4250, service: str = "water-bill", holder: str = "李雷"
    ) -> Bill:
        """Make an account with one bill at its biller, link it, and find the bill in the list."""
        bill = make_bill(self.city, amount, service, holder)
        wanted = {"biller": bill.biller, "number": bill.account, "holder_name": holder}
        linked = self.post("/v1/utilities/accounts", wanted)
        assert linked.status == 201, linked.body
        # A biller that is slow for a moment is left out, and asked again some seconds later.
        listed = wait_until(
            lambda: self.get("/v1/utilities/bills?status=open&limit=100"),
            lambda seen: seen.status != 200 or bill.number in seen.body.decode(),
        )
        assert listed.status == 200, listed.body
        (found,) = (b for b in listed.json["items"] if b["biller_reference"] == bill.number)
        return Bill(
            service,
            bill.account,
            bill.number,
            amount,
            linked.json["id"],
            found["id"],
            found["reference"],
        )

    def start(self, order: object, key: str | None = None) -> Answer:
        """Start a payment."""
        return self.post("/v1/payments", order, **{"Idempotency-Key": key or new_key()})

    def payment(self, payment_id: str) -> dict[str, Any]:
        """Read one of my payments."""
        answer = self.get(f"/v1/payments/{payment_id}")
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.json
        return body

    def await_items(
        self, payment_id: str, status: str, seconds: float = PATIENCE
    ) -> dict[str, Any]:
        """Read a payment until every item of it is there."""
        return wait_until(
            lambda: self.payment(payment_id),
            lambda seen: {item["status"] for item in seen["items"]} == {status},
            seconds,
        )

    def inbox(self) -> list[str]:
        """Return the kinds of what I was told, in order of their names."""
        answer = self.get("/v1/me/inbox?limit=100")
        assert answer.status == 200, answer.body
        return sorted(item["kind"] for item in answer.json["items"])


def make_bill(
    city: Live, amount: int = 4250, service: str = "water-bill", holder: str = "李雷"
) -> Bill:
    """Make an account with one bill at its biller."""
    biller = BILLERS[service]
    account = f"{secrets.randbelow(10**10):010d}"
    number = f"T{secrets.token_hex(6)}"
    wanted = {"number": account, "holder_name": holder}
    ask_city(city, "POST", f"/billers/{biller}/accounts", wanted)
    bill = {
        "account": account,
        "reference": number,
        "amount": amount,
        "currency": "CNY",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        "due_date": "2026-12-15",
    }
    ask_city(city, "POST", f"/billers/{biller}/bills", bill)
    return Bill(service, account, number, amount)


def new_key() -> str:
    """Return an idempotency key that nobody has used."""
    return f"key-{uuid4()}"


def confirm(stripe: Live, action: dict[str, Any], card: str = "pm_card_visa") -> Answer:
    """Confirm a card payment as Stripe's own library in the app does."""
    form = {"client_secret": action["client_secret"], "payment_method": card}
    return stripe.call(
        "POST",
        f"/v1/payment_intents/{action['intent']}/confirm",
        body=urllib.parse.urlencode(form).encode(),
        headers={
            "Authorization": f"Bearer {action['publishable_key']}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )


def postings(city: Live, bill: Bill) -> list[dict[str, Any]]:
    """Return the notices that a biller received about a bill, oldest first."""
    path = f"/billers/{bill.biller}/postings?reference={bill.number}"
    items: list[dict[str, Any]] = ask_city(city, "GET", path)["items"]
    return items
