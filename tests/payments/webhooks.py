"""Genuine webhooks about any object of Stripe's."""

from typing import Any

from flask.testing import FlaskClient

from tests.payments.helpers import signed_event


def deliver_about(client: FlaskClient, kind: str, thing: dict[str, Any]) -> None:
    """Deliver a signed event about an object, as Stripe does."""
    raw, headers = signed_event(kind, thing)
    answer = client.post("/v1/payments/webhooks/stripe", data=raw, headers=headers)
    assert answer.status_code == 204, answer.text
