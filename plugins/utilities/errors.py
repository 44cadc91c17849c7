"""What this plug-in refuses, and why."""

from app.sdk import Conflict, DomainError, Forbidden, Invalid, NotFound, RateLimited, Unavailable


class AccountMismatch(Invalid):
    """Number and holder's name do not belong together, or nobody has the number."""

    code = "account-mismatch"
    title_zh = "户号与户名不符"
    title_en = "Account number and holder's name do not match"


class TooManyAccounts(Conflict):
    """The citizen has linked as many accounts as one may."""

    code = "too-many-accounts"
    title_zh = "绑定的户号已达上限"
    title_en = "No more accounts can be linked"


class LookUpNotFound(NotFound):
    """This citizen has found no such account within the last half hour."""

    code = "look-up-not-found"
    title_zh = "查询结果不存在或已过期"
    title_en = "There is no such look-up, or it has expired"


class TooManyLinkAttempts(RateLimited):
    """The citizen has tried to link too often within an hour."""

    code = "too-many-link-attempts"
    title_zh = "绑定尝试过于频繁，请稍后再试"
    title_en = "Too many attempts to link an account"


class BillNotFound(NotFound):
    """No account of this citizen has such a bill."""

    code = "bill-not-found"
    title_zh = "没有找到该账单"
    title_en = "There is no such bill"


class AlreadyPaid(Conflict):
    """The bill is paid, here or at the biller's own counter."""

    code = "already-paid"
    title_zh = "该账单已支付"
    title_en = "The bill is already paid"


class RefusedByBiller(Invalid):
    """The biller refuses a payment for good; `reason` is its own code."""

    code = "refused-by-biller"
    title_zh = "收费单位拒绝了这笔缴费"
    title_en = "The biller refuses the payment"


class BillerUnavailable(Unavailable):
    """The biller does not answer, or answers nothing that can be read."""

    code = "biller-unavailable"
    title_zh = "收费单位系统暂时无法访问，请稍后再试"
    title_en = "The biller's system does not answer"


class BillFileInvalid(Invalid):
    """A bill file has faults; nothing of it was imported."""

    code = "bill-file-invalid"
    title_zh = "账单文件有错误，未导入任何内容"
    title_en = "The bill file has faults; nothing was imported"


class OtherDepartmentsBiller(Forbidden):
    """The biller belongs to another department than the caller."""

    code = "other-departments-biller"
    title_zh = "该收费单位不属于您的部门"
    title_en = "The biller belongs to another department"


class FileNumberReused(Conflict):
    """The biller has sent another file under this number; nothing was imported."""

    code = "file-number-reused"
    title_zh = "文件号已被另一份文件使用，未导入任何内容"
    title_en = "Another file came under this number; nothing was imported"


class BillNotOpen(Conflict):
    """The bill was withdrawn: it can neither be amended nor withdrawn again."""

    code = "bill-not-open"
    title_zh = "该账单已撤销"
    title_en = "The bill is not open any more"


class NothingAmended(Invalid):
    """The bill is already as the amendment wants it."""

    code = "nothing-amended"
    title_zh = "账单没有变化"
    title_en = "The amendment changes nothing"


class PaymentUnderWay(Conflict):
    """A citizen has paid the bill, and the biller is about to be told."""

    code = "payment-under-way"
    title_zh = "该账单的缴费正在处理中"
    title_en = "A payment of the bill is under way"


class PartlyPaid(Conflict):
    """Something of the bill is paid: its biller can neither amend nor withdraw it here."""

    code = "bill-partly-paid"
    title_zh = "该账单已部分缴费"
    title_en = "A part of the bill is paid"


class BillExpired(Conflict):
    """The bill can no longer be paid as it is: its biller has to issue it anew."""

    code = "bill-expired"
    title_zh = "该账单已过期，请等待收费单位重新出账"
    title_en = "The bill has expired; its biller has to issue it anew"


class OrderNotFound(NotFound):
    """This citizen has no such order."""

    code = "order-not-found"
    title_zh = "没有找到该缴费单"
    title_en = "There is no such order"


class OrderClosed(Conflict):
    """The order has expired or was refused: mint another one."""

    code = "order-closed"
    title_zh = "该缴费单已失效，请重新生成"
    title_en = "The order can no longer be paid; make a new one"


class OrderOutdated(Conflict):
    """What the order pays is not owed any more as it was when the order was made."""

    code = "order-outdated"
    title_zh = "欠费已有变化，请重新生成缴费单"
    title_en = "What is owed has changed; make a new order"


class TooManyOrders(Conflict):
    """The citizen has as many open orders as one may."""

    code = "too-many-orders"
    title_zh = "未支付的缴费单过多，请先支付或等待过期"
    title_en = "Too many orders are open"


class AmountNotAllowed(Invalid):
    """The biller takes no such amount; `owed`, `min_amount` and `amount_rule` say which."""

    code = "amount-not-allowed"
    title_zh = "收费单位不接受该金额"
    title_en = "The biller does not take this amount"


class LateBillIndivisible(Invalid):
    """A bill that costs a late fee is paid whole; `at_least` says what the next amount is."""

    code = "late-bill-indivisible"
    title_zh = "已产生滞纳金的账单须一次缴清"
    title_en = "A bill that costs a late fee has to be paid whole"


class NoPrepaidMeter(Invalid):
    """The account has no meter that is loaded in advance."""

    code = "no-prepaid-meter"
    title_zh = "该户号不是预付费电表"
    title_en = "The account has no prepaid meter"


class ComplaintNotFound(NotFound):
    """There is no such complaint of this citizen, or of this biller."""

    code = "complaint-not-found"
    title_zh = "没有找到该投诉"
    title_en = "There is no such complaint"


class ComplaintUnderWay(Conflict):
    """An earlier complaint of the same bill or order is not closed yet."""

    code = "complaint-under-way"
    title_zh = "该账单或缴费单已有未结投诉"
    title_en = "An earlier complaint of it is not closed yet"


class PostingNotFound(NotFound):
    """The biller was told of no payment under this key."""

    code = "posting-not-found"
    title_zh = "没有找到该入账"
    title_en = "There is no such posting"


class PostingNotBooked(Conflict):
    """The biller has not confirmed this posting, or has refused it: there is nothing to reverse."""

    code = "posting-not-booked"
    title_zh = "该笔款项尚未入账，无法冲正"
    title_en = "The posting is not booked"


class AlreadyReversed(Conflict):
    """The posting was taken back before, for another reason."""

    code = "posting-already-reversed"
    title_zh = "该入账已冲正"
    title_en = "The posting was reversed already"


class ReversalNotAllowed(Invalid):
    """The biller's terms do not say what follows from this reason."""

    code = "reversal-not-allowed"
    title_zh = "该原因不适用于此收费单位的冲正"
    title_en = "The biller's terms know no reversal for this reason"


class FeedNotFound(NotFound):
    """There is no such private address, or it was taken back."""

    code = "due-feed-not-found"
    title_zh = "日历地址不存在或已撤销"
    title_en = "There is no such calendar address, or it was taken back"


_REFUSALS: dict[str, type[DomainError]] = {
    "bill-already-paid": AlreadyPaid,
    "bill-not-found": BillNotFound,
}


def refusal(reason: str) -> DomainError:
    """Return what a biller's final refusal of a payment means to the house."""
    return _REFUSALS.get(reason, RefusedByBiller)(reason=reason)
