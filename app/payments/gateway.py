"""The payment gateway: Stripe, or the sandbox that speaks as Stripe does. The only `stripe`.

Every call may end in `GatewayAmbiguous`: the gateway may have acted, so it must be asked, and
nothing may be sent again under another key. Keys are permanent and name payment, attempt and
operation.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import stripe

from app.core.egress import EgressRefused
from app.core.unit_of_work import forbid_open_transaction
from app.payments.errors import SignatureInvalid
from app.payments.values import Method

T = TypeVar("T")
NAME = "stripe"
CONNECT_SECONDS = 2
KEY_LIFETIME = timedelta(hours=23)
"""How long the gateway surely remembers a key; later it is only searched, never sent again."""

_PAST, _FUTURE = timedelta(seconds=300), timedelta(seconds=60)
_MAX_SIGNATURES = 10
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")


class GatewayAmbiguous(Exception):
    """No answer, or one that does not say whether the gateway acted."""


class GatewayRefused(Exception):
    """The gateway has definitely not acted; `code` is its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class IntentRequest:
    """What to ask the gateway to open."""

    key: str
    payment_id: UUID
    attempt_id: UUID
    amount: int
    currency: str
    method: Method
    return_url: str | None


@dataclass(frozen=True, slots=True)
class Intent:
    """What the gateway says of an intent right now; the only thing that makes money true."""

    id: str
    status: str
    amount: int
    amount_received: int
    currency: str
    attempt_id: str | None
    client_secret: str | None
    next_action: Mapping[str, Any] | None
    decline_code: str | None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What to ask the gateway to return."""

    key: str
    refund_id: UUID
    intent_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """What the gateway says of a refund right now."""

    id: str
    status: str
    amount: int


@dataclass(frozen=True, slots=True)
class WebhookHint:
    """A genuine event: its id and kind, and which of our records it may concern."""

    event_id: str
    kind: str
    intent_id: str | None
    attempt_id: str | None
    refund_id: str | None


class Gateway(Protocol):
    """Who moves the money."""

    name: str

    def open_intent(self, request: IntentRequest) -> Intent:
        """Open an intent; idempotent by key. May raise both errors."""

    def fetch_intent(self, intent_id: str) -> Intent:
        """Ask what is true of an intent."""

    def find_intent(self, attempt_id: UUID) -> Intent | None:
        """Search for the intent of an attempt whose opening was never answered."""

    def cancel_intent(self, intent_id: str, key: str) -> Intent:
        """Cancel an intent, or return what it has become instead."""

    def send_refund(self, request: RefundRequest) -> GatewayRefund:
        """Return money; idempotent by key."""

    def fetch_refund(self, gateway_refund_id: str) -> GatewayRefund:
        """Ask what is true of a refund."""

    def find_refund(self, intent_id: str, refund_id: UUID) -> GatewayRefund | None:
        """Search for a refund whose sending was never answered."""

    def next_action(self, intent: Intent, method: Method) -> Mapping[str, Any] | None:
        """Return what the citizen's client has to do now."""


