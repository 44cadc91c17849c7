"""Who moves the money: the contract, and one file for each gateway that keeps it."""

from app.payments.gateway.alipay import AlipayGateway
from app.payments.gateway.alipay_wire import AlipayAccount
from app.payments.gateway.contract import (
    KEY_LIFETIME,
    SEARCH_LAG,
    DisputingGateway,
    Gateway,
    GatewayAmbiguous,
    GatewayDispute,
    GatewayFailed,
    GatewayRefund,
    GatewayRefused,
    Intent,
    IntentRequest,
    KeepsMethods,
    Movement,
    Notification,
    RefundRequest,
    Setup,
    SetupRequest,
    StatementLine,
    StatementUnavailable,
)
from app.payments.gateway.registry import Gateways
from app.payments.gateway.stripe import StripeGateway
from app.payments.gateway.wechat import WechatGateway
from app.payments.gateway.wechat_wire import WechatAccount

__all__ = [
    "KEY_LIFETIME",
    "SEARCH_LAG",
    "AlipayAccount",
    "AlipayGateway",
    "DisputingGateway",
    "Gateway",
    "GatewayAmbiguous",
    "GatewayDispute",
    "GatewayFailed",
    "GatewayRefund",
    "GatewayRefused",
    "Gateways",
    "Intent",
    "IntentRequest",
    "KeepsMethods",
    "Movement",
    "Notification",
    "RefundRequest",
    "Setup",
    "SetupRequest",
    "StatementLine",
    "StatementUnavailable",
    "StripeGateway",
    "WechatAccount",
    "WechatGateway",
]
