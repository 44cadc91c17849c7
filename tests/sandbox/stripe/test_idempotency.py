"""One key, one effect, one answer."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from sandbox.stripe import Sandbox

from .world import Caller, make_client, wait_for

NEW = {"amount": 4250, "currency": "cny", "payment_method_types": ["card"]}
FORM = {"amount": "4250", "currency": "cny", "payment_method_types[]": "card"}


def test_a_replay_is_the_first_answer_with_a_marker(caller: Caller) -> None:
    key = {"Idempotency-Key": "once"}
    first = caller.form("POST", "/v1/payment_intents", FORM, headers=key)
    again = caller.form("POST", "/v1/payment_intents", FORM, headers=key)
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert len(caller.form("GET", "/v1/payment_intents").body["data"]) == 1


def test_a_key_with_other_parameters_is_refused(client: stripe.StripeClient) -> None:
    client.v1.payment_intents.create(NEW, {"idempotency_key": "mine"})
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.payment_intents.create({**NEW, "amount": 5000}, {"idempotency_key": "mine"})
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": "pi_x"}, {"idempotency_key": "mine"})
    assert len(client.v1.payment_intents.list().data) == 1


def test_what_fails_validation_is_not_kept(client: stripe.StripeClient) -> None:
    options = {"idempotency_key": "retry-me"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({**NEW, "colour": "red"}, options)
    assert client.v1.payment_intents.create(NEW, options).status == "requires_payment_method"


def test_a_decline_is_kept(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(NEW)
    bodies = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.confirm(
                intent.id,
                {"payment_method": "pm_card_visa_chargeDeclined"},
                {"idempotency_key": "declined"},
            )
        bodies.append(declined.value.json_body)
    assert bodies[0] == bodies[1]
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_fifty_at_once_with_one_key_make_one_intent(sandbox: Sandbox, caller: Caller) -> None:
    client = make_client(sandbox.url)

    def create(_: int) -> str:
        try:
            return client.v1.payment_intents.create(NEW, {"idempotency_key": "race"}).id
        except stripe.APIError as error:
            return f"{error.http_status} {error.error.code}"

    with ThreadPoolExecutor(50) as pool:
        seen = Counter(pool.map(create, range(50)))
    assert len(client.v1.payment_intents.list({"limit": 100}).data) == 1
    assert len(set(seen) - {"409 idempotency_key_in_use"}) == 1
    assert len(caller.journal("payment_intents.create")) == 50


def test_fifty_at_once_with_retries_all_get_the_same_intent(sandbox: Sandbox) -> None:
    client = make_client(sandbox.url, retries=4)
    with ThreadPoolExecutor(50) as pool:
        seen = set(
            pool.map(
                lambda _: client.v1.payment_intents.create(NEW, {"idempotency_key": "r"}).id,
                range(50),
            )
        )
    assert len(seen) == 1
    assert len(client.v1.payment_intents.list({"limit": 100}).data) == 1


def test_a_key_in_flight_is_409_and_then_replays(sandbox: Sandbox, caller: Caller) -> None:
    fault = {
        "operation": "payment_intents.create",
        "kind": "timeout",
        "times": 1,
        "seconds": 2.0,
    }
    caller.steer("PUT", "/faults", fault)
    key = {"Idempotency-Key": "slow"}
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(caller.form, "POST", "/v1/payment_intents", FORM, headers=key)
        # The effect is there and the answer is not: now the key is in flight.
        wait_for(lambda: len(caller.form("GET", "/v1/payment_intents").body["data"]) == 1)
        second = caller.form("POST", "/v1/payment_intents", FORM, headers=key)
    assert second.status == 409
    assert second.body["error"]["code"] == "idempotency_key_in_use"
    after = caller.form("POST", "/v1/payment_intents", FORM, headers=key)
    assert after.body == slow.result().body
    assert len(caller.form("GET", "/v1/payment_intents").body["data"]) == 1


def test_a_key_is_forgotten_after_a_day(client: stripe.StripeClient, caller: Caller) -> None:
    first = client.v1.payment_intents.create(NEW, {"idempotency_key": "daily"})
    caller.steer("POST", "/clock", {"advance": 23 * 3600})
    assert client.v1.payment_intents.create(NEW, {"idempotency_key": "daily"}).id == first.id
    caller.steer("POST", "/clock", {"advance": 2 * 3600})
    assert client.v1.payment_intents.create(NEW, {"idempotency_key": "daily"}).id != first.id


def test_a_key_is_ignored_on_get_and_bounded_in_length(caller: Caller) -> None:
    key = {"Idempotency-Key": "g"}
    answer = caller.form("GET", "/v1/payment_intents", headers=key)
    assert "Idempotent-Replayed" not in answer.headers
    long = caller.form("POST", "/v1/payment_intents", FORM, headers={"Idempotency-Key": "k" * 256})
    assert long.status == 400
