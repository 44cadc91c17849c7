"""Who calls: the account with its secret key, or one client with the publishable key."""

import hmac

from werkzeug.datastructures import Authorization

from sandbox.stripe.config import Config
from sandbox.stripe.errors import ApiError, Body, invalid
from sandbox.stripe.params import Raw
from sandbox.stripe.world import Call

_CLIENT_FIELDS = (
    "id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at",
    "cancellation_reason", "capture_method", "client_secret", "confirmation_method", "created",
    "currency", "description", "last_payment_error", "livemode", "next_action", "payment_method",
    "payment_method_configuration_details", "payment_method_types", "processing", "receipt_email",
    "setup_future_usage", "shipping", "source", "status",
)  # fmt: skip


_SETUP_FIELDS = (
    "id", "object", "automatic_payment_methods", "cancellation_reason", "client_secret", "created",
    "description", "last_setup_error", "livemode", "next_action", "payment_method",
    "payment_method_configuration_details", "payment_method_types", "status", "usage",
)  # fmt: skip


def is_publishable(
    config: Config, authorization: Authorization | None, raw: dict[str, Raw]
) -> bool:
    """Say which of the two keys was sent; anything else is a 401."""
    key = _sent_key(authorization, raw)
    if key is None:
        raise _unauthorised("No API key was sent. Send it as a bearer token.")
    if _same(key, config.api_key):
        return False
    if _same(key, config.publishable_key):
        return True
    raise _unauthorised(f"Invalid API Key provided: {key[:8]}{'*' * 12}")


def _sent_key(authorization: Authorization | None, raw: dict[str, Raw]) -> str | None:
    if authorization is not None:
        # Basic authentication carries the key as the user name.
        return authorization.token or authorization.username
    key = raw.get("key")
    return key if isinstance(key, str) else None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _unauthorised(message: str) -> ApiError:
    return ApiError(
        401,
        "invalid_request_error",
        message,
        headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
    )


def needs_secret_key() -> ApiError:
    """Build the refusal of a call that clients may not make."""
    return ApiError(
        403,
        "invalid_request_error",
        "This call needs a secret API key; it was made with a publishable one.",
        code="secret_key_required",
    )


def check_client_secret(call: Call) -> None:
    """Refuse a client whose secret is not that of the intent it names."""
    kind = "setup_intent" if call.target.startswith("seti_") else "payment_intent"
    intent = call.store.get(kind, call.target)
    given = call.params.get("client_secret")
    if given is not None and not _same(given, intent["client_secret"]):
        raise invalid(
            "The client_secret does not belong to this intent.",
            code=f"{kind}_invalid_parameter",
            param="client_secret",
        )


def redact(body: Body) -> Body:
    """Return what a client may see: of intents the public fields, in errors too."""
    if body.get("object") == "payment_intent":
        return {name: body[name] for name in _CLIENT_FIELDS}
    if body.get("object") == "setup_intent":
        return {name: value for name, value in body.items() if name in _SETUP_FIELDS}
    error = body.get("error")
    if error and "setup_intent" in error:
        return {"error": {**error, "setup_intent": redact(error["setup_intent"])}}
    if error and "payment_intent" in error:
        return {"error": {**error, "payment_intent": redact(error["payment_intent"])}}
    return body
