"""Webhooks of Stripe: genuine or not, and what they are about; their content is never believed."""

import hmac
import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from app.payments.errors import SignatureInvalid
from app.payments.gateway.contract import Notification

_PAST, _FUTURE = timedelta(seconds=300), timedelta(seconds=60)
_MAX_SIGNATURES = 10
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")


def verify_signature(raw: bytes, header: str | None, secret: str, moment: datetime) -> None:
    """Check a `Stripe-Signature` header over the raw bytes, or raise `SignatureInvalid`.

    Accepted: a time from 300 s ago to 60 s ahead and one right signature among at most ten `v1`
    values. Our own check, because it must hold for any bytes before anything is parsed.
    """
    fields = [part.strip().partition("=") for part in (header or "").split(",")]
    stamps = [value for name, _, value in fields if name == "t"]
    given = [value for name, _, value in fields if name == "v1"]
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0], re.ASCII):
        raise SignatureInvalid
    age = moment.timestamp() - int(stamps[0])
    if not -_FUTURE.total_seconds() <= age <= _PAST.total_seconds():
        raise SignatureInvalid("The signature is too old, or from the future.")
    if not 0 < len(given) <= _MAX_SIGNATURES:
        raise SignatureInvalid
    expected = hmac.new(secret.encode(), stamps[0].encode() + b"." + raw, sha256)
    wanted = expected.hexdigest().encode()
    matches = [
        hmac.compare_digest(wanted, value.encode())
        for value in given
        if value.isascii() and _SIGNATURE.fullmatch(value.encode())
    ]
    if not any(matches):
        raise SignatureInvalid


def read_event(event: Any) -> Notification:  # noqa: ANN401 - any JSON value
    """Return which of our records an event may concern; raise `SignatureInvalid` if malformed."""
    try:
        thing = event["data"]["object"]
        event_id, kind = event["id"], event["type"]
        metadata = thing.get("metadata") or {}
        is_intent = thing.get("object") == "payment_intent"
        intent_id = thing["id"] if is_intent else thing.get("payment_intent")
    except (KeyError, TypeError, AttributeError) as error:
        raise SignatureInvalid("The event has not the form of one.") from error
    if not isinstance(event_id, str) or not isinstance(kind, str):
        raise SignatureInvalid("The event has not the form of one.")
    return Notification(
        event_id=event_id[:255],
        kind=kind[:255],
        intent_id=intent_id if isinstance(intent_id, str) else None,
        attempt_id=metadata.get("attempt"),
        refund_id=metadata.get("refund"),
    )
