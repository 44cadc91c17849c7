"""The gateways that an installation has credentials for, and which method each serves."""

from dataclasses import asdict

from app.core.egress import Egress
from app.payments.gateway import (
    AlipayAccount,
    AlipayGateway,
    Gateway,
    Gateways,
    StripeGateway,
    WechatAccount,
    WechatGateway,
)
from app.payments.values import Method
from config.settings import Settings


def make_gateways(settings: Settings, egress: Egress, *, total_seconds: float) -> Gateways:
    """Make a gateway for each set of credentials, whether or not it serves new payments."""
    serving = settings.payments.serving.items()
    gateways: list[Gateway] = [_stripe(settings, egress, total_seconds)]
    notices = f"{settings.web.public_url}/v1/payments/webhooks"
    if settings.alipay is not None:
        gateways.append(
            AlipayGateway(
                AlipayAccount(**asdict(settings.alipay)),
                notify_url=f"{notices}/alipay",
                egress=egress,
                total_seconds=total_seconds,
            )
        )
    if settings.wechat_pay is not None:
        gateways.append(
            WechatGateway(
                WechatAccount(**asdict(settings.wechat_pay)),
                notify_url=f"{notices}/wechat",
                egress=egress,
                total_seconds=total_seconds,
            )
        )
    return Gateways(gateways, {Method(method): gateway for method, gateway in serving})


def _stripe(settings: Settings, egress: Egress, total_seconds: float) -> StripeGateway:
    return StripeGateway(
        api_key=settings.stripe.api_key,
        publishable_key=settings.stripe.publishable_key,
        api_base=settings.stripe.api_base,
        egress=egress,
        total_seconds=total_seconds,
        webhook_secret=settings.stripe.webhook_secret,
    )
