"""What the sandbox knows survives a clean end and a kill."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stripe

from .world import API_KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET, Caller, Receiver, make_client, wait_for

NEW: dict[str, Any] = {"amount": 4250, "currency": "cny", "payment_method_types": ["card"]}
KEY: dict[str, Any] = {"idempotency_key": "before"}


@contextmanager
def started(data_dir: Path, webhook_url: str, ending: int) -> Iterator[str]:
    options = {
        "--data-dir": str(data_dir),
        "--api-key": API_KEY,
        "--publishable-key": PUBLISHABLE_KEY,
        "--webhook-secret": WEBHOOK_SECRET,
        "--webhook-url": webhook_url,
    }
    words = [word for pair in options.items() for word in pair]
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "sandbox.stripe", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        said = re.search(r"serving on (http://127\.0\.0\.1:\d+)", process.stderr.readline())
        assert said
        try:
            yield said[1]
        finally:
            os.kill(process.pid, ending)
            status = process.wait(20)
    assert status == (0 if ending == signal.SIGTERM else -ending)


def test_a_killed_sandbox_comes_back_with_everything(tmp_path: Path, receiver: Receiver) -> None:
    with started(tmp_path, receiver.url, signal.SIGKILL) as url:
        client, caller = make_client(url), Caller(url)
        caller.steer("PUT", "/webhooks/behaviour", {"mode": "delay", "seconds": 600})
        caller.steer("PUT", "/faults", {"operation": "refunds.create", "kind": "error_before"})
        first = client.v1.payment_intents.create(NEW, KEY)
        client.v1.payment_intents.confirm(first.id, {"payment_method": "pm_card_visa"})
        ahead = caller.steer("POST", "/clock", {"advance": 100})["now"]
        caller.close()
    assert receiver.got == []
    with started(tmp_path, receiver.url, signal.SIGTERM) as url:
        client, caller = make_client(url), Caller(url)
        assert client.v1.payment_intents.retrieve(first.id).status == "succeeded"
        assert client.v1.payment_intents.create(NEW, KEY).id == first.id
        assert len(client.v1.payment_intents.list().data) == 1
        assert len(caller.journal("payment_intents.create")) == 2
        assert len(caller.steer("GET", "/faults")["items"]) == 1
        assert caller.steer("GET", "/clock")["now"] >= ahead
        caller.steer("POST", "/clock", {"advance": 600})
        wait_for(lambda: len(receiver.got) == 3)
        assert receiver.types()[-1] == "payment_intent.succeeded"
        caller.close()


def test_sigterm_lets_a_running_call_end(tmp_path: Path, receiver: Receiver) -> None:
    with started(tmp_path, receiver.url, signal.SIGTERM) as url:
        intent = stripe.StripeClient(API_KEY, base_addresses={"api": url}).v1.payment_intents
        assert intent.create(NEW).status == "requires_payment_method"
