"""Who moves the money: the contract, and one file for each gateway that keeps it."""

from app.payments.gateway.contract import (
    KEY_LIFETIME,
    Gateway,
    GatewayAmbiguous,
    GatewayRefund,
    GatewayRefused,
    Intent,
    IntentRequest,
    Movement,
    Notification,
    RefundRequest,
    StatementLine,
    StatementUnavailable,
)
from app.payments.gateway.registry import Gateways
from app.payments.gateway.stripe import StripeGateway

__all__ = [
    "KEY_LIFETIME",
    "Gateway",
    "GatewayAmbiguous",
    "GatewayRefund",
    "GatewayRefused",
    "Gateways",
    "Intent",
    "IntentRequest",
    "Movement",
    "Notification",
    "RefundRequest",
    "StatementLine",
    "StatementUnavailable",
    "StripeGateway",
]
