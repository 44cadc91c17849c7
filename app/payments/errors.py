"""What the payment platform refuses."""

from app.core.errors import (
    Conflict,
    Invalid,
    Malformed,
    Unavailable,
)


class PaymentInProgress(Conflict):
    """The bill is being paid; the live payment is named only to its own payer."""

    code = "payment-in-progress"
    title_zh = "该账单正在支付中"
    title_en = "The bill is being paid"


class AlreadyPaid(Conflict):
    """The bill was paid."""

    code = "already-paid"
    title_zh = "该账单已支付"
    title_en = "The bill is already paid"


class PaymentNotPending(Conflict):
    """Only a pending payment can be changed or cancelled."""

    code = "payment-not-pending"
    title_zh = "该支付已不能更改"
    title_en = "The payment is no longer pending"


class DuplicateItem(Invalid):
    """The same bill stands twice in one payment."""

    code = "duplicate-item"
    title_zh = "同一账单重复"
    title_en = "The same bill stands twice"


class PayerGone(Conflict):
    """The account was closed while the payment was being started; nothing was begun."""

    code = "account-closed"
    title_zh = "账户已注销"
    title_en = "The account is closed"


class ReturnUrlMissing(Invalid):
    """A wallet needs an address to return to."""

    code = "return-url-missing"
    title_zh = "缺少返回地址"
    title_en = "This method needs a return_url"


class MethodUnavailable(Invalid):
    """No gateway of this city takes the method."""

    code = "method-unavailable"
    title_zh = "不支持该支付方式"
    title_en = "This method of payment is not offered"


class GatewayUnavailable(Unavailable):
    """The gateway does not answer now; the payment is safe and can be tried again."""

    code = "gateway-unavailable"
    title_zh = "支付通道暂时不可用"
    title_en = "The payment gateway does not answer"


class SignatureInvalid(Malformed):
    """A webhook is not from the gateway; it is refused and has no effect."""

    code = "signature-invalid"
    title_zh = "签名无效"
    title_en = "The signature is not valid"