class StripeGateway:
    """Stripe by its own library; `total_seconds` bounds one call (8 in web, 20 in a worker)."""

    name = NAME

    def __init__(
        self,
        *,
        api_key: str,
        publishable_key: str,
        api_base: str,
        loopback: frozenset[str],
        total_seconds: float,
    ) -> None:
        parts = urlsplit(api_base)
        if parts.scheme != "https" and parts.netloc not in loopback:
            raise EgressRefused(f"{parts.scheme}://{parts.netloc} may not be called")
        self._publishable_key = publishable_key
        self._api_base = api_base
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base},
            max_network_retries=1,
            http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, total_seconds)),
        )

    def open_intent(self, request: IntentRequest) -> Intent:
        """Open an intent; a wallet's is confirmed at once, so that it has somewhere to go."""
        params: Any = {
            "amount": request.amount,
            "currency": request.currency.lower(),
            "payment_method_types": [str(request.method)],
            "metadata": {
                "payment": str(request.payment_id),
                "attempt": str(request.attempt_id),
            },
        }
        if request.method is not Method.CARD:
            params |= {
                "confirm": True,
                "payment_method_data": {"type": str(request.method)},
                "return_url": request.return_url,
            }
        if request.method is Method.WECHAT_PAY:
            params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
        options: Any = {"idempotency_key": request.key}
        intents = self._client.v1.payment_intents
        return _intent(_call(lambda: intents.create(params=params, options=options)))

    def fetch_intent(self, intent_id: str) -> Intent:
        """Ask what is true of an intent."""
        return _intent(_call(lambda: self._client.v1.payment_intents.retrieve(intent_id)))

    def find_intent(self, attempt_id: UUID) -> Intent | None:
        """Search by metadata; None says only that the search does not know it (yet)."""
        query = f"metadata['attempt']:'{attempt_id}'"
        search = self._client.v1.payment_intents.search
        found = _call(lambda: search(params={"query": query}))
        return _intent(found.data[0]) if found.data else None

    def cancel_intent(self, intent_id: str, key: str) -> Intent:
        """Cancel an intent; one that can no longer be cancelled is returned as it is."""
        options: Any = {"idempotency_key": key}
        cancel = self._client.v1.payment_intents.cancel
        try:
            return _intent(_call(lambda: cancel(intent_id, options=options)))
        except GatewayRefused:
            return self.fetch_intent(intent_id)

    def send_refund(self, request: RefundRequest) -> GatewayRefund:
        """Return money of an intent; idempotent by key."""
        params: Any = {
            "payment_intent": request.intent_id,
            "amount": request.amount,
            "metadata": {"refund": str(request.refund_id)},
        }
        options: Any = {"idempotency_key": request.key}
        create = self._client.v1.refunds.create
        return _refund(_call(lambda: create(params=params, options=options)))

    def fetch_refund(self, gateway_refund_id: str) -> GatewayRefund:
        """Ask what is true of a refund."""
        return _refund(_call(lambda: self._client.v1.refunds.retrieve(gateway_refund_id)))

    def find_refund(self, intent_id: str, refund_id: UUID) -> GatewayRefund | None:
        """Look through the refunds of an intent for ours."""
        params: Any = {"payment_intent": intent_id, "limit": 100}
        found = _call(lambda: self._client.v1.refunds.list(params=params))
        for refund in found.auto_paging_iter():
            if (refund.to_dict().get("metadata") or {}).get("refund") == str(refund_id):
                return _refund(refund)
        return None

    def next_action(self, intent: Intent, method: Method) -> Mapping[str, Any] | None:
        """Return what the client does: confirm with Stripe's own SDK, go to a page, show a code."""
        if intent.status not in {
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
        }:
            return None
        wanted = intent.next_action or {}
        if method is Method.ALIPAY:
            target = wanted.get("alipay_handle_redirect") or wanted.get("redirect_to_url") or {}
            return {"type": "redirect", "intent": intent.id, "url": target.get("url")}
        if method is Method.WECHAT_PAY:
            code = wanted.get("wechat_pay_display_qr_code") or {}
            return {
                "type": "qr_code",
                "intent": intent.id,
                "data": code.get("data"),
                "image_url": code.get("image_url_png"),
            }
        return {
            "type": "stripe",
            "intent": intent.id,
            "client_secret": intent.client_secret,
            "publishable_key": self._publishable_key,
            "api_base": self._api_base,
        }


def _call(send: Callable[[], T]) -> T:
    """Run one call of the library and say what its failure means."""
    forbid_open_transaction(NAME)
    try:
        return send()
    except stripe.CardError as error:
        raise GatewayRefused(error.code or "card_error") from error
    except stripe.InvalidRequestError as error:
        raise GatewayRefused(error.code or "invalid_request") from error
    except stripe.StripeError as error:
        # Connection lost, time-out, 5xx, 409 in flight, 429: it may have acted.
        raise GatewayAmbiguous(type(error).__name__) from error


def _intent(answer: Any) -> Intent:  # noqa: ANN401 - the library's object
    values = answer.to_dict()
    failure = values.get("last_payment_error") or {}
    return Intent(
        id=values["id"],
        status=values["status"],
        amount=values["amount"],
        amount_received=values.get("amount_received") or 0,
        currency=values["currency"].upper(),
        attempt_id=(values.get("metadata") or {}).get("attempt"),
        client_secret=values.get("client_secret"),
        next_action=values.get("next_action"),
        decline_code=failure.get("decline_code") or failure.get("code"),
    )


def _refund(answer: Any) -> GatewayRefund:  # noqa: ANN401 - the library's object
    values = answer.to_dict()
    return GatewayRefund(values["id"], values["status"], values["amount"])


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


def read_hint(event: Any) -> WebhookHint:  # noqa: ANN401 - any JSON value
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
    return WebhookHint(
        event_id=event_id[:255],
        kind=kind[:255],
        intent_id=intent_id if isinstance(intent_id, str) else None,
        attempt_id=metadata.get("attempt"),
        refund_id=metadata.get("refund"),
    )
