"""What the payment platform refuses."""

from app.core.errors import (
    Conflict,
    Forbidden,
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


class BillChanged(Conflict):
    """The bill is not what the payer has seen; `amount` is owed now, for a fresh payment."""

    code = "bill-changed"
    title_zh = "账单金额或内容已变化"
    title_en = "The bill has changed"


class BillWithdrawn(Conflict):
    """The bill is not owed any more: paid elsewhere, or taken back; `reason` is the biller's."""

    code = "bill-withdrawn"
    title_zh = "账单已撤回或已在别处支付"
    title_en = "The bill is not owed any more"


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


class SavedMethodsFull(Conflict):
    """Ten methods are kept; one has to go before another comes."""

    code = "saved-methods-full"
    title_zh = "已保存的支付方式过多"
    title_en = "Too many methods are kept"


class SavedMethodUnusable(Conflict):
    """The kept method is not proven yet, was removed, or is not the citizen's."""

    code = "saved-method-unusable"
    title_zh = "该支付方式不可用"
    title_en = "The kept method cannot be used"


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


class NotUnderReview(Conflict):
    """Only an item under review, whose bill it still holds, can be confirmed by a person."""

    code = "not-under-review"
    title_zh = "该项目不在复核中"
    title_en = "The item is not under review"


class ItemNotRefundable(Conflict):
    """The item is not in a state in which money can be asked back; `item_status` says which."""

    code = "item-not-refundable"
    title_zh = "该项目当前不能退款"
    title_en = "The item cannot be refunded now"


class RefundExceedsAvailable(Conflict):
    """More is asked back than is left of what was captured; `available` says how much is."""

    code = "refund-exceeds-available"
    title_zh = "退款金额超过可退金额"
    title_en = "More is asked back than can be returned"


class RefundAmountStale(Conflict):
    """The caller's idea of what can be returned is out of date; `available` says what is true."""

    code = "refund-amount-stale"
    title_zh = "可退金额已变化"
    title_en = "What can be returned has changed"


class RefundDiffers(Conflict):
    """The client reference was used for another refund of the same payment."""

    code = "refund-differs"
    title_zh = "该退款编号已用于另一笔退款"
    title_en = "The reference belongs to another refund"


class RefundDecided(Conflict):
    """The refund was decided before; `refund_status` says what it is now."""

    code = "refund-decided"
    title_zh = "该退款已处理"
    title_en = "The refund has been decided"


class PaymentDisputed(Conflict):
    """The payer's bank disputes the payment: nothing goes back until that is decided."""

    code = "payment-disputed"
    title_zh = "该支付存在争议，暂不能退款"
    title_en = "The payment is disputed"


class NotADuplicate(Conflict):
    """The gateway does not hold money a second time, so nothing is returned."""

    code = "not-a-duplicate"
    title_zh = "并非重复扣款"
    title_en = "The money was not taken twice"


class RefundNotFailed(Conflict):
    """Only a refund that failed or came back can be tried again, once."""

    code = "refund-not-failed"
    title_zh = "该退款无需重试"
    title_en = "The refund has not failed"


class OwnRefund(Forbidden):
    """Whoever asked for a refund does not decide it."""

    code = "refund-own-request"
    title_zh = "不能审批自己提出的退款"
    title_en = "Nobody decides their own request"


class OtherDepartment(Forbidden):
    """A department asks for refunds of its own services only."""

    code = "refund-other-department"
    title_zh = "只能为本部门的服务申请退款"
    title_en = "The service belongs to another department"


class TooMuchForGuests(Forbidden):
    """A payment above the limit wants a second proof, which somebody without an account lacks."""

    code = "too-much-for-guests"
    title_zh = "金额超过免登录缴费限额，请登录后支付"
    title_en = "The amount is above what can be paid without an account"
