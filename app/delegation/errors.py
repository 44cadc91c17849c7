"""What delegation refuses."""

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, Unavailable


class MandateNotFound(NotFound):
    """This citizen has no part in a mandate with this id."""

    code = "mandate-not-found"
    title_zh = "没有这项授权"
    title_en = "There is no such mandate"


class MandateNotActive(Conflict):
    """The mandate is over, or has not begun."""

    code = "mandate-not-active"
    title_zh = "该授权未生效或已失效"
    title_en = "The mandate is not in force"


class NotAsked(Conflict):
    """The other party's answer is waited for, not this one's."""

    code = "mandate-not-asked"
    title_zh = "该授权正在等待对方答复"
    title_en = "The other party is asked, not you"


class MandateOpen(Conflict):
    """The same mandate was asked for before and waits for an answer."""

    code = "mandate-open"
    title_zh = "已有相同的授权等待确认"
    title_en = "The same mandate waits for an answer already"


class TooManyMandates(RateLimited):
    """The citizen has asked for as many mandates as may wait, or as a day allows."""

    code = "too-many-mandates"
    title_zh = "授权申请过多，请稍后再试"
    title_en = "Too many mandates were asked for"


class OwnMandate(Invalid):
    """Nobody needs a mandate of their own."""

    code = "own-mandate"
    title_zh = "不能授权给自己"
    title_en = "Nobody can be their own delegate"


class CapNeeded(Invalid):
    """Whoever may pay may pay up to an amount that is named."""

    code = "cap-needed"
    title_zh = "授权缴费须设定金额上限"
    title_en = "A mandate to pay needs a limit"


class ServiceUnknown(Invalid):
    """A scope names a service that there is not."""

    code = "service-unknown"
    title_zh = "授权范围中的服务不存在"
    title_en = "A scope names a service that does not exist"


class SmsTermTooLong(Invalid):
    """An answer by SMS gives a month at most."""

    code = "sms-term-too-long"
    title_zh = "短信确认的授权最长31天"
    title_en = "A mandate given by SMS lasts 31 days at most"


class SmsNotOffered(Conflict):
    """This installation takes no answers by SMS."""

    code = "sms-consent-not-offered"
    title_zh = "暂不支持短信确认"
    title_en = "Consent by SMS is not offered here"


class TooManyQuestions(RateLimited):
    """The principal was asked a moment ago, or often enough."""

    code = "too-many-questions"
    title_zh = "短信询问过于频繁，请稍后再试"
    title_en = "The principal was asked often enough"


class CapReached(Forbidden):
    """The payment would pass what the mandate allows to pay."""

    code = "mandate-cap-reached"
    title_zh = "超出授权缴费金额上限"
    title_en = "The payment is above the limit of the mandate"


class OrganisationsOwnAffairs(Conflict):
    """A mandate of an organisation opens no citizen's affairs."""

    code = "organisation-mandate"
    title_zh = "单位授权不能用于办理个人事项"
    title_en = "A mandate of an organisation opens nobody's personal affairs"


class NoAccount(Conflict):
    """The person whose affairs they are has no account yet."""

    code = "principal-has-no-account"
    title_zh = "对方尚未注册账号"
    title_en = "The person has no account yet"


class UsccInvalid(Invalid):
    """The code cannot be a unified social credit code."""

    code = "uscc-invalid"
    title_zh = "统一社会信用代码不正确"
    title_en = "This cannot be a unified social credit code"


class OrganisationNotFound(NotFound):
    """This citizen has no part in an organisation with this id."""

    code = "organisation-not-found"
    title_zh = "没有这个单位"
    title_en = "There is no such organisation"


class OrganisationMismatch(Invalid):
    """The business register does not know this person as this organisation's representative."""

    code = "organisation-mismatch"
    title_zh = "单位信息或法定代表人与登记不符"
    title_en = "The register has another name or representative"


class OrganisationNotActive(Conflict):
    """The organisation is suspended or closed."""

    code = "organisation-not-active"
    title_zh = "该单位已停用"
    title_en = "The organisation is not active"


class AlreadyRepresentative(Conflict):
    """The citizen represents this organisation already."""

    code = "already-representative"
    title_zh = "您已是该单位的法定代表人"
    title_en = "You represent this organisation already"


class TooManyClaims(RateLimited):
    """The citizen has claimed often enough for a day."""

    code = "too-many-claims"
    title_zh = "今日认领次数已达上限"
    title_en = "Too many claims for one day"


class GuardianshipNotFound(NotFound):
    """This citizen has no part in a guardianship with this id."""

    code = "guardianship-not-found"
    title_zh = "没有这项监护关系"
    title_en = "There is no such guardianship"


class GuardianMismatch(Invalid):
    """The register does not know this citizen as a guardian of this child."""

    code = "guardian-mismatch"
    title_zh = "监护关系与登记不符"
    title_en = "The register does not have this guardianship"


class GuardianshipExists(Conflict):
    """The guardianship is known already."""

    code = "guardianship-exists"
    title_zh = "该监护关系已登记"
    title_en = "This guardianship is known already"


class OfAge(Invalid):
    """The person is eighteen or older and needs no guardian."""

    code = "of-age"
    title_zh = "对方已年满十八周岁"
    title_en = "The person is of age"


class RegisterSilent(Unavailable):
    """The register does not answer; nothing was decided."""

    code = "delegation-register-unavailable"
    title_zh = "登记机关服务暂时不可用，请稍后再试"
    title_en = "The register is unavailable"


class PersonNotFound(NotFound):
    """No account was verified with this name and number."""

    code = "person-not-found"
    title_zh = "没有以该身份实名的账号"
    title_en = "No account was verified as this person"
