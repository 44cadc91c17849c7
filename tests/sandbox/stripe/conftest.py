"""A fresh sandbox in memory for each test, with a client, a caller and a receiver."""

from collections.abc import Iterator

import pytest
import stripe

from sandbox.stripe import Sandbox, serve_stripe

from .world import (
    API_KEY,
    PUBLISHABLE_KEY,
    WEBHOOK_SECRET,
    Caller,
    Receiver,
    make_client,
    start_receiver,
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver, stop = start_receiver()
    yield receiver
    stop()


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[Sandbox]:
    with serve_stripe(
        api_key=API_KEY,
        publishable_key=PUBLISHABLE_KEY,
        webhook_secret=WEBHOOK_SECRET,
        webhook_url=receiver.url,
        refund_seconds=3600,
        retry_delays=(0.05, 0.1, 60.0),
    ) as served:
        yield served


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return make_client(sandbox.url)


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    caller = Caller(sandbox.url)
    yield caller
    caller.close()
