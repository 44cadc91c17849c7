"""Who moves the money: the contract, and one file for each gateway that keeps it."""

from app.payments.gateway.contract import (
    KEY_LIFETIME,
    Gateway,
    GatewayAmbiguous,
    GatewayRefund,
    GatewayRefused,
    Intent,
    IntentRequest,
    RefundRequest,
)
from app.payments.gateway.stripe import NAME, StripeGateway
from app.payments.gateway.webhooks import WebhookHint, read_hint, verify_signature

__all__ = [
    "KEY_LIFETIME",
    "NAME",
    "Gateway",
    "GatewayAmbiguous",
    "GatewayRefund",
    "GatewayRefused",
    "Intent",
    "IntentRequest",
    "RefundRequest",
    "StripeGateway",
    "WebhookHint",
    "read_hint",
    "verify_signature",
]
