"""Stripe, or the sandbox that speaks as Stripe does. The only `stripe`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

import stripe

from app.core.egress import Egress
from app.core.errors import NotFound
from app.core.unit_of_work import forbid_open_transaction
from app.http.json_input import parse_json
from app.payments.gateway.contract import (
    GatewayAmbiguous,
    GatewayDispute,
    GatewayFailed,
    GatewayRefund,
    GatewayRefused,
    Intent,
    IntentRequest,
    Notification,
    RefundRequest,
    Setup,
    SetupRequest,
    StatementLine,
)
from app.payments.gateway.stripe_statement import list_transactions
from app.payments.gateway.stripe_webhooks import read_event, verify_signature
from app.payments.gateway.stripe_wire import StripeWire
from app.payments.values import DisputeStatus, Method, Saved

T = TypeVar("T")
NAME = "stripe"


class StripeGateway:
    """Stripe by its own library; `total_seconds` bounds one call (8 in web, 20 in a worker)."""

    name = NAME
    keeps = frozenset({Method.CARD})

    def __init__(
        self,
        *,
        api_key: str,
        publishable_key: str,
        api_base: str,
        egress: Egress,
        total_seconds: float,
        webhook_secret: str | None,
    ) -> None:
        egress.check(api_base)
        self._publishable_key = publishable_key
        self._webhook_secret = webhook_secret
        self._api_base = api_base
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base},
            max_network_retries=1,
            http_client=StripeWire(egress, total_seconds),
        )

    def read_notification(
        self, raw: bytes, headers: Mapping[str, str], moment: datetime
    ) -> Notification:
        """Check `Stripe-Signature`, and return which of our records an event may concern."""
        if self._webhook_secret is None:
            raise NotFound
        verify_signature(raw, headers.get("Stripe-Signature"), self._webhook_secret, moment)
        return read_event(parse_json(raw))

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
        if request.saved is not None:
            params |= {
                "confirm": True,
                "off_session": True,
                "customer": request.saved.customer_id,
                "payment_method": request.saved.method_id,
            }
        if request.method is Method.WECHAT_PAY:
            params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
        options: Any = {"idempotency_key": request.key}
        intents = self._client.v1.payment_intents
        try:
            return _intent(_call(lambda: intents.create(params=params, options=options)))
        except GatewayRefused as error:
            declined = _declined_intent(error)
            if request.saved is None or declined is None:
                raise
            return declined  # nobody was there to try another card: the intent is there, unpaid

    def open_setup(self, request: SetupRequest) -> Setup:
        """Open a set-up for a customer of its own: nothing of the citizen is told to Stripe."""
        metadata = {"saved_method": str(request.saved_method_id)}
        customers = self._client.v1.customers
        customer_key: Any = {"idempotency_key": f"{request.key}:customer"}
        customer = _call(
            lambda: customers.create(params={"metadata": metadata}, options=customer_key)
        )
        params: Any = {
            "customer": customer.id,
            "payment_method_types": [str(Method.CARD)],
            "usage": "off_session",
            "metadata": metadata,
        }
        setups = self._client.v1.setup_intents
        setup_key: Any = {"idempotency_key": f"{request.key}:setup"}
        return _setup(_call(lambda: setups.create(params=params, options=setup_key)))

    def fetch_setup(self, setup_id: str) -> Setup:
        """Ask what became of a set-up, and which card it was."""
        setups = self._client.v1.setup_intents
        params: Any = {"expand": ["payment_method"]}
        return _setup(_call(lambda: setups.retrieve(setup_id, params=params)))

    def setup_action(self, setup: Setup) -> Mapping[str, Any] | None:
        """Return what the client does: confirm the set-up with Stripe's own SDK."""
        if setup.status != "waiting":
            return None
        return {
            "type": "stripe_setup",
            "intent": setup.id,
            "client_secret": setup.client_secret,
            "publishable_key": self._publishable_key,
            "api_base": self._api_base,
        }

    def forget_method(self, saved: Saved) -> None:
        """Delete the customer, and with them the method; one that is gone is gone."""
        customers = self._client.v1.customers
        try:
            _call(lambda: customers.delete(saved.customer_id))
        except GatewayRefused as error:
            if error.code != "resource_missing":
                raise

    def fetch_intent(self, intent_id: str) -> Intent:
        """Ask what is true of an intent."""
        return _intent(_call(lambda: self._client.v1.payment_intents.retrieve(intent_id)))

    def find_intent(self, attempt_id: UUID) -> Intent | None:
        """Search by metadata; None says only that the search does not know it (yet)."""
        query = f"metadata['attempt']:'{attempt_id}'"
        search = self._client.v1.payment_intents.search
        found = _call(lambda: search(params={"query": query}))
        return _intent(found.data[0]) if found.data else None

    def cancel_intent(self, intent_id: str) -> Intent:
        """Cancel an intent; one that can no longer be cancelled is returned as it is.

        Under no key of ours: cancelling twice is cancelling once, and under a key Stripe would
        repeat a failure for a day.
        """
        cancel = self._client.v1.payment_intents.cancel
        try:
            return _intent(_call(lambda: cancel(intent_id)))
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

    def list_disputes(self, intent_id: str) -> Sequence[GatewayDispute]:
        """Ask for the disputes of an intent; what is only an inquiry (warning) took nothing."""
        params: Any = {"payment_intent": intent_id, "limit": 100}
        found = _call(lambda: list(self._client.v1.disputes.list(params=params).auto_paging_iter()))
        disputes = [_dispute(dispute.to_dict()) for dispute in found]
        return [dispute for dispute in disputes if dispute is not None]

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

    def list_statement(self, day: date) -> Iterator[StatementLine]:
        """Return every movement of one city day, newest first.

        Raise `StatementUnavailable` while the day lasts, or when Stripe does not answer.
        """
        listing = self._client.v1.balance_transactions.list

        def list_page(params: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the library's object
            wanted: Any = params
            return _call(lambda: listing(params=wanted))

        return list_transactions(list_page, day)


def _call(send: Callable[[], T]) -> T:
    """Run one call of the library and say what its failure means."""
    forbid_open_transaction(NAME)
    try:
        return send()
    except stripe.CardError as error:
        raise GatewayRefused(error.code or "card_error") from error
    except stripe.InvalidRequestError as error:
        raise GatewayRefused(error.code or "invalid_request") from error
    except stripe.APIError as error:
        said = {name.lower(): value for name, value in (error.headers or {}).items()}
        if said.get("idempotent-replayed") == "true":
            raise GatewayFailed(type(error).__name__) from error
        raise GatewayAmbiguous(type(error).__name__) from error
    except stripe.StripeError as error:
        # Connection lost, time-out, 5xx, 409 in flight, 429: it may have acted.
        raise GatewayAmbiguous(type(error).__name__) from error


def _declined_intent(error: GatewayRefused) -> Intent | None:
    """Return the intent that a declined card leaves behind, as Stripe's error shows it."""
    cause = error.__cause__
    body = cause.json_body if isinstance(cause, stripe.CardError) else None
    found = body.get("error", {}).get("payment_intent") if isinstance(body, dict) else None
    return _intent_of(found) if found else None


def _setup(answer: Any) -> Setup:  # noqa: ANN401 - the library's object
    values = answer.to_dict()
    status = {"succeeded": "succeeded", "canceled": "cancelled"}.get(values["status"], "waiting")
    method = values.get("payment_method")
    card = method.get("card") if isinstance(method, dict) else None
    return Setup(
        id=values["id"],
        status=status,
        customer_id=values["customer"],
        method_id=method["id"] if isinstance(method, dict) else method,
        label=f"{card['brand']} {card['last4']}" if card else None,
        client_secret=values.get("client_secret"),
    )


def _intent(answer: Any) -> Intent:  # noqa: ANN401 - the library's object
    return _intent_of(answer.to_dict())


def _intent_of(values: Mapping[str, Any]) -> Intent:
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


_DISPUTES = {
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


def _dispute(values: Mapping[str, Any]) -> GatewayDispute | None:
    status = _DISPUTES.get(values["status"])
    if status is None:
        return None
    due = (values.get("evidence_details") or {}).get("due_by")
    return GatewayDispute(
        id=values["id"],
        status=status,
        amount=values["amount"],
        currency=values["currency"].upper(),
        reason=str(values.get("reason"))[:64],
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
    )
